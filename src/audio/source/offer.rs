//! What a capture device offers: formats, channels, rates.

use alsa::pcm::{Format as AlsaFormat, HwParams, PCM};
use serde::Serialize;

use crate::words::Format;

/// Formats and ranges of one device, without resampling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// Those of the device's formats that a booth can record.
    pub formats: Vec<Format>,
    /// Fewest and most channels.
    pub channels: (u32, u32),
    /// Lowest and highest rate, Hz.
    pub rates: (u32, u32),
}

impl Offer {
    /// Queries an open device, before its parameters are set.
    ///
    /// # Errors
    /// ALSA's, if the device has no configuration at all.
    pub fn of(pcm: &PCM) -> alsa::Result<Offer> {
        let hw = HwParams::any(pcm)?;
        hw.set_rate_resample(false)?;
        Ok(Offer {
            formats: Format::ALL
                .into_iter()
                .filter(|&format| hw.test_format(alsa_format(format)).is_ok())
                .collect(),
            channels: (hw.get_channels_min()?, hw.get_channels_max()?),
            rates: (hw.get_rate_min()?, hw.get_rate_max()?),
        })
    }
}

impl std::fmt::Display for Offer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.formats.iter().map(|format| format.name()).collect();
        let formats = if names.is_empty() {
            "no format a booth records".to_string()
        } else {
            names.join(", ")
        };
        let range = |(low, high): (u32, u32)| {
            if low == high {
                low.to_string()
            } else {
                format!("{low} to {high}")
            }
        };
        let (channels, rates) = (range(self.channels), range(self.rates));
        write!(f, "{formats}; {channels} channels; {rates} Hz")
    }
}

/// ALSA's value of a format.
pub(super) fn alsa_format(format: Format) -> AlsaFormat {
    match format {
        Format::S16Le => AlsaFormat::S16LE,
        Format::S24Packed => AlsaFormat::S243LE,
        Format::S24Le => AlsaFormat::S24LE,
        Format::S32Le => AlsaFormat::S32LE,
        Format::FloatLe => AlsaFormat::FloatLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_reads_as_a_sentence() {
        let offer = Offer {
            formats: vec![Format::S32Le, Format::S16Le],
            channels: (8, 8),
            rates: (44_100, 96_000),
        };
        let text = "S32_LE, S16_LE; 8 channels; 44100 to 96000 Hz";
        assert_eq!(offer.to_string(), text);
    }
}
