//! The withdrawal code: a QR code, what it is for beside it, and under both the letters.
//!
//! Guarantees: no layout of the letters is kept.

use embedded_graphics::pixelcolor::Rgb565;

use super::colour::{MUTED, TEXT};
use super::{Painter, qr};
use crate::screen::card::Card;
use crate::screen::layout::Layout;
use crate::screen::style::{Side, Style};

impl Painter {
    /// Without a `card` its places stay empty.
    pub(super) fn card(&mut self, title: &str, text: &str, card: Option<&Card>, accent: Rgb565) {
        self.heading(title, accent);
        let Layout {
            qr: field,
            beside_qr,
            contact,
            letters,
            ..
        } = self.layout;
        let code = card.and_then(|card| card.qr.as_ref());
        qr::draw(&mut self.picture, code.map(|code| code.as_str()), field);
        let left = self.page_style();
        self.put(text, beside_qr, left, TEXT);
        let Some(card) = card else { return };
        let side = Side::Middle;
        let middle = Style { side, ..left };
        let loud = Style {
            bold: true,
            side,
            largest: letters.size.height,
        };
        self.put(&card.contact, contact, middle, MUTED);
        self.put(&card.letters, letters, loud, accent);
        self.text.drop_layout(&card.letters);
    }
}

#[cfg(test)]
mod tests {
    use embedded_graphics::geometry::Size;

    use super::*;
    use crate::screen::{Body, Screen};
    use crate::words::ScreenName;

    #[test]
    fn a_code_is_drawn_whole_or_masked_and_no_layout_of_it_is_kept() {
        let card = Card::of(
            zeroize::Zeroizing::new("ABCD-EFGH-JKMN-P".to_owned()),
            "https://example.org/withdraw",
            "desk@example.org",
        );
        let screen = Screen {
            name: ScreenName::Code,
            title: "Votre code".into(),
            body: Body::Card {
                text: "Notez ce code.".into(),
            },
            hint: "● suivant".into(),
            session_permille: 100,
        };
        for (w, h) in [(320, 240), (240, 240), (240, 320), (0, 0), (9, 9)] {
            let mut painter = Painter::new(Size::new(w, h), &[]);
            let shown = painter.paint_with(&screen, Some(&card)).clone();
            let masked = painter.paint_with(&screen, Some(&card.masked())).clone();
            assert_eq!(shown == masked, w < 100);
            assert!(!painter.text.has_layout(&card.letters));
        }
    }
}
