//! The test card as a picture: a frame of one pixel at the edge, named corners, an arrow, named
//! colours, and for each thing that can look wrong the key of `[panel]` to change.

use embedded_graphics::Drawable;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::{Rgb565, RgbColor};
use embedded_graphics::primitives::{
    Primitive, PrimitiveStyle, PrimitiveStyleBuilder, Rectangle, StrokeAlignment, Triangle,
};
use embedded_graphics::transform::Transform;

use super::Painter;
use super::colour::{AMBER, GREEN, MUTED, TEXT, TROUGH};
use crate::screen::picture::Picture;
use crate::screen::style::{Side, Style};
use crate::screen::test_card::{Heard, TestCard};

/// The panel's height in rows of the card.
const ROWS: u32 = 24;

const BARS: [(&str, Rgb565, Rgb565); 5] = [
    ("RED", Rgb565::RED, Rgb565::WHITE),
    ("GREEN", Rgb565::GREEN, Rgb565::BLACK),
    ("BLUE", Rgb565::BLUE, Rgb565::WHITE),
    ("WHITE", Rgb565::WHITE, Rgb565::BLACK),
    ("BLACK", Rgb565::BLACK, Rgb565::WHITE),
];

const REMEDIES: [(&str, &str); 6] = [
    ("red and blue swapped", "colors"),
    ("like a negative", "invert"),
    ("arrow not up", "rotation"),
    ("mirror writing", "mirror"),
    ("frame cut or shifted", "offset, width"),
    ("stripes, snow", "hz"),
];

/// Pixels between the edge and what is drawn beside it.
const MARGIN: u32 = 4;

impl Painter {
    /// Paints `card`.
    pub fn paint_test_card(&mut self, card: &TestCard) -> &Picture {
        let _ = self.picture.clear(Rgb565::BLACK);
        self.corners();
        self.arrow();
        self.bars();
        self.remedies();
        self.buttons(card);
        // Last: on a narrow panel a word may reach the edge.
        self.outline(Rectangle::new(Point::zero(), self.picture.size()), TEXT);
        &self.picture
    }

    fn corners(&mut self) {
        let third = self.picture.size().width / 3;
        let right = (2 * third).saturating_sub(MARGIN);
        for (left, side, top, bottom) in [
            (MARGIN, Side::Left, "top left", "bottom left"),
            (right, Side::Right, "top right", "bottom right"),
        ] {
            self.label(top, self.part(left, third, 0, 2), side, MUTED);
            self.label(bottom, self.part(left, third, 22, 2), side, MUTED);
        }
    }

    fn bars(&mut self) {
        for (n, (name, colour, ink)) in (0..).zip(BARS) {
            let bar = column(self.across(4, 4), n, BARS.len() as u32, 0);
            let _ = self.picture.fill_solid(&bar, colour);
            self.name(name, bar, ink);
        }
    }

    fn remedies(&mut self) {
        let Size { width, height } = self.picture.size();
        let keys = width * 3 / 8;
        let words = width.saturating_sub(keys + 2 * MARGIN);
        for (n, (wrong, key)) in (0..).zip(REMEDIES) {
            let down = height / 96 + n * height * 9 / (ROWS * REMEDIES.len() as u32);
            let line = |area: Rectangle| area.translate(Point::new(0, down as i32));
            let (left, right) = (
                self.part(2 * MARGIN, words, 8, 2),
                self.part(words, keys, 8, 2),
            );
            self.label(wrong, line(left), Side::Left, TEXT);
            self.label(key, line(right), Side::Right, AMBER);
        }
    }

    fn buttons(&mut self, card: &TestCard) {
        let all = self.across(18, 3);
        for (n, (name, heard)) in (0..).zip(&card.buttons) {
            let field = column(all, n, card.buttons.len() as u32, MARGIN);
            self.button(&name.to_uppercase(), field, *heard);
        }
        let third = self.picture.size().width / 3;
        let (asked, colour) = if card.is_done() {
            ("all heard", GREEN)
        } else {
            ("press each", TEXT)
        };
        self.label(asked, self.part(third, third, 22, 2), Side::Middle, colour);
    }

    /// `rows` of the card from `row` on, `width` pixels from `left` on.
    fn part(&self, left: u32, width: u32, row: u32, rows: u32) -> Rectangle {
        let height = self.picture.size().height;
        let (top, bottom) = (height * row / ROWS, height * (row + rows) / ROWS);
        let corner = Point::new(left as i32, top as i32);
        Rectangle::new(corner, Size::new(width, bottom - top))
    }

    /// `rows` of the card from `row` on, from one margin to the other.
    fn across(&self, row: u32, rows: u32) -> Rectangle {
        let width = self.picture.size().width.saturating_sub(2 * MARGIN);
        self.part(MARGIN, width, row, rows)
    }

    fn label(&mut self, text: &str, area: Rectangle, side: Side, colour: Rgb565) {
        let largest = (area.size.height * 7 / 10).min(self.text_size());
        let style = Style {
            bold: false,
            side,
            largest,
        };
        self.put(text, area, style, colour);
    }

    fn name(&mut self, text: &str, area: Rectangle, colour: Rgb565) {
        let style = Style {
            bold: true,
            side: Side::Middle,
            largest: self.text_size(),
        };
        let inside = Rectangle::new(
            area.top_left + Point::new(2, 0),
            area.size.saturating_sub(Size::new(4, 0)),
        );
        self.put(text, inside, style, colour);
    }

    fn text_size(&self) -> u32 {
        let Size { width, height } = self.picture.size();
        width.min(height) / 17
    }

    fn outline(&mut self, area: Rectangle, colour: Rgb565) {
        let inside = PrimitiveStyleBuilder::new()
            .stroke_color(colour)
            .stroke_width(1)
            .stroke_alignment(StrokeAlignment::Inside)
            .build();
        let _ = area.into_styled(inside).draw(&mut self.picture);
    }

    /// Upwards, in the middle between the upper corners.
    fn arrow(&mut self) {
        let Size { width, height } = self.picture.size();
        let unit = (height / ROWS) as i32;
        let tip = Point::new((width / 2) as i32, unit / 2);
        let head = Triangle::new(
            tip,
            tip + Point::new(-unit, unit * 3 / 2),
            tip + Point::new(unit, unit * 3 / 2),
        );
        let shaft = Rectangle::new(
            tip + Point::new(-unit / 4, unit * 3 / 2),
            Size::new((unit / 2) as u32 + 1, (unit * 3 / 2) as u32),
        );
        let fill = PrimitiveStyle::with_fill(TEXT);
        let _ = head.into_styled(fill).draw(&mut self.picture);
        let _ = shaft.into_styled(fill).draw(&mut self.picture);
        let beside = self.part(width / 2 + unit as u32, width / 4, 2, 2);
        self.label("up", beside, Side::Left, TEXT);
    }

    fn button(&mut self, name: &str, field: Rectangle, heard: Heard) {
        let ink = match heard {
            Heard::Nothing => MUTED,
            Heard::Down => Rgb565::BLACK,
            Heard::Press => GREEN,
        };
        if heard == Heard::Down {
            let _ = self.picture.fill_solid(&field, AMBER);
        } else {
            let edge = if heard == Heard::Press { GREEN } else { TROUGH };
            self.outline(field, edge);
        }
        self.name(name, field, ink);
    }
}

/// The `n`th of `columns` side by side, `gap` pixels apart.
fn column(area: Rectangle, n: u32, columns: u32, gap: u32) -> Rectangle {
    let pitch = area.size.width / columns.max(1);
    let corner = area.top_left + Point::new((n * pitch) as i32, 0);
    Rectangle::new(
        corner,
        Size::new(pitch.saturating_sub(gap), area.size.height),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(heard: [Heard; 4]) -> TestCard {
        let names = ["go", "redo", "pause", "stop"];
        TestCard {
            buttons: names.into_iter().zip(heard).collect(),
        }
    }

    #[test]
    fn the_frame_is_one_pixel_at_the_very_edge_and_the_colours_are_pure() {
        for (w, h) in [(320, 240), (240, 240), (240, 320), (135, 240)] {
            let mut painter = Painter::new(Size::new(w, h), &[]);
            let picture = painter.paint_test_card(&card([Heard::Nothing; 4]));
            for x in 0..w {
                assert_eq!(picture.pixel(x, 0), TEXT, "{w}x{h}");
                assert_eq!(picture.pixel(x, h - 1), TEXT, "{w}x{h}");
            }
            for y in 0..h {
                assert_eq!(picture.pixel(0, y), TEXT, "{w}x{h}");
                assert_eq!(picture.pixel(w - 1, y), TEXT, "{w}x{h}");
            }
            assert_eq!(picture.pixel(1, h / 2), Rgb565::BLACK, "one pixel");
            let pitch = (w - 8) / 5;
            for (n, (_, colour, _)) in (0..).zip(BARS) {
                assert_eq!(picture.pixel(4 + n * pitch + 1, h * 4 / ROWS + 1), colour);
            }
        }
    }

    #[test]
    fn each_thing_heard_changes_the_picture() {
        let mut painter = Painter::new(Size::new(240, 240), &[]);
        let mut seen: Vec<Picture> = Vec::new();
        for heard in [Heard::Nothing, Heard::Down, Heard::Press] {
            for n in 0..4 {
                let mut all = [Heard::Press; 4];
                all[n] = heard;
                let picture = painter.paint_test_card(&card(all));
                let known = seen.contains(picture);
                assert_eq!(known, heard == Heard::Press && n > 0);
                seen.push(picture.clone());
            }
        }
    }

    #[test]
    fn no_panel_size_panics() {
        for (w, h) in [(0, 0), (1, 1), (9, 9), (30, 400), (400, 30)] {
            let mut painter = Painter::new(Size::new(w, h), &[]);
            painter.paint_test_card(&card([Heard::Down; 4]));
        }
    }
}
