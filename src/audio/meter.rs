//! Levels of each channel, from samples as stored; full scale is 1.0.
//!
//! Sums are in double precision, so that the mean of an hour stays exact. Never allocates after
//! `new`.

use crate::words::{Format, Level, Spec};

/// Sums of adjacent channels, side by side, so that the processor adds several at once.
#[derive(Clone, Copy, Debug)]
struct Sums<const LANES: usize> {
    peak: [f64; LANES],
    sum: [f64; LANES],
    squares: [f64; LANES],
    clipped: [f64; LANES],
}

impl<const LANES: usize> Sums<LANES> {
    const ZERO: Sums<LANES> = Sums {
        peak: [0.0; LANES],
        sum: [0.0; LANES],
        squares: [0.0; LANES],
        clipped: [0.0; LANES],
    };

    /// Adds one sample of each channel.
    fn add(&mut self, values: [f64; LANES], full: f64) {
        for (lane, value) in values.into_iter().enumerate() {
            let size = value.abs();
            self.peak[lane] = if size > self.peak[lane] {
                size
            } else {
                self.peak[lane]
            };
            self.sum[lane] += value;
            self.squares[lane] += value * value;
            self.clipped[lane] += if value >= full || value <= -1.0 {
                1.0
            } else {
                0.0
            };
        }
    }

    fn levels(&self, frames: f64) -> [Level; LANES] {
        std::array::from_fn(|lane| Level {
            peak: self.peak[lane],
            rms: (self.squares[lane] / frames).sqrt(),
            dc: self.sum[lane] / frames,
            clipped: self.clipped[lane] as u64,
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

    fn add_as<const N: usize>(&mut self, bytes: &[u8], sample: impl Fn([u8; N]) -> f64) {
        let full = full_scale(self.spec.format);
        let channels = usize::from(self.spec.channels);
        let frames = || bytes.as_chunks::<N>().0.chunks_exact(channels);
        for (pair, sums) in self.pairs.iter_mut().enumerate() {
            let mut own = *sums;
            for frame in frames() {
                if let [first, second] = frame[2 * pair..2 * pair + 2] {
                    own.add([sample(first), sample(second)], full);
                }
            }
            *sums = own;
        }
        if let Some(sums) = &mut self.last {
            frames().for_each(|frame| sums.add([sample(frame[channels - 1])], full));
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

fn upper(bytes: [u8; 4]) -> f32 {
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

/// The largest positive value: one step below 1.0 for integers.
fn full_scale(format: Format) -> f64 {
    match format {
        Format::FloatLe => 1.0,
        integer => 1.0 - (0.5f64).powi(i32::from(integer.bits()) - 1),
    }
}

/// A sample in the upper bytes of 32 bits.
fn integer(bytes: [u8; 4]) -> f64 {
    f64::from(i32::from_le_bytes(bytes)) / f64::from(FULL)
}

/// A NaN counts as full scale, so that it is noticed and does not spoil the sums.
fn float(bytes: [u8; 4]) -> f64 {
    let value = f64::from(f32::from_le_bytes(bytes));
    if value.is_finite() { value } else { 1.0 }
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
