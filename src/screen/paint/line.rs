//! A text while a step's time runs: recording mark, heading and time left above it, level below.

use embedded_graphics::Drawable;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::{Circle, Primitive, PrimitiveStyle, Rectangle};

use super::Painter;
use super::colour::{AMBER, GREEN, MUTED, RECORDING, TEXT, TROUGH};
use crate::screen::Line;
use crate::screen::style::{Side, Style};

/// The text read aloud or in silence.
pub(super) const STYLE: Style = Style {
    bold: false,
    side: Side::Middle,
    largest: 96,
};

impl Painter {
    /// Lays out `text` as the next line to read.
    pub fn prepare(&mut self, text: &str) {
        self.text.prepare(text, self.layout.line.size, STYLE);
    }

    pub(super) fn line(&mut self, title: &str, line: &Line, accent: Rgb565) {
        self.head(title, line, accent);
        self.put(&line.text, self.layout.line, STYLE, TEXT);
        if let Some(level) = line.level {
            self.level(level);
        }
    }

    /// Recording mark, heading, time left; under them the progress bar.
    fn head(&mut self, title: &str, line: &Line, accent: Rgb565) {
        let Rectangle { top_left, size } = self.layout.head;
        let dot = size.height / 2;
        let small = |side| Style {
            bold: false,
            side,
            largest: size.height * 2 / 3,
        };
        let clock_width = size.height * 5 / 2;
        let title_left = if line.recording { dot + dot * 2 / 3 } else { 0 };
        if line.recording {
            let corner = top_left + Point::new(0, ((size.height - dot) / 2) as i32);
            let _ = Circle::new(corner, dot)
                .into_styled(PrimitiveStyle::with_fill(RECORDING))
                .draw(&mut self.picture);
        }
        let heading = Rectangle::new(
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
        let left = line.progress.seconds_left;
        let time = format!("{}:{:02}", left / 60, left % 60);
        self.put(title, heading, small(Side::Left), MUTED);
        self.put(&time, clock, small(Side::Right), TEXT);
        let bar = self.layout.bar;
        self.fill(bar, TROUGH);
        let done = bar.size.width * u32::from(line.progress.permille.min(1000)) / 1000;
        self.fill(
            Rectangle::new(bar.top_left, Size::new(done, bar.size.height)),
            accent,
        );
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
}
