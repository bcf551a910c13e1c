//! The sound card as configured: opened, heard for half a second, and closed again.

use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::running::{self, Running};
use super::{Finding, State};
use crate::audio::source::{self, Read, Source};
use crate::config::Config;
use crate::words::{Format, Spec};

/// A driver that does not return by then never will.
const DEVICE_WAIT: Duration = Duration::from_secs(10);
/// How much of each channel is heard.
const HEARD_MS: u64 = 500;
/// A card that works delivers it in a quarter of this, and one of long periods in this and two of them.
const PATIENCE: Duration = Duration::from_secs(2);
/// Names in ALSA's own configuration that take a card's number or its name.
const OF_CARDS: [&str; 5] = ["hw", "plughw", "dsnoop", "sysdefault", "front"];

/// What half a second of a device was.
enum Heard {
    /// The channels that had one value all the time, from 0.
    Flat(Vec<usize>),
    /// Fewer frames than half a second came; how many.
    Little(u64),
    /// The device stopped, and why.
    Gone(source::Gone),
}

/// Whether the sound card opens as configured, and each channel gives more than one value.
pub fn audio(config: &Config) -> Finding {
    let audio = &config.audio;
    if audio.device == source::SIMULATED {
        return Finding::warn(
            "audio",
            format!("simulated: {}; no microphone is recorded", audio.spec()),
            "name a device that `booth devices` lists in `audio.device`",
        );
    }
    let found = opened(config);
    match numbered(&audio.device) {
        Some(number) => with_number(found, &number),
        None => found,
    }
}

fn opened(config: &Config) -> Finding {
    let audio = &config.audio;
    let mut open = source::opener(&audio.device, audio.spec(), audio.period_frames);
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let heard = open().map(|mut source| (source.spec(), hear(source.as_mut())));
        let _ = sender.send(heard);
    });
    let period_s = f64::from(audio.period_frames) / f64::from(audio.rate);
    let patience = DEVICE_WAIT + PATIENCE + 2 * Duration::from_secs_f64(period_s);
    match receiver.recv_timeout(patience) {
        Ok(Ok((spec, heard))) => judge(config, spec, heard),
        Ok(Err(error @ source::Error::Busy { .. })) => in_use(config, &error),
        Ok(Err(error)) => Finding::error("audio", error),
        Err(_) => Finding::fail(
            "audio",
            format!("{}: opening or reading it does not end", audio.device),
            "unplug the card and plug it in again",
        ),
    }
}

/// Reads half a second.
fn hear(source: &mut dyn Source) -> Heard {
    let spec = source.spec();
    let wanted = spec.frames_in_ms(HEARD_MS);
    let mut buffer = vec![0; spec.frames_in_ms(HEARD_MS) as usize * spec.frame_bytes()];
    let mut changes = Changes::new(spec);
    let (begun, patience) = (Instant::now(), PATIENCE + 2 * source.period());
    while changes.frames < wanted && begun.elapsed() < patience {
        match source.read(&mut buffer) {
            Read::Frames { frames, .. } => {
                let bytes = frames as usize * spec.frame_bytes();
                changes.add(buffer.get(..bytes).unwrap_or_default());
            }
            Read::Nothing | Read::Overrun { .. } => {}
            Read::Gone(gone) => return Heard::Gone(gone),
        }
    }
    if changes.frames < wanted {
        Heard::Little(changes.frames)
    } else {
        Heard::Flat(changes.flat())
    }
}

/// Which channels have had more than one value.
struct Changes {
    spec: Spec,
    /// The first frame.
    first: Vec<u8>,
    changed: Vec<bool>,
    frames: u64,
}

impl Changes {
    fn new(spec: Spec) -> Changes {
        Changes {
            spec,
            first: Vec::new(),
            changed: vec![false; spec.channels.into()],
            frames: 0,
        }
    }

    /// Adds whole frames.
    fn add(&mut self, bytes: &[u8]) {
        let size = self.spec.format.sample_bytes();
        // ALSA leaves the upper byte of S24_LE undefined.
        let valid = match self.spec.format {
            Format::S24Le => 3,
            Format::S16Le | Format::S24Packed | Format::S32Le | Format::FloatLe => size,
        };
        for frame in bytes.chunks_exact(self.spec.frame_bytes()) {
            if self.first.is_empty() {
                self.first = frame.to_vec();
            }
            let samples = frame.chunks_exact(size).zip(self.first.chunks_exact(size));
            for (changed, (sample, first)) in self.changed.iter_mut().zip(samples) {
                *changed |= sample[..valid] != first[..valid];
            }
            self.frames += 1;
        }
    }

    fn flat(&self) -> Vec<usize> {
        let channels = self.changed.iter().enumerate();
        let flat = channels.filter(|(_, changed)| !**changed);
        flat.map(|(channel, _)| channel).collect()
    }
}

fn judge(config: &Config, spec: Spec, heard: Heard) -> Finding {
    let audio = &config.audio;
    let text = format!("{}: {spec}", audio.device);
    let flat = match heard {
        Heard::Gone(gone) => {
            let remedy = "look at its cable and its power, then at what the kernel says (`dmesg`)";
            return Finding::fail("audio", format!("{text}; {gone}"), remedy);
        }
        Heard::Little(frames) => {
            return Finding::fail(
                "audio",
                format!("{text}; it opens, and {frames} frames came of the half second waited for"),
                "look at its clock source (a word clock or S/PDIF that is not there), then unplug it \
                 and plug it in again",
            );
        }
        Heard::Flat(flat) if flat.is_empty() => {
            return Finding::ok("audio", format!("{text}; each channel was heard"));
        }
        Heard::Flat(flat) => flat,
    };
    let name = |channel: &usize| audio.channels.get(*channel).map_or("?", String::as_str);
    let names: Vec<&str> = flat.iter().map(name).collect();
    let text = format!(
        "{text}; one value only for half a second: {}",
        names.join(", ")
    );
    let remedy = "look at the sensor's cable, its power, and its switches in the card's mixer";
    match spec.format {
        // So coarse that a good microphone in a silent room may give one value.
        Format::S16Le if flat.len() < audio.channels.len() => Finding::warn(
            "audio",
            text,
            format!("make a sound there and try again; {remedy}"),
        ),
        Format::S16Le | Format::S24Packed | Format::S24Le | Format::S32Le | Format::FloatLe => {
            Finding::fail("audio", text, remedy)
        }
    }
}

/// A card that is in use, as it should be if a box runs.
fn in_use(config: &Config, error: &source::Error) -> Finding {
    let device = &config.audio.device;
    match running::on(&config.data) {
        Running::Yes => Finding::ok(
            "audio",
            format!("{device}: in use, and a box runs here; what its channels give was not heard"),
        ),
        Running::No => Finding::error("audio", error),
        Running::Unknown(why) => Finding::warn(
            "audio",
            format!("{device}: in use, and it is unknown whether by the box ({why})"),
            running::AS_ITS_USER,
        ),
    }
}

/// The card's number in a PCM's name, as `1` in `hw:1,0` and in `plughw:CARD=1`.
fn numbered(device: &str) -> Option<String> {
    let (kind, arguments) = device.split_once(':')?;
    let first = arguments.split(',').next().unwrap_or_default();
    let card = first.strip_prefix("CARD=").unwrap_or(first);
    let is_number = !card.is_empty() && card.bytes().all(|byte| byte.is_ascii_digit());
    (OF_CARDS.contains(&kind) && is_number).then(|| card.to_owned())
}

/// A number is given out anew at each start, so the finding is a warning at least.
fn with_number(found: Finding, number: &str) -> Finding {
    let id = fs::read_to_string(Path::new("/proc/asound").join(format!("card{number}/id")));
    let remedy = match id {
        Ok(id) => format!("write CARD={} for {number} in audio.device", id.trim()),
        Err(_) => format!("write CARD=NAME for {number}: `booth devices` lists the names"),
    };
    let remedy = match found.remedy {
        Some(first) => format!("{first}; {remedy}"),
        None => remedy,
    };
    let state = match found.state {
        State::Ok | State::Warn => State::Warn,
        State::Fail => State::Fail,
    };
    let text = format!(
        "{}; card {number} may be another one after the next start",
        found.text
    );
    Finding {
        state,
        ..Finding::warn(found.check, text, remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_named_by_number_is_told_from_one_named_by_name() {
        for (device, number) in [
            ("hw:1,0", Some("1")),
            ("hw:0", Some("0")),
            ("plughw:CARD=2,DEV=0", Some("2")),
            ("dsnoop:10", Some("10")),
            ("hw:CARD=F8n", None),
            ("hw:F8n,0", None),
            ("hw:CARD=2i2", None),
            ("default", None),
            ("own:1", None),
            ("hw:", None),
        ] {
            assert_eq!(numbered(device).as_deref(), number, "{device}");
        }
    }

    #[test]
    fn a_number_is_a_warning_at_least_and_hides_no_fault() {
        let good = with_number(Finding::ok("audio", "hw:7: fine"), "7");
        assert_eq!(good.state, State::Warn);
        assert!(good.remedy.expect("a remedy").contains("CARD=NAME for 7"));
        let bad = with_number(Finding::fail("audio", "gone", "plug it in"), "7");
        assert_eq!(bad.state, State::Fail);
        assert!(
            bad.remedy
                .expect("a remedy")
                .starts_with("plug it in; write ")
        );
    }

    #[test]
    fn a_channel_is_flat_that_has_one_value_whatever_it_is() {
        for format in Format::ALL {
            let spec = Spec {
                rate: 48_000,
                channels: 3,
                format,
            };
            let mut changes = Changes::new(spec);
            for n in 0..10_u32 {
                // Zero; a constant with an undefined upper byte of S24_LE; a sound.
                let upper = if format == Format::S24Le { n } else { 0 };
                let samples = [0, 7 | upper << 24, n];
                let bytes = samples.map(u32::to_le_bytes);
                let frame = bytes.iter().flat_map(|it| &it[..format.sample_bytes()]);
                changes.add(&frame.copied().collect::<Vec<u8>>());
            }
            assert_eq!(
                (changes.frames, changes.flat()),
                (10, vec![0, 1]),
                "{format}"
            );
        }
    }
}
