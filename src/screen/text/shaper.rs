//! Laying text out with cosmic-text, and drawing what was laid out.

use cosmic_text::{
    Align, Attrs, Buffer, Color, Family, FontSystem, Metrics, Shaping, SwashCache, Weight, Wrap,
    fontdb,
};
use embedded_graphics::geometry::Size;
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use super::advance::Advances;
use crate::screen::picture::Picture;
use crate::screen::style::{Side, Style};

/// Smallest and largest size of the fitted text, pixels.
const SIZES: std::ops::RangeInclusive<u32> = 10..=96;

/// Line height over font size: Devanagari and Arabic marks need more than Latin's 1.2.
const LINE_HEIGHT: f32 = 1.32;

/// The font size at which glyphs are looked for, pixels.
const SHAPED: f32 = 20.0;

/// Layouts kept: a screen has four texts, and the next line is prepared meanwhile.
const KEPT: usize = 16;

/// Longest text laid out, characters: a screen holds fewer at the smallest size.
const LONGEST: usize = 4000;

/// A text as it was laid out.
#[derive(Debug)]
struct Laid {
    text: String,
    area: Size,
    style: Style,
    buffer: Buffer,
    height: f32,
}

/// The fonts, and the texts that were laid out last.
pub(super) struct Shaper {
    advances: Advances,
    fonts: FontSystem,
    glyphs: SwashCache,
    family: String,
    laid: Vec<Laid>,
}

impl Shaper {
    /// Sets in `family` of `db`, and in what else `db` has where that has no glyph.
    pub(super) fn new(family: String, db: fontdb::Database) -> Shaper {
        Shaper {
            // A fixed locale: it only orders fallback fonts, and must not differ by machine.
            fonts: FontSystem::new_with_locale_and_db("en".into(), db),
            glyphs: SwashCache::new(),
            advances: Advances::default(),
            family,
            laid: Vec::new(),
        }
    }

    pub(super) fn family(&self) -> &str {
        &self.family
    }

    pub(super) fn drop_layout(&mut self, text: &str) {
        self.laid.retain(|laid| laid.text != text);
    }

    #[cfg(test)]
    pub(super) fn has_layout(&self, text: &str) -> bool {
        self.laid.iter().any(|laid| laid.text == text)
    }

    fn attrs(&self, bold: bool) -> Attrs<'_> {
        let weight = if bold { Weight::BOLD } else { Weight::NORMAL };
        Attrs::new().family(Family::SansSerif).weight(weight)
    }

    /// Glyphs of `text` that no font has. Shaping ten million lines takes an hour, and most are of
    /// letters that were seen before: those are looked up.
    pub(super) fn missing_glyphs(&mut self, text: &str) -> usize {
        if self.advances.are_known(text) {
            return 0;
        }
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        let mut buffer = Buffer::new(&mut self.fonts, Metrics::new(SHAPED, SHAPED));
        buffer.set_wrap(Wrap::None);
        buffer.set_size(None, None);
        buffer.set_text(&text, &self.attrs(false), Shaping::Advanced, None);
        buffer.shape_until_scroll(&mut self.fonts, false);
        let runs = || buffer.layout_runs();
        let glyphs =
            || runs().flat_map(|run| run.glyphs.iter().map(move |glyph| (run.text, glyph)));
        let missing = glyphs().filter(|(_, glyph)| glyph.glyph_id == 0).count();
        if missing == 0 {
            for (text, glyph) in glyphs() {
                let of = text.get(glyph.start..glyph.end).unwrap_or_default();
                for c in of.chars() {
                    self.advances.learn(c, glyph.w / SHAPED);
                }
            }
        }
        missing
    }

    /// Whether nothing of `text` is cut in `area`, words broken if need be.
    pub(super) fn holds(&mut self, text: &str, area: Size, style: Style) -> bool {
        if text.chars().nth(LONGEST).is_some() {
            return false;
        }
        let size = *SIZES.start();
        let (em, line) = (area.width / size, size as f32 * LINE_HEIGHT);
        let lines = (area.height as f32 / line) as u32;
        if !style.bold && self.advances.surely_hold(text, em as f32, lines) {
            return true;
        }
        let text = typeset(text);
        let mut buffer = self.set(&text, style);
        let smallest = self.measure(&mut buffer, &text, style, size, area);
        smallest.is_some() || {
            buffer.set_wrap(Wrap::WordOrGlyph);
            let broken = self.measure(&mut buffer, &text, style, size, area);
            broken.is_some()
        }
    }

    /// The index of the layout, made if it is not kept.
    pub(super) fn lay(&mut self, text: &str, area: Size, style: Style) -> usize {
        let same = |l: &Laid| l.text == text && l.area == area && l.style == style;
        if let Some(at) = self.laid.iter().position(same) {
            let laid = self.laid.remove(at);
            self.laid.push(laid);
            return self.laid.len() - 1;
        }
        let (buffer, height) = self.fit(text, area, style);
        if self.laid.len() >= KEPT {
            self.laid.remove(0);
        }
        self.laid.push(Laid {
            text: text.to_owned(),
            area,
            style,
            buffer,
            height,
        });
        self.laid.len() - 1
    }

    pub(super) fn fits(&mut self, text: &str, area: Size, style: Style) -> bool {
        let text = typeset(text);
        let mut buffer = self.set(&text, style);
        let size = style.largest.clamp(*SIZES.start(), *SIZES.end());
        let height = self.measure(&mut buffer, &text, style, size, area);
        height.is_some()
    }

    /// `text`, which was typeset, as it is set, of no size yet.
    fn set(&mut self, text: &str, style: Style) -> Buffer {
        let mut buffer = Buffer::new(&mut self.fonts, Metrics::new(SHAPED, SHAPED));
        buffer.set_wrap(Wrap::Word);
        self.set_text(&mut buffer, text, style);
        buffer
    }

    pub(super) fn set_text(&self, buffer: &mut Buffer, text: &str, style: Style) {
        let align = match style.side {
            Side::Left => Align::Left,
            Side::Middle => Align::Center,
            Side::Right => Align::Right,
        };
        let attrs = self.attrs(style.bold);
        buffer.set_text(text, &attrs, Shaping::Advanced, Some(align));
    }

    /// The largest size that holds `text`; the smallest, words broken, if none does.
    fn fit(&mut self, text: &str, area: Size, style: Style) -> (Buffer, f32) {
        let text = typeset(text);
        let mut buffer = self.set(&text, style);
        let (mut fits, mut too_large) = (
            *SIZES.start(),
            style.largest.clamp(*SIZES.start(), *SIZES.end()) + 1,
        );
        while too_large - fits > 1 {
            let size = fits.midpoint(too_large);
            let height = self.measure(&mut buffer, &text, style, size, area);
            if height.is_some() {
                fits = size;
            } else {
                too_large = size;
            }
        }
        fits = self.unorphaned(&mut buffer, &text, style, fits, area);
        let height = self.measure(&mut buffer, &text, style, fits, area);
        let height = height.unwrap_or_else(|| {
            buffer.set_wrap(Wrap::WordOrGlyph);
            let height = self.measure(&mut buffer, &text, style, fits, area);
            height.unwrap_or(area.height as f32)
        });
        (buffer, height)
    }

    /// The size, up to a quarter smaller, at which no line begins with a closing mark, if any does:
    /// cosmic-text breaks between directions even at a no-break space (`« مرحبا »`).
    fn unorphaned(
        &mut self,
        buffer: &mut Buffer,
        text: &str,
        style: Style,
        fits: u32,
        area: Size,
    ) -> u32 {
        let smallest = (fits - fits / 4).max(*SIZES.start());
        let good = (smallest..=fits).rev().find(|&size| {
            self.measure(buffer, text, style, size, area).is_some()
                && buffer.layout_runs().all(|run| {
                    let start = run
                        .glyphs
                        .iter()
                        .map(|glyph| glyph.start)
                        .min()
                        .unwrap_or(0);
                    let rest = run.text.get(start..).unwrap_or_default().trim_start();
                    !rest.starts_with(['»', '!', '?', ';', ':'])
                })
        });
        good.unwrap_or(fits)
    }

    /// Sets `buffer`, whatever its text, at `size`; its height if that fits the area.
    pub(super) fn measure_as_set(
        &mut self,
        buffer: &mut Buffer,
        size: u32,
        area: Size,
    ) -> Option<f32> {
        let metrics = Metrics::relative(size as f32, LINE_HEIGHT);
        let width = area.width as f32;
        buffer.set_metrics_and_size(metrics, Some(width), None);
        buffer.shape_until_scroll(&mut self.fonts, false);
        let (mut lines, mut widest) = (0u32, 0f32);
        for run in buffer.layout_runs() {
            lines += 1;
            widest = widest.max(run.line_w);
        }
        let height = lines as f32 * metrics.line_height;
        (height <= area.height as f32 && widest <= width).then_some(height)
    }

    pub(super) fn draw(
        &mut self,
        picture: &mut Picture,
        text: &str,
        area: Rectangle,
        style: Style,
        colour: Rgb565,
    ) {
        let at = self.lay(text, area.size, style);
        let Shaper {
            fonts,
            glyphs,
            laid,
            ..
        } = self;
        let laid = &mut laid[at];
        let left = area.top_left.x;
        let top = area.top_left.y + ((area.size.height as f32 - laid.height) / 2.0) as i32;
        let bottom = area.top_left.y + area.size.height as i32;
        let white = Color::rgb(255, 255, 255);
        laid.buffer.draw(fonts, glyphs, white, |x, y, w, h, pixel| {
            // Text too long for its area at the smallest size is cut, never laid over a neighbour.
            for dy in 0..h as i32 {
                for dx in 0..w as i32 {
                    let y = top + y + dy;
                    if y >= area.top_left.y && y < bottom {
                        picture.blend(left + x + dx, y, colour, pixel.a());
                    }
                }
            }
        });
    }
}

/// The text as it is set: the spaces of French quotes and double punctuation do not break, control
/// characters are spaces, and space at the end, which would need room, is none.
fn typeset(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().take(LONGEST).peekable();
    while let Some(c) = chars.next() {
        let glued =
            out.ends_with('«') || matches!(chars.peek(), Some('»' | ';' | ':' | '!' | '?' | '…'));
        match c {
            '\n' => out.push('\n'),
            ' ' if glued => out.push('\u{a0}'),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_spaces_do_not_break() {
        assert_eq!(typeset("« Où ? »\t!"), "«\u{a0}Où\u{a0}?\u{a0}» !");
        assert_eq!(typeset(" a \r"), " a");
    }
}
