//! `booth corpus check FILE` and `booth corpus line FILE N`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::Out;
use super::{Common, Done, Failure, could_not};
use crate::board::profile::Profile;
use crate::config::Config;
use crate::corpus::Corpus;
use crate::corpus::check::{self, Summary};
use crate::corpus::read_lines::{self, Survey};
use crate::corpus::shape::Shape;
use crate::screen::Place;
use crate::screen::paint::Painter;

/// Checks a corpus.
#[derive(Debug, Args)]
pub struct CorpusArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Validates every line: UTF-8, length, glyphs, room on the panel, duplicates. Exit 3 if lines will
    /// never be shown, 1 if none will.
    Check {
        /// The corpus.
        file: PathBuf,
        /// For the panel of this board, instead of the configuration's
        #[arg(long, value_name = "NAME")]
        board: Option<String>,
        /// One JSON object per finding, then one for the whole.
        #[arg(long)]
        json: bool,
    },
    /// Prints line N; on a terminal its control characters are spelt out.
    Line {
        /// The corpus.
        file: PathBuf,
        /// Its number, from 1.
        n: u64,
        /// As a JSON object: line, line_id, text.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command. The index of a corpus in a read-only folder is kept in the data folder; lines are
/// laid out with the configured fonts for the configured board.
///
/// # Errors
/// The configuration or the corpus is refused, there is no such line, or it is never shown.
pub fn run(args: &CorpusArgs, common: &Common) -> Result<Done, Failure> {
    let config = common.config()?;
    match &args.what {
        What::Check { file, json, board } => {
            let board = board.as_ref().unwrap_or(&config.board);
            let profile =
                Profile::load(board).map_err(|error| Failure::Usage(error.to_string()))?;
            let painter = Painter::new(profile.panel.size(), &config.fonts);
            if let Some(warning) = painter.warning() {
                log::warn!("{warning}");
            }
            let mut corpus = Corpus::open(file, Some(&config.data))?;
            check(&mut corpus, *json, painter, &config)
        }
        What::Line { file, n, json } => line(&Corpus::open(file, Some(&config.data))?, *n, *json),
    }
}

fn line(corpus: &Corpus, number: u64, as_json: bool) -> Result<Done, Failure> {
    let line = corpus.line(number)?;
    let text = line.text.map_err(|why| {
        let path = corpus.path().display();
        Failure::CouldNot(format!(
            "corpus {path}: line {number} {why}, so it is never shown; correct it"
        ))
    })?;
    let shown = if as_json {
        json!({ "line": number, "line_id": line.id, "text": text }).to_string()
    } else {
        text
    };
    super::print(&format!("{shown}\n"))
}

fn check(
    corpus: &mut Corpus,
    as_json: bool,
    mut painter: Painter,
    config: &Config,
) -> Result<Done, Failure> {
    let mut out = Out::standard();
    let mut written = Ok(());
    let undrawable = |text: &str| painter.undrawable(text, Place::Line);
    let summary = check::check(corpus, undrawable, |line, problem| {
        written = if as_json {
            let (word, text) = (problem.word(), problem.to_string());
            let row =
                json!({ "line": line.number, "line_id": line.id, "problem": word, "text": text });
            writeln!(out, "{row}")
        } else {
            writeln!(out, "line {} {problem}", line.number)
        };
        written.is_ok()
    })?;
    // The file is in memory now, so the hash needs no second reading at the booth.
    let sha256 = corpus.learn_sha256()?;
    let (seed, shard) = (config.corpus.seed, config.corpus.shard.parse());
    let shard = shard.map_err(|error| Failure::Usage(format!("corpus.shard: {error}")))?;
    let read = read_lines::survey(corpus, &config.data, seed, shard).map_err(could_not)?;
    let end = written.and_then(|()| {
        if as_json {
            as_row(&mut out, corpus, &summary, &sha256, read)
        } else {
            as_words(&mut out, corpus, &summary, read)
        }
    });
    super::printed(end.and_then(|()| out.flush()))?;
    if summary.usable == 0 {
        return Err(could_not(format!(
            "corpus {}: none of its {} lines will be shown",
            corpus.path().display(),
            summary.lines
        )));
    }
    Ok(if summary.never_shown() == 0 {
        Done::Well
    } else {
        Done::WithFaults
    })
}

fn as_row(
    out: &mut impl Write,
    corpus: &Corpus,
    sum: &Summary,
    sha256: &str,
    read: Option<Survey>,
) -> io::Result<()> {
    let mut row = serde_json::to_value(sum)?;
    row["corpus"] = json!(corpus.path().to_string_lossy());
    row["sha256"] = json!(sha256);
    row["shape"] = json!(corpus.shape().map(Shape::word));
    row["read"] = json!(read.map(|it| it.read));
    row["to_come"] = json!(read.map(|it| it.to_come));
    row["gone"] = json!(read.map(|it| it.gone));
    writeln!(out, "{row}")
}

fn as_words(
    out: &mut impl Write,
    corpus: &Corpus,
    sum: &Summary,
    read: Option<Survey>,
) -> io::Result<()> {
    let path = corpus.path().display();
    write!(
        out,
        "{path}: {} of {} lines will be shown",
        sum.usable, sum.lines
    )?;
    for (count, what) in [
        (sum.empty, "empty"),
        (sum.invisible, "without a character that can be seen"),
        (sum.too_long, "too long"),
        (sum.not_utf8, "not UTF-8"),
        (sum.zero, "with a zero"),
        (sum.line_break, "with a line break inside"),
        (sum.no_glyph, "without a glyph"),
        (sum.no_room, "that do not fit the panel"),
        (sum.stray, "with a character that is hardly meant"),
        (sum.duplicate, "duplicates"),
        (sum.duplicate_id, "with an id that stood before"),
    ] {
        if count > 0 {
            write!(out, ", {count} {what}")?;
        }
    }
    writeln!(out)?;
    if let Some(read) = read {
        writeln!(out, "{path}: {read}")?;
    }
    match corpus.shape() {
        Some(shape) => writeln!(out, "{path}: {shape}"),
        None => Ok(()),
    }
}
