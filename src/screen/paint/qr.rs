//! A text as a QR code that a telephone reads from the panel.
//!
//! Guarantees: dark on white with the quiet zone that the standard asks for, each module the same
//! number of pixels; a text too long for the field leaves it empty, for half a code is none.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::{Rgb565, RgbColor};
use embedded_graphics::primitives::Rectangle;
use qrcodegen_no_heap::{QrCode, QrCodeEcc, Version};
use zeroize::Zeroizing;

use super::colour::TROUGH;
use crate::screen::picture::Picture;

/// Light modules around the code (ISO/IEC 18004).
const QUIET: u32 = 4;
/// 97 modules a side: at one pixel each still within every panel's field.
const LARGEST: Version = Version::new(20);

/// Draws `text` into the middle of `field`; `None`, or what does not fit, leaves it empty.
pub(super) fn draw(picture: &mut Picture, text: Option<&str>, field: Rectangle) {
    let mut modules = Zeroizing::new(vec![0; LARGEST.buffer_len()]);
    let mut work = Zeroizing::new(vec![0; LARGEST.buffer_len()]);
    let code = text.and_then(|text| {
        let first = Version::new(1);
        // What is left of the version is used for correction: large modules matter more.
        let ecc = QrCodeEcc::Low;
        let encoded = QrCode::encode_text(
            text,
            &mut work,
            &mut modules,
            ecc,
            first,
            LARGEST,
            None,
            true,
        );
        encoded.ok()
    });
    let pitch = |code: &QrCode<'_>| {
        let modules = code.size() as u32 + 2 * QUIET;
        field.size.width.min(field.size.height) / modules
    };
    let code = code.map(|code| (pitch(&code), code));
    let code = code.filter(|(pitch, _)| *pitch > 0);
    let ground = if code.is_some() {
        Rgb565::WHITE
    } else {
        TROUGH
    };
    // The picture's error type is Infallible.
    let _ = picture.fill_solid(&field, ground);
    let Some((pitch, code)) = code else { return };
    let size = code.size() as u32;
    let free = field.size - Size::new_equal(size * pitch);
    let corner = field.top_left + Point::new(free.width as i32 / 2, free.height as i32 / 2);
    for (x, y) in (0..size as i32).flat_map(|y| (0..size as i32).map(move |x| (x, y))) {
        if code.get_module(x, y) {
            let at = corner + Point::new(x, y) * pitch as i32;
            let module = Rectangle::new(at, Size::new_equal(pitch));
            let _ = picture.fill_solid(&module, Rgb565::BLACK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str, side: u32) -> Picture {
        let mut picture = Picture::new(Size::new_equal(side));
        let field = Rectangle::new(Point::zero(), Size::new_equal(side));
        draw(&mut picture, Some(text), field);
        picture
    }

    fn dark(picture: &Picture) -> usize {
        let pixels = picture.pixels().iter();
        pixels.filter(|pixel| **pixel == Rgb565::BLACK).count()
    }

    #[test]
    fn a_code_has_its_quiet_zone_and_whole_modules() {
        let picture = drawn("https://example.org/withdraw#ABCD-EFGH-JKMN-P", 120);
        // 29 modules and 8 of quiet at 3 pixels: 120 - 29 * 3 leaves 16 on the left.
        for y in 0..120 {
            for x in (0..16).chain(104..120) {
                assert_eq!(picture.pixel(x, y), Rgb565::WHITE, "{x} {y}");
            }
        }
        assert_eq!(picture.pixel(16, 16), Rgb565::BLACK);
        assert!(dark(&picture).is_multiple_of(9) && dark(&picture) > 2000);
    }

    #[test]
    fn what_does_not_fit_is_not_half_drawn() {
        assert_eq!(dark(&drawn(&"x".repeat(5000), 120)), 0);
        assert_eq!(dark(&drawn("a code", 20)), 0);
    }
}
