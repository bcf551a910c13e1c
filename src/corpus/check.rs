//! Checks every line of a corpus: which will never be shown, and which appear twice.
//!
//! Guarantees: one pass; memory is one buffer and eight bytes a line, for the hashes that find
//! duplicates. Changes nothing; a finding is not an error.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Corpus, CorpusError, Line, Unusable};
use crate::words::{Undrawable, visible};

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Never shown.
    Unusable(Unusable),
    /// Never shown either.
    Undrawable(Undrawable),
    /// Shown; this character is hardly meant.
    Stray(char),
    /// Shown; an earlier line has the same text.
    Duplicate,
    /// Shown; an earlier line has the same id, so `line_id` does not distinguish them.
    DuplicateId,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unusable(why) => why.fmt(f),
            Problem::Undrawable(why) => why.fmt(f),
            Problem::Stray(c) => write!(f, "has U+{:04X}, which is hardly meant", u32::from(*c)),
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
            Problem::Unusable(Unusable::Invisible) => "invisible",
            Problem::Unusable(Unusable::TooLong) => "too_long",
            Problem::Unusable(Unusable::NotUtf8(_)) => "not_utf8",
            Problem::Unusable(Unusable::Zero(_)) => "zero",
            Problem::Unusable(Unusable::LineBreak(_)) => "line_break",
            Problem::Undrawable(Undrawable::NoGlyph(_)) => "no_glyph",
            Problem::Undrawable(Undrawable::NoRoom) => "no_room",
            Problem::Stray(_) => "stray",
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
    /// Without a character that is seen.
    pub invisible: u64,
    /// Longer than the limit.
    pub too_long: u64,
    /// Not UTF-8.
    pub not_utf8: u64,
    /// With a zero.
    pub zero: u64,
    /// With a line break that is no LF.
    pub line_break: u64,
    /// With a character no font has.
    pub no_glyph: u64,
    /// Cut at the panel's edge.
    pub no_room: u64,
    /// Shown, with a character that is hardly meant.
    pub stray: u64,
    /// Shown, with the text of an earlier line.
    pub duplicate: u64,
    /// Shown, with the id of an earlier line.
    pub duplicate_id: u64,
}

impl Summary {
    /// Lines with text that will never be shown; an empty line was left so on purpose.
    #[must_use]
    pub fn never_shown(&self) -> u64 {
        self.lines - self.usable - self.empty
    }

    fn count(&mut self, problem: Problem) {
        *match problem {
            Problem::Unusable(Unusable::Empty) => &mut self.empty,
            Problem::Unusable(Unusable::Invisible) => &mut self.invisible,
            Problem::Unusable(Unusable::TooLong) => &mut self.too_long,
            Problem::Unusable(Unusable::NotUtf8(_)) => &mut self.not_utf8,
            Problem::Unusable(Unusable::Zero(_)) => &mut self.zero,
            Problem::Unusable(Unusable::LineBreak(_)) => &mut self.line_break,
            Problem::Undrawable(Undrawable::NoGlyph(_)) => &mut self.no_glyph,
            Problem::Undrawable(Undrawable::NoRoom) => &mut self.no_room,
            Problem::Stray(_) => &mut self.stray,
            Problem::Duplicate => &mut self.duplicate,
            Problem::DuplicateId => &mut self.duplicate_id,
        } += 1;
    }
}

/// Checks every line and calls `report` with each problem in the order of the file; `report`
/// returns false to end the check there. `undrawable` says why a text is not drawn.
///
/// # Errors
/// [`CorpusError::Changed`] or the disk's.
pub fn check(
    corpus: &Corpus,
    mut undrawable: impl FnMut(&str) -> Option<Undrawable>,
    mut report: impl FnMut(&Line, Problem) -> bool,
) -> Result<Summary, CorpusError> {
    let mut summary = Summary::default();
    let (mut texts, mut ids) = (HashSet::new(), HashSet::new());
    corpus.each_line(|line| {
        summary.lines += 1;
        let mut problems = Vec::new();
        match &line.text {
            Err(why) => problems.push(Problem::Unusable(*why)),
            Ok(text) => match undrawable(text) {
                None => {
                    summary.usable += 1;
                    problems.extend(stray_in(line, text).map(Problem::Stray));
                    if !texts.insert(hash(text)) {
                        problems.push(Problem::Duplicate);
                    }
                }
                Some(why) => problems.push(Problem::Undrawable(why)),
            },
        }
        if line.text.is_ok() && line.id.as_ref().is_some_and(|id| !ids.insert(hash(id))) {
            problems.push(Problem::DuplicateId);
        }
        problems.into_iter().all(|problem| {
            summary.count(problem);
            report(line, problem)
        })
    })?;
    Ok(summary)
}

/// A character of id or text that is hardly meant.
fn stray_in(line: &Line, text: &str) -> Option<char> {
    let id = line.id.as_deref().and_then(visible::stray);
    id.or_else(|| visible::stray(text))
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

    /// As if the fonts had every character but `?`, and the panel room for nine.
    fn problems(body: &[u8]) -> (Vec<(u64, Problem)>, Summary) {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("c.txt");
        std::fs::write(&path, body).expect("write");
        let corpus = Corpus::open(&path, None).expect("corpus");
        let mut all = Vec::new();
        let undrawable = |text: &str| match text.matches('?').count() {
            0 => (text.len() > 9).then_some(Undrawable::NoRoom),
            missing => Some(Undrawable::NoGlyph(missing)),
        };
        let summary = check(&corpus, undrawable, |line, problem| {
            all.push((line.number, problem));
            true
        });
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
    fn a_line_without_a_glyph_or_without_room_is_not_usable() {
        let (all, summary) = problems(b"a?b?\nc\n0123456789\n");
        let expected = [
            (1, Problem::Undrawable(Undrawable::NoGlyph(2))),
            (3, Problem::Undrawable(Undrawable::NoRoom)),
        ];
        assert_eq!(all, expected);
        assert_eq!((summary.usable, summary.never_shown()), (1, 2));
    }

    #[test]
    fn what_is_not_seen_is_never_shown_and_what_is_hardly_meant_is_named() {
        let body = "a\n\u{200b}\n\0\nb\rc\nd\u{7}\nx\u{feff}\te\nf\n";
        let (all, summary) = problems(body.as_bytes());
        let expected = [
            (2, Problem::Unusable(Unusable::Invisible)),
            (3, Problem::Unusable(Unusable::Zero(1))),
            (4, Problem::Unusable(Unusable::LineBreak(2))),
            (5, Problem::Stray('\u{7}')),
            (6, Problem::Stray('\u{feff}')),
        ];
        assert_eq!(all, expected);
        assert_eq!((summary.usable, summary.never_shown()), (4, 3));
    }
}
