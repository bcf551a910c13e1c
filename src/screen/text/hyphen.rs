//! Soft hyphens: seen where a line breaks at one, and nowhere else.

use cosmic_text::Buffer;
use embedded_graphics::geometry::Size;

use super::shaper::Shaper;
use crate::screen::style::Style;

/// Where a word may be parted.
const SOFT: char = '\u{ad}';
/// What stands at the break instead; the second character lets the line break before a figure too.
const HARD: &str = "-\u{200b}";

impl Shaper {
    /// Sets `text`, as it was typeset, at `size` in `buffer`; its height if that fits the area.
    pub(super) fn measure(
        &mut self,
        buffer: &mut Buffer,
        text: &str,
        style: Style,
        size: u32,
        area: Size,
    ) -> Option<f32> {
        if !text.contains(SOFT) {
            return self.measure_as_set(buffer, size, area);
        }
        let mut text = text.to_owned();
        loop {
            self.set_text(buffer, &text, style);
            let height = self.measure_as_set(buffer, size, area);
            let found = ends(buffer).find_map(|(line, end)| soft_at(&text, line, end));
            let Some(at) = found else { return height };
            // The hyphen may be too wide for this line: then the word does not break here.
            let after = at + SOFT.len_utf8();
            let tried = format!("{}{HARD}{}", &text[..at], &text[after..]);
            self.set_text(buffer, &tried, style);
            self.measure_as_set(buffer, size, area);
            let (line, start) = line_of(&tried, at);
            let stays = ends(buffer).any(|(number, end)| {
                number == line && (start + end == at + 1 || start + end == at + HARD.len())
            });
            text = if stays {
                tried
            } else {
                format!("{}{}", &text[..at], &text[after..])
            };
        }
    }
}

/// The paragraph and the byte in it at which each line ends as it is laid out.
fn ends(buffer: &Buffer) -> impl Iterator<Item = (usize, usize)> {
    let end = |run: cosmic_text::LayoutRun<'_>| {
        let ends = run.glyphs.iter().map(|glyph| glyph.end);
        (run.line_i, ends.max().unwrap_or(0))
    };
    buffer.layout_runs().map(end)
}

/// The place of the soft hyphen at which a line ends that is not its paragraph's last: laid out, it
/// may be part of the line or not.
fn soft_at(text: &str, line: usize, end: usize) -> Option<usize> {
    let paragraph = text.split('\n').nth(line)?;
    let start = paragraph.as_ptr() as usize - text.as_ptr() as usize;
    let (before, behind) = paragraph.split_at_checked(end)?;
    if behind.is_empty() {
        return None;
    }
    if before.ends_with(SOFT) {
        return Some(start + end - SOFT.len_utf8());
    }
    behind.starts_with(SOFT).then_some(start + end)
}

/// The paragraph of byte `at`, and where that begins.
fn line_of(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count(), start)
}
