//! A page of a long text, at a size that is legible at arm's length.

use std::sync::Arc;

use embedded_graphics::geometry::OriginDimensions;
use embedded_graphics::pixelcolor::Rgb565;

use super::Painter;
use super::colour::TEXT;
use crate::screen::pages;
use crate::screen::style::{Side, Style};

/// A page of a long text, in parts of the shorter side: legible at arm's length on 2 inches.
const PAGE_PARTS: u32 = 13;

impl Painter {
    /// `text` cut into pages for the screen `consent`.
    #[must_use]
    pub fn pages(&mut self, text: &str) -> Vec<Arc<str>> {
        let (style, area) = (self.page_style(), self.layout.page.size);
        pages::cut(text, |page| self.text.fits(page, area, style))
    }

    pub(super) fn page_style(&self) -> Style {
        let size = self.picture.size();
        Style {
            bold: false,
            side: Side::Left,
            largest: size.width.min(size.height) / PAGE_PARTS,
        }
    }

    pub(super) fn page(&mut self, title: &str, text: &str, accent: Rgb565) {
        self.heading(title, accent);
        let (page, style) = (self.layout.page, self.page_style());
        self.put(text, page, style, TEXT);
    }
}

#[cfg(test)]
mod tests {
    use embedded_graphics::geometry::Size;

    use super::*;

    #[test]
    fn a_long_text_is_cut_into_pages_at_a_legible_size() {
        let text = "Une phrase que chacun peut lire sans peine. ".repeat(30);
        for (w, h) in [(320, 240), (240, 240), (240, 320)] {
            let mut painter = Painter::new(Size::new(w, h), &[]);
            let pages = painter.pages(&text);
            assert!((4..16).contains(&pages.len()), "{} pages", pages.len());
        }
    }
}
