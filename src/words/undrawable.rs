//! Why a text is not shown on a panel.

use std::fmt;

/// Why a text that can be read is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undrawable {
    /// So many of its characters have no glyph in the fonts.
    NoGlyph(usize),
    /// Its end would be cut off, at the smallest size too.
    NoRoom,
}

impl fmt::Display for Undrawable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undrawable::NoGlyph(1) => f.write_str("has 1 character without a glyph"),
            Undrawable::NoGlyph(count) => write!(f, "has {count} characters without a glyph"),
            Undrawable::NoRoom => f.write_str("does not fit the panel at the smallest size"),
        }
    }
}

impl Undrawable {
    /// What to do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Undrawable::NoGlyph(_) => {
                "install fonts-noto-core (fonts-noto-cjk for Chinese, Japanese and Korean), or name \
                 font files in `fonts`"
            }
            Undrawable::NoRoom => "shorten it, or part it in two",
        }
    }
}
