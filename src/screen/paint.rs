//! A screen becomes a picture: equal screens give equal pictures.

mod qr;
mod test_card;

use std::path::PathBuf;
use std::sync::Arc;

use embedded_graphics::Drawable;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::{
    Circle, Primitive, PrimitiveStyle, Rectangle, RoundedRectangle,
};

use super::card::Card;
use super::layout::Layout;
use super::picture::Picture;
use super::style::{Side, Style};
use super::text::Type;
use super::{Progress, Screen, pages};
use crate::words::ScreenName;

/// `rgb` of 24 bits as the panel's 16.
const fn colour(rgb: u32) -> Rgb565 {
    Rgb565::new(
        (rgb >> 19) as u8 & 0x1f,
        (rgb >> 10) as u8 & 0x3f,
        (rgb >> 3) as u8 & 0x1f,
    )
}

const GROUND: Rgb565 = colour(0x0c_10_18);
const PANEL: Rgb565 = colour(0x1a_21_2e);
const TEXT: Rgb565 = colour(0xf8_f4_ea);
const MUTED: Rgb565 = colour(0xa8_b4_c4);
const TROUGH: Rgb565 = colour(0x2c_36_46);
const RECORDING: Rgb565 = colour(0xff_40_48);
const GREEN: Rgb565 = colour(0x48_d0_80);
const AMBER: Rgb565 = colour(0xff_b8_40);

/// The text read aloud or in silence.
const LINE: Style = Style {
    bold: false,
    side: Side::Middle,
    largest: 96,
};
/// A message: shorter than a line of the corpus, so it need not fill the panel.
const MESSAGE: Style = Style {
    bold: false,
    side: Side::Middle,
    largest: 40,
};
const TITLE: Style = Style {
    bold: true,
    side: Side::Middle,
    largest: 40,
};

/// A page of a long text, in parts of the shorter side: legible at arm's length on 2 inches.
const PAGE_PARTS: u32 = 13;

/// Draws screens of one size.
#[derive(Debug)]
pub struct Painter {
    picture: Picture,
    layout: Layout,
    text: Type,
}

impl Painter {
    /// A painter for panels of `size` with the fonts of these files; none means the installed ones.
    #[must_use]
    pub fn new(size: Size, fonts: &[PathBuf]) -> Painter {
        Painter {
            picture: Picture::new(size),
            layout: Layout::of(size),
            text: Type::load(fonts),
        }
    }

    /// What is wrong with the fonts and what to do about it.
    #[must_use]
    pub fn warning(&self) -> Option<&str> {
        self.text.warning()
    }

    /// Glyphs of `text` that no font has.
    #[must_use]
    pub fn missing_glyphs(&mut self, text: &str) -> usize {
        self.text.missing_glyphs(text)
    }

    /// Lays out `text` as the next line to read.
    pub fn prepare(&mut self, text: &str) {
        self.text.prepare(text, self.layout.line.size, LINE);
    }

    /// `text` cut into pages for the screen `consent`.
    #[must_use]
    pub fn pages(&mut self, text: &str) -> Vec<Arc<str>> {
        let (style, area) = (self.page_style(), self.layout.page.size);
        pages::cut(text, |page| self.text.fits(page, area, style))
    }

    fn page_style(&self) -> Style {
        let size = self.picture.size();
        Style {
            bold: false,
            side: Side::Left,
            largest: size.width.min(size.height) / PAGE_PARTS,
        }
    }

    /// The picture painted last.
    #[must_use]
    pub fn picture(&self) -> &Picture {
        &self.picture
    }

    /// Paints `screen`.
    pub fn paint(&mut self, screen: &Screen) -> &Picture {
        self.paint_with(screen, None)
    }

    /// Paints `screen`, with the withdrawal code where one is to be seen.
    pub fn paint_with(&mut self, screen: &Screen, card: Option<&Card>) -> &Picture {
        let _ = self.picture.clear(GROUND);
        let accent = accent(screen.name);
        if let Some(card) = card {
            self.heading(&screen.title, accent);
            self.card(&screen.text, card, accent);
        } else if screen.name == ScreenName::Consent {
            self.heading(&screen.title, accent);
            let (page, style) = (self.layout.page, self.page_style());
            self.put(&screen.text, page, style, TEXT);
        } else if let Some(progress) = screen.progress {
            self.head(screen, progress, accent);
            self.put(&screen.text, self.layout.line, LINE, TEXT);
        } else {
            self.put(&screen.title, self.layout.title, TITLE, accent);
            self.put(&screen.text, self.layout.message, MESSAGE, TEXT);
            self.rule(accent);
        }
        if let Some(level) = screen.level {
            self.level(level);
        }
        self.hint(&screen.hint);
        &self.picture
    }

    fn put(&mut self, text: &str, area: Rectangle, style: Style, colour: Rgb565) {
        self.text.draw(&mut self.picture, text, area, style, colour);
    }

    fn fill(&mut self, area: Rectangle, colour: Rgb565) {
        let radius = Size::new_equal(area.size.height.min(area.size.width) / 2);
        let shape = RoundedRectangle::with_equal_corners(area, radius);
        // The picture's error type is Infallible, here and below.
        let _ = shape
            .into_styled(PrimitiveStyle::with_fill(colour))
            .draw(&mut self.picture);
    }

    /// Recording mark, heading, time left; under them the progress bar.
    fn head(&mut self, screen: &Screen, progress: Progress, accent: Rgb565) {
        let Rectangle { top_left, size } = self.layout.head;
        let dot = size.height / 2;
        let small = |side| Style {
            bold: false,
            side,
            largest: size.height * 2 / 3,
        };
        let clock_width = size.height * 5 / 2;
        let title_left = if screen.recording {
            dot + dot * 2 / 3
        } else {
            0
        };
        if screen.recording {
            let corner = top_left + Point::new(0, ((size.height - dot) / 2) as i32);
            let _ = Circle::new(corner, dot)
                .into_styled(PrimitiveStyle::with_fill(RECORDING))
                .draw(&mut self.picture);
        }
        let title = Rectangle::new(
            top_left + Point::new(title_left as i32, 0),
            Size::new(
                size.width.saturating_sub(title_left + clock_width),
                size.height,
            ),
        );
        let clock = Rectangle::new(
            top_left + Point::new(size.width.saturating_sub(clock_width) as i32, 0),
            Size::new(clock_width, size.height),
        );
        let left = progress.seconds_left;
        let time = format!("{}:{:02}", left / 60, left % 60);
        self.put(&screen.title, title, small(Side::Left), MUTED);
        self.put(&time, clock, small(Side::Right), TEXT);
        let bar = self.layout.bar;
        self.fill(bar, TROUGH);
        let done = bar.size.width * u32::from(progress.permille.min(1000)) / 1000;
        self.fill(
            Rectangle::new(bar.top_left, Size::new(done, bar.size.height)),
            accent,
        );
    }

    /// A heading that leaves its screen the most room.
    fn heading(&mut self, title: &str, accent: Rgb565) {
        let area = self.layout.head;
        let style = Style {
            bold: true,
            side: Side::Left,
            largest: area.size.height * 3 / 4,
        };
        self.put(title, area, style, accent);
    }

    /// The QR code, what it is for beside it, and under both the letters.
    fn card(&mut self, text: &str, card: &Card, accent: Rgb565) {
        let Layout {
            qr: field,
            beside_qr,
            contact,
            letters,
            ..
        } = self.layout;
        let qr = card.qr.as_ref().map(|qr| qr.as_str());
        qr::draw(&mut self.picture, qr, field);
        let (left, bold) = (self.page_style(), true);
        let side = Side::Middle;
        let middle = Style { side, ..left };
        let largest = letters.size.height;
        let loud = Style {
            bold,
            side,
            largest,
        };
        self.put(text, beside_qr, left, TEXT);
        self.put(&card.contact, contact, middle, MUTED);
        self.put(&card.letters, letters, loud, accent);
        self.text.drop_layout(&card.letters);
    }

    /// A short line of the accent between heading and message.
    fn rule(&mut self, accent: Rgb565) {
        let title = self.layout.title;
        let size = Size::new(title.size.width / 6, self.layout.bar.size.height.max(2));
        let x = title.top_left.x + ((title.size.width - size.width) / 2) as i32;
        let gap = self.layout.message.top_left.y - title.top_left.y - title.size.height as i32;
        let y = title.top_left.y + title.size.height as i32 + gap / 3;
        self.fill(Rectangle::new(Point::new(x, y), size), accent);
    }

    /// Live level in 24 cells: green, then amber, then red.
    fn level(&mut self, level: u8) {
        const CELLS: u32 = 24;
        let Rectangle { top_left, size } = self.layout.level;
        let pitch = size.width / CELLS;
        let lit = (u32::from(level.min(100)) * CELLS).div_ceil(100);
        let x0 = top_left.x + ((size.width - pitch * CELLS) / 2) as i32;
        for cell in 0..CELLS {
            let colour = match cell {
                c if c >= lit => TROUGH,
                0..17 => GREEN,
                17..22 => AMBER,
                _ => RECORDING,
            };
            let corner = Point::new(x0 + (cell * pitch) as i32, top_left.y);
            let area = Rectangle::new(corner, Size::new(pitch.saturating_sub(2), size.height));
            let _ = self.picture.fill_solid(&area, colour);
        }
    }

    fn hint(&mut self, hint: &str) {
        if hint.is_empty() {
            return;
        }
        let area = self.layout.hint;
        let strip = Rectangle::new(
            Point::new(0, area.top_left.y),
            Size::new(
                area.size.width + 2 * area.top_left.x as u32,
                area.size.height,
            ),
        );
        let _ = self.picture.fill_solid(&strip, PANEL);
        let style = Style {
            bold: false,
            side: Side::Middle,
            largest: area.size.height * 6 / 10,
        };
        self.put(hint, area, style, MUTED);
    }
}

/// The colour of a kind of screen: seen from afar before a word is read.
fn accent(name: ScreenName) -> Rgb565 {
    match name {
        ScreenName::Attract | ScreenName::Thanks => colour(0x3c_d0_c0),
        ScreenName::Consent | ScreenName::Intro | ScreenName::Resume | ScreenName::Question => {
            colour(0x60_a8_ff)
        }
        ScreenName::Reading | ScreenName::Code => AMBER,
        ScreenName::Quiet => colour(0xb0_90_ff),
        ScreenName::Paused | ScreenName::Menu => MUTED,
        ScreenName::Over => GREEN,
        ScreenName::Fault | ScreenName::Withdraw => colour(0xff_80_58),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str) -> Screen {
        Screen {
            name: ScreenName::Reading,
            title: "Lecture".into(),
            text: text.into(),
            hint: "● suivant".into(),
            progress: Some(Progress {
                permille: 400,
                seconds_left: 61,
            }),
            session_permille: 100,
            recording: true,
            level: Some(60),
        }
    }

    #[test]
    fn equal_screens_give_equal_pictures() {
        let size = Size::new(320, 240);
        let mut painter = Painter::new(size, &[]);
        let first = painter.paint(&reading("Bonjour")).clone();
        painter.prepare("Autre chose");
        painter.paint(&reading("Autre chose"));
        assert_ne!(*painter.picture(), first);
        assert_eq!(*painter.paint(&reading("Bonjour")), first);
        assert_eq!(*Painter::new(size, &[]).paint(&reading("Bonjour")), first);
    }

    #[test]
    fn a_code_is_drawn_whole_or_masked_and_no_layout_of_it_is_kept() {
        let card = Card::of(
            zeroize::Zeroizing::new("ABCD-EFGH-JKMN-P".to_owned()),
            "https://example.org/withdraw",
            "desk@example.org",
        );
        let screen = Screen {
            name: ScreenName::Code,
            progress: None,
            ..reading("Notez ce code.")
        };
        for (w, h) in [(320, 240), (240, 240), (240, 320), (0, 0), (9, 9)] {
            let mut painter = Painter::new(Size::new(w, h), &[]);
            let shown = painter.paint_with(&screen, Some(&card)).clone();
            let masked = painter.paint_with(&screen, Some(&card.masked())).clone();
            assert_eq!(shown == masked, w < 100);
            assert!(!painter.text.has_layout(&card.letters));
        }
    }

    #[test]
    fn a_long_text_is_cut_into_pages_at_a_legible_size() {
        let text = "Une phrase que chacun peut lire sans peine. ".repeat(30);
        for (w, h) in [(320, 240), (240, 240), (240, 320)] {
            let mut painter = Painter::new(Size::new(w, h), &[]);
            let pages = painter.pages(&text);
            assert!((4..16).contains(&pages.len()), "{} pages", pages.len());
        }
    }

    #[test]
    fn no_panel_size_panics() {
        for (w, h) in [(0, 0), (1, 1), (8, 8), (30, 400), (400, 30)] {
            let mut painter = Painter::new(Size::new(w, h), &[]);
            painter.paint(&reading("Un texte"));
            painter.paint(&Screen {
                progress: None,
                ..reading("Un texte")
            });
        }
    }
}
