//! The panel on standard output: a half-block picture on a terminal, else one line a screen.
//!
//! Guarantees: the terminal is restored on drop; nothing waits for a terminal that is stopped or
//! hangs: it misses pictures, and shows the last one once it accepts output again.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::time::Duration;

use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};

use super::output::Output;
use crate::rt;
use crate::screen::Screen;
use crate::screen::card::Card;
use crate::screen::picture::Picture;

/// Under the picture where the keyboard presses the buttons.
const KEYS: &str = "space go (G held) · r redo (R held) · p pause · s stop (S held) · q quit";

/// How many lines of text may wait for their reader; further ones are not shown.
const MOST_BEHIND_BYTES: usize = 64 * 1024;
/// How long the end waits for a terminal that accepts nothing.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Standard output as a panel.
#[derive(Debug)]
pub struct Terminal {
    output: Output,
    picture: bool,
    keys: bool,
    /// The content of each row of the terminal, once the queue is written.
    rows: Vec<String>,
    /// The content to show next, while the terminal has not yet accepted the queue.
    late: Option<Vec<String>>,
    size: (u16, u16),
}

impl Terminal {
    /// Standard output; with `keys` the picture is followed by what the keys do.
    #[must_use]
    pub fn open(keys: bool) -> Terminal {
        let picture = io::stdout().is_terminal() && rt::terminal_size().is_some();
        Terminal::over(Output::standard(), picture, keys)
    }

    fn over(mut output: Output, picture: bool, keys: bool) -> Terminal {
        if picture {
            // The terminal's alternate screen, without cursor: the old content comes back later.
            output.queue("\x1b[?1049h\x1b[?25l");
        }
        Terminal {
            output,
            picture,
            keys,
            rows: Vec::new(),
            late: None,
            size: (0, 0),
        }
    }

    /// Whether pictures are drawn.
    #[must_use]
    pub fn is_picture(&self) -> bool {
        self.picture
    }

    /// Shows a screen; `new` if it is not the last one with another level or time.
    pub fn show(&mut self, screen: &Screen, card: Option<&Card>, picture: &Picture, new: bool) {
        self.show_words(&line(screen, card), picture, new);
    }

    /// Shows a picture with its words; on a terminal without pictures these alone, if they are `new`.
    pub fn show_words(&mut self, words: &str, picture: &Picture, new: bool) {
        if self.picture {
            if let Some(size) = rt::terminal_size() {
                self.draw(words, picture, size);
            }
        } else if new && self.output.behind() < MOST_BEHIND_BYTES {
            self.output.queue(&format!("{words}\n"));
        }
    }

    /// Brings the terminal as near to what was shown last as it takes at once.
    pub fn send(&mut self) {
        if self.output.push()
            && let Some(rows) = self.late.take()
        {
            self.write(rows);
        }
    }

    /// `words` are a screen's [`line`].
    fn draw(&mut self, words: &str, picture: &Picture, size: (u16, u16)) {
        if size != self.size {
            self.size = size;
            self.rows.clear();
        }
        let room = (size.0, size.1.saturating_sub(1 + u16::from(self.keys)));
        let mut rows = half_blocks(picture, room);
        // A small terminal shows a small picture: the words can be read under it.
        rows.push(words.chars().take(size.0.into()).collect());
        if self.keys {
            rows.push(KEYS.chars().take(size.0.into()).collect());
        }
        self.late = Some(rows);
        self.send();
    }

    fn write(&mut self, rows: Vec<String>) {
        let mut out = String::new();
        if self.rows.is_empty() {
            out.push_str("\x1b[2J");
        }
        for (n, row) in rows.iter().enumerate() {
            if self.rows.get(n) != Some(row) {
                let _ = write!(out, "\x1b[{};1H{row}\x1b[K", n + 1);
            }
        }
        self.rows = rows;
        self.output.queue(&out);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.picture {
            self.output.queue("\x1b[?25h\x1b[?1049l");
        }
        self.output.finish(LAST_WAIT);
    }
}

/// A screen in words, after the part of the session that is done; a withdrawal code comes first,
/// where a narrow terminal has it too.
fn line(screen: &Screen, card: Option<&Card>) -> String {
    const CELLS: usize = 20;
    let done = usize::from(screen.session_permille.min(1000));
    let bar = "█".repeat(done * CELLS / 1000);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = match screen.body.text() {
        text if text.is_empty() => &screen.title,
        text => text,
    };
    let text: String = words(text).chars().filter(|c| !c.is_control()).collect();
    let (percent, name) = (done / 10, screen.name.word());
    let code = card.map_or(String::new(), |card| match card.contact.as_str() {
        "" => format!("{}  ", *card.letters),
        contact => format!("{}  {contact}  ", *card.letters),
    });
    format!("{bar:░<CELLS$} {percent:>3} %  {name:<8} {code}{text}")
}

/// The picture in rows of U+2580, two pixels a cell, shrunk to `room` columns and rows.
fn half_blocks(picture: &Picture, room: (u16, u16)) -> Vec<String> {
    let Size { width, height } = picture.size();
    let (most_w, most_h) = (u32::from(room.0), u32::from(room.1) * 2);
    if width == 0 || height == 0 || most_w == 0 || most_h == 0 {
        return Vec::new();
    }
    // As large as both sides allow, never larger than the picture.
    let (w, h) = if most_w >= width && most_h >= height {
        (width, height)
    } else if most_w * height <= most_h * width {
        (most_w, (most_w * height / width).max(1))
    } else {
        ((most_h * width / height).max(1), most_h)
    };
    let mean = |x: u32, y: u32| {
        let (x0, x1) = (x * width / w, ((x + 1) * width / w).max(x * width / w + 1));
        let (y0, y1) = (
            y * height / h,
            ((y + 1) * height / h).max(y * height / h + 1),
        );
        let mut sum = [0u32; 3];
        for y in y0..y1 {
            for x in x0..x1 {
                let colour = Rgb888::from(picture.pixel(x, y));
                sum[0] += u32::from(colour.r());
                sum[1] += u32::from(colour.g());
                sum[2] += u32::from(colour.b());
            }
        }
        sum.map(|s| s / ((x1 - x0) * (y1 - y0)))
    };
    (0..h.div_ceil(2))
        .map(|row| {
            let mut text = String::new();
            let mut last = None;
            for x in 0..w {
                let (top, bottom) = (mean(x, row * 2), mean(x, row * 2 + 1));
                if last != Some((top, bottom)) {
                    let ([r, g, b], [r2, g2, b2]) = (top, bottom);
                    let _ = write!(text, "\x1b[38;2;{r};{g};{b};48;2;{r2};{g2};{b2}m");
                    last = Some((top, bottom));
                }
                text.push('▀');
            }
            text.push_str("\x1b[0m");
            text
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Body;
    use crate::words::ScreenName;
    use embedded_graphics::pixelcolor::Rgb565;
    use std::io::Read;

    #[test]
    fn a_terminal_that_took_nothing_for_a_while_shows_the_last_screen() {
        let (mut reader, writer) = io::pipe().expect("pipe");
        let mut terminal = Terminal::over(Output::over(&writer), true, false);
        drop(writer);
        let size = Size::new(320, 240);
        let mut picture = Picture::new(size);
        for text in ["first", "missed", "last"] {
            // Every pixel differs from its neighbours, so that one picture fills the pipe.
            for n in 0..size.width * size.height {
                let colour = Rgb565::new(n as u8, (n >> 3) as u8, text.len() as u8);
                picture.blend(
                    (n % size.width) as i32,
                    (n / size.width) as i32,
                    colour,
                    255,
                );
            }
            let screen = Screen {
                name: ScreenName::Reading,
                title: "".into(),
                body: Body::Message { text: text.into() },
                hint: "".into(),
                session_permille: 0,
            };
            terminal.draw(&line(&screen, None), &picture, (200, 60));
        }
        let read = std::thread::spawn(move || {
            let mut all = String::new();
            reader.read_to_string(&mut all).map(|_| all)
        });
        for _ in 0..1000 {
            terminal.send();
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(terminal);
        let shown = read.join().expect("reader").expect("UTF-8");
        let at = |text: &str| shown.find(&format!("reading  {text}"));
        assert!(at("first") < at("last") && at("first").is_some());
        assert_eq!(at("missed"), None);
        assert!(shown.ends_with("\x1b[?25h\x1b[?1049l"));
    }

    #[test]
    fn the_picture_fits_every_terminal() {
        let picture = Picture::new(Size::new(320, 240));
        for room in [
            (80, 24),
            (320, 120),
            (1000, 500),
            (1, 1),
            (500, 3),
            (3, 500),
            (0, 0),
        ] {
            let rows = half_blocks(&picture, room);
            assert!(rows.len() <= usize::from(room.1));
            for row in rows {
                assert!(row.matches('▀').count() <= usize::from(room.0).min(320));
            }
        }
    }
}
