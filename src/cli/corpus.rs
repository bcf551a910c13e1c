//! `booth corpus check FILE` and `booth corpus line FILE N`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::Out;
use super::{Common, Done, Failure};
use crate::corpus::Corpus;
use crate::corpus::check::{self, Summary};
use crate::screen::text::Type;

/// Checks a corpus.
#[derive(Debug, Args)]
pub struct CorpusArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Validates every line: UTF-8, length, glyphs, duplicates. Exit 3 if lines will never be shown.
    Check {
        /// The corpus.
        file: PathBuf,
        /// One JSON object per finding, then one for the whole.
        #[arg(long)]
        json: bool,
    },
    /// Prints line N; control characters are spelt out.
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

/// Runs the command. The index of a corpus in a read-only folder is kept in the data folder; glyphs
/// are checked against the configured fonts.
///
/// # Errors
/// The configuration or the corpus is refused, there is no such line, or it is never shown.
pub fn run(args: &CorpusArgs, common: &Common) -> Result<Done, Failure> {
    let config = common.config()?;
    match &args.what {
        What::Check { file, json } => {
            let fonts = Type::load(&config.fonts);
            if let Some(warning) = fonts.warning() {
                log::warn!("{warning}");
            }
            check(&mut Corpus::open(file, Some(&config.data))?, *json, fonts)
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
        super::printable(&text)
    };
    super::print(&format!("{shown}\n"))
}

fn check(corpus: &mut Corpus, as_json: bool, mut fonts: Type) -> Result<Done, Failure> {
    let mut out = Out::standard();
    let mut written = Ok(());
    let missing_glyphs = |text: &str| fonts.missing_glyphs(text);
    let summary = check::check(corpus, missing_glyphs, |line, problem| {
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
    let end = written.and_then(|()| conclude(&mut out, corpus.path(), &summary, &sha256, as_json));
    super::printed(end.and_then(|()| out.flush()))?;
    Ok(if summary.never_shown() == 0 {
        Done::Well
    } else {
        Done::WithFaults
    })
}

fn conclude(
    out: &mut impl Write,
    path: &Path,
    sum: &Summary,
    sha256: &str,
    as_json: bool,
) -> io::Result<()> {
    if as_json {
        let mut row = serde_json::to_value(sum)?;
        row["corpus"] = json!(path.to_string_lossy());
        row["sha256"] = json!(sha256);
        return writeln!(out, "{row}");
    }
    write!(
        out,
        "{}: {} of {} lines will be shown",
        path.display(),
        sum.usable,
        sum.lines
    )?;
    for (count, what) in [
        (sum.empty, "empty"),
        (sum.too_long, "too long"),
        (sum.not_utf8, "not UTF-8"),
        (sum.no_glyph, "without a glyph"),
        (sum.duplicate, "duplicates"),
        (sum.duplicate_id, "with an id that stood before"),
    ] {
        if count > 0 {
            write!(out, ", {count} {what}")?;
        }
    }
    writeln!(out)
}
