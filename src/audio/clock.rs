//! When each frame was captured: pairs of (frame, time) that capture publishes every period.
//!
//! Only capture writes, and it never waits. Any thread may read, and a reader never sees half a
//! pair. `tests/run loom` tries every interleaving of capture and a reader.

#[cfg(not(loom))]
use std::hint::spin_loop;
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering, fence};

#[cfg(loom)]
use loom::hint::spin_loop;
#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering, fence};

use crate::rt::Nanos;

/// Pairs kept: 64 periods, so that a press is matched with the pair nearest to it. Under the model
/// checker there is one, which each further pair overwrites.
const PAIRS: usize = if cfg!(loom) { 1 } else { 64 };

#[derive(Debug, Default)]
struct Pair {
    frame: AtomicU64,
    nanos: AtomicU64,
}

/// The relation of the frame clock to CLOCK_MONOTONIC.
#[derive(Debug)]
pub struct FrameClock {
    rate: u32,
    /// Number of pairs written; odd sequence numbers mark a pair being written.
    sequence: AtomicU64,
    pairs: [Pair; PAIRS],
}

impl FrameClock {
    /// A clock of `rate` frames per second that has no pair yet.
    #[must_use]
    pub fn new(rate: u32) -> FrameClock {
        FrameClock {
            rate,
            sequence: AtomicU64::new(0),
            pairs: std::array::from_fn(|_| Pair::default()),
        }
    }

    /// Only capture calls this: `frame` frames had been captured at `at`.
    pub fn publish(&self, frame: u64, at: Nanos) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        let pair = &self.pairs[(sequence / 2) as usize % PAIRS];
        pair.frame.store(frame, Ordering::Relaxed);
        pair.nanos.store(at.0, Ordering::Relaxed);
        self.sequence.store(sequence + 2, Ordering::Release);
    }

    /// The pair nearest in time to `at`; `None` before the first.
    #[must_use]
    pub fn nearest(&self, at: Nanos) -> Option<(u64, Nanos)> {
        loop {
            let sequence = self.sequence.load(Ordering::Acquire);
            if sequence < 2 {
                return None;
            }
            if sequence % 2 == 1 {
                spin_loop();
                continue;
            }
            let written = ((sequence / 2) as usize).min(PAIRS);
            let best = self.pairs[..written]
                .iter()
                .map(|p| {
                    (
                        p.frame.load(Ordering::Relaxed),
                        p.nanos.load(Ordering::Relaxed),
                    )
                })
                .min_by_key(|(_, nanos)| nanos.abs_diff(at.0));
            fence(Ordering::Acquire);
            if self.sequence.load(Ordering::Relaxed) == sequence {
                return best.map(|(frame, nanos)| (frame, Nanos(nanos)));
            }
        }
    }

    /// The frame that was being captured at `at`, from the pair nearest to it at the nominal rate.
    #[must_use]
    pub fn frame_at(&self, at: Nanos) -> Option<u64> {
        let (frame, nanos) = self.nearest(at)?;
        let frames =
            |nanos: u64| (u128::from(nanos) * u128::from(self.rate) / 1_000_000_000) as u64;
        Some(if at >= nanos {
            frame + frames(at.0 - nanos.0)
        } else {
            frame.saturating_sub(frames(nanos.0 - at.0))
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_pair_no_frame() {
        assert_eq!(FrameClock::new(48_000).frame_at(Nanos(5)), None);
    }

    #[test]
    fn a_press_is_matched_with_the_nearest_pair() {
        let clock = FrameClock::new(48_000);
        for period in 0..200u64 {
            clock.publish(period * 480, Nanos(1_000_000_000 + period * 10_000_000));
        }
        // 5 ms before the pair of period 190, long before the last one.
        let press = Nanos(1_000_000_000 + 190 * 10_000_000 - 5_000_000);
        assert_eq!(clock.frame_at(press), Some(190 * 480 - 240));
    }

    #[test]
    fn readers_never_see_half_a_pair() {
        let clock = FrameClock::new(1_000_000_000);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1..200_000u64 {
                    clock.publish(n, Nanos(n * 2));
                }
            });
            for n in 0..20_000u64 {
                if let Some((frame, at)) = clock.nearest(Nanos(n * 20)) {
                    assert_eq!(at.0, frame * 2);
                }
            }
        });
    }
}

#[cfg(all(test, loom))]
mod model {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn no_order_of_events_shows_a_reader_half_a_pair() {
        loom::model(|| {
            let clock = Arc::new(FrameClock::new(1_000_000_000));
            let there = clock.clone();
            let reader = loom::thread::spawn(move || {
                if let Some((frame, at)) = there.nearest(Nanos(6)) {
                    assert_eq!(at.0, frame * 2);
                }
            });
            // The second overwrites the first.
            for n in 1..=2 {
                clock.publish(n, Nanos(n * 2));
            }
            reader.join().expect("the reader ends");
        });
    }
}
