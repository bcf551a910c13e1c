//! A screen becomes a picture: equal screens give equal pictures.

mod card;
mod colour;
mod line;
mod message;
mod page;
mod qr;
mod test_card;

use std::path::PathBuf;

use embedded_graphics::Drawable;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::{Primitive, PrimitiveStyle, Rectangle, RoundedRectangle};

use super::card::Card;
use super::layout::Layout;
use super::picture::Picture;
use super::style::{Side, Style};
use super::text::Type;
use super::{Body, Place, Screen};
use crate::words::Undrawable;
use colour::{GROUND, MUTED, PANEL, accent};

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

    /// Why `text` is not to be shown in `place`.
    #[must_use]
    pub fn undrawable(&mut self, text: &str, place: Place) -> Option<Undrawable> {
        let (area, style) = match place {
            Place::Message => (self.layout.message, message::MESSAGE),
            Place::Line => (self.layout.line, line::STYLE),
            Place::Page => (self.layout.page, self.page_style()),
        };
        self.text.undrawable(text, area.size, style)
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
        let (title, accent) = (&screen.title, accent(screen.name));
        match &screen.body {
            Body::Message { text } => self.message(title, text, accent),
            Body::Line(line) => self.line(title, line, accent),
            Body::Page { text } => self.page(title, text, accent),
            Body::Card { text } => self.card(title, text, card, accent),
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
        // The picture's error type is Infallible, here and elsewhere.
        let _ = shape
            .into_styled(PrimitiveStyle::with_fill(colour))
            .draw(&mut self.picture);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::screen::{Line, Progress};
    use crate::words::ScreenName;

    fn reading(text: &str) -> Screen {
        Screen {
            name: ScreenName::Reading,
            title: "Lecture".into(),
            body: Body::Line(Line {
                text: text.into(),
                progress: Progress {
                    permille: 400,
                    seconds_left: 61,
                },
                recording: true,
                level: Some(60),
            }),
            hint: "● suivant".into(),
            session_permille: 100,
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
    fn a_text_is_drawable_where_all_of_it_is_drawn() {
        let text = "Une phrase que chacun peut lire sans peine. ".repeat(40);
        let fonts: [&[PathBuf]; 2] = [&[], &["/nonexistent".into()]];
        for (w, h) in [(320, 240), (240, 240), (240, 320)] {
            for fonts in fonts {
                let mut painter = Painter::new(Size::new(w, h), fonts);
                let mut pixels = |text: &str| painter.paint(&reading(text)).clone();
                // Where one more word changes nothing, it is not seen.
                let is_cut = |words: usize| {
                    let text: Vec<&str> = text.split(' ').take(words).collect();
                    let text = text.join(" ");
                    (
                        pixels(&format!("{text} un")) == pixels(&format!("{text} on")),
                        text,
                    )
                };
                let cases = [20, 60, 90, 120, 200, 300].map(is_cut);
                for (words, (is_cut, text)) in [20, 60, 90, 120, 200, 300].iter().zip(cases) {
                    let why = painter.undrawable(&format!("{text} un"), Place::Line);
                    let is_held = why.is_none();
                    assert!(!(is_held && is_cut), "{w}x{h}: {words} words");
                    assert!(is_held || *words > 60, "{w}x{h}: {words} words");
                    assert!(!is_held || *words < 300, "{w}x{h}: {words} words");
                }
                assert_eq!(
                    painter.undrawable("一", Place::Line).is_some(),
                    !fonts.is_empty()
                );
            }
        }
    }

    #[test]
    fn a_soft_hyphen_is_drawn_where_a_line_breaks_at_it_and_nowhere_else() {
        let parts = "Donau dampf schiff fahrts gesell schafts kapit\u{e4}ns m\u{fc}tze".split(' ');
        let parts: Vec<&str> = parts.collect();
        for (w, h) in [(320, 240), (240, 240), (240, 320)] {
            let mut painter = Painter::new(Size::new(w, h), &[]);
            let mut pixels = |text: &str| painter.paint(&reading(text)).clone();
            let soft = pixels(&parts.join("\u{ad}"));
            assert_ne!(soft, pixels(&parts.join("\u{200b}")));
            assert_eq!(pixels("kurz\u{ad}es Wort"), pixels("kurzes Wort"));
        }
    }

    #[test]
    fn no_panel_size_panics() {
        for (w, h) in [(0, 0), (1, 1), (8, 8), (30, 400), (400, 30)] {
            let mut painter = Painter::new(Size::new(w, h), &[]);
            let text: Arc<str> = "Un texte".into();
            painter.paint(&reading(&text));
            for body in [
                Body::Message { text: text.clone() },
                Body::Page { text: text.clone() },
                Body::Card { text },
            ] {
                painter.paint(&Screen {
                    body,
                    ..reading("")
                });
            }
        }
    }
}
