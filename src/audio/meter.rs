//! Levels of each channel, from samples as stored; full scale is 1.0.
//!
//! Sums are in double precision, so that the mean of an hour stays exact. Never allocates after
//! `new`.
//!
//! Full scale is that of the converter, which may have fewer bits than its format: 24 bits in S32_LE
//! end at 0x7FFFFF00. How many it has, the low bits of a channel's samples show, 16 at least. The 24
//! bits of the best converters are the most: what lies above their full scale is clipped in any case.

use crate::words::{Format, Level, Spec};

/// Sums of adjacent channels, side by side, so that the processor adds several at once.
#[derive(Clone, Copy, Debug)]
struct Sums<const LANES: usize> {
    peak: [f64; LANES],
    sum: [f64; LANES],
    squares: [f64; LANES],
    /// Samples at full scale of 24 bits or beyond, of either sign.
    clipped: [f64; LANES],
    /// The largest value, and how many samples have it.
    top: [f64; LANES],
    at_top: [f64; LANES],
    /// Every bit that any sample has set, of 32.
    bits: [u32; LANES],
}

impl<const LANES: usize> Sums<LANES> {
    const ZERO: Sums<LANES> = Sums {
        peak: [0.0; LANES],
        sum: [0.0; LANES],
        squares: [0.0; LANES],
        clipped: [0.0; LANES],
        top: [-1.0; LANES],
        at_top: [0.0; LANES],
        bits: [0; LANES],
    };

    /// Adds one sample of each channel.
    fn add(&mut self, samples: [Sample; LANES]) {
        for (lane, Sample { value, bits }) in samples.into_iter().enumerate() {
            let size = value.abs();
            self.peak[lane] = if size > self.peak[lane] {
                size
            } else {
                self.peak[lane]
            };
            self.sum[lane] += value;
            self.squares[lane] += value * value;
            self.clipped[lane] += if size >= full_scale(MOST_BITS) {
                1.0
            } else {
                0.0
            };
            let before = if value > self.top[lane] {
                0.0
            } else {
                self.at_top[lane]
            };
            self.at_top[lane] = before + if value >= self.top[lane] { 1.0 } else { 0.0 };
            self.top[lane] = if value > self.top[lane] {
                value
            } else {
                self.top[lane]
            };
            self.bits[lane] |= bits;
        }
    }

    /// Samples at the converter's full scale.
    fn clipped(&self, lane: usize) -> u64 {
        let bits = (32 - self.bits[lane].trailing_zeros()).clamp(LEAST_BITS, MOST_BITS);
        // With fewer bits than the most, the largest value can only be equal to full scale.
        let is_full = bits < MOST_BITS && self.top[lane] == full_scale(bits);
        let more = if is_full { self.at_top[lane] } else { 0.0 };
        (self.clipped[lane] + more) as u64
    }

    fn levels(&self, frames: f64) -> [Level; LANES] {
        std::array::from_fn(|lane| Level {
            peak: self.peak[lane],
            rms: (self.squares[lane] / frames).sqrt(),
            dc: self.sum[lane] / frames,
            clipped: self.clipped(lane),
        })
    }
}

/// Adds up samples of one stream.
#[derive(Clone, Debug)]
pub struct Meter {
    spec: Spec,
    /// Channels in pairs; the last one may stand alone.
    pairs: Vec<Sums<2>>,
    last: Option<Sums<1>>,
    frames: u64,
}

impl Meter {
    /// A meter for samples of `spec`.
    #[must_use]
    pub fn new(spec: Spec) -> Meter {
        Meter {
            spec,
            pairs: vec![Sums::ZERO; usize::from(spec.channels / 2)],
            last: (spec.channels % 2 == 1).then_some(Sums::ZERO),
            frames: 0,
        }
    }

    /// The shape of its samples.
    #[must_use]
    pub fn spec(&self) -> Spec {
        self.spec
    }

    /// Adds whole frames.
    pub fn add(&mut self, bytes: &[u8]) {
        // The format is matched once, not for each sample.
        match self.spec.format {
            Format::S16Le => self.add_as(bytes, |s: [u8; 2]| integer([0, 0, s[0], s[1]])),
            Format::S24Packed => self.add_as(bytes, |s: [u8; 3]| integer([0, s[0], s[1], s[2]])),
            // ALSA leaves the upper byte of S24_LE undefined: only three bytes count.
            Format::S24Le => self.add_as(bytes, |s: [u8; 4]| integer([0, s[0], s[1], s[2]])),
            Format::S32Le => self.add_as(bytes, integer),
            Format::FloatLe => self.add_as(bytes, float),
        }
    }

    fn add_as<const N: usize>(&mut self, bytes: &[u8], sample: impl Fn([u8; N]) -> Sample) {
        let channels = usize::from(self.spec.channels);
        let frames = || bytes.as_chunks::<N>().0.chunks_exact(channels);
        for (pair, sums) in self.pairs.iter_mut().enumerate() {
            let mut own = *sums;
            for frame in frames() {
                if let [first, second] = frame[2 * pair..2 * pair + 2] {
                    own.add([sample(first), sample(second)]);
                }
            }
            *sums = own;
        }
        if let Some(sums) = &mut self.last {
            frames().for_each(|frame| sums.add([sample(frame[channels - 1])]));
        }
        self.frames += frames().len() as u64;
    }

    /// The levels so far; all zero without a frame.
    #[must_use]
    pub fn levels(&self) -> Vec<Level> {
        let frames = self.frames.max(1) as f64;
        let pairs = self.pairs.iter().flat_map(|sums| sums.levels(frames));
        let last = self.last.iter().flat_map(|sums| sums.levels(frames));
        pairs.chain(last).collect()
    }
}

/// The largest magnitude of all samples, relative to full scale. It is only for display, so single
/// precision is enough.
#[must_use]
pub fn peak(format: Format, bytes: &[u8]) -> f32 {
    match format {
        Format::S16Le => largest(bytes, |s: [u8; 2]| upper([0, 0, s[0], s[1]])),
        Format::S24Packed => largest(bytes, |s: [u8; 3]| upper([0, s[0], s[1], s[2]])),
        // ALSA leaves the upper byte of S24_LE undefined: only three bytes count.
        Format::S24Le => largest(bytes, |s| (i32::from_le_bytes(s) << 8) as f32 / FULL),
        Format::S32Le => largest(bytes, upper),
        Format::FloatLe => largest(bytes, f32::from_le_bytes),
    }
}

/// 2^31.
const FULL: f32 = 2_147_483_648.0;

pub(super) fn upper(bytes: [u8; 4]) -> f32 {
    i32::from_le_bytes(bytes) as f32 / FULL
}

/// Several maxima side by side, since the processor compares several at once.
fn largest<const N: usize>(bytes: &[u8], sample: impl Fn([u8; N]) -> f32) -> f32 {
    let greater = |a: f32, b: f32| if a > b { a } else { b };
    let (chunks, rest) = bytes.as_chunks::<N>().0.as_chunks::<8>();
    let mut most = [0.0f32; 8];
    for chunk in chunks {
        for (most, raw) in most.iter_mut().zip(chunk) {
            *most = greater(sample(*raw).abs(), *most);
        }
    }
    let rest = rest.iter().map(|raw| sample(*raw).abs());
    most.into_iter().chain(rest).fold(0.0, greater)
}

/// Bits of a converter, at least and at most.
const LEAST_BITS: u32 = 16;
const MOST_BITS: u32 = 24;

/// The largest value of a converter of `bits` bits: one step below 1.0.
fn full_scale(bits: u32) -> f64 {
    1.0 - 2.0 / f64::from(1u32 << bits)
}

/// One sample.
#[derive(Clone, Copy)]
struct Sample {
    /// Of full scale.
    value: f64,
    /// The same in 32 bits, for the lowest one that is set.
    bits: u32,
}

/// A sample in the upper bytes of 32 bits.
fn integer(bytes: [u8; 4]) -> Sample {
    let integer = i32::from_le_bytes(bytes);
    Sample {
        value: f64::from(integer) / f64::from(FULL),
        bits: integer as u32,
    }
}

/// A NaN counts as full scale, so that it is noticed and does not spoil the sums.
fn float(bytes: [u8; 4]) -> Sample {
    let value = f64::from(f32::from_le_bytes(bytes));
    let value = if value.is_finite() { value } else { 1.0 };
    let scaled = value * f64::from(FULL);
    let integer = scaled as i64;
    // What 32 bits cannot hold has the finest step.
    let bits = if integer as f64 == scaled {
        integer as u32
    } else {
        1
    };
    Sample { value, bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_scale_is_one_in_every_format() {
        for (format, raw) in [
            (Format::S16Le, vec![0, 128]),
            (Format::S24Packed, vec![0, 0, 128]),
            (Format::S24Le, vec![0, 0, 128, 7]),
            (Format::S32Le, vec![0, 0, 0, 128]),
            (Format::FloatLe, (-1f32).to_le_bytes().to_vec()),
        ] {
            let mut meter = Meter::new(Spec {
                rate: 48_000,
                channels: 1,
                format,
            });
            meter.add(&raw);
            assert!((peak(format, &raw) - 1.0).abs() < 1e-6, "{format}");
            let one = Level {
                peak: 1.0,
                rms: 1.0,
                dc: -1.0,
                clipped: 1,
            };
            assert_eq!(meter.levels(), [one], "{format}");
        }
    }

    #[test]
    fn every_channel_has_its_own_level() {
        for channels in [1u16, 2, 5, 6, 64] {
            let spec = Spec {
                rate: 48_000,
                channels,
                format: Format::S16Le,
            };
            let frame: Vec<u8> = (0..channels)
                .flat_map(|c| (c * 100).to_le_bytes())
                .collect();
            let mut meter = Meter::new(spec);
            meter.add(&frame.repeat(3));
            meter.add(&frame);
            let wanted: Vec<f64> = (0..channels).map(|c| f64::from(c) / 327.68).collect();
            let peaks: Vec<f64> = meter.levels().iter().map(|level| level.peak).collect();
            let means: Vec<f64> = meter.levels().iter().map(|level| level.dc).collect();
            assert_eq!((&peaks, &means), (&wanted, &wanted));
            let most = f64::from(peak(spec.format, &frame));
            assert!((most - wanted[usize::from(channels) - 1]).abs() < 1e-6);
        }
    }

    #[test]
    fn the_largest_positive_integer_is_clipped_and_one_less_is_not() {
        let spec = Spec {
            rate: 48_000,
            channels: 2,
            format: Format::S16Le,
        };
        let mut meter = Meter::new(spec);
        meter.add(&[255, 127, 254, 127]);
        let clipped: Vec<u64> = meter.levels().iter().map(|level| level.clipped).collect();
        assert_eq!(clipped, [1, 0]);
    }

    fn clipped(format: Format, channels: u16, raw: &[u8]) -> Vec<u64> {
        let spec = Spec {
            rate: 48_000,
            channels,
            format,
        };
        let mut meter = Meter::new(spec);
        raw.chunks(7 * spec.frame_bytes())
            .for_each(|block| meter.add(block));
        meter.levels().iter().map(|level| level.clipped).collect()
    }

    #[test]
    fn both_sides_are_counted_at_the_full_scale_of_the_converter() {
        // A sine of twice full scale, limited by a converter of so many bits; then its positive half.
        for bits in [16, 18, 20, 24] {
            let most = f64::from(1 << (bits - 1));
            let wave = |n: i32| {
                let value = 2.0 * most * (f64::from(n) * 0.019_635).sin();
                (value.round().clamp(-most, most - 1.0)) as i32
            };
            let full = |n: &i32| wave(*n) == most as i32 - 1;
            let low = |n: &i32| wave(*n) == -most as i32;
            let high = (0..9600).filter(full).count() as u64;
            let both = high + (0..9600).filter(low).count() as u64;
            assert!(high > 3000 && both > 6000);
            let stream = |sample: &dyn Fn(i32) -> Vec<u8>| -> Vec<u8> {
                (0..9600)
                    .flat_map(|n| [sample(wave(n)), sample(wave(n).max(0))].concat())
                    .collect()
            };
            let shifted = |value: i32, to: i32| (value << (to - bits)).to_le_bytes();
            let words = stream(&|value| shifted(value, 32).to_vec());
            assert_eq!(clipped(Format::S32Le, 2, &words), [both, high], "{bits}");
            let float = |value: i32| (f64::from(value) / most) as f32;
            let floats = stream(&|value| float(value).to_le_bytes().to_vec());
            assert_eq!(clipped(Format::FloatLe, 2, &floats), [both, high], "{bits}");
            let packed = stream(&|value| shifted(value, 24)[..3].to_vec());
            assert_eq!(clipped(Format::S24Packed, 2, &packed), [both, high]);
        }
    }

    #[test]
    fn a_wave_below_full_scale_is_not_clipped_in_any_format() {
        let below = |n: i32| (f64::from(n) * 0.019_635).sin() * 0.999;
        let word = |n: i32| (below(n) * 2_147_483_648.0) as i32;
        let words: Vec<u8> = (0..9600).flat_map(|n| word(n).to_le_bytes()).collect();
        assert_eq!(clipped(Format::S32Le, 1, &words), [0]);
        let coarse: Vec<u8> = (0..9600)
            .flat_map(|n| (word(n) & !0xffff).to_le_bytes())
            .collect();
        assert_eq!(clipped(Format::S32Le, 1, &coarse), [0]);
        let short: Vec<u8> = (0..9600)
            .flat_map(|n| ((word(n) >> 16) as i16).to_le_bytes())
            .collect();
        assert_eq!(clipped(Format::S16Le, 1, &short), [0]);
        let floats: Vec<u8> = (0..9600)
            .flat_map(|n| (below(n) as f32).to_le_bytes())
            .collect();
        assert_eq!(clipped(Format::FloatLe, 1, &floats), [0]);
        assert_eq!(clipped(Format::S32Le, 1, &[0; 400]), [0], "silence");
    }

    #[test]
    fn low_bits_that_mean_nothing_hide_no_clipping() {
        let words = [0x7fff_ff03_u32, 0x7fff_ffff, 0x8000_0017, 0x7fff_fe55];
        let raw: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(clipped(Format::S32Le, 1, &raw), [3]);
    }

    #[test]
    fn a_float_beyond_full_scale_is_clipped() {
        let floats = [1.5f32, 1.0, -1.0, -2.0, 0.25, 0.1, f32::INFINITY];
        let raw: Vec<u8> = floats.iter().flat_map(|it| it.to_le_bytes()).collect();
        assert_eq!(clipped(Format::FloatLe, 1, &raw), [5]);
    }

    #[test]
    fn no_number_spoils_a_sum() {
        let spec = Spec {
            rate: 48_000,
            channels: 1,
            format: Format::FloatLe,
        };
        let mut meter = Meter::new(spec);
        meter.add(&f32::NAN.to_le_bytes());
        assert!(meter.levels()[0].rms.is_finite());
        assert!(Meter::new(spec).levels()[0].rms == 0.0);
    }
}
