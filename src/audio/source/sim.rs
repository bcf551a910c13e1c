//! The built-in source `sim`: babble like several voices, the same for the same seed.
//!
//! Guarantees: frame n of a seed is always the same, whatever the pace; it never clips; channels
//! differ in pitch and peak. Paced by the clock, or in lockstep by what main grants.

use std::f64::consts::TAU;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::{Read, Source};
use crate::rt::Nanos;
use crate::words::{Format, Spec};

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
    seed: u64,
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

    /// As fast as main grants frames; frame n is stamped n / rate after zero.
    #[must_use]
    pub fn lockstep(spec: Spec, period: u32, seed: u64, grants: Arc<Lockstep>) -> SimSource {
        SimSource::new(spec, period, seed, Pace::Lockstep(grants))
    }

    fn new(spec: Spec, period_frames: u32, seed: u64, pace: Pace) -> SimSource {
        SimSource {
            spec,
            period_frames: u64::from(period_frames.max(1)),
            seed,
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
                // Whole periods, as a card counts them.
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
        for (n, frame) in buf
            .chunks_exact_mut(self.spec.frame_bytes())
            .take(frames as usize)
            .enumerate()
        {
            write_frame(frame, self.spec, self.seed, self.done + n as u64);
        }
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

fn write_frame(bytes: &mut [u8], spec: Spec, seed: u64, frame: u64) {
    let samples = bytes.chunks_exact_mut(spec.format.sample_bytes());
    for (channel, to) in samples.enumerate() {
        let value = babble(seed, channel as u64, frame, spec.rate);
        let scaled = |full: f64| (value * full) as i32;
        match spec.format {
            Format::S16Le => to.copy_from_slice(&scaled(32_767.0).to_le_bytes()[..2]),
            Format::S24Packed => to.copy_from_slice(&scaled(8_388_607.0).to_le_bytes()[..3]),
            Format::S24Le => to.copy_from_slice(&scaled(8_388_607.0).to_le_bytes()),
            Format::S32Le => to.copy_from_slice(&scaled(2_147_483_647.0).to_le_bytes()),
            Format::FloatLe => to.copy_from_slice(&(value as f32).to_le_bytes()),
        }
    }
}

/// One sample within -0.6 .. 0.6: three harmonics of a voice under a syllable's envelope, and a
/// little noise, so that a channel is never wholly silent.
fn babble(seed: u64, channel: u64, frame: u64, rate: u32) -> f64 {
    let t = frame as f64 / f64::from(rate);
    let own = (mix(seed ^ (channel << 32)) % 1000) as f64 / 1000.0;
    let pitch = 100.0 + 120.0 * own;
    let syllables = (TAU * (1.5 + own) * t).sin().max(0.0);
    let phase = TAU * pitch * t;
    let voice = 0.55 * phase.sin() + 0.25 * (2.0 * phase).sin() + 0.15 * (7.0 * phase).sin();
    let noise = (mix(mix(seed ^ channel) ^ frame) >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
    let peak = 0.25 + 0.3 / (1.0 + channel as f64 / 4.0);
    peak * syllables * voice + 0.001 * noise
}

/// The finaliser of splitmix64.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn channels_differ_and_never_clip() {
        let peak = |channel| {
            let values = (0..96_000).map(|frame| babble(1, channel, frame, 48_000).abs());
            values.fold(0.0, f64::max)
        };
        let peaks: Vec<f64> = (0..6).map(peak).collect();
        assert!(peaks.iter().all(|&p| p > 0.1 && p < 0.6), "{peaks:?}");
        assert!(peaks.windows(2).all(|p| p[0] != p[1]), "{peaks:?}");
    }
}
