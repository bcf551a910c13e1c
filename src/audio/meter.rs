//! Levels of each channel, of samples as stored; full scale is 1.0.
//!
//! Sums in double precision: a take of an hour keeps its mean. Never allocates after `new`.

use super::format::{Format, Spec};

/// Levels of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// Largest magnitude.
    pub peak: f64,
    /// Root of the mean square.
    pub rms: f64,
    /// Mean.
    pub dc: f64,
    /// Samples at full scale.
    pub clipped: u64,
}

/// `value` of full scale in dBFS; silence is -200, so that JSON can hold it.
#[must_use]
pub fn dbfs(value: f64) -> f64 {
    if value > 1e-10 {
        20.0 * value.log10()
    } else {
        -200.0
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    peak: f64,
    sum: f64,
    squares: f64,
    clipped: u64,
}

/// Adds up samples of one stream.
#[derive(Clone, Debug)]
pub struct Meter {
    spec: Spec,
    sums: Vec<Sums>,
    frames: u64,
}

impl Meter {
    /// A meter for samples of `spec`.
    #[must_use]
    pub fn new(spec: Spec) -> Meter {
        Meter {
            spec,
            sums: vec![Sums::default(); usize::from(spec.channels)],
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
        // The format is looked at once, not for each sample.
        match self.spec.format {
            Format::S16Le => self.add_as(bytes, |s: [u8; 2]| integer([0, 0, s[0], s[1]])),
            Format::S24Packed => self.add_as(bytes, |s: [u8; 3]| integer([0, s[0], s[1], s[2]])),
            // The upper byte of S24_LE is undefined by ALSA: only three count.
            Format::S24Le => self.add_as(bytes, |s: [u8; 4]| integer([0, s[0], s[1], s[2]])),
            Format::S32Le => self.add_as(bytes, integer),
            Format::FloatLe => self.add_as(bytes, float),
        }
    }

    fn add_as<const N: usize>(&mut self, bytes: &[u8], sample: impl Fn([u8; N]) -> f64) {
        let full = full_scale(self.spec.format);
        for frame in bytes.chunks_exact(N * self.sums.len()) {
            for (sums, raw) in self.sums.iter_mut().zip(frame.as_chunks::<N>().0) {
                let value = sample(*raw);
                sums.peak = sums.peak.max(value.abs());
                sums.sum += value;
                sums.squares += value * value;
                sums.clipped += u64::from(value >= full || value <= -1.0);
            }
            self.frames += 1;
        }
    }

    /// The levels so far; all zero without a frame.
    #[must_use]
    pub fn levels(&self) -> Vec<Level> {
        let n = self.frames.max(1) as f64;
        let level = |s: &Sums| Level {
            peak: s.peak,
            rms: (s.squares / n).sqrt(),
            dc: s.sum / n,
            clipped: s.clipped,
        };
        self.sums.iter().map(level).collect()
    }
}

/// The largest magnitude of all samples, of full scale: for the eye, so integers do for integers.
#[must_use]
pub fn peak(format: Format, bytes: &[u8]) -> f32 {
    let samples = bytes.chunks_exact(format.sample_bytes());
    // The upper bits of an integer, so that all formats are measured alike.
    let largest = match format {
        Format::S16Le => samples
            .map(|s| i32::from(i16::from_le_bytes([s[0], s[1]])).unsigned_abs() << 16)
            .max(),
        Format::S24Packed | Format::S24Le => samples
            .map(|s| i32::from_le_bytes([0, s[0], s[1], s[2]]).unsigned_abs())
            .max(),
        Format::S32Le => samples
            .map(|s| i32::from_le_bytes([s[0], s[1], s[2], s[3]]).unsigned_abs())
            .max(),
        Format::FloatLe => {
            let floats = samples.map(|s| f32::from_le_bytes([s[0], s[1], s[2], s[3]]));
            return floats.fold(0.0, |peak: f32, value| peak.max(value.abs()));
        }
    };
    largest.unwrap_or(0) as f32 / 2_147_483_648.0
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
    f64::from(i32::from_le_bytes(bytes)) / 2_147_483_648.0
}

/// A float that is no number counts as full scale, so that it is noticed and no sum is lost to it.
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
