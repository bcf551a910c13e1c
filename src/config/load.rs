//! Reads `booth.toml` and the `--set` options, and refuses, in a sentence, what makes no sense.
//!
//! A setting of something this version cannot do is refused, never ignored.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use toml::Table;

use super::{Config, Mode, choice, set};
use crate::corpus::order::{Shard, ShardError};
use crate::embedded::CONFIG;
use crate::files::nearest::nearest;
use crate::files::toml_text::{explain, line_of};
use crate::files::{is_path, read_text};
use crate::words::MOST_OPEN_TAKES;

/// The name of the embedded configuration in messages.
const BUILT_IN: &str = "built-in booth.toml";

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
    /// The data folder is not a folder.
    #[error("data folder {}: is no folder; name one in `data` or by --data", .0.display())]
    NoFolder(PathBuf),
}

impl Config {
    /// The configuration of this run: `file`, else booth.toml in the present folder, else that of
    /// /etc/booth, else the embedded one; then the assignments of `sets` (`KEY=VALUE`) and the data
    /// folder `data`. `checks` are those of the rooms that know what a key of theirs may say.
    ///
    /// # Errors
    /// [`ConfigError`], which names file, line, key and reason.
    pub fn load(
        file: Option<&Path>,
        sets: &[String],
        data: Option<&Path>,
        checks: &[Check],
    ) -> Result<Config, ConfigError> {
        let path = choice::choose(file);
        let (name, text) = match &path {
            Some(path) => {
                let text = read_text(path).map_err(|source| ConfigError::Read {
                    path: path.clone(),
                    source,
                })?;
                (path.display().to_string(), text)
            }
            None => (BUILT_IN.to_owned(), CONFIG.to_owned()),
        };
        let mut config = parse(&name, &text, sets, checks)?;
        config.read_from = name;
        let folder = path.as_deref().and_then(Path::parent);
        config.settle(folder.unwrap_or(Path::new("")), data);
        config.with_folder()
    }

    /// Refuses a data path that exists and is not a folder; each command checks whether it must
    /// exist.
    fn with_folder(self) -> Result<Config, ConfigError> {
        if self.data.metadata().is_ok_and(|found| !found.is_dir()) {
            return Err(ConfigError::NoFolder(self.data));
        }
        Ok(self)
    }

    /// Paths are relative to the configuration's folder, except `data`, which is the option.
    fn settle(&mut self, folder: &Path, data: Option<&Path>) {
        folder.clone_into(&mut self.folder);
        // `join` leaves absolute paths as they are.
        let mut paths = vec![
            &mut self.data,
            &mut self.corpus.path,
            &mut self.sphere.known_hosts,
        ];
        let key = &mut self.sphere.key;
        if !key.to_string_lossy().starts_with(super::CREDENTIAL) {
            paths.push(key);
        }
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

/// An assignment in messages; a private key that was pasted by mistake must not reach a log.
fn named(assignment: &str) -> String {
    let is_secret = assignment.to_ascii_uppercase().contains("AGE-SECRET-KEY");
    match assignment.split_once('=').filter(|_| is_secret) {
        Some((key, _)) => format!("--set {key}=(a private key)"),
        None => format!("--set {assignment}"),
    }
}

/// Reads `text`, called `name` in messages, with `sets` laid over it.
fn parse(name: &str, text: &str, sets: &[String], checks: &[Check]) -> Result<Config, ConfigError> {
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
    // First for the file alone, then after each assignment.
    let mut configs: Vec<Config> = vec![toml::from_str(text).map_err(refuse)?];
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
            place: named(assignment),
            reason,
        };
        set::apply(&mut table, assignment).map_err(refused)?;
        corpus_keys(table.get("corpus")).map_err(|(_, reason)| refused(reason))?;
        configs.push(
            table
                .clone()
                .try_into()
                .map_err(|e| refused(explain("", &e).1))?,
        );
    }
    if let Some((key, reason)) = configs.last().and_then(|all| validate(all, checks).err()) {
        let place = match to_blame(&configs, sets, &key, checks) {
            Some(set) => named(set),
            None => at(line_of(text, &key)),
        };
        return Err(ConfigError::Refused {
            place,
            reason: format!("`{key}`: {reason}"),
        });
    }
    Ok(configs.pop().unwrap_or_default())
}

/// The assignment that made `key` wrong: the one to this key, else the first after which it is
/// wrong; none if the file was wrong before.
fn to_blame<'a>(
    configs: &[Config],
    sets: &'a [String],
    key: &str,
    checks: &[Check],
) -> Option<&'a String> {
    let is_own = |set: &&String| set.split('=').next().map(str::trim) == Some(key);
    let since = || {
        validate(&configs[0], checks).ok()?;
        let is_wrong = |config: &Config| {
            validate(config, checks).is_err_and(|(wrong, _)| wrong.as_ref() == key)
        };
        let right = configs.iter().rposition(|config| !is_wrong(config))?;
        sets.get(right)
    };
    sets.iter().rev().find(is_own).or_else(since)
}

/// `[corpus]` takes any language's table, so serde cannot distinguish a typo from a language: only
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

/// A key and what is wrong with it.
pub type Reason = (Cow<'static, str>, String);

/// A check of keys whose meaning only a room above knows.
pub type Check = fn(&Config) -> Result<(), Reason>;

/// `Ok` if it holds, else the key and what is wrong.
///
/// # Errors
/// It does not hold.
pub fn check(
    holds: bool,
    key: impl Into<Cow<'static, str>>,
    reason: impl Into<String>,
) -> Result<(), Reason> {
    if holds {
        Ok(())
    } else {
        Err((key.into(), reason.into()))
    }
}

fn validate(c: &Config, checks: &[Check]) -> Result<(), Reason> {
    c.audio.check()?;
    take(c)?;
    let shard: Result<Shard, ShardError> = c.corpus.shard.parse();
    if let Err(error) = shard {
        return Err(("corpus.shard".into(), error.to_string()));
    }
    check(
        !c.box_name.trim().is_empty(),
        "box",
        "must not be empty; write a name such as \"booth-01\", which distinguishes the recordings of \
         several booths",
    )?;
    check(!c.data.as_os_str().is_empty(), "data", "must name a folder")?;
    check(
        !c.language.is_empty(),
        "language",
        "must not be empty; write a code such as \"fr\"",
    )?;
    unbuilt(c)?;
    checks.iter().try_for_each(|check| check(c))
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
        open <= MOST_OPEN_TAKES as u64 || t.mode == Mode::Manual && rolls == 0,
        "take.min_ms",
        format!(
            "{} ms with {rolls} ms of pre-roll and post-roll could need {open} open takes at once, \
             {MOST_OPEN_TAKES} at most; raise min_ms or shorten the rolls",
            t.min_ms
        ),
    )
}

/// Settings of a later version: better refused than recorded differently from what was asked.
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
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str, sets: &[&str]) -> String {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        parse("b.toml", text, &sets, &[])
            .expect_err("must be refused")
            .to_string()
    }

    #[test]
    fn the_embedded_configuration_is_good() {
        let c = parse("x", CONFIG, &["take.mode=manual".to_owned()], &[]).expect("embedded");
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
        assert!(refusal(CONFIG, &["audio.rat=1"]).contains("did you mean `rate`?"));
    }

    #[test]
    fn a_set_that_makes_a_line_of_the_file_wrong_is_named_and_not_the_line() {
        let good = "[audio]\ndevice = \"sim\"\nchannels = [\"a\"]\nreference = \"a\"\n";
        let set = r#"audio.channels=["b"]"#;
        let own = refusal(good, &["take.max_s=9", set, "language=en"]);
        assert!(
            own.starts_with(&format!("--set {set}: `audio.reference`: ")),
            "{own}"
        );
        let wrong = good.replace("reference = \"a\"", "reference = \"c\"");
        let file = refusal(&wrong, &["take.max_s=9"]);
        assert!(file.starts_with("b.toml:4: `audio.reference`"), "{file}");
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
            (
                "audio.sensor.headset.gain_db=nan",
                "audio.sensor.headset.gain_db",
            ),
            (
                "audio.sensor.headset.gain_db=-inf",
                "audio.sensor.headset.gain_db",
            ),
            (
                "audio.sensor.headset.band_hz=[80, inf]",
                "audio.sensor.headset.band_hz",
            ),
            (
                "audio.sensor.headset.band_hz=[12000, 80]",
                "audio.sensor.headset.band_hz",
            ),
            (
                "audio.sensor.headset.band_hz=[-1, 80]",
                "audio.sensor.headset.band_hz",
            ),
            ("audio.playback=hw:0", "audio.playback"),
            ("audio.mixer.Gain=1", "audio.mixer"),
            ("audio.mixer.Gain=0.5", "audio.mixer"),
            ("take.hold_ms=0", "take.hold_ms"),
            ("take.max_s=0", "take.max_s"),
            ("take.min_ms=1", "take.min_ms"),
            ("corpus.shard=3/2", "corpus.shard"),
            (r#"languages=["fr","en"]"#, "languages"),
        ] {
            assert!(
                refusal(CONFIG, &[set]).contains(&format!("`{key}`")),
                "{set}"
            );
        }
    }
}
