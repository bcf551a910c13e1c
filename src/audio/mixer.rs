//! The card's mixer: gains, switches and choices, kept as the configuration sets them.
//!
//! Guarantees: every check opens the mixer again and reads the values themselves, so no change is
//! missed, and a card that was unplugged is set again once it is back; what was set is read back;
//! all channels of a control have one value. It touches no control that the configuration does not
//! name, and keeps nothing open between two checks. Never call it in a thread that must not wait.

mod control;

use crate::rt::libasound;
use crate::words::{Setting, Settings};

use control::{Control, words};

/// A control that something else has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Its name.
    pub control: String,
    /// The value that was found.
    pub found: Setting,
    /// The value that it is kept at.
    pub wanted: Setting,
}

/// The result of a check.
#[derive(Debug, Default)]
pub struct Held {
    /// What had moved since the last check; it was put back, unless that failed.
    pub moved: Vec<Moved>,
    /// Why a control does not have its value; the first reason, if there are several.
    pub failed: Option<MixerError>,
}

/// Why a control does not have its value.
#[derive(Debug, thiserror::Error)]
pub enum MixerError {
    /// There is no mixer of that name, or it cannot be opened.
    #[error("mixer `{mixer}`: {reason}; `amixer -D {mixer}` must list its controls")]
    Missing {
        /// The mixer.
        mixer: String,
        /// In ALSA's words.
        reason: String,
    },
    /// The mixer has no such control.
    #[error("mixer `{mixer}`: no control `{control}`; [audio.mixer] may name {known}")]
    Unknown {
        /// The mixer.
        mixer: String,
        /// The control.
        control: String,
        /// The controls that the mixer has.
        known: String,
    },
    /// The value has the wrong type, is out of range, or is not an item of the enumeration.
    #[error(
        "mixer `{mixer}`: control `{control}` cannot be {wanted}; write {takes} in [audio.mixer]"
    )]
    Refused {
        /// The mixer.
        mixer: String,
        /// The control.
        control: String,
        /// The value.
        wanted: Setting,
        /// The values it can have.
        takes: String,
    },
    /// It was set, but has another value.
    #[error(
        "mixer `{mixer}`: control `{control}` was set to {wanted} but reads back {found}; \
         name a value it keeps in [audio.mixer], or stop what else sets it"
    )]
    Otherwise {
        /// The mixer.
        mixer: String,
        /// The control.
        control: String,
        /// As set.
        wanted: Setting,
        /// As read back.
        found: Setting,
    },
    /// ALSA cannot read or set it.
    #[error("mixer `{mixer}`: control `{control}`: {reason}; remove it from [audio.mixer]")]
    Failed {
        /// The mixer.
        mixer: String,
        /// The control.
        control: String,
        /// In ALSA's words.
        reason: String,
    },
}

/// The controls that are kept.
#[derive(Debug)]
pub struct Mixer {
    mixer: String,
    wanted: Settings,
    found: Settings,
}

impl Mixer {
    /// The mixer of `device`, a PCM; nothing is opened yet.
    #[must_use]
    pub fn of(device: &str, wanted: Settings) -> Mixer {
        Mixer {
            mixer: mixer_of(device),
            wanted,
            found: Settings::new(),
        }
    }

    /// Whether these are among the values that are kept.
    #[must_use]
    pub fn holds(&self, settings: &Settings) -> bool {
        let held = |(control, value)| self.wanted.get(control) == Some(value);
        settings.iter().all(held)
    }

    /// The values as they were last read.
    #[must_use]
    pub fn found(&self) -> &Settings {
        &self.found
    }

    /// Checks every control. One that differs is set and read back.
    pub fn hold(&mut self) -> Held {
        let (mut moved, mut written) = (Vec::new(), false);
        let set = self.each(|control, before, found| {
            if found == control.wanted {
                return Ok(());
            }
            written = true;
            if before.is_some_and(|before| before != *found) {
                moved.push(Moved {
                    control: control.name.to_owned(),
                    found: found.clone(),
                    wanted: control.wanted.clone(),
                });
            }
            control.write()
        });
        // An open mixer returns the value that it has just set, not the card's. So open it again.
        let kept = if written {
            self.each(|control, _, found| control.kept(found))
        } else {
            Ok(())
        };
        Held {
            moved,
            failed: set.and(kept).err(),
        }
    }

    /// Reads every control and passes it on with its last value and its present one. The first
    /// failure is returned once all are done.
    fn each(
        &mut self,
        mut serve: impl FnMut(&Control<'_>, Option<Setting>, &Setting) -> Result<(), MixerError>,
    ) -> Result<(), MixerError> {
        // Otherwise ALSA's own lines would fill the log every second while the card is away.
        libasound::listen();
        let open = alsa::Mixer::new(&self.mixer, true).map_err(|error| MixerError::Missing {
            mixer: self.mixer.clone(),
            reason: words(error),
        })?;
        let mut served = Ok(());
        for (name, wanted) in &self.wanted {
            let one = Control::find(&open, &self.mixer, name, wanted).and_then(|control| {
                let found = control.read()?;
                let before = self.found.insert(name.clone(), found.clone());
                serve(&control, before, &found)
            });
            served = served.and(one);
        }
        served
    }
}

/// `hw:CARD=F8n` of the PCM `plughw:CARD=F8n,DEV=0`; any other PCM's mixer has its name.
fn mixer_of(device: &str) -> String {
    let of_card = ["hw:", "plughw:"];
    let Some(arguments) = of_card.iter().find_map(|kind| device.strip_prefix(kind)) else {
        return device.to_owned();
    };
    let mut parts = arguments.split(',');
    let named = parts.clone().find(|part| part.starts_with("CARD="));
    format!("hw:{}", named.or(parts.next()).unwrap_or(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixer_is_the_cards_or_has_the_name_of_the_pcm() {
        for (pcm, mixer) in [
            ("hw:CARD=F8n,0", "hw:CARD=F8n"),
            ("hw:CARD=F8n", "hw:CARD=F8n"),
            ("plughw:CARD=F8n,DEV=0", "hw:CARD=F8n"),
            ("hw:DEV=0,CARD=F8n", "hw:CARD=F8n"),
            ("plughw:1,0", "hw:1"),
            ("default", "default"),
            ("dsnoop:CARD=F8n", "dsnoop:CARD=F8n"),
        ] {
            assert_eq!(mixer_of(pcm), mixer, "{pcm}");
        }
    }

    #[test]
    fn a_setting_is_in_json_as_in_toml() {
        let table: toml::Table = "a = 40\nb = true\nc = \"Line\"\nd = 0.5"
            .parse()
            .expect("toml");
        let settings: Vec<_> = table.values().filter_map(Setting::read).collect();
        let json = serde_json::to_string(&settings).expect("json");
        assert_eq!(json, "[40,true,\"Line\"]");
        let back: Vec<Setting> = serde_json::from_str(&json).expect("settings");
        assert_eq!(back, settings);
    }
}
