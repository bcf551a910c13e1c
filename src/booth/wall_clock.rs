//! The wall clock, watched: a Pi without a battery learns the time when it likes.
//!
//! Nothing but the `utc` fields rests on it. What it does stands in events.jsonl, so that rows
//! written before the time was known can be dated by their frames.

use std::time::Duration;

use super::Booth;
use crate::rt::{self, Nanos};
use crate::words::{ClockChange, Note};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// A smaller step is the kernel's slewing.
const JUMP_MS: i64 = 200;

/// What the wall clock was at the last look.
#[derive(Debug, Default)]
pub(super) struct Wall {
    looked: Nanos,
    trusted: Option<bool>,
    /// The wall clock less the monotonic one, milliseconds.
    offset_ms: i64,
}

impl Wall {
    /// What changed since the last look, and by how many milliseconds.
    fn look(&mut self, trusted: bool, offset_ms: i64) -> Option<(ClockChange, i64)> {
        let by_ms = offset_ms - self.offset_ms;
        let before = self.trusted.replace(trusted);
        self.offset_ms = offset_ms;
        match before {
            None => None,
            Some(before) if before != trusted && trusted => {
                Some((ClockChange::Synchronised, by_ms))
            }
            Some(before) if before != trusted => Some((ClockChange::Unsynchronised, by_ms)),
            Some(_) if by_ms.abs() > JUMP_MS => Some((ClockChange::Jumped, by_ms)),
            Some(_) => None,
        }
    }
}

impl Booth {
    /// Notes what the wall clock did.
    pub(super) fn serve_wall_clock(&mut self) {
        let now = self.time.now();
        if self.time.is_fast() || now.since(self.wall.looked) < LOOK {
            return;
        }
        self.wall.looked = now;
        let (trusted, offset_ms) = rt::wall_clock();
        if let Some((changed, by_ms)) = self.wall.look(trusted, offset_ms) {
            log::info!("the wall clock: {changed:?}, by {by_ms} ms");
            let frame = self.time.stamp(now, &self.threads.chain).frame;
            self.note(frame, Note::Clock { changed, by_ms });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_clock_does_is_reported_once() {
        let mut wall = Wall::default();
        let looks = [
            (false, 1000),
            (false, 1001),
            (true, 9_000_000),
            (true, 9_000_100),
            (true, 5_000_000),
            (false, 5_000_000),
        ];
        let changes: Vec<_> = looks.map(|(sync, ms)| wall.look(sync, ms)).to_vec();
        let expected = [
            None,
            None,
            Some((ClockChange::Synchronised, 8_998_999)),
            None,
            Some((ClockChange::Jumped, -4_000_100)),
            Some((ClockChange::Unsynchronised, 0)),
        ];
        assert_eq!(changes, expected);
    }
}
