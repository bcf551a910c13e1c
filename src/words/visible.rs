//! What a reader sees of a text.
//!
//! A character that no font draws counts as seen here: whether there is a glyph is asked elsewhere.

use std::borrow::Cow;

use swash::text::{Category, Codepoint};

/// Whether a reader sees anything of `text`: a letter, a figure, a mark of punctuation or a symbol.
#[must_use]
pub fn is_visible(text: &str) -> bool {
    text.chars().any(is_seen)
}

fn is_seen(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_graphic();
    }
    // Letters and symbols by their category, drawn as nothing: Hangul fillers, the Braille cell
    // without a dot, the note head without a head.
    let is_blank = matches!(
        c,
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}' | '\u{1d159}'
    );
    let is_unseen = matches!(
        c.category(),
        Category::Control
            | Category::Format
            | Category::Mark
            | Category::SpacingMark
            | Category::EnclosingMark
            | Category::NonspacingMark
            | Category::Separator
            | Category::LineSeparator
            | Category::ParagraphSeparator
            | Category::SpaceSeparator
    );
    !is_blank && !is_unseen
}

/// The first character of `text` that its author can hardly mean: a control character, a byte order
/// mark in mid-text, what turns the reading direction round, tags beside a flag's, or what a program
/// put where it could not read.
#[must_use]
pub fn stray(text: &str) -> Option<char> {
    let is_flag = text.contains('\u{1f3f4}');
    let is_stray = |c: &char| match c {
        '\t' => false,
        '\u{feff}'
        | '\u{fffd}'
        | '\u{202d}'
        | '\u{202e}'
        | '\u{206a}'..='\u{206f}'
        | '\u{fff9}'..='\u{fffc}' => true,
        '\u{e0000}'..='\u{e007f}' => !is_flag,
        c => c.is_control(),
    };
    text.chars().find(is_stray)
}

/// The text, with each character that `is_spelt` chooses written as an escape, `\u{1b}`.
pub fn spelt(text: &str, is_spelt: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_spelt) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_spelt(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_drawn_as_something_is_visible() {
        for text in ["a", "7", "…", "«", "€", "é", "你", "ก", "🎤", "\u{e000}"] {
            assert!(is_visible(text), "{text:?}");
            assert!(is_visible(&format!("\u{200b}{text}\u{feff}")), "{text:?}");
        }
        for text in [
            "",
            " \t\r",
            "\0",
            "\u{1b}\u{7f}\u{85}",
            "\u{a0}\u{2007}\u{3000}\u{1680}",
            "\u{200b}\u{2060}\u{ad}\u{feff}",
            "\u{200d}\u{200c}\u{200e}\u{202e}\u{2066}\u{61c}",
            "\u{fe0f}\u{e0100}\u{e0041}\u{e0001}",
            "\u{301}\u{20dd}\u{903}",
            "\u{2028}\u{2029}",
            "\u{115f}\u{1160}\u{3164}\u{ffa0}\u{2800}\u{1d159}\u{180e}\u{17b4}",
        ] {
            assert!(!is_visible(text), "{text:?}");
        }
    }

    #[test]
    fn a_stray_character_is_told_from_one_that_a_script_needs() {
        for text in [
            "a\tb",
            "می\u{200c}خواهم",
            "क\u{94d}\u{200d}ष",
            "Donau\u{ad}dampf",
            "שלום\u{200f}!",
            "❤\u{fe0f}",
            "🏴\u{e0067}\u{e0062}\u{e007f}",
            "\u{2067}abc\u{2069}",
            "ภาษา\u{200b}ไทย",
        ] {
            assert_eq!(stray(text), None, "{text:?}");
        }
        for (text, found) in [
            ("a\u{feff}b", '\u{feff}'),
            ("a\u{202e}b", '\u{202e}'),
            ("a\u{7}b", '\u{7}'),
            ("caf\u{fffd}", '\u{fffd}'),
            ("a\u{e0041}", '\u{e0041}'),
        ] {
            assert_eq!(stray(text), Some(found));
        }
    }
}
