//! One control of an open mixer: found by its name, read, set.

use alsa::mixer::{Selem, SelemChannelId};

use super::MixerError;
use crate::words::Setting;

/// ALSA's words for an error, without the name of its function.
pub(super) fn words(error: alsa::Error) -> String {
    std::io::Error::from_raw_os_error(error.errno()).to_string()
}

/// The part of a simple control that a setting belongs to.
#[derive(Clone, Copy, Debug)]
enum Part {
    CaptureLevel,
    PlaybackLevel,
    CaptureSwitch,
    PlaybackSwitch,
    Items,
}

/// A control of an open mixer, and the value it is kept at.
pub(super) struct Control<'a> {
    selem: Selem<'a>,
    part: Part,
    mixer: &'a str,
    pub(super) name: &'a str,
    pub(super) wanted: &'a Setting,
}

impl<'a> Control<'a> {
    /// Finds the control. A setting that it cannot have is refused.
    pub(super) fn find(
        open: &'a alsa::Mixer,
        mixer: &'a str,
        name: &'a str,
        wanted: &'a Setting,
    ) -> Result<Control<'a>, MixerError> {
        let mut known = Vec::new();
        for selem in open.iter().filter_map(Selem::new) {
            let own = name_of(&selem);
            if own != name {
                known.push(format!("`{own}`"));
                continue;
            }
            return match part_for(&selem, wanted) {
                Some(part) => Ok(Control {
                    selem,
                    part,
                    mixer,
                    name,
                    wanted,
                }),
                None => Err(MixerError::Refused {
                    mixer: mixer.to_owned(),
                    control: own,
                    wanted: wanted.clone(),
                    takes: takes(&selem),
                }),
            };
        }
        Err(MixerError::Unknown {
            mixer: mixer.to_owned(),
            control: name.to_owned(),
            known: either(known),
        })
    }

    /// The value of all channels; if they differ, the first one that is not the wanted value.
    ///
    /// The crate names ten channels; further ones are set but not read.
    pub(super) fn read(&self) -> Result<Setting, MixerError> {
        let channels = SelemChannelId::all().iter().copied();
        let mut values = channels
            .filter(|channel| *channel != SelemChannelId::Unknown && self.has(*channel))
            .map(|channel| self.read_channel(channel))
            .collect::<alsa::Result<Vec<Setting>>>()
            .map_err(|error| self.failed(error))?;
        let differs = values.iter().position(|value| value != self.wanted);
        if values.is_empty() {
            return Err(self.failed(alsa::Error::new("no channel", libc::ENXIO)));
        }
        Ok(values.swap_remove(differs.unwrap_or(0)))
    }

    fn has(&self, channel: SelemChannelId) -> bool {
        match self.part {
            Part::CaptureLevel | Part::CaptureSwitch => self.selem.has_capture_channel(channel),
            Part::PlaybackLevel | Part::PlaybackSwitch => self.selem.has_playback_channel(channel),
            Part::Items => self.selem.get_enum_item(channel).is_ok(),
        }
    }

    fn read_channel(&self, channel: SelemChannelId) -> alsa::Result<Setting> {
        let selem = &self.selem;
        Ok(match self.part {
            Part::CaptureLevel => Setting::Level(selem.get_capture_volume(channel)?),
            Part::PlaybackLevel => Setting::Level(selem.get_playback_volume(channel)?),
            Part::CaptureSwitch => Setting::Switch(selem.get_capture_switch(channel)? != 0),
            Part::PlaybackSwitch => Setting::Switch(selem.get_playback_switch(channel)? != 0),
            Part::Items => {
                let item = selem.get_enum_item(channel)?;
                Setting::Item(selem.get_enum_item_name(item)?)
            }
        })
    }

    /// Sets all channels.
    pub(super) fn write(&self) -> Result<(), MixerError> {
        let selem = &self.selem;
        let done = match (self.part, self.wanted) {
            (Part::CaptureLevel, Setting::Level(level)) => selem.set_capture_volume_all(*level),
            (Part::PlaybackLevel, Setting::Level(level)) => selem.set_playback_volume_all(*level),
            (Part::CaptureSwitch, Setting::Switch(on)) => {
                selem.set_capture_switch_all((*on).into())
            }
            (Part::PlaybackSwitch, Setting::Switch(on)) => {
                selem.set_playback_switch_all((*on).into())
            }
            (_, Setting::Item(item)) => {
                let number = items(selem).iter().position(|own| own == item);
                let number = number.unwrap_or_default() as u32;
                let mut channels = SelemChannelId::all().iter().copied();
                channels
                    .by_ref()
                    .filter(|channel| self.has(*channel))
                    .try_for_each(|channel| selem.set_enum_item(channel, number))
            }
            // `part_for` pairs no others.
            _ => Ok(()),
        };
        done.map_err(|error| self.failed(error))
    }

    /// Whether a value read back is the one that was set.
    pub(super) fn kept(&self, found: &Setting) -> Result<(), MixerError> {
        if found == self.wanted {
            return Ok(());
        }
        Err(MixerError::Otherwise {
            mixer: self.mixer.to_owned(),
            control: self.name.to_owned(),
            wanted: self.wanted.clone(),
            found: found.clone(),
        })
    }

    fn failed(&self, error: alsa::Error) -> MixerError {
        MixerError::Failed {
            mixer: self.mixer.to_owned(),
            control: self.name.to_owned(),
            reason: words(error),
        }
    }
}

/// The name as `amixer` prints it, with its number where it is not the first of that name.
fn name_of(selem: &Selem<'_>) -> String {
    let id = selem.get_id();
    let name = id.get_name().unwrap_or_default();
    match id.get_index() {
        0 => name.to_owned(),
        number => format!("{name},{number}"),
    }
}

/// Which part of the control a setting belongs to, if any can have it; capture before playback.
fn part_for(selem: &Selem<'_>, wanted: &Setting) -> Option<Part> {
    let within = |(least, most): (i64, i64), level| (least..=most).contains(&level);
    match wanted {
        Setting::Item(item) => items(selem).contains(item).then_some(Part::Items),
        // For ALSA an enumeration has a switch too, but it never moves.
        _ if selem.is_enumerated() => None,
        Setting::Level(level) if selem.has_capture_volume() => {
            within(selem.get_capture_volume_range(), *level).then_some(Part::CaptureLevel)
        }
        Setting::Level(level) if selem.has_playback_volume() => {
            within(selem.get_playback_volume_range(), *level).then_some(Part::PlaybackLevel)
        }
        Setting::Switch(_) if selem.has_capture_switch() => Some(Part::CaptureSwitch),
        Setting::Switch(_) if selem.has_playback_switch() => Some(Part::PlaybackSwitch),
        _ => None,
    }
}

/// What the control can be set to, in words.
fn takes(selem: &Selem<'_>) -> String {
    if selem.is_enumerated() {
        return either(items(selem).iter().map(|item| format!("{item:?}")));
    }
    let mut takes = Vec::new();
    let range = if selem.has_capture_volume() {
        Some(selem.get_capture_volume_range())
    } else {
        selem
            .has_playback_volume()
            .then(|| selem.get_playback_volume_range())
    };
    if let Some((least, most)) = range {
        takes.push(format!("an integer from {least} to {most}"));
    }
    if selem.has_capture_switch() || selem.has_playback_switch() {
        takes.push("true or false".to_owned());
    }
    either(takes)
}

fn items(selem: &Selem<'_>) -> Vec<String> {
    if !selem.is_enumerated() {
        return Vec::new();
    }
    let items = selem.iter_enum().into_iter().flatten();
    items.map(Result::unwrap_or_default).collect()
}

/// `a, b or c`.
fn either(words: impl IntoIterator<Item = String>) -> String {
    let mut words: Vec<String> = words.into_iter().collect();
    match (words.pop(), words.is_empty()) {
        (None, _) => "nothing".to_owned(),
        (Some(only), true) => only,
        (Some(last), false) => format!("{} or {last}", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_listed_in_words() {
        let list = |words: &[&str]| either(words.iter().map(ToString::to_string));
        assert_eq!(list(&[]), "nothing");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b or c");
    }
}
