//! What to send to the panel next: its set-up step by step, then the rows that differ.
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
/// How long a press may wait for the bus, plus the time of one row: 16 KiB at 33 MHz.
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

/// Keeps track of what was sent to the panel.
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

    /// Starts again, as if the panel had just been switched on.
    pub fn set_up(&mut self) {
        self.set_up = self.glass.set_up().into();
        self.known = 0;
    }

    /// Sets up the panel again at `due`, and sends nothing before.
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
mod tests;
