//! What the panel is sent next: its set-up step by step, then the rows that differ.
//!
//! Guarantees: a turn is one band of at most 16 KiB, less on a slow bus, or the commands up to the next
//! pause; a pause is a time to come back at, never a sleep; nothing counts as shown until a whole
//! picture was sent.
//! Touches no hardware, and time is an argument.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use embedded_graphics::geometry::{OriginDimensions, Size};

use super::glass::{Glass, Step};
use crate::rt::Nanos;
use crate::screen::picture::Picture;

/// Bytes of one turn at most.
const BAND_BYTES: usize = 16 * 1024;
/// How long a press may wait for the bus, but for the time of one row: 16 KiB at 33 MHz.
const BAND_MS: usize = 4;

/// What a turn brings.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// These steps, now; none of them is a pause.
    Send(Vec<Step>),
    /// Nothing yet: the controller needs time.
    Later,
    /// Nothing: the panel shows the picture.
    Done,
}

/// Keeps what the panel was sent.
pub struct Sender {
    glass: Glass,
    set_up: VecDeque<Step>,
    /// What the controller needs after the steps that were handed out last.
    pause: Duration,
    /// When the next steps may be sent.
    due: Nanos,
    band_bytes: usize,
    shown: Picture,
    /// Rows sent since the set-up began; what the panel's memory holds below is not known.
    known: u32,
    /// Where the last band ended. The next is looked for from here on, since a bar at the top that
    /// changes in every turn would keep what is below it from ever being sent.
    next: u32,
}

impl Sender {
    /// A sender to a panel of `size` that was not set up yet, on a bus of `hz`.
    pub fn new(glass: Glass, size: Size, hz: u32) -> Sender {
        Sender {
            set_up: glass.set_up().into(),
            glass,
            pause: Duration::ZERO,
            due: Nanos::default(),
            band_bytes: BAND_BYTES.min(hz as usize / 8 * BAND_MS / 1000),
            shown: Picture::new(size),
            known: 0,
            next: 0,
        }
    }

    /// Begins anew, as if the panel had just been switched on.
    pub fn set_up(&mut self) {
        self.set_up = self.glass.set_up().into();
        self.known = 0;
    }

    /// Sets up the panel anew at `due`, and sends nothing before.
    pub fn set_up_at(&mut self, due: Nanos) {
        self.set_up();
        self.due = due;
    }

    /// The steps handed out last were sent by `now`.
    pub fn sent(&mut self, now: Nanos) {
        self.due = now + std::mem::take(&mut self.pause);
    }

    /// Whether the panel holds a whole picture.
    pub fn is_whole(&self) -> bool {
        self.set_up.is_empty() && self.known >= self.shown.size().height
    }

    /// What to send at `now`, so that the panel shows `picture`.
    pub fn next(&mut self, now: Nanos, picture: &Picture) -> Turn {
        if now < self.due {
            return Turn::Later;
        }
        if !self.set_up.is_empty() {
            return Turn::Send(self.commands());
        }
        let Some(band) = self.band(picture) else {
            return Turn::Done;
        };
        self.known = self.known.max(band.end);
        self.next = band.end;
        self.shown.copy_rows(picture, band.clone());
        Turn::Send(self.glass.rows(band, picture))
    }

    /// The set-up's steps up to its next pause.
    fn commands(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some(step) = self.set_up.pop_front() {
            if let Step::Pause(pause) = step {
                self.pause = pause;
                break;
            }
            steps.push(step);
        }
        steps
    }

    fn band(&self, picture: &Picture) -> Option<Range<u32>> {
        let Size { width, height } = self.shown.size();
        if self.known >= height {
            return picture.difference(&self.shown, self.next, self.band_bytes);
        }
        let rows = self.band_bytes as u32 / (width * 2).max(1);
        Some(self.known..(self.known + rows.max(1)).min(height))
    }

    /// The steps to a black picture, all at once: the last ones.
    pub fn black(&mut self) -> Vec<Step> {
        if !self.set_up.is_empty() {
            return Vec::new();
        }
        let black = Picture::new(self.shown.size());
        self.glass.rows(0..black.size().height, &black)
    }
}

#[cfg(test)]
#[path = "../../../tests/common/controller.rs"]
mod controller;

#[cfg(test)]
mod tests {
    use super::controller::{Controller, Glass as Seen};
    use super::*;
    use crate::board::profile::{Colors, Driver, Panel as Wiring};
    use embedded_graphics::pixelcolor::raw::{RawData, RawU16};
    use embedded_graphics::pixelcolor::{Rgb565, RgbColor};

    fn wiring(driver: Driver, [width, height]: [u32; 2], rotation: u16) -> Wiring {
        let turned = rotation % 180 == 90;
        Wiring {
            driver,
            width: if turned { height } else { width },
            height: if turned { width } else { height },
            spi: "0.0".into(),
            hz: 40_000_000,
            spi_mode: 0,
            mirror: None,
            dc: Some(25),
            reset: None,
            backlight: None,
            dim_after_s: None,
            rotation,
            invert: false,
            colors: None,
            offset: [0, 0],
        }
    }

    fn size(wiring: &Wiring) -> Size {
        Size::new(wiring.width, wiring.height)
    }

    fn sender(wiring: &Wiring) -> Sender {
        Sender::new(Glass::of(wiring).expect("a panel"), size(wiring), wiring.hz)
    }

    /// A glass for which the wiring is right.
    fn controller(wiring: &Wiring) -> Controller {
        Controller::new(Seen {
            size: wiring.upright(),
            offset: wiring.offset.map(u32::from).into(),
            rotation: wiring.rotation.into(),
            mirrored: wiring.mirror.unwrap_or(wiring.driver == Driver::Ili9341),
            inverts: wiring.invert,
            bgr: wiring.colors() == Colors::Bgr,
        })
    }

    /// Every pixel differs from its neighbours, so that a shift or a swap is seen.
    fn picture(size: Size, seed: u32) -> Picture {
        let mut picture = Picture::new(size);
        for y in 0..size.height {
            for x in 0..size.width {
                let n = (x * 7919 + y * 104_729 + seed).wrapping_mul(2_654_435_761);
                let colour = Rgb565::from(RawU16::new((n >> 13) as u16));
                picture.blend(x as i32, y as i32, colour, 255);
            }
        }
        picture
    }

    /// Turns of 10 ms until the panel shows `picture`; how many there were, and rows sent.
    fn show(sender: &mut Sender, to: &mut Controller, picture: &Picture) -> (u32, usize) {
        let (mut turns, mut bytes) = (1, 0);
        while let Some(of_turn) = turn(sender, to, picture) {
            (turns, bytes) = (turns + 1, bytes + of_turn);
            assert!(turns < 200, "no end");
        }
        (turns, bytes / picture.size().width as usize / 2)
    }

    /// One turn of 10 ms, and the bytes of pixels sent in it; none if there was nothing to do.
    fn turn(sender: &mut Sender, to: &mut Controller, picture: &Picture) -> Option<usize> {
        let mut bytes = 0;
        match sender.next(Nanos(to.now_ms() * 1_000_000), picture) {
            Turn::Done => return None,
            Turn::Later => {}
            Turn::Send(steps) => {
                for step in steps {
                    match step {
                        Step::Command(command, args) => to.command(command, &args),
                        Step::Pixels(pixels) => {
                            bytes += pixels.len();
                            to.data(&pixels);
                        }
                        Step::Reset(high) => to.reset(high),
                        Step::Pause(_) => panic!("a pause is waited for, not sent"),
                    }
                }
                sender.sent(Nanos(to.now_ms() * 1_000_000));
            }
        }
        assert!(bytes <= BAND_BYTES);
        to.pass_ms(10);
        Some(bytes)
    }

    #[track_caller]
    fn assert_shows(controller: &Controller, picture: &Picture) {
        let pixels: Vec<u16> = picture
            .pixels()
            .iter()
            .map(|pixel| RawU16::from(*pixel).into_inner())
            .collect();
        assert!(controller.seen().expect("it is on") == pixels);
    }

    /// Both drivers, every rotation, panels and offsets that are sold, inversion and colour order.
    fn panels() -> Vec<Wiring> {
        let mut all = Vec::new();
        for driver in [Driver::St7789, Driver::Ili9341] {
            for rotation in [0, 90, 180, 270] {
                for (size, offset) in [
                    ([240, 320], [0, 0]),
                    ([240, 240], [0, 0]),
                    ([240, 240], [0, 80]),
                    ([135, 240], [52, 40]),
                ] {
                    for (n, colors) in [None, Some(Colors::Rgb), Some(Colors::Bgr)]
                        .into_iter()
                        .enumerate()
                    {
                        all.push(Wiring {
                            offset,
                            colors,
                            invert: n == 1,
                            mirror: (n == 2).then_some(driver == Driver::St7789),
                            reset: (n == 2).then_some(24),
                            ..wiring(driver, size, rotation)
                        });
                    }
                }
            }
        }
        all
    }

    #[test]
    fn what_is_sent_decodes_to_the_picture_drawn_on_every_panel() {
        for wiring in panels() {
            let (mut sender, mut to) = (sender(&wiring), controller(&wiring));
            let mut drawn = picture(size(&wiring), 1);
            show(&mut sender, &mut to, &drawn);
            assert!(sender.is_whole());
            assert_shows(&to, &drawn);
            for (row, colour) in [(3, Rgb565::RED), (100, Rgb565::BLUE)] {
                drawn.blend(row, row, colour, 255);
            }
            let (_, rows) = show(&mut sender, &mut to, &drawn);
            assert_eq!(rows, 2, "only what changed");
            assert_shows(&to, &drawn);
        }
    }

    #[test]
    fn a_panel_that_was_plugged_in_again_shows_the_picture_after_a_new_set_up() {
        for wiring in panels() {
            let (mut sender, mut to) = (sender(&wiring), controller(&wiring));
            let drawn = picture(size(&wiring), 2);
            show(&mut sender, &mut to, &drawn);
            to.lose_power();
            assert_eq!(show(&mut sender, &mut to, &drawn).0, 1, "it cannot be seen");
            assert!(to.seen().is_none());
            sender.set_up();
            assert!(!sender.is_whole());
            let (turns, rows) = show(&mut sender, &mut to, &drawn);
            assert_shows(&to, &drawn);
            assert_eq!(rows, size(&wiring).height as usize);
            assert!(turns < 60, "{turns} turns of 10 ms");
        }
    }

    #[test]
    fn a_set_up_that_is_asked_for_in_the_middle_of_one_or_of_a_picture_begins_anew() {
        let wiring = wiring(Driver::St7789, [240, 320], 90);
        for turns in 0..45 {
            let (mut sender, mut to) = (sender(&wiring), controller(&wiring));
            let (old, new) = (picture(size(&wiring), 3), picture(size(&wiring), 4));
            for _ in 0..turns {
                if let Turn::Send(steps) = sender.next(Nanos(to.now_ms() * 1_000_000), &old) {
                    for step in steps {
                        match step {
                            Step::Command(command, args) => to.command(command, &args),
                            Step::Pixels(pixels) => to.data(&pixels),
                            _ => {}
                        }
                    }
                    sender.sent(Nanos(to.now_ms() * 1_000_000));
                }
                to.pass_ms(10);
            }
            sender.set_up();
            show(&mut sender, &mut to, &new);
            assert_shows(&to, &new);
        }
    }

    #[test]
    fn rows_that_change_in_every_turn_keep_no_other_row_from_being_sent() {
        let wiring = wiring(Driver::St7789, [240, 320], 90);
        let (mut sender, mut to) = (sender(&wiring), controller(&wiring));
        show(&mut sender, &mut to, &picture(size(&wiring), 6));
        let mut drawn = picture(size(&wiring), 7);
        // As the bar of a short step does, and the level.
        for x in 0..30 {
            for row in [33, 200] {
                drawn.blend(x, row, Rgb565::RED, 255);
            }
            turn(&mut sender, &mut to, &drawn);
        }
        let width = drawn.size().width as usize;
        let seen = to.seen().expect("it is on");
        for (y, row) in drawn.pixels().chunks(width).enumerate() {
            let row: Vec<u16> = row.iter().map(|p| RawU16::from(*p).into_inner()).collect();
            let live = y == 33 || y == 200;
            assert!(live || seen[y * width..][..width] == row, "row {y}");
        }
    }

    #[test]
    fn a_slow_bus_gets_fewer_rows_a_turn_and_at_least_one() {
        for (hz, rows) in [(60_000_000, 34), (10_000_000, 10), (1_000_000, 1)] {
            let wiring = Wiring {
                hz,
                ..wiring(Driver::St7789, [240, 320], 0)
            };
            let (mut sender, mut to) = (sender(&wiring), controller(&wiring));
            let drawn = picture(size(&wiring), 8);
            let mut most = 0;
            while let Some(bytes) = turn(&mut sender, &mut to, &drawn) {
                most = most.max(bytes / 480);
            }
            assert_eq!(most, rows, "{hz} Hz");
            assert_shows(&to, &drawn);
        }
    }

    #[test]
    fn after_a_failure_nothing_is_sent_until_the_set_up_is_due() {
        let wiring = wiring(Driver::St7789, [240, 320], 0);
        let (mut sender, mut to) = (sender(&wiring), controller(&wiring));
        let drawn = picture(size(&wiring), 9);
        show(&mut sender, &mut to, &drawn);
        let failed = to.now_ms();
        sender.set_up_at(Nanos((failed + 500) * 1_000_000));
        while sender.next(Nanos(to.now_ms() * 1_000_000), &drawn) == Turn::Later {
            to.pass_ms(10);
        }
        assert_eq!(to.now_ms(), failed + 500);
        assert!(!sender.is_whole());
    }

    #[test]
    fn a_wrong_profile_is_seen_by_this_decoder() {
        let right = wiring(Driver::St7789, [240, 240], 0);
        for wrong in [
            Wiring {
                invert: true,
                ..right.clone()
            },
            Wiring {
                colors: Some(Colors::Bgr),
                ..right.clone()
            },
            Wiring {
                rotation: 180,
                ..right.clone()
            },
            Wiring {
                mirror: Some(true),
                ..right.clone()
            },
            Wiring {
                offset: [0, 80],
                ..right.clone()
            },
        ] {
            let (mut sender, mut to) = (sender(&wrong), controller(&right));
            let drawn = picture(size(&right), 5);
            show(&mut sender, &mut to, &drawn);
            let pixels: Vec<u16> = drawn
                .pixels()
                .iter()
                .map(|pixel| RawU16::from(*pixel).into_inner())
                .collect();
            assert!(to.seen() != Some(pixels), "{wrong:?}");
        }
    }

    #[test]
    fn the_last_picture_is_black_and_a_panel_that_is_not_set_up_gets_none() {
        let wiring = wiring(Driver::Ili9341, [240, 320], 270);
        let (mut sender, mut to) = (sender(&wiring), controller(&wiring));
        assert!(sender.black().is_empty());
        show(&mut sender, &mut to, &picture(size(&wiring), 6));
        for step in sender.black() {
            match step {
                Step::Command(command, args) => to.command(command, &args),
                Step::Pixels(pixels) => to.data(&pixels),
                other => panic!("{other:?}"),
            }
        }
        assert_shows(&to, &Picture::new(size(&wiring)));
    }
}
