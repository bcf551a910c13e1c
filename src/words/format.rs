//! Sample formats, and the shape of a stream: rate, channels, format.

use serde::{Deserialize, Serialize};

/// A sample format by its ALSA name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, PartialOrd, Ord)]
pub enum Format {
    /// 16 bit, little endian.
    #[serde(rename = "S16_LE")]
    S16Le,
    /// 24 bit packed in 3 bytes.
    #[serde(rename = "S24_3LE")]
    S24Packed,
    /// 24 bit in the low bytes of 4; stored packed.
    #[serde(rename = "S24_LE")]
    S24Le,
    /// 32 bit integer.
    #[serde(rename = "S32_LE")]
    S32Le,
    /// 32 bit IEEE float.
    #[serde(rename = "FLOAT_LE")]
    FloatLe,
}

impl Format {
    /// Every format a booth records, best integer first.
    pub const ALL: [Format; 5] = [
        Format::S32Le,
        Format::S24Packed,
        Format::S24Le,
        Format::FloatLe,
        Format::S16Le,
    ];

    /// The name ALSA gives it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::S16Le => "S16_LE",
            Format::S24Packed => "S24_3LE",
            Format::S24Le => "S24_LE",
            Format::S32Le => "S32_LE",
            Format::FloatLe => "FLOAT_LE",
        }
    }

    /// Bytes of one sample as the device delivers it.
    #[must_use]
    pub fn sample_bytes(self) -> usize {
        match self {
            Format::S16Le => 2,
            Format::S24Packed => 3,
            Format::S24Le | Format::S32Le | Format::FloatLe => 4,
        }
    }

    /// The format as a file holds it: the same bits, 24 in 32 packed to 3 bytes.
    #[must_use]
    pub fn stored(self) -> Format {
        if self == Format::S24Le {
            Format::S24Packed
        } else {
            self
        }
    }

    /// Valid bits of a sample.
    #[must_use]
    pub fn bits(self) -> u16 {
        match self {
            Format::S16Le => 16,
            Format::S24Packed | Format::S24Le => 24,
            Format::S32Le | Format::FloatLe => 32,
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Format, String> {
        Format::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| {
                let known = Format::ALL.map(Format::name).join(", ");
                format!("unknown sample format `{name}`; known: {known}")
            })
    }
}

/// The shape of a stream of interleaved frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Frames per second, Hz.
    pub rate: u32,
    /// Samples in a frame.
    pub channels: u16,
    /// The format of each sample.
    pub format: Format,
}

impl Spec {
    /// Bytes of one frame.
    #[must_use]
    pub fn frame_bytes(self) -> usize {
        self.format.sample_bytes() * usize::from(self.channels)
    }

    /// Bytes of one second, as `fmt ` has it.
    #[must_use]
    pub fn bytes_per_second(self) -> u32 {
        self.rate.saturating_mul(self.frame_bytes() as u32)
    }

    /// The same stream as a file holds it.
    #[must_use]
    pub fn stored(self) -> Spec {
        Spec {
            format: self.format.stored(),
            ..self
        }
    }

    /// Whole frames in `millis` milliseconds.
    #[must_use]
    pub fn frames_in_ms(self, millis: u64) -> u64 {
        millis * u64::from(self.rate) / 1000
    }
}

impl std::fmt::Display for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} channels of {} at {} Hz",
            self.channels, self.format, self.rate
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
    }
}
