//! A few words outside a step: a large heading, a short line under it, the message.

use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use super::Painter;
use super::colour::TEXT;
use crate::screen::style::{Side, Style};

const TITLE: Style = Style {
    bold: true,
    side: Side::Middle,
    largest: 40,
};
/// A message: shorter than a line of the corpus, so it need not fill the panel.
pub(super) const MESSAGE: Style = Style {
    bold: false,
    side: Side::Middle,
    largest: 40,
};

impl Painter {
    pub(super) fn message(&mut self, title: &str, text: &str, accent: Rgb565) {
        self.put(title, self.layout.title, TITLE, accent);
        self.put(text, self.layout.message, MESSAGE, TEXT);
        self.rule(accent);
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
}
