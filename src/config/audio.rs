//! Checks `[audio]` for values that no device could be asked for.

use std::collections::BTreeSet;

use super::Audio;
use super::load::{Reason, check};
use crate::audio::source::SIMULATED;
use crate::files::nearest::nearest;
use crate::words::Setting;

impl Audio {
    /// Refuses what no device could be asked for; names the key and the reason.
    ///
    /// # Errors
    /// The key, for example `audio.rate`, and what is wrong with its value.
    pub fn check(&self) -> Result<(), Reason> {
        audio(self)
    }
}

fn audio(a: &Audio) -> Result<(), Reason> {
    let n = a.channels.len();
    check(
        (1..=64).contains(&n),
        "audio.channels",
        format!("1 to 64 can be recorded, not {n}"),
    )?;
    let mut seen = BTreeSet::new();
    for name in &a.channels {
        check(!name.trim().is_empty(), "audio.channels", "a name is empty")?;
        check(
            seen.insert(name),
            "audio.channels",
            format!("{name:?} stands there twice"),
        )?;
    }
    let rate = a.rate;
    check(
        (8000..=192_000).contains(&rate),
        "audio.rate",
        format!("{rate} Hz is not within 8000 to 192000"),
    )?;
    check(
        (1..=rate).contains(&a.period_frames),
        "audio.period_frames",
        format!("{} is not within 1 to {rate}, one second", a.period_frames),
    )?;
    check(
        (1..=600).contains(&a.buffer_s),
        "audio.buffer_s",
        "must be 1 to 600 seconds",
    )?;
    check(
        !a.device.is_empty(),
        "audio.device",
        "must name an ALSA PCM, such as \"hw:CARD=F8n\", or be \"sim\", the simulated source",
    )?;
    check(
        a.reference.is_empty() || a.channels.contains(&a.reference),
        "audio.reference",
        format!("{:?} is not one of audio.channels", a.reference),
    )?;
    sensors(a)?;
    mixer(a)
}

fn sensors(a: &Audio) -> Result<(), Reason> {
    for (name, sensor) in &a.sensor {
        let near = nearest(name, a.channels.iter().map(String::as_str))
            .map_or(String::new(), |k| format!("; did you mean {k:?}?"));
        check(
            a.channels.contains(name),
            "audio.sensor",
            format!("{name:?} is not one of audio.channels{near}"),
        )?;
        check(
            sensor.gain_db.is_none_or(f64::is_finite),
            format!("audio.sensor.{name}.gain_db"),
            "must be a finite number of decibels",
        )?;
        let band = |[low, high]: [f64; 2]| 0.0 <= low && low < high && high.is_finite();
        check(
            sensor.band_hz.is_none_or(band),
            format!("audio.sensor.{name}.band_hz"),
            "must be two frequencies in Hz, the lower one first, such as [80, 12000]",
        )?;
    }
    Ok(())
}

fn mixer(a: &Audio) -> Result<(), Reason> {
    for (control, value) in &a.mixer {
        check(
            Setting::read(value).is_some(),
            "audio.mixer",
            format!(
                "{control:?} must be an integer, true, false or a string, not of type {}",
                value.type_str()
            ),
        )?;
    }
    check(
        a.mixer.is_empty() || a.device != SIMULATED,
        "audio.mixer",
        "the simulated source has no mixer; name a card in audio.device, or remove this, for one run \
         with --set audio.mixer={}",
    )
}
