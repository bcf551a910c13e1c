//! The box's configuration, `booth.toml`: parsed and checked once, then fixed for the run.
//!
//! Unknown keys are refused with the nearest known one; every key can be set for one run.

mod audio;
mod choice;
pub mod load;
pub mod set;

pub use load::{Check, ConfigError};

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::words::{Format, Hearing, Sensor, Setting, Settings, Site, Spec};

/// The prefix of a systemd credential's name, for a key that is not in a file.
pub const CREDENTIAL: &str = "credential:";

/// `booth.toml` as a whole.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// A board profile's name or path; `sim` is the simulator.
    pub board: String,
    /// A protocol's name or path.
    pub protocol: String,
    /// The language of the screens and of the corpus.
    pub language: String,
    /// Languages to choose from; empty means `language` alone.
    pub languages: Vec<String>,
    /// The data folder.
    pub data: PathBuf,
    /// This box's name, kept in session.json.
    #[serde(rename = "box")]
    pub box_name: String,
    /// Font files; empty means the installed defaults.
    pub fonts: Vec<PathBuf>,
    /// Where the box is, kept in session.json.
    pub site: Site,
    /// What is recorded and how.
    pub audio: Audio,
    /// How takes are cut.
    pub take: Take,
    /// Which lines are read.
    pub corpus: Corpus,
    /// How the disk is used.
    pub storage: Storage,
    /// Who may read and how a voice is taken back.
    pub privacy: Privacy,
    /// The remote loudspeakers.
    pub sphere: Sphere,
    /// The folder of its file; empty for the built-in one.
    #[serde(skip)]
    pub folder: PathBuf,
    /// Its file, or that it is the built-in one, for people to read.
    #[serde(skip)]
    pub read_from: String,
}

/// `[audio]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audio {
    /// An ALSA PCM name, or `sim` for the simulated source.
    pub device: String,
    /// Frames per second, exact.
    pub rate: u32,
    /// Sample format, exact.
    pub format: Format,
    /// Channel names in the order of the device.
    pub channels: Vec<String>,
    /// The reference channel.
    pub reference: String,
    /// Frames of an ALSA period.
    pub period_frames: u32,
    /// Seconds of pool between capture and disk.
    pub buffer_s: u32,
    /// Seconds of silence a take goes on for without its device.
    pub device_grace_s: u32,
    /// ALSA PCM for listening back; empty: none.
    pub playback: String,
    /// Facts of each channel's sensor.
    pub sensor: BTreeMap<String, Sensor>,
    /// Mixer controls kept at these values during a session.
    pub mixer: BTreeMap<String, toml::Value>,
}

/// How a read take begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One press ends a take and begins the next.
    Auto,
    /// One press starts a take, the next ends it.
    Manual,
}

/// `[take]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Take {
    /// How presses cut takes.
    pub mode: Mode,
    /// Milliseconds kept before the start mark.
    pub pre_roll_ms: u32,
    /// Milliseconds kept after the end mark.
    pub post_roll_ms: u32,
    /// Presses sooner after a start mark are ignored.
    pub min_ms: u32,
    /// Seconds after which a read take ends by itself.
    pub max_s: u32,
    /// Milliseconds after which a press counts as held.
    pub hold_ms: u32,
    /// Seconds after which a free take is cut without losing a frame.
    pub segment_s: u32,
}

/// `[corpus]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Corpus {
    /// The text file; relative to the configuration's folder.
    pub path: PathBuf,
    /// Draws the order of the lines.
    pub seed: u64,
    /// `i/n`: this booth owns the lines with number mod n = i mod n.
    pub shard: String,
    /// `[corpus.LANGUAGE]`: another text for another language.
    #[serde(flatten)]
    pub by_language: BTreeMap<String, LanguageCorpus>,
}

/// `[corpus.LANGUAGE]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageCorpus {
    /// The text file.
    pub path: PathBuf,
}

/// `[storage]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// Megabytes that are never used.
    pub reserve_mb: u64,
    /// Minutes for which an unfinished session is offered again.
    pub resume_min: u32,
}

/// One recipient or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "takes a recipient in quotes, or a list of several"
)]
pub enum Recipients {
    /// One; empty: none.
    One(String),
    /// Each can open what is sealed.
    Several(Vec<String>),
}

/// `[privacy]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Privacy {
    /// The operator's age recipients.
    pub recipient: Recipients,
    /// Whether takes are sealed where there is a recipient.
    pub seal_audio: bool,
    /// The QR code holds this and the code.
    pub withdraw_url: String,
    /// Printed beside the code.
    pub contact: String,
    /// Days after which an enrolled person who never came is forgotten.
    pub pending_days: u32,
}

/// `[sphere]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sphere {
    /// Host name; empty: no sphere; `sim`: the simulated one.
    pub host: String,
    /// SSH port.
    pub port: u16,
    /// SSH user.
    pub user: String,
    /// Private key file, or `credential:NAME`.
    pub key: PathBuf,
    /// Pinned host keys.
    pub known_hosts: PathBuf,
    /// What must be heard of a track before it counts as playing; none: the level where the helper
    /// is there, connections elsewhere.
    pub heard: Option<Hearing>,
    /// Seconds that a change of track may take, from the order to the first connection.
    pub change_s: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            board: "sim".into(),
            protocol: "exhibition".into(),
            language: "fr".into(),
            languages: Vec::new(),
            data: "/var/lib/booth".into(),
            box_name: "booth-01".into(),
            fonts: Vec::new(),
            site: Site::default(),
            audio: Audio::default(),
            take: Take::default(),
            corpus: Corpus::default(),
            storage: Storage::default(),
            privacy: Privacy::default(),
            sphere: Sphere::default(),
            folder: PathBuf::new(),
            read_from: String::new(),
        }
    }
}

impl Default for Audio {
    fn default() -> Audio {
        Audio {
            device: String::new(),
            rate: 48_000,
            format: Format::S32Le,
            channels: Vec::new(),
            reference: String::new(),
            period_frames: 480,
            buffer_s: 30,
            device_grace_s: 10,
            playback: String::new(),
            sensor: BTreeMap::new(),
            mixer: BTreeMap::new(),
        }
    }
}

impl Default for Take {
    fn default() -> Take {
        Take {
            mode: Mode::Auto,
            pre_roll_ms: 250,
            post_roll_ms: 250,
            min_ms: 300,
            max_s: 30,
            hold_ms: 1000,
            segment_s: 600,
        }
    }
}

impl Default for Corpus {
    fn default() -> Corpus {
        Corpus {
            path: "corpus/fr.txt".into(),
            seed: 1,
            shard: "1/1".into(),
            by_language: BTreeMap::new(),
        }
    }
}

impl Default for Storage {
    fn default() -> Storage {
        Storage {
            reserve_mb: 200,
            resume_min: 10,
        }
    }
}

impl Default for Privacy {
    fn default() -> Privacy {
        Privacy {
            recipient: Recipients::One(String::new()),
            seal_audio: true,
            withdraw_url: String::new(),
            contact: String::new(),
            pending_days: 30,
        }
    }
}

impl Sphere {
    /// Whether there is one over the network.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        !matches!(self.host.as_str(), "" | "sim")
    }
}

impl Default for Sphere {
    fn default() -> Sphere {
        Sphere {
            host: String::new(),
            port: 22,
            user: "sphere".into(),
            key: "/etc/booth/sphere_key".into(),
            known_hosts: "/etc/booth/known_hosts".into(),
            heard: None,
            change_s: 45,
        }
    }
}

impl Audio {
    /// Names for the channels of a device without configured names: `channel-1` and so on.
    #[must_use]
    pub fn numbered(channels: u32) -> Vec<String> {
        (1..=channels).map(|n| format!("channel-{n}")).collect()
    }

    /// The mixer controls to keep; a value that no control could have is refused at load.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let settings = self.mixer.iter();
        settings
            .filter_map(|(control, value)| Some((control.clone(), Setting::read(value)?)))
            .collect()
    }

    /// The shape of the captured stream.
    #[must_use]
    pub fn spec(&self) -> Spec {
        Spec {
            rate: self.rate,
            channels: self.channels.len() as u16,
            format: self.format,
        }
    }
}
