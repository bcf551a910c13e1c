//! Checks every line of a corpus: which will never be shown, and which appear twice.
//!
//! Guarantees: one pass; memory is one buffer and eight bytes a line, for the hashes that find
//! duplicates. Changes nothing; a finding is not an error.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::lines::{Found, LineReader};
use super::{Corpus, CorpusError, Line, Unusable};

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Never shown.
    Unusable(Unusable),
    /// Never shown: this many of its characters have no glyph in the fonts.
    NoGlyph(usize),
    /// Shown; an earlier line has the same text.
    Duplicate,
    /// Shown; an earlier line has the same id, so `line_id` does not distinguish them.
    DuplicateId,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unusable(why) => why.fmt(f),
            Problem::NoGlyph(count) => write!(f, "has {count} characters without a glyph"),
            Problem::Duplicate => f.write_str("repeats the text of a line before"),
            Problem::DuplicateId => f.write_str("repeats the id of a line before"),
        }
    }
}

impl Problem {
    /// One word for machines.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Problem::Unusable(Unusable::Empty) => "empty",
            Problem::Unusable(Unusable::TooLong) => "too_long",
            Problem::Unusable(Unusable::NotUtf8(_)) => "not_utf8",
            Problem::NoGlyph(_) => "no_glyph",
            Problem::Duplicate => "duplicate",
            Problem::DuplicateId => "duplicate_id",
        }
    }
}

/// What a check counted, in lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// All.
    pub lines: u64,
    /// Those that will be shown.
    pub usable: u64,
    /// Without text.
    pub empty: u64,
    /// Longer than the limit.
    pub too_long: u64,
    /// Not UTF-8.
    pub not_utf8: u64,
    /// With a character no font has.
    pub no_glyph: u64,
    /// Shown, with the text of an earlier line.
    pub duplicate: u64,
    /// Shown, with the id of an earlier line.
    pub duplicate_id: u64,
}

impl Summary {
    /// Lines with text that will never be shown; an empty line was left so on purpose.
    #[must_use]
    pub fn never_shown(&self) -> u64 {
        self.too_long + self.not_utf8 + self.no_glyph
    }

    fn count(&mut self, problem: Problem) {
        *match problem {
            Problem::Unusable(Unusable::Empty) => &mut self.empty,
            Problem::Unusable(Unusable::TooLong) => &mut self.too_long,
            Problem::Unusable(Unusable::NotUtf8(_)) => &mut self.not_utf8,
            Problem::NoGlyph(_) => &mut self.no_glyph,
            Problem::Duplicate => &mut self.duplicate,
            Problem::DuplicateId => &mut self.duplicate_id,
        } += 1;
    }
}

/// Checks every line and calls `report` with each problem in the order of the file; `report`
/// returns false to end the check there. `missing_glyphs` counts the characters of a text that no
/// font has.
///
/// # Errors
/// [`CorpusError::Changed`] or the disk's.
pub fn check(
    corpus: &Corpus,
    mut missing_glyphs: impl FnMut(&str) -> usize,
    mut report: impl FnMut(&Line, Problem) -> bool,
) -> Result<Summary, CorpusError> {
    let mut reader = LineReader::new(&corpus.file, corpus.first_byte);
    let (mut bytes, mut summary) = (Vec::new(), Summary::default());
    let (mut texts, mut ids) = (HashSet::new(), HashSet::new());
    while summary.lines < corpus.len() {
        let found = reader.next(&mut bytes).map_err(|e| corpus.read_error(e))?;
        if found == Found::End {
            break;
        }
        summary.lines += 1;
        let line = Line::found(summary.lines, found, &bytes);
        let mut problems = Vec::new();
        match &line.text {
            Err(why) => problems.push(Problem::Unusable(*why)),
            Ok(text) => match missing_glyphs(text) {
                0 => {
                    summary.usable += 1;
                    if !texts.insert(hash(text)) {
                        problems.push(Problem::Duplicate);
                    }
                }
                missing => problems.push(Problem::NoGlyph(missing)),
            },
        }
        if line.text.is_ok() && line.id.as_ref().is_some_and(|id| !ids.insert(hash(id))) {
            problems.push(Problem::DuplicateId);
        }
        for problem in problems {
            summary.count(problem);
            if !report(&line, problem) {
                return Ok(summary);
            }
        }
    }
    corpus.refuse_changed()?;
    Ok(summary)
}

/// 64 bits: among ten million lines two different ones share a hash with a chance of 3 in a million.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As if the fonts had every character but `?`.
    fn problems(body: &[u8]) -> (Vec<(u64, Problem)>, Summary) {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("c.txt");
        std::fs::write(&path, body).expect("write");
        let corpus = Corpus::open(&path, None).expect("corpus");
        let mut all = Vec::new();
        let summary = check(
            &corpus,
            |text| text.matches('?').count(),
            |line, problem| {
                all.push((line.number, problem));
                true
            },
        );
        (all, summary.expect("check"))
    }

    #[test]
    fn each_problem_is_reported_with_its_line() {
        let mut body = b"\xef\xbb\xbfa\r\n\na\n\xff\nid\tb\nid\tc\n".to_vec();
        body.extend([b'x'; 70_000]);
        let (all, summary) = problems(&body);
        let expected = [
            (2, Problem::Unusable(Unusable::Empty)),
            (3, Problem::Duplicate),
            (4, Problem::Unusable(Unusable::NotUtf8(1))),
            (6, Problem::DuplicateId),
            (7, Problem::Unusable(Unusable::TooLong)),
        ];
        assert_eq!(all, expected);
        assert_eq!(
            (summary.lines, summary.usable, summary.never_shown()),
            (7, 4, 2)
        );
    }

    #[test]
    fn a_line_without_a_glyph_is_not_usable() {
        let (all, summary) = problems(b"a?b?\nc\n");
        assert_eq!(all, [(1, Problem::NoGlyph(2))]);
        assert_eq!((summary.usable, summary.never_shown()), (1, 1));
    }
}
