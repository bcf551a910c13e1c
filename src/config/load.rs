//! Reads `booth.toml` and the `--set` options, and refuses in a sentence what cannot be meant.
//!
//! A setting of something this version cannot do is refused, never ignored.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::Table;

use super::near::{explain, line_of, nearest};
use super::{Audio, Config, Mode, set};
use crate::audio::mixer::Setting;
use crate::audio::recorder::MOST_TAKES;
use crate::audio::source::SIMULATED;
use crate::corpus::order::{Shard, ShardError};
use crate::identity::operator;

/// Where the configuration stands if no file is named.
pub const DEFAULT_PATH: &str = "/etc/booth/booth.toml";
/// The configuration of a box without one.
pub const EMBEDDED: &str = include_str!("../../deploy/booth.toml");

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{}: cannot read the configuration: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A key or value cannot be used. The place names file and line, or the option.
    #[error("{place}: {reason}")]
    Refused {
        /// File and line, or `--set KEY=VALUE`.
        place: String,
        /// The key and what is wrong.
        reason: String,
    },
}

impl Config {
    /// The configuration of this run: `file`, else /etc/booth/booth.toml, else the embedded one;
    /// then the assignments of `sets` (`KEY=VALUE`) and the data folder `data`.
    ///
    /// # Errors
    /// [`ConfigError`], which names file, line, key and reason.
    pub fn load(
        file: Option<&Path>,
        sets: &[String],
        data: Option<&Path>,
    ) -> Result<Config, ConfigError> {
        let default = Path::new(DEFAULT_PATH);
        let Some(path) = file.or_else(|| default.exists().then_some(default)) else {
            let mut config = parse("built-in booth.toml", EMBEDDED, sets)?;
            config.settle(Path::new(""), data);
            return Ok(config);
        };
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut config = parse(&path.display().to_string(), &text, sets)?;
        config.settle(path.parent().unwrap_or(Path::new("")), data);
        Ok(config)
    }

    /// Paths are relative to the configuration's folder, but for `data`, the option.
    fn settle(&mut self, folder: &Path, data: Option<&Path>) {
        folder.clone_into(&mut self.folder);
        // `join` leaves absolute paths as they are.
        let mut paths = vec![&mut self.data, &mut self.corpus.path];
        paths.extend(self.fonts.iter_mut());
        let languages = self.corpus.by_language.values_mut();
        paths.extend(languages.map(|corpus| &mut corpus.path));
        for path in paths {
            *path = folder.join(&*path);
        }
        for name in [&mut self.board, &mut self.protocol, &mut self.language] {
            if is_path(name) {
                *name = folder.join(&*name).display().to_string();
            }
        }
        if let Some(data) = data {
            data.clone_into(&mut self.data);
        }
    }
}

/// Whether what may be a name or a path is a path.
#[must_use]
pub fn is_path(name: &str) -> bool {
    name.contains('/') || name.ends_with(".toml")
}

/// Reads `text`, called `name` in messages, with `sets` laid over it.
fn parse(name: &str, text: &str, sets: &[String]) -> Result<Config, ConfigError> {
    let at = |line: Option<usize>| line.map_or(name.to_owned(), |l| format!("{name}:{l}"));
    let refuse = |error: toml::de::Error| {
        let (line, reason) = explain(text, &error);
        ConfigError::Refused {
            place: at(line),
            reason,
        }
    };
    corpus_keys(text.parse::<Table>().map_err(refuse)?.get("corpus")).map_err(
        |(key, reason)| ConfigError::Refused {
            place: at(line_of(text, &key)),
            reason,
        },
    )?;
    let mut config: Config = toml::from_str(text).map_err(refuse)?;
    let mut table: Table = text.parse().map_err(refuse)?;
    if sets
        .iter()
        .any(|set| set.trim_start().starts_with("corpus.path="))
    {
        // One text for this run, whatever the language.
        if let Some(corpus) = table.get_mut("corpus").and_then(toml::Value::as_table_mut) {
            corpus.retain(|_, value| !value.is_table());
        }
    }
    for assignment in sets {
        let refused = |reason| ConfigError::Refused {
            place: format!("--set {assignment}"),
            reason,
        };
        set::apply(&mut table, assignment).map_err(refused)?;
        corpus_keys(table.get("corpus")).map_err(|(_, reason)| refused(reason))?;
        config = table
            .clone()
            .try_into()
            .map_err(|e| refused(explain("", &e).1))?;
    }
    match validate(&config) {
        Ok(()) => Ok(config),
        Err((key, reason)) => {
            let set = sets
                .iter()
                .rev()
                .find(|s| s.split('=').next().map(str::trim) == Some(key));
            let place = match set {
                Some(set) => format!("--set {set}"),
                None => at(line_of(text, key)),
            };
            Err(ConfigError::Refused {
                place,
                reason: format!("`{key}`: {reason}"),
            })
        }
    }
}

/// `[corpus]` takes any language's table, so serde cannot tell a typo from a language: only
/// tables are languages.
fn corpus_keys(corpus: Option<&toml::Value>) -> Result<(), (String, String)> {
    const KNOWN: [&str; 3] = ["path", "seed", "shard"];
    for (key, value) in corpus.and_then(toml::Value::as_table).into_iter().flatten() {
        if !KNOWN.contains(&key.as_str()) && !value.is_table() {
            let near =
                nearest(key, KNOWN).map_or(String::new(), |k| format!("; did you mean `{k}`?"));
            return Err((
                format!("corpus.{key}"),
                format!("unknown key `{key}` in [corpus]{near}"),
            ));
        }
    }
    Ok(())
}

type Reason = (&'static str, String);

fn check(holds: bool, key: &'static str, reason: impl Into<String>) -> Result<(), Reason> {
    if holds {
        Ok(())
    } else {
        Err((key, reason.into()))
    }
}

fn validate(c: &Config) -> Result<(), Reason> {
    c.audio.check()?;
    take(c)?;
    let shard: Result<Shard, ShardError> = c.corpus.shard.parse();
    if let Err(error) = shard {
        return Err(("corpus.shard", error.to_string()));
    }
    check(!c.data.as_os_str().is_empty(), "data", "must name a folder")?;
    check(
        !c.language.is_empty(),
        "language",
        "must not be empty, as \"fr\"",
    )?;
    if let Err(error) = operator::recipients(&c.privacy.recipient) {
        return Err(("privacy.recipient", error.to_string()));
    }
    unbuilt(c)
}

impl Audio {
    /// Refuses what no device could be asked for; names the key and the reason.
    ///
    /// # Errors
    /// The key, as `audio.rate`, and what is wrong with its value.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
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
        "must name an ALSA PCM, as \"hw:CARD=F8n\", or be \"sim\", the simulated source",
    )?;
    check(
        a.reference.is_empty() || a.channels.contains(&a.reference),
        "audio.reference",
        format!("{:?} is none of audio.channels", a.reference),
    )?;
    for name in a.sensor.keys() {
        let near = nearest(name, a.channels.iter().map(String::as_str))
            .map_or(String::new(), |k| format!("; did you mean {k:?}?"));
        check(
            a.channels.contains(name),
            "audio.sensor",
            format!("{name:?} is none of audio.channels{near}"),
        )?;
    }
    mixer(a)
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

fn take(c: &Config) -> Result<(), Reason> {
    let t = &c.take;
    check(t.hold_ms > 0, "take.hold_ms", "must be more than 0")?;
    for (key, ms) in [
        ("take.hold_ms", t.hold_ms),
        ("take.pre_roll_ms", t.pre_roll_ms),
        ("take.post_roll_ms", t.post_roll_ms),
    ] {
        check(ms <= 10_000, key, "must be 10000 ms at most")?;
    }
    check(t.max_s > 0, "take.max_s", "must be more than 0")?;
    check(t.segment_s > 0, "take.segment_s", "must be more than 0")?;
    check(t.min_ms > 0, "take.min_ms", "must be more than 0")?;
    // Consecutive takes may begin min_ms apart, and each reaches over its marks by both rolls.
    let rolls = u64::from(t.pre_roll_ms) + u64::from(t.post_roll_ms);
    let open = rolls / u64::from(t.min_ms) + 2;
    check(
        open <= MOST_TAKES as u64 || t.mode == Mode::Manual && rolls == 0,
        "take.min_ms",
        format!(
            "{} ms with {rolls} ms of pre-roll and post-roll could need {open} open takes at once, \
             {MOST_TAKES} at most; raise min_ms or shorten the rolls",
            t.min_ms
        ),
    )
}

/// What a later version does: better refused than recorded otherwise than asked.
fn unbuilt(c: &Config) -> Result<(), Reason> {
    check(
        c.audio.playback.is_empty(),
        "audio.playback",
        "this version does not play back; leave it empty",
    )?;
    check(
        c.languages.len() < 2,
        "languages",
        "in this version the visitor cannot choose; name one language, or none",
    )?;
    let host = c.sphere.host.as_str();
    check(
        matches!(host, "" | "sim"),
        "sphere.host",
        "this version reaches no sphere over the network; leave it empty or say \"sim\"",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str, sets: &[&str]) -> String {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        parse("b.toml", text, &sets)
            .expect_err("must be refused")
            .to_string()
    }

    #[test]
    fn the_embedded_configuration_is_good() {
        let c = parse("x", EMBEDDED, &["take.mode=manual".to_owned()]).expect("embedded");
        assert_eq!(c.audio.channels.len(), 6);
        assert_eq!(c.take.mode, Mode::Manual);
    }

    #[test]
    fn a_typo_names_line_table_and_near_key() {
        assert_eq!(
            refusal("[audio]\nchannels = [\"a\"]\nperod_frames = 1\n", &[]),
            "b.toml:3: unknown key `perod_frames` in [audio]; did you mean `period_frames`?"
        );
        assert!(refusal("[corpus]\nsede = 1\n", &[]).contains("b.toml:2: unknown key `sede`"));
        assert!(refusal(EMBEDDED, &["audio.rat=1"]).contains("did you mean `rate`?"));
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_its_key() {
        for (set, key) in [
            ("audio.channels=[]", "audio.channels"),
            (r#"audio.channels=["a","a"]"#, "audio.channels"),
            ("audio.rate=1", "audio.rate"),
            ("audio.period_frames=0", "audio.period_frames"),
            ("audio.reference=nose", "audio.reference"),
            ("audio.sensor.nose.model=x", "audio.sensor"),
            ("audio.playback=hw:0", "audio.playback"),
            ("audio.mixer.Gain=1", "audio.mixer"),
            ("audio.mixer.Gain=0.5", "audio.mixer"),
            ("take.hold_ms=0", "take.hold_ms"),
            ("take.max_s=0", "take.max_s"),
            ("take.min_ms=1", "take.min_ms"),
            ("corpus.shard=3/2", "corpus.shard"),
            ("privacy.recipient=age1x", "privacy.recipient"),
            ("sphere.host=sphere.local", "sphere.host"),
            (r#"languages=["fr","en"]"#, "languages"),
        ] {
            assert!(
                refusal(EMBEDDED, &[set]).contains(&format!("`{key}`")),
                "{set}"
            );
        }
    }
}
