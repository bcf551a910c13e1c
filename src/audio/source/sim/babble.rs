//! The sound of the simulated source: babble like several voices, computed by table.
//!
//! Guarantees: every byte is the one that [`sample`], the plain formula, gives, in every format and
//! however the frames are cut into pieces. Where the table is not exact enough to be sure, the
//! formula is used. It never clips.

use std::f64::consts::TAU;

use crate::words::{Format, Spec};

/// Frames of a table: half of a usual period.
const PIECE: usize = 240;
/// How far a sample from the table may be off the formula in the first hours, relative to full
/// scale: rounding of a few hundred radians, with some margin.
const OFF: f64 = 1e-13;

/// The babble of one stream.
#[derive(Debug)]
pub(super) struct Babble {
    spec: Spec,
    seed: u64,
    voices: Vec<Voice>,
}

impl Babble {
    pub(super) fn new(spec: Spec, seed: u64) -> Babble {
        let voice = |channel| Voice::new(seed, u64::from(channel), spec.rate);
        Babble {
            spec,
            seed,
            voices: (0..spec.channels).map(voice).collect(),
        }
    }

    /// Fills `bytes` with whole frames from frame `first` on.
    pub(super) fn write(&self, bytes: &mut [u8], first: u64) {
        match self.spec.format {
            Format::S16Le => self.integers::<2>(bytes, first, 32_767.0),
            Format::S24Packed => self.integers::<3>(bytes, first, 8_388_607.0),
            Format::S24Le => self.integers::<4>(bytes, first, 8_388_607.0),
            Format::S32Le => self.integers::<4>(bytes, first, 2_147_483_647.0),
            Format::FloatLe => {
                let float = |value| (value as f32).to_bits();
                self.samples::<4>(bytes, first, float, float);
            }
        }
    }

    fn integers<const N: usize>(&self, bytes: &mut [u8], first: u64, full: f64) {
        let quick = |value| truncated(value * full);
        let plain = |value| (value * full) as i32 as u32;
        self.samples::<N>(bytes, first, quick, plain);
    }

    /// Writes the `N` lower bytes of each sample. `quick` and `plain` differ only near the points
    /// where `plain` steps from one value to the next.
    fn samples<const N: usize>(
        &self,
        bytes: &mut [u8],
        first: u64,
        quick: impl Fn(f64) -> u32,
        plain: impl Fn(f64) -> u32,
    ) {
        let (seed, rate, size) = (self.seed, self.spec.rate, self.spec.frame_bytes());
        let (mut said, mut low, mut high) = ([0.0; PIECE], [0; PIECE], [0; PIECE]);
        let pieces = bytes.chunks_mut(PIECE * size);
        for (piece, first) in pieces.zip((first..).step_by(PIECE)) {
            let seconds = seconds(first, rate);
            for (channel, voice) in self.voices.iter().enumerate() {
                let off = voice.say(&mut said, first, &seconds);
                for (n, value) in said.iter().enumerate() {
                    (low[n], high[n]) = (quick(value - off), quick(value + off));
                }
                if low != high {
                    for (n, (low, high)) in low.iter_mut().zip(&high).enumerate() {
                        if low != high {
                            *low = plain(sample(seed, channel as u64, first + n as u64, rate));
                        }
                    }
                }
                for (frame, sample) in piece.chunks_exact_mut(size).zip(&low) {
                    let to = &mut frame[channel * N..][..N];
                    to.copy_from_slice(&sample.to_le_bytes()[..N]);
                }
            }
        }
    }
}

/// A value that is not an integer, rounded towards zero.
fn truncated(value: f64) -> u32 {
    // In a sum of this size the lower bits are the nearest integer.
    const WHOLE: f64 = 1.5 * (1u64 << 52) as f64;
    (value - 0.5f64.copysign(value) + WHOLE).to_bits() as u32
}

/// The times of the frames from `first` on, in seconds.
fn seconds(first: u64, rate: u32) -> [f64; PIECE] {
    let mut seconds = [0.0; PIECE];
    for (n, seconds) in seconds.iter_mut().enumerate() {
        *seconds = (first as f64 + n as f64) / f64::from(rate);
    }
    seconds
}

/// One channel's.
#[derive(Debug)]
struct Voice {
    tones: Tones,
    noise: u64,
    syllables: Wave,
    harmonics: [Wave; 3],
}

impl Voice {
    fn new(seed: u64, channel: u64, rate: u32) -> Voice {
        let tones = Tones::of(seed, channel);
        let wave = |factor, multiple| Wave::new(factor, multiple, rate);
        Voice {
            noise: mix(seed ^ channel),
            syllables: wave(tones.syllables, 1.0),
            harmonics: HARMONICS.map(|(multiple, _)| wave(tones.voice, multiple)),
            tones,
        }
    }

    /// Writes a piece from frame `first` on; returns how far it may be off the formula.
    fn say(&self, said: &mut [f64; PIECE], first: u64, seconds: &[f64; PIECE]) -> f64 {
        let syllables = self.syllables.at(1.0, seconds);
        let noise = |n: usize| 0.001 * near_noise(self.noise, first + n as u64);
        // Between two syllables there is only noise.
        if syllables.is_negative {
            for (n, said) in said.iter_mut().enumerate() {
                *said = noise(n);
            }
            return OFF;
        }
        let part = |n: usize| self.tones.peak * HARMONICS[n].1;
        let [a, b, c] = &self.harmonics;
        let (a, b, c) = (
            a.at(part(0), seconds),
            b.at(part(1), seconds),
            c.at(part(2), seconds),
        );
        for (n, said) in said.iter_mut().enumerate() {
            let voice = a.sine(n, seconds) + b.sine(n, seconds) + c.sine(n, seconds);
            *said = syllables.sine(n, seconds).max(0.0) * voice + noise(n);
        }
        OFF + syllables.off + a.off + b.off + c.off
    }
}

/// A sine, with the table of the angles that a piece goes through.
#[derive(Debug)]
struct Wave {
    /// Radians a second, and what they are multiplied by, as in the formula.
    factor: f64,
    multiple: f64,
    angles: Box<[f64; PIECE]>,
    sines: Box<[f64; PIECE]>,
    cosines: Box<[f64; PIECE]>,
}

impl Wave {
    fn new(factor: f64, multiple: f64, rate: u32) -> Wave {
        let step = multiple * factor / f64::from(rate);
        let angles: [f64; PIECE] = std::array::from_fn(|n| n as f64 * step);
        Wave {
            factor,
            multiple,
            sines: Box::new(angles.map(f64::sin)),
            cosines: Box::new(angles.map(f64::cos)),
            angles: Box::new(angles),
        }
    }

    /// `part` of this sine in a piece at these seconds, one frame after the other.
    fn at(&self, part: f64, seconds: &[f64; PIECE]) -> Turned<'_> {
        let angle = |seconds: f64| self.multiple * (self.factor * seconds);
        let (start, end) = (angle(seconds[0]), angle(seconds[PIECE - 1]));
        let (sin, cos) = start.sin_cos();
        let left = 4.0 * f64::EPSILON * end;
        Turned {
            factor: self.factor,
            multiple: self.multiple,
            angles: &self.angles,
            sines: &self.sines,
            cosines: &self.cosines,
            start,
            sin: part * sin,
            cos: part * cos,
            is_negative: end - start < 1.0 && sin.max(end.sin()) < -1e-6,
            off: left * left,
        }
    }
}

/// A part of a sine, its table turned to where a piece begins.
#[derive(Debug)]
struct Turned<'a> {
    factor: f64,
    multiple: f64,
    angles: &'a [f64; PIECE],
    sines: &'a [f64; PIECE],
    cosines: &'a [f64; PIECE],
    start: f64,
    sin: f64,
    cos: f64,
    /// All of it is.
    is_negative: bool,
    /// How much more it may be off than in the first hours.
    off: f64,
}

impl Turned<'_> {
    /// In frame `n` of the piece.
    ///
    /// The formula's angles are rounded, and more so the later they are; the table's are not. A
    /// rotation by the difference corrects this, except for the difference squared.
    #[inline(always)]
    fn sine(&self, n: usize, seconds: &[f64; PIECE]) -> f64 {
        let (sine, cosine) = (self.sines[n], self.cosines[n]);
        let angle = self.multiple * (self.factor * seconds[n]);
        let left = (angle - self.start) - self.angles[n];
        let there = self.sin * cosine + self.cos * sine;
        there + left * (self.cos * cosine - self.sin * sine)
    }
}

/// Harmonics of a voice and their parts.
const HARMONICS: [(f64, f64); 3] = [(1.0, 0.55), (2.0, 0.25), (7.0, 0.15)];

/// What differs from channel to channel.
#[derive(Debug)]
struct Tones {
    /// Radians a second.
    syllables: f64,
    voice: f64,
    peak: f64,
}

impl Tones {
    fn of(seed: u64, channel: u64) -> Tones {
        let own = (mix(seed ^ (channel << 32)) % 1000) as f64 / 1000.0;
        let pitch = 100.0 + 120.0 * own;
        Tones {
            syllables: TAU * (1.5 + own),
            voice: TAU * pitch,
            peak: 0.25 + 0.3 / (1.0 + channel as f64 / 4.0),
        }
    }
}

/// One sample within -0.6 .. 0.6: three harmonics of a voice under a syllable's envelope, and a
/// little noise, so that a channel is never wholly silent.
fn sample(seed: u64, channel: u64, frame: u64, rate: u32) -> f64 {
    let tones = Tones::of(seed, channel);
    let t = frame as f64 / f64::from(rate);
    let syllables = (tones.syllables * t).sin().max(0.0);
    let phase = tones.voice * t;
    let [first, second, third] = HARMONICS.map(|(multiple, part)| part * (multiple * phase).sin());
    let voice = first + second + third;
    tones.peak * syllables * voice + 0.001 * noise(mix(seed ^ channel), frame)
}

/// Within -0.5 .. 0.5.
fn noise(of: u64, frame: u64) -> f64 {
    (mix(of ^ frame) >> 11) as i64 as f64 / (1u64 << 53) as f64 - 0.5
}

/// The same except for its last bit, made from the bits of a number from 1 to 2.
fn near_noise(of: u64, frame: u64) -> f64 {
    f64::from_bits(1.0f64.to_bits() | (mix(of ^ frame) >> 12)) - 1.5
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

    const DAY_S: u64 = 24 * 3600;

    /// The formula's bytes.
    fn plain(spec: Spec, seed: u64, frames: std::ops::Range<u64>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for frame in frames {
            for channel in 0..u64::from(spec.channels) {
                let value = sample(seed, channel, frame, spec.rate);
                let scaled = |full: f64| ((value * full) as i32).to_le_bytes();
                match spec.format {
                    Format::S16Le => bytes.extend(&scaled(32_767.0)[..2]),
                    Format::S24Packed => bytes.extend(&scaled(8_388_607.0)[..3]),
                    Format::S24Le => bytes.extend(scaled(8_388_607.0)),
                    Format::S32Le => bytes.extend(scaled(2_147_483_647.0)),
                    Format::FloatLe => bytes.extend((value as f32).to_le_bytes()),
                }
            }
        }
        bytes
    }

    #[test]
    fn the_table_gives_the_formulas_bytes_in_every_format_at_every_hour() {
        for format in Format::ALL {
            for (rate, channels) in [(8_000, 1), (44_100, 6), (48_000, 2), (192_000, 3)] {
                let spec = Spec {
                    rate,
                    channels,
                    format,
                };
                let babble = Babble::new(spec, 1);
                for second in [0, 17, 1152, DAY_S, 400 * DAY_S, 40_000 * DAY_S] {
                    let first = second * u64::from(rate) + 77;
                    let frames = first..first + 20_001;
                    let mut bytes = vec![0; 20_001 * spec.frame_bytes()];
                    babble.write(&mut bytes, first);
                    assert!(
                        bytes == plain(spec, 1, frames),
                        "{spec}, second {second}: the table is off"
                    );
                }
            }
        }
    }

    #[test]
    fn the_table_is_exact_enough_to_be_used() {
        let spec = Spec {
            rate: 48_000,
            channels: 6,
            format: Format::S32Le,
        };
        let babble = Babble::new(spec, 1);
        let mut said = [0.0; PIECE];
        for second in [0, 1152, DAY_S] {
            let first = second * 48_000;
            let seconds = seconds(first, spec.rate);
            for (channel, voice) in babble.voices.iter().enumerate() {
                let off = voice.say(&mut said, first, &seconds);
                assert!(off < 1e-10, "{off}");
                for (value, frame) in said.iter().zip(first..) {
                    let formula = sample(1, channel as u64, frame, spec.rate);
                    let is = (value - formula).abs();
                    assert!(is <= off / 4.0, "{is} of {off}");
                }
            }
        }
    }

    #[test]
    fn channels_differ_and_never_clip() {
        let peak = |channel| {
            let values = (0..96_000).map(|frame| sample(1, channel, frame, 48_000).abs());
            values.fold(0.0, f64::max)
        };
        let peaks: Vec<f64> = (0..6).map(peak).collect();
        assert!(peaks.iter().all(|&p| p > 0.1 && p < 0.6), "{peaks:?}");
        assert!(peaks.windows(2).all(|p| p[0] != p[1]), "{peaks:?}");
    }
}
