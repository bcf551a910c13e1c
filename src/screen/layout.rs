//! Where each part of a screen goes, for any panel size.

use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;

/// The parts of a screen as rectangles that do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Recording mark, heading and time left of a running step.
    pub head: Rectangle,
    /// Progress bar of the step.
    pub bar: Rectangle,
    /// The text while a step runs.
    pub line: Rectangle,
    /// The heading of a screen outside a step.
    pub title: Rectangle,
    /// The text of a screen outside a step.
    pub message: Rectangle,
    /// A page of a long text.
    pub page: Rectangle,
    /// The withdrawal code for a camera: square.
    pub qr: Rectangle,
    /// What stands beside it.
    pub beside_qr: Rectangle,
    /// Whom to write to.
    pub contact: Rectangle,
    /// The withdrawal code in letters.
    pub letters: Rectangle,
    /// Live level.
    pub level: Rectangle,
    /// What the buttons do.
    pub hint: Rectangle,
}

impl Layout {
    /// The parts for a panel of `size`.
    #[must_use]
    pub fn of(size: Size) -> Layout {
        let (w, h) = (size.width, size.height);
        // In parts of the shorter side, so that a small panel is a small picture of a large one.
        let unit = w.min(h);
        let margin = unit / 24;
        let (head_h, bar_h, level_h, hint_h) = (unit / 9, unit / 60, unit / 40, unit / 8);
        let part = |top: u32, bottom: u32| {
            Rectangle::new(
                Point::new(margin as i32, top as i32),
                Size::new(w.saturating_sub(2 * margin), bottom.saturating_sub(top)),
            )
        };
        let hint_top = h.saturating_sub(hint_h);
        let level_top = hint_top.saturating_sub(level_h + margin / 2);
        let bar_top = margin / 2 + head_h;
        let page = part(bar_top, hint_top.saturating_sub(margin / 2));
        let (letters_h, contact_h) = (unit / 6, unit / 13);
        let letters_top = page.size.height.saturating_sub(letters_h);
        let contact_top = letters_top.saturating_sub(contact_h);
        // About half the width at most, so that words have room beside it.
        let side = (page.size.width * 13 / 25).min(contact_top.saturating_sub(margin / 2));
        let of_page = |left: u32, top: u32, width: u32, height: u32| {
            Rectangle::new(
                page.top_left + Point::new(left as i32, top as i32),
                Size::new(width, height),
            )
        };
        let beside = side + margin;
        let title_bottom = h * 27 / 100;
        Layout {
            page,
            qr: of_page(0, 0, side, side),
            beside_qr: of_page(beside, 0, page.size.width.saturating_sub(beside), side),
            contact: of_page(0, contact_top, page.size.width, letters_top - contact_top),
            letters: of_page(
                0,
                letters_top,
                page.size.width,
                page.size.height - letters_top,
            ),
            head: part(margin / 2, bar_top),
            bar: part(bar_top, bar_top + bar_h),
            line: part(
                bar_top + bar_h + margin / 2,
                level_top.saturating_sub(margin / 2),
            ),
            title: part(margin, title_bottom),
            message: part(title_bottom + margin, hint_top.saturating_sub(margin)),
            level: part(level_top, level_top + level_h),
            hint: part(hint_top, h),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_inside_and_do_not_overlap() {
        for (w, h) in [(320, 240), (240, 240), (240, 320), (160, 128), (480, 320)] {
            let panel = Rectangle::new(Point::zero(), Size::new(w, h));
            let l = Layout::of(panel.size);
            for parts in [
                vec![l.head, l.bar, l.line, l.level, l.hint],
                vec![l.title, l.message, l.hint],
                vec![l.head, l.page, l.hint],
                vec![l.head, l.qr, l.beside_qr, l.contact, l.letters, l.hint],
            ] {
                for (n, a) in parts.iter().enumerate() {
                    assert_eq!(a.intersection(&panel), *a, "{w}x{h}");
                    assert!(a.size.width > 0 && a.size.height > 0);
                    for b in &parts[n + 1..] {
                        assert!(a.intersection(b).is_zero_sized(), "{w}x{h} {a:?} {b:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn no_size_panics() {
        for (w, h) in [(0, 0), (1, 1), (7, 300), (300, 7)] {
            let _ = Layout::of(Size::new(w, h));
        }
    }
}
