//! The picture: a canvas of 16-bit colours that knows which rows differ from another one.
//!
//! Guarantees: drawing outside is ignored; a band never exceeds the bytes asked for (one row at
//! least, else nothing could ever be sent). It knows no panel.

use std::convert::Infallible;
use std::ops::Range;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::{Rgb565, RgbColor};
use embedded_graphics::primitives::Rectangle;

/// A canvas of `width` x `height` pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    pixels: Vec<Rgb565>,
}

impl Picture {
    /// A black picture.
    #[must_use]
    pub fn new(size: Size) -> Picture {
        Picture {
            width: size.width,
            height: size.height,
            pixels: vec![Rgb565::BLACK; size.width as usize * size.height as usize],
        }
    }

    /// All pixels, row by row.
    #[must_use]
    pub fn pixels(&self) -> &[Rgb565] {
        &self.pixels
    }

    /// The pixels of some rows; rows outside are left out.
    #[must_use]
    pub fn rows(&self, rows: Range<u32>) -> &[Rgb565] {
        let index = |row: u32| row.min(self.height) as usize * self.width as usize;
        &self.pixels[index(rows.start)..index(rows.end.max(rows.start))]
    }

    /// The colour at (x, y); black outside.
    #[must_use]
    pub fn pixel(&self, x: u32, y: u32) -> Rgb565 {
        if x < self.width && y < self.height {
            self.pixels[y as usize * self.width as usize + x as usize]
        } else {
            Rgb565::BLACK
        }
    }

    /// Lays `colour` over the pixel at (x, y) with `alpha` of 255; outside is ignored.
    pub fn blend(&mut self, x: i32, y: i32, colour: Rgb565, alpha: u8) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else {
            return;
        };
        if x >= self.width || y >= self.height {
            return;
        }
        let pixel = &mut self.pixels[y as usize * self.width as usize + x as usize];
        let mix = |under: u8, over: u8| {
            let (under, over, alpha) = (u32::from(under), u32::from(over), u32::from(alpha));
            ((under * (255 - alpha) + over * alpha + 127) / 255) as u8
        };
        *pixel = Rgb565::new(
            mix(pixel.r(), colour.r()),
            mix(pixel.g(), colour.g()),
            mix(pixel.b(), colour.b()),
        );
    }

    /// The first run of rows from `from` on that differ from `sent`, `max_bytes` at most at two bytes
    /// a pixel; behind the last row the search goes on at the top. `None` if the pictures are equal. A
    /// picture of another size differs everywhere.
    #[must_use]
    pub fn difference(&self, sent: &Picture, from: u32, max_bytes: usize) -> Option<Range<u32>> {
        let row_bytes = self.width as usize * 2;
        let most = u32::try_from(max_bytes / row_bytes.max(1))
            .unwrap_or(u32::MAX)
            .max(1);
        let same_size = self.size() == sent.size();
        let differs = |row: u32| !same_size || self.rows(row..row + 1) != sent.rows(row..row + 1);
        let first = (from..self.height)
            .chain(0..from.min(self.height))
            .find(|&row| differs(row))?;
        let end = (first..self.height)
            .take(most as usize)
            .take_while(|&row| differs(row))
            .last()?
            + 1;
        Some(first..end)
    }

    /// Copies some rows of `from`, a picture of the same size.
    pub fn copy_rows(&mut self, from: &Picture, rows: Range<u32>) {
        if self.size() != from.size() {
            self.clone_from(from);
            return;
        }
        let start = rows.start.min(self.height) as usize * self.width as usize;
        let source = from.rows(rows);
        self.pixels[start..start + source.len()].copy_from_slice(source);
    }
}

impl OriginDimensions for Picture {
    fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }
}

impl DrawTarget for Picture {
    type Color = Rgb565;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb565>>,
    {
        for Pixel(Point { x, y }, colour) in pixels {
            self.blend(x, y, colour, 255);
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, colour: Rgb565) -> Result<(), Infallible> {
        let area = area.intersection(&Rectangle::new(Point::zero(), self.size()));
        let (x, width) = (area.top_left.x.max(0) as usize, area.size.width as usize);
        for row in area.rows() {
            let start = row.max(0) as usize * self.width as usize + x;
            self.pixels[start..start + width].fill(colour);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_cover_exactly_the_rows_that_differ() {
        let size = Size::new(320, 240);
        let (mut new, mut sent) = (Picture::new(size), Picture::new(size));
        for y in (10..100).chain(200..202) {
            new.blend(5, y, Rgb565::WHITE, 255);
        }
        let mut rows = Vec::new();
        while let Some(band) = new.difference(&sent, 0, 16 * 1024) {
            assert!(band.len() * 640 <= 16 * 1024);
            sent.copy_rows(&new, band.clone());
            rows.extend(band);
        }
        assert_eq!(rows, (10..100).chain(200..202).collect::<Vec<u32>>());
        assert_eq!(new, sent);
    }

    #[test]
    fn drawing_outside_is_ignored() {
        let mut picture = Picture::new(Size::new(4, 4));
        let before = picture.clone();
        for (x, y) in [(-1, 0), (0, -1), (4, 0), (0, 4), (i32::MIN, i32::MAX)] {
            picture.blend(x, y, Rgb565::WHITE, 255);
        }
        let area = Rectangle::new(Point::new(-9, -9), Size::new(5, 5));
        picture
            .fill_solid(&area, Rgb565::WHITE)
            .expect("infallible");
        assert_eq!(picture, before);
    }
}
