//! One line as a value: its number, its id, and what is to be read or why it is never shown.
//!
//! Guarantees: the text is byte for byte the one in the file.

use std::fmt;

use super::lines::{Found, MAX_LINE_BYTES};

/// Why a line is never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Nothing but white space, or an id and nothing else.
    Empty,
    /// More than [`MAX_LINE_BYTES`].
    TooLong,
    /// Not UTF-8, beginning with this byte of the line, from 1.
    NotUtf8(usize),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Empty => f.write_str("is empty"),
            Unusable::TooLong => write!(f, "is longer than {MAX_LINE_BYTES} bytes"),
            Unusable::NotUtf8(byte) => write!(f, "is not UTF-8 at its byte {byte}"),
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
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(e) => {
                let text = Err(Unusable::NotUtf8(e.valid_up_to() + 1));
                return Line {
                    number,
                    id: None,
                    text,
                };
            }
        };
        let (id, text) = match text.split_once('\t') {
            Some((id, text)) => ((!id.is_empty()).then(|| id.to_owned()), text),
            None => (None, text),
        };
        let empty = text.trim().is_empty();
        Line {
            number,
            id,
            text: if empty {
                Err(Unusable::Empty)
            } else {
                Ok(text.to_owned())
            },
        }
    }

    pub(super) fn found(number: u64, found: Found, bytes: &[u8]) -> Line {
        match found {
            Found::TooLong => Line {
                number,
                id: None,
                text: Err(Unusable::TooLong),
            },
            Found::Whole | Found::End => Line::parse(number, bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_ends_at_the_first_tab() {
        let parse = |text: &str| {
            let line = Line::parse(1, text.as_bytes());
            (line.id, line.text)
        };
        assert_eq!(parse("a7\tb\tc "), (Some("a7".into()), Ok("b\tc ".into())));
        assert_eq!(parse("\tb"), (None, Ok("b".into())));
        assert_eq!(
            parse("a7\t \u{a0}"),
            (Some("a7".into()), Err(Unusable::Empty))
        );
        assert_eq!(parse(""), (None, Err(Unusable::Empty)));
    }
}
