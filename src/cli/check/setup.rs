//! What the configuration names: fonts, language, protocol, corpus.

use std::path::Path;

use super::Finding;
use crate::board::profile::Profile;
use crate::booth::texts;
use crate::config::Config;
use crate::corpus::Corpus;
use crate::corpus::read_lines::{self, ReadError, Survey};
use crate::corpus::shape::Shape;
use crate::embedded::CORPORA;
use crate::lang::{self, Lang, Locale};
use crate::screen::Place;
use crate::screen::paint::Painter;
use crate::screen::text::Type;
use crate::session::protocol::Protocol;

/// Lines of the corpus that are checked, spread evenly: the whole may be a gigabyte.
const LINES: u64 = 1000;

/// Whether there is anything to draw text with.
pub fn fonts(config: &Config) -> Finding {
    match Type::load(&config.fonts).warning() {
        Some(warning) => Finding::warn(
            "fonts",
            warning,
            "install fonts-noto-core, or name files in `fonts`",
        ),
        None => Finding::ok("fonts", "loaded"),
    }
}

/// The fixed words of the screens.
pub fn language(config: &Config) -> Finding {
    match Lang::load(&config.language) {
        Ok(_) => Finding::ok("language", &config.language),
        Err(error) => Finding::error("language", error),
    }
}

/// The experiment, for other checks too.
pub fn protocol(config: &Config) -> (Option<Protocol>, Finding) {
    match Protocol::load(&config.protocol, &[&config.folder.join("protocol")]) {
        Ok(protocol) => {
            let finding = texts(config, &protocol).unwrap_or_else(|| {
                let (steps, minutes) = (protocol.steps.len(), seconds(&protocol).div_ceil(60));
                let text = format!("{}: {steps} steps, {minutes} min", protocol.name);
                Finding::ok("protocol", text)
            });
            (Some(protocol), finding)
        }
        Err(error) => (None, Finding::error("protocol", error)),
    }
}

/// What is wrong with a protocol's texts on this box, if its language and its board are known.
fn texts(config: &Config, protocol: &Protocol) -> Option<Finding> {
    let locale = Locale::load(&config.language, &config.corpus).ok()?;
    let panel = Profile::load(&config.board).ok()?.panel;
    let mut painter = Painter::new(panel.size(), &config.fonts);
    if let Err(error) = texts::shown(protocol, config, &locale, &mut painter) {
        return Some(Finding::error("protocol", error));
    }
    let other = texts::in_other_languages(protocol, &locale);
    let (step, language) = other.first()?;
    let text = format!(
        "{}: the text of step {step:?} is shown in {language}",
        protocol.name
    );
    let remedy = format!("add text.{} to each step", locale.name);
    Some(Finding::warn("protocol", text, remedy))
}

/// How long all steps of a protocol last.
pub fn seconds(protocol: &Protocol) -> u64 {
    let steps = protocol.steps.iter();
    steps.map(|step| u64::from(step.seconds)).sum()
}

/// Whether the text opens, and its lines can be drawn.
pub fn corpus(config: &Config, protocol: Option<&Protocol>) -> Finding {
    if protocol.is_some_and(|protocol| !protocol.reads()) {
        return Finding::ok("corpus", "none needed, no step reads");
    }
    let path = lang::corpus_of(&config.language, &config.corpus);
    if !path.exists() && CORPORA.iter().any(|(name, _)| path.ends_with(name)) {
        let text = format!("{}: not there, the built-in sample is read", path.display());
        return Finding::warn("corpus", text, "name your own text in `corpus.path`");
    }
    match look(path, config) {
        Ok(found) if found.bad == found.looked => Finding::fail(
            "corpus",
            format!(
                "{}: none of {} lines can be shown",
                path.display(),
                found.looked
            ),
            "see why with `booth corpus check`",
        ),
        Ok(found) if found.bad > 0 => Finding::warn(
            "corpus",
            format!(
                "{}: {} of {} lines cannot be shown",
                path.display(),
                found.bad,
                found.looked
            ),
            "see which with `booth corpus check`",
        ),
        Ok(found) => {
            let (lines, looked) = (found.lines, found.looked);
            let read = found.read.map_or(String::new(), |read| format!("; {read}"));
            let text = format!(
                "{}: {lines} lines, {looked} looked at{read}",
                path.display()
            );
            match found.shape {
                Some(shape) => Finding::warn("corpus", text, shape.to_string()),
                None => Finding::ok("corpus", text),
            }
        }
        Err(error) => Finding::error("corpus", error),
    }
}

/// What was found in a corpus.
struct Look {
    lines: u64,
    /// Lines checked, and those of them that will never be shown.
    looked: u64,
    bad: u64,
    shape: Option<Shape>,
    read: Option<Survey>,
}

fn look(path: &Path, config: &Config) -> Result<Look, ReadError> {
    let data = config.data.is_dir().then_some(config.data.as_path());
    let mut corpus = Corpus::open(path, data)?;
    let mut read = None;
    if let Ok(shard) = config.corpus.shard.parse() {
        corpus.refuse_empty_shard(shard)?;
        if let Some(data) = data {
            read = read_lines::survey(&mut corpus, data, config.corpus.seed, shard)?;
        }
    }
    // Where the board is unknown, which is a finding of its own, glyphs alone are asked for.
    let mut painter = Profile::load(&config.board)
        .map(|board| Painter::new(board.panel.size(), &config.fonts))
        .map_err(|_| Type::load(&config.fonts));
    let (lines, mut looked, mut bad) = (corpus.len(), 0, 0);
    let mut number = 1;
    while number <= lines {
        let text = corpus.line(number)?.text;
        looked += 1;
        let is_shown = text.is_ok_and(|text| match &mut painter {
            Ok(painter) => painter.undrawable(&text, Place::Line).is_none(),
            Err(letters) => letters.missing_glyphs(&text) == 0,
        });
        bad += u64::from(!is_shown);
        number += (lines / LINES).max(1);
    }
    Ok(Look {
        lines,
        looked,
        bad,
        shape: corpus.shape(),
        read,
    })
}
