//! The built-in source `sim`: babble like several voices, the same for the same seed.
//!
//! Guarantees: frame n of a seed is always the same, at any pace; it never clips; channels differ
//! in pitch and peak. It is paced by the clock, or in lockstep by the frames that main grants.

mod babble;

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use babble::Babble;

use super::{Read, Source};
use crate::rt::Nanos;
use crate::words::Spec;

/// Longest wait before [`Read::Nothing`], so that a stop is noticed.
const WAIT: Duration = Duration::from_millis(100);

/// How far a source in lockstep may go.
#[derive(Debug, Default)]
pub struct Lockstep {
    granted: Mutex<u64>,
    more: Condvar,
}

impl Lockstep {
    /// Lets the source deliver up to `frame`; a lower number than before changes nothing.
    pub fn grant(&self, frame: u64) {
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        *granted = frame.max(*granted);
        self.more.notify_all();
    }

    /// The frame granted, waiting a while for one beyond `done`.
    fn beyond(&self, done: u64) -> u64 {
        let granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        let (granted, _) = self
            .more
            .wait_timeout_while(granted, WAIT, |granted| *granted <= done)
            .unwrap_or_else(PoisonError::into_inner);
        *granted
    }
}

#[derive(Debug)]
enum Pace {
    Clock { start: Nanos },
    Lockstep(Arc<Lockstep>),
}

/// A simulated device.
#[derive(Debug)]
pub struct SimSource {
    spec: Spec,
    period_frames: u64,
    babble: Babble,
    done: u64,
    pace: Pace,
}

impl SimSource {
    /// Paced by CLOCK_MONOTONIC from now on.
    #[must_use]
    pub fn paced(spec: Spec, period_frames: u32, seed: u64) -> SimSource {
        let pace = Pace::Clock {
            start: Nanos::now(),
        };
        SimSource::new(spec, period_frames, seed, pace)
    }

    /// As fast as main grants frames; the time stamp of frame n is n / rate after zero.
    #[must_use]
    pub fn lockstep(spec: Spec, period: u32, seed: u64, grants: Arc<Lockstep>) -> SimSource {
        SimSource::new(spec, period, seed, Pace::Lockstep(grants))
    }

    fn new(spec: Spec, period_frames: u32, seed: u64, pace: Pace) -> SimSource {
        SimSource {
            spec,
            period_frames: u64::from(period_frames.max(1)),
            babble: Babble::new(spec, seed),
            done: 0,
            pace,
        }
    }

    /// Exact in whole nanoseconds, so that stamps are the same on every machine.
    fn lasting(&self, frames: u64) -> Duration {
        let nanos = u128::from(frames) * 1_000_000_000 / u128::from(self.spec.rate.max(1));
        Duration::from_nanos(nanos as u64)
    }

    /// Frames that exist by now, waiting for one period beyond those delivered.
    fn available(&self) -> u64 {
        match &self.pace {
            Pace::Lockstep(grants) => grants.beyond(self.done),
            Pace::Clock { start } => {
                let due = *start + self.lasting(self.done + self.period_frames);
                let wait = due.since(Nanos::now()).min(WAIT);
                if !wait.is_zero() {
                    std::thread::sleep(wait);
                }
                let elapsed = Nanos::now().since(*start).as_nanos();
                let captured = (elapsed * u128::from(self.spec.rate) / 1_000_000_000) as u64;
                // Whole periods, as with a real card.
                captured - captured % self.period_frames
            }
        }
    }
}

impl Source for SimSource {
    fn spec(&self) -> Spec {
        self.spec
    }

    fn period(&self) -> Duration {
        self.lasting(self.period_frames)
    }

    fn read(&mut self, buf: &mut [u8]) -> Read {
        let captured = self.available();
        let room = (buf.len() / self.spec.frame_bytes()) as u64;
        let frames = captured.saturating_sub(self.done).min(room);
        if frames == 0 {
            return Read::Nothing;
        }
        let size = frames as usize * self.spec.frame_bytes();
        self.babble.write(&mut buf[..size], self.done);
        self.done += frames;
        let start = match &self.pace {
            Pace::Clock { start } => *start,
            Pace::Lockstep(_) => Nanos(0),
        };
        let waiting = captured - self.done;
        Read::Frames {
            frames: frames as u32,
            waiting,
            at: start + self.lasting(captured),
        }
    }

    fn waits(&self) -> bool {
        matches!(self.pace, Pace::Lockstep(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Format;

    const SPEC: Spec = Spec {
        rate: 48_000,
        channels: 6,
        format: Format::FloatLe,
    };

    #[test]
    fn in_lockstep_nothing_comes_ungranted_and_the_same_comes_twice() {
        let take = |pieces: &[u64]| {
            let grants = Arc::new(Lockstep::default());
            let mut source = SimSource::lockstep(SPEC, 480, 7, grants.clone());
            let mut bytes = vec![0; 960 * SPEC.frame_bytes()];
            let mut done = 0;
            for &to in pieces {
                grants.grant(to);
                let rest = &mut bytes[done as usize * SPEC.frame_bytes()..];
                let Read::Frames { frames, .. } = source.read(rest) else {
                    panic!("granted frames come");
                };
                done += u64::from(frames);
                assert_eq!(done, to);
            }
            bytes
        };
        assert_eq!(take(&[960]), take(&[100, 481, 960]));
    }
}
