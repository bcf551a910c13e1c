//! The experiment, `protocol/NAME.toml`: its steps, their kind, length, texts and sphere cues.
//!
//! Guarantees: a protocol that loads can be run; what this version cannot do is refused, not
//! passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::corpus::prompter::Sequence;
use crate::store::row::Kind;

/// The protocols inside the binary.
const EMBEDDED: [(&str, &str); 2] = [
    (
        "vibravox",
        include_str!("../../deploy/protocol/vibravox.toml"),
    ),
    (
        "exhibition",
        include_str!("../../deploy/protocol/exhibition.toml"),
    ),
];

/// Why a protocol is refused.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// Neither a known name nor a file.
    #[error("protocol `{0}`: no such name and no such file; known: vibravox, exhibition")]
    Unknown(String),
    /// The file cannot be read.
    #[error("protocol {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// It is no TOML, a key is unknown or a value has the wrong type.
    #[error("protocol {name}: {reason}")]
    Syntax {
        /// Name or path.
        name: String,
        /// Line, key and reason.
        reason: String,
    },
    /// A step cannot be run.
    #[error("protocol {name}: step `{step}`: {reason}")]
    Step {
        /// Name or path.
        name: String,
        /// The step.
        step: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// There is no step.
    #[error("protocol {0}: no step; add a [[step]] with name, kind and seconds")]
    Empty(String),
}

/// A protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Its name, kept in session.json.
    pub name: String,
    /// Seconds without a press after which the visitor has left.
    #[serde(default = "default_idle_s")]
    pub idle_s: u32,
    /// The steps, in order.
    #[serde(rename = "step", default)]
    pub steps: Vec<Step>,
    /// SHA-256 of the file, hexadecimal.
    #[serde(skip)]
    pub sha256: String,
}

fn default_idle_s() -> u32 {
    180
}

/// A step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name, unique in the protocol.
    pub name: String,
    /// What the visitor does.
    pub kind: Kind,
    /// In which order lines are read.
    #[serde(default)]
    pub order: Sequence,
    /// How long it lasts.
    pub seconds: u32,
    /// What its intro says, by language.
    #[serde(default)]
    pub text: BTreeMap<String, String>,
    /// What the sphere plays.
    #[serde(default)]
    pub sphere: Option<Cue>,
}

/// What the sphere plays during a step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cue {
    /// Track by its exact name.
    pub track: String,
    /// Seconds of the track.
    #[serde(default)]
    pub length_s: Option<f64>,
    /// Where it starts.
    #[serde(default)]
    pub locate_s: Locate,
}

/// Where a track starts.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub enum Locate {
    /// Seconds from its beginning.
    Seconds(f64),
    /// Drawn for each session from 0 to the track's length less the step's.
    Word(Word),
}

/// The only word a position can be.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// Drawn for each session.
    Random,
}

impl Default for Locate {
    fn default() -> Locate {
        Locate::Seconds(0.0)
    }
}

impl Protocol {
    /// A protocol inside the binary by its name, or a file by its path.
    ///
    /// # Errors
    /// [`ProtocolError`].
    pub fn load(name_or_path: &str) -> Result<Protocol, ProtocolError> {
        if let Some((name, text)) = EMBEDDED.iter().find(|(name, _)| *name == name_or_path) {
            return Protocol::parse(text, name);
        }
        let path = Path::new(name_or_path);
        match std::fs::read_to_string(path) {
            Ok(text) => Protocol::parse(&text, name_or_path),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Err(ProtocolError::Unknown(name_or_path.into()))
            }
            Err(source) => Err(ProtocolError::Unreadable {
                path: path.into(),
                source,
            }),
        }
    }

    /// Reads a protocol's text; `name` is for error messages.
    ///
    /// # Errors
    /// [`ProtocolError`].
    pub fn parse(text: &str, name: &str) -> Result<Protocol, ProtocolError> {
        let mut protocol: Protocol = toml::from_str(text).map_err(|e| {
            let reason = e.to_string().trim_end().into();
            ProtocolError::Syntax {
                name: name.into(),
                reason,
            }
        })?;
        if protocol.steps.is_empty() {
            return Err(ProtocolError::Empty(name.into()));
        }
        let mut names = BTreeSet::new();
        for step in &protocol.steps {
            let refused = if names.insert(&step.name) {
                step.check()
            } else {
                Err("its name stands twice; give each step a name of its own".into())
            };
            refused.map_err(|reason| ProtocolError::Step {
                name: name.into(),
                step: step.name.clone(),
                reason,
            })?;
        }
        let digest = Sha256::digest(text.as_bytes());
        protocol.sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(protocol)
    }

    /// The same steps shortened in proportion to `seconds` in all, none below a second.
    #[must_use]
    pub fn scaled_to(mut self, seconds: u32) -> Protocol {
        let all: u64 = self.steps.iter().map(|step| u64::from(step.seconds)).sum();
        for step in &mut self.steps {
            let part = u64::from(step.seconds) * u64::from(seconds) / all;
            step.seconds = part.max(1) as u32;
        }
        self
    }
}

impl Step {
    fn check(&self) -> Result<(), String> {
        if self.seconds == 0 {
            return Err("`seconds = 0` would end it at once; give it at least 1".into());
        }
        let Some(cue) = &self.sphere else {
            return Ok(());
        };
        match (cue.locate_s, cue.length_s) {
            (Locate::Word(Word::Random), None) => {
                Err("`locate_s = \"random\"` needs `length_s`, the track's seconds".into())
            }
            (Locate::Word(Word::Random), Some(length)) if length < f64::from(self.seconds) => {
                Err(format!(
                    "the track's {length} s are shorter than its {} s",
                    self.seconds
                ))
            }
            (Locate::Seconds(at), _) if !(at >= 0.0 && at.is_finite()) => Err(format!(
                "`locate_s = {at}` is no position; write seconds from 0"
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Protocol::parse(text, "x.toml")
            .expect_err("must be refused")
            .to_string()
    }

    #[test]
    fn vibravox_has_its_four_steps_and_exhibition_its_three_minutes() {
        let vibravox = Protocol::load("vibravox").expect("embedded");
        let seconds: Vec<_> = vibravox.steps.iter().map(|step| step.seconds).collect();
        assert_eq!(seconds, [900, 144, 54, 54]);
        let exhibition = Protocol::load("exhibition").expect("embedded");
        assert_eq!(
            exhibition
                .steps
                .iter()
                .map(|step| step.seconds)
                .sum::<u32>(),
            180
        );
        assert!(exhibition.steps.iter().all(|step| step.sphere.is_none()));
    }

    #[test]
    fn zero_seconds_twice_the_same_name_and_no_step_are_refused_by_name() {
        let step = |name: &str, seconds: u32| {
            format!("[[step]]\nname = \"{name}\"\nkind = \"read\"\nseconds = {seconds}\n")
        };
        assert!(refused(&format!("name = \"x\"\n{}", step("a", 0))).contains("step `a`"));
        let twice = format!("name = \"x\"\n{}{}", step("a", 5), step("a", 6));
        assert!(refused(&twice).contains("stands twice"));
        assert!(refused("name = \"x\"").contains("no step"));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let text = "name = \"x\"\nidel_s = 3\n";
        assert!(refused(text).contains("line 2"), "{}", refused(text));
    }

    #[test]
    fn a_random_position_needs_a_long_enough_track() {
        let text = "name = \"x\"\n[[step]]\nname = \"a\"\nkind = \"quiet\"\nseconds = 50\n\
            sphere = { track = \"n\", locate_s = \"random\" }";
        assert!(refused(text).contains("length_s"));
    }

    #[test]
    fn scaling_keeps_the_proportions() {
        let steps = Protocol::load("vibravox")
            .expect("embedded")
            .scaled_to(40)
            .steps;
        assert_eq!(
            steps.iter().map(|s| s.seconds).collect::<Vec<_>>(),
            [31, 5, 1, 1]
        );
    }
}
