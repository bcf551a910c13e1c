//! One line as a value: its number, its id, and what is to be read or why it is never shown.
//!
//! Guarantees: the text is byte for byte the one in the file; one that is shown can be seen, and is
//! one line.

use std::fmt;

use memchr::memchr;

use super::lines::{Found, MAX_LINE_BYTES};
use crate::words::visible::is_visible;

/// Line breaks that part no lines here, though other programs write them.
const OTHER_BREAKS: [char; 6] = ['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];

/// Why a line is never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Nothing but white space, or an id and nothing else.
    Empty,
    /// Characters, but none that is seen.
    Invisible,
    /// More than [`MAX_LINE_BYTES`].
    TooLong,
    /// Not UTF-8, beginning with this byte of the line, from 1.
    NotUtf8(usize),
    /// A zero at this byte, as in UTF-16 and in files that are no text.
    Zero(usize),
    /// A line break that is no LF at this byte: several lines, for another program.
    LineBreak(usize),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Empty => f.write_str("is empty"),
            Unusable::Invisible => f.write_str("has no character that can be seen"),
            Unusable::TooLong => write!(f, "is longer than {MAX_LINE_BYTES} bytes"),
            Unusable::NotUtf8(byte) => write!(f, "is not UTF-8 at its byte {byte}"),
            Unusable::Zero(byte) => write!(f, "has a zero at its byte {byte}"),
            Unusable::LineBreak(byte) => write!(
                f,
                "has a line break that is no LF (a bare CR or the like) at its byte {byte}"
            ),
        }
    }
}

impl Unusable {
    /// What to do where many lines are so.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Unusable::Empty | Unusable::Invisible | Unusable::TooLong => {
                "write one line per reading"
            }
            Unusable::NotUtf8(_) => "save it as UTF-8 text with one line per reading",
            Unusable::Zero(_) => {
                "save it as UTF-8 text with one line per reading (of UTF-16: `iconv -f UTF-16LE -t \
                 UTF-8 FILE > NEW`)"
            }
            Unusable::LineBreak(_) => {
                "save it with LF at the end of each line (`tr '\\r' '\\n' < FILE > NEW`)"
            }
        }
    }
}

/// One line of the corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Counted from 1, unusable lines too.
    pub number: u64,
    /// The part before the first tab.
    pub id: Option<String>,
    /// What is to be read, or why it is never shown.
    pub text: Result<String, Unusable>,
}

impl Line {
    /// Reads `id<TAB>text` or `text`.
    #[must_use]
    pub fn parse(number: u64, bytes: &[u8]) -> Line {
        // First, because it tells UTF-16 from another eight-bit encoding.
        if let Some(zero) = memchr(0, bytes) {
            return Line::never(number, Unusable::Zero(zero + 1));
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(e) => return Line::never(number, Unusable::NotUtf8(e.valid_up_to() + 1)),
        };
        let (id, text) = match text.split_once('\t') {
            Some((id, text)) => ((!id.is_empty()).then(|| id.to_owned()), text),
            None => (None, text),
        };
        let seen = text.trim();
        let why = if seen.is_empty() {
            Some(Unusable::Empty)
        } else if !is_visible(seen) {
            Some(Unusable::Invisible)
        } else {
            let white = text.len() - text.trim_start().len();
            let before = bytes.len() - text.len() + white;
            let found = seen.find(OTHER_BREAKS);
            found.map(|at| Unusable::LineBreak(before + at + 1))
        };
        Line {
            number,
            id,
            text: why.map_or_else(|| Ok(text.to_owned()), Err),
        }
    }

    fn never(number: u64, why: Unusable) -> Line {
        Line {
            number,
            id: None,
            text: Err(why),
        }
    }

    pub(super) fn found(number: u64, found: Found, bytes: &[u8]) -> Line {
        match found {
            Found::TooLong => Line::never(number, Unusable::TooLong),
            Found::Whole | Found::End => Line::parse(number, bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Option<String>, Result<String, Unusable>) {
        let line = Line::parse(1, text.as_bytes());
        (line.id, line.text)
    }

    #[test]
    fn an_id_ends_at_the_first_tab() {
        assert_eq!(parse("a7\tb\tc "), (Some("a7".into()), Ok("b\tc ".into())));
        assert_eq!(parse("\tb"), (None, Ok("b".into())));
        assert_eq!(
            parse("a7\t \u{a0}"),
            (Some("a7".into()), Err(Unusable::Empty))
        );
        assert_eq!(parse(""), (None, Err(Unusable::Empty)));
    }

    #[test]
    fn a_text_of_which_nothing_is_seen_is_never_shown() {
        for text in [
            "\u{200b}",
            "\u{2060}\u{ad}",
            "a7\t\u{feff}",
            "\u{e0041}",
            "\u{1b}",
        ] {
            assert_eq!(parse(text).1, Err(Unusable::Invisible), "{text:?}");
        }
        assert_eq!(parse("\u{200b}a").1, Ok("\u{200b}a".into()));
    }

    #[test]
    fn a_zero_is_no_text() {
        assert_eq!(parse("\0").1, Err(Unusable::Zero(1)));
        assert_eq!(parse("id\ta\0b").1, Err(Unusable::Zero(5)));
        let utf16 = Line::parse(1, b"O\0\xf9\0 \0").text;
        assert_eq!(utf16, Err(Unusable::Zero(2)));
    }

    #[test]
    fn a_line_that_another_program_would_part_is_never_shown() {
        for (text, byte) in [
            ("One.\rTwo.", 5),
            ("id\t One.\rTwo.\r", 9),
            ("é\u{2028}b", 3),
            ("a\u{b}b", 2),
            ("a\u{c}b", 2),
            ("a\u{85}b", 2),
        ] {
            assert_eq!(parse(text).1, Err(Unusable::LineBreak(byte)), "{text:?}");
        }
        // CR CR LF leaves one at the end, a printer's file one at the beginning of a page.
        assert_eq!(parse("One.\r").1, Ok("One.\r".into()));
        assert_eq!(parse("\u{c}One.").1, Ok("\u{c}One.".into()));
    }
}
