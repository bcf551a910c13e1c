//! Looks at what sounds, one after the other: of which times it is known that the track was heard.
//!
//! Pure: time is an argument. A look speaks for the time since the one before it: a player that is
//! gone does not come back by itself. What is newer than the newest look is believed until the next
//! one refutes it.

use std::collections::VecDeque;

use super::sound::Sound;
use crate::rt::Nanos;
use crate::words::Heard;

/// Samples above this are sound.
pub const AUDIBLE_DBFS: f32 = -80.0;
/// Looks that are kept: an hour and more at one each two seconds.
const MOST: usize = 2048;

/// What sounded at which time.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    looks: VecDeque<(Nanos, Option<Heard>)>,
}

/// What a look says: `None` if nothing is connected.
#[must_use]
pub fn heard(sound: &Sound) -> Option<Heard> {
    match sound.peak_dbfs {
        _ if sound.connections == 0 => None,
        Some(peak) if peak > AUDIBLE_DBFS => Some(Heard::Level),
        _ => Some(Heard::Connections),
    }
}

impl Looks {
    /// Adds a look: what was heard at this time, or that nothing was, or that it is unknown.
    pub fn add(&mut self, at: Nanos, heard: Option<Heard>) {
        if self.looks.len() == MOST {
            self.looks.pop_front();
        }
        self.looks.push_back((at, heard));
    }

    /// How it is known that the track sounded from `from` to `to`, by the looks so far.
    #[must_use]
    pub fn between(&self, from: Nanos, to: Nanos) -> Option<Heard> {
        let first = self.looks.partition_point(|(at, _)| *at <= from);
        let until = self.looks.partition_point(|(at, _)| *at < to);
        // The one before speaks for the beginning, and the one behind for the end.
        let range = first.saturating_sub(1).min(until)..(until + 1).min(self.looks.len());
        let mut of_it = self.looks.range(range).map(|(_, heard)| *heard);
        let first = of_it.next()?;
        of_it.fold(first, |best, heard| Some(best?.max(heard?)))
    }

    /// Until when it is known that something sounded; `None` if it never was.
    #[must_use]
    pub fn known_until(&self) -> Option<Nanos> {
        let good = self.looks.iter().rev().find(|(_, heard)| heard.is_some());
        good.map(|(at, _)| *at)
    }

    /// Whether the newest look found nothing, or nothing is known any more.
    #[must_use]
    pub fn are_lost(&self) -> bool {
        self.looks.back().is_some_and(|(_, heard)| heard.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn looks(all: &[(u64, Option<Heard>)]) -> Looks {
        let mut looks = Looks::default();
        for (at, heard) in all {
            looks.add(Nanos(at * S), *heard);
        }
        looks
    }

    fn sound(connections: u32, peak_dbfs: Option<f32>) -> Sound {
        Sound {
            connections,
            peak_dbfs,
            rms_dbfs: Vec::new(),
        }
    }

    #[test]
    fn a_level_is_more_than_a_connection_and_no_connection_is_nothing() {
        assert_eq!(heard(&sound(0, Some(-3.0))), None);
        assert_eq!(heard(&sound(2, None)), Some(Heard::Connections));
        assert_eq!(heard(&sound(2, Some(-200.0))), Some(Heard::Connections));
        assert_eq!(heard(&sound(2, Some(-80.0))), Some(Heard::Connections));
        assert_eq!(heard(&sound(1, Some(-79.9))), Some(Heard::Level));
    }

    #[test]
    fn a_take_is_heard_by_the_looks_around_it_and_by_none_that_found_nothing() {
        use Heard::{Connections, Level};
        let some = looks(&[(10, Some(Connections)), (12, Some(Level)), (14, None)]);
        let between = |from: u64, to: u64| some.between(Nanos(from * S), Nanos(to * S));
        assert_eq!(between(10, 11), Some(Level), "the look behind counts");
        assert_eq!(between(12, 13), None, "refuted by the next look");
        assert_eq!(between(15, 16), None);
        assert_eq!(Looks::default().between(Nanos(0), Nanos(S)), None);
        let newest = looks(&[(10, Some(Connections))]);
        let after = newest.between(Nanos(11 * S), Nanos(12 * S));
        assert_eq!(after, Some(Connections), "believed until it is refuted");
    }

    #[test]
    fn what_is_known_ends_with_the_last_good_look() {
        let some = looks(&[(10, Some(Heard::Level)), (12, None), (13, None)]);
        assert_eq!(some.known_until(), Some(Nanos(10 * S)));
        assert!(some.are_lost());
        assert!(!looks(&[(10, Some(Heard::Level))]).are_lost());
        assert!(!Looks::default().are_lost());
    }

    #[test]
    fn memory_is_bounded() {
        let mut many = Looks::default();
        for at in 0..3 * MOST as u64 {
            many.add(Nanos(at), Some(Heard::Level));
        }
        assert_eq!(many.looks.len(), MOST);
    }
}
