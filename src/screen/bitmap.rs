//! Text in embedded-graphics' bitmap fonts, for a box without font files: a fault must show.
//!
//! Latin only (ISO 8859-15); never needed where fonts are installed.

use embedded_graphics::geometry::Point;
use embedded_graphics::mono_font::iso_8859_15::{FONT_6X10, FONT_7X13, FONT_9X18, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};
use embedded_graphics::{Drawable, geometry::Size};

use super::picture::Picture;
use super::style::{Side, Style};

/// Largest first.
const FONTS: [&MonoFont<'static>; 4] = [&FONT_10X20, &FONT_9X18, &FONT_7X13, &FONT_6X10];

/// Characters of `text` that the font lacks.
pub fn missing(text: &str) -> usize {
    let index = |c: char| FONT_10X20.glyph_mapping.index(c);
    let lacks = |c: &char| !matches!(*c, '?' | '\u{ad}') && index(*c) == index('?');
    plain(text).chars().filter(lacks).count()
}

/// Whether `area` holds `text` at the largest font that the style allows.
pub fn fits(text: &str, area: Size, style: Style) -> bool {
    let allowed = |font: &&&MonoFont<'_>| font.character_size.height <= style.largest.max(10);
    let font = FONTS.iter().find(allowed).unwrap_or(&FONTS[3]);
    is_held(text, area, font)
}

/// Whether `area` holds `text` at the smallest font.
pub fn holds(text: &str, area: Size) -> bool {
    is_held(text, area, FONTS[3])
}

fn is_held(text: &str, area: Size, font: &MonoFont<'_>) -> bool {
    let lines = wrap(&plain(text), columns(font, area));
    lines.len() as u32 * font.character_size.height <= area.height
}

/// Draws `text` in the middle of `area` at the largest size that holds it.
pub fn draw(picture: &mut Picture, text: &str, area: Rectangle, style: Style, colour: Rgb565) {
    let text = plain(text);
    let mut chosen = (FONTS[3], Vec::new());
    for font in FONTS {
        let lines = wrap(&text, columns(font, area.size));
        let fits = lines.len() as u32 * font.character_size.height <= area.size.height;
        chosen = (font, lines);
        if fits && font.character_size.height <= style.largest.max(10) {
            break;
        }
    }
    let (font, lines) = chosen;
    let Size { width, height } = font.character_size;
    let room = (area.size.height / height).max(1) as usize;
    let lines = &lines[..lines.len().min(room)];
    let spare = area.size.height.saturating_sub(lines.len() as u32 * height);
    for (n, line) in lines.iter().enumerate() {
        let free = area
            .size
            .width
            .saturating_sub(line.chars().count() as u32 * width);
        let x = match style.side {
            Side::Left => 0,
            Side::Middle => free / 2,
            Side::Right => free,
        };
        let y = spare / 2 + n as u32 * height;
        let at = area.top_left + Point::new(x as i32, y as i32);
        let style = MonoTextStyle::new(font, colour);
        // The picture's error type is Infallible.
        let _ = Text::with_baseline(line, at, style, Baseline::Top).draw(picture);
    }
}

fn columns(font: &MonoFont<'_>, area: Size) -> usize {
    (area.width / font.character_size.width).max(1) as usize
}

/// Typographic characters as the ones the font has.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '‘' | '’' => out.push('\''),
            '“' | '”' => out.push('"'),
            '–' | '—' | '‑' => out.push('-'),
            '…' => out.push_str("..."),
            '·' => out.push('-'),
            '\u{a0}' | '\u{202f}' | '\t' | '\n' => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Wrapped {
        columns,
        lines: vec![String::new()],
    };
    for word in text.split_whitespace() {
        lines.add(word);
    }
    lines.lines
}

/// Lines of at most so many columns.
struct Wrapped {
    columns: usize,
    lines: Vec<String>,
}

impl Wrapped {
    /// Adds a word: on this line, in part on this line behind a soft hyphen, or on the next; a piece
    /// wider than a line is broken anywhere.
    fn add(&mut self, word: &str) {
        let mut syllables: Vec<&str> = word.split('\u{ad}').collect();
        while !syllables.is_empty() {
            let whole = syllables.concat();
            if self.put(&whole) {
                return;
            }
            let part = |n: &usize| format!("{}-", syllables[..*n].concat());
            let fits = (1..syllables.len()).rev().find(|n| self.has_room(&part(n)));
            let is_new = self.lines.last().is_some_and(String::is_empty);
            match fits {
                Some(n) => {
                    self.put(&part(&n));
                    syllables.drain(..n);
                    self.lines.push(String::new());
                }
                None if is_new => {
                    let letters: Vec<char> = whole.chars().collect();
                    for piece in letters.chunks(self.columns) {
                        if self.lines.last().is_some_and(|line| !line.is_empty()) {
                            self.lines.push(String::new());
                        }
                        self.put(&piece.iter().collect::<String>());
                    }
                    return;
                }
                None => self.lines.push(String::new()),
            }
        }
    }

    fn has_room(&self, part: &str) -> bool {
        let used = self.lines.last().map_or(0, |line| line.chars().count());
        used + usize::from(used > 0) + part.chars().count() <= self.columns
    }

    fn put(&mut self, part: &str) -> bool {
        let has_room = self.has_room(part);
        if let Some(line) = self.lines.last_mut().filter(|_| has_room) {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(part);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_its_columns() {
        for columns in 1..30 {
            for text in [
                "une phrase anticonstitutionnellement longue",
                "une phrase anti\u{ad}consti\u{ad}tutionnelle\u{ad}ment longue",
            ] {
                let lines = wrap(text, columns);
                let widths = lines.iter().map(|line| line.chars().count());
                assert!(widths.max() <= Some(columns), "{lines:?}");
                assert!(!lines.concat().contains('\u{ad}'));
            }
        }
    }

    #[test]
    fn a_soft_hyphen_is_seen_where_a_line_breaks_at_it() {
        assert_eq!(
            wrap("Donau\u{ad}dampf\u{ad}schiff", 11),
            ["Donaudampf-", "schiff"]
        );
        assert_eq!(wrap("Donau\u{ad}dampf", 11), ["Donaudampf"]);
        assert_eq!(wrap("die Donau\u{ad}dampf", 9), ["die", "Donau-", "dampf"]);
        assert_eq!(wrap("abcdef ghi", 3), ["abc", "def", "ghi"]);
    }
}
