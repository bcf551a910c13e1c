//! The experiment, `protocol/NAME.toml`: its steps in order, checked once.
//!
//! A file that asks for what this version cannot do is refused in a sentence, never half obeyed.

mod consent;
mod cue;
mod step;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::embedded::{self, PROTOCOLS};
use crate::files::nearest::nearest;
use crate::files::read_text;
use crate::files::toml_text::{explain, line_at, line_of};
use crate::words::VerdictRules;

pub use consent::ConsentText;
pub use cue::{Cue, Locate};
pub use step::{Step, StepKind};

/// Why a protocol was refused.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// No such file and no such built-in protocol.
    #[error(
        "protocol {name:?}: no such file, and the built-in ones are vibravox and exhibition{near}"
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest known name, in words.
        near: String,
    },
    /// The file could not be read.
    #[error("{}: cannot read the protocol: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file says something that cannot be done.
    #[error("{place}: {reason}")]
    Refused {
        /// File and line.
        place: String,
        /// Key and reason.
        reason: String,
    },
}

/// What becomes of an abandoned session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Abandoned {
    /// Its takes stay.
    #[default]
    Keep,
    /// The session is forgotten.
    Erase,
}

/// A checked protocol: at least one step, names unique.
#[derive(Clone, Debug, PartialEq)]
pub struct Protocol {
    /// Its name.
    pub name: String,
    /// Seconds without a press after which the session is abandoned; never zero.
    pub idle_s: u32,
    /// What becomes of an abandoned session.
    pub abandoned: Abandoned,
    /// What is agreed to before anything is recorded, by language; empty: no one is asked.
    pub consents: BTreeMap<String, ConsentText>,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// By what takes are judged.
    pub verdict: VerdictRules,
    /// SHA-256 of the file's text, in hexadecimal.
    pub sha256: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    name: String,
    idle_s: Option<u32>,
    /// Protocols of 0.1 have it; nothing is offered to a visitor yet, so it changes nothing.
    #[serde(rename = "redo_offers")]
    _redo_offers: Option<u32>,
    #[serde(default)]
    abandoned: Abandoned,
    #[serde(default)]
    silence_s: f64,
    #[serde(default)]
    practice: u32,
    #[serde(default)]
    fitting: bool,
    #[serde(default)]
    consent: BTreeMap<String, consent::Typed>,
    question: Option<toml::Value>,
    #[serde(default)]
    verdict: toml::Table,
    #[serde(default)]
    step: Vec<step::Typed>,
}

impl Protocol {
    /// The protocol of a path, of `NAME.toml` in a folder of `search`, or of that built-in name.
    ///
    /// # Errors
    /// [`ProtocolError`], which names file, line, key and reason.
    pub fn load(name: &str, search: &[&Path]) -> Result<Protocol, ProtocolError> {
        let direct = Path::new(name);
        let is_path = name.contains('/') || direct.extension().is_some_and(|e| e == "toml");
        let found = if is_path {
            Some(direct.to_owned())
        } else {
            let files = search
                .iter()
                .map(|folder| folder.join(format!("{name}.toml")));
            files.into_iter().find(|f| f.is_file())
        };
        if let Some(path) = found {
            let text = read_text(&path).map_err(|source| ProtocolError::Read {
                path: path.clone(),
                source,
            })?;
            return Protocol::parse(&path.display().to_string(), &text);
        }
        match embedded::find(PROTOCOLS, name) {
            Some(text) => Protocol::parse(&format!("built-in {name}.toml"), text),
            None => Err(ProtocolError::Unknown {
                name: name.to_owned(),
                near: nearest(name, PROTOCOLS.iter().map(|(known, _)| *known))
                    .map_or(String::new(), |n| format!("; did you mean {n:?}?")),
            }),
        }
    }

    /// Checks `text`, called `file` in messages.
    ///
    /// # Errors
    /// [`ProtocolError::Refused`].
    pub fn parse(file: &str, text: &str) -> Result<Protocol, ProtocolError> {
        let refused = |line: Option<usize>, reason: String| ProtocolError::Refused {
            place: line.map_or(file.to_owned(), |l| format!("{file}:{l}")),
            reason,
        };
        let typed: Typed = toml::from_str(text).map_err(|e| {
            let (line, reason) = explain(text, &e);
            refused(line, reason)
        })?;
        if let Some((key, what)) = unbuilt(&typed) {
            let line = line_of(text, key).or_else(|| starting(text, key));
            return Err(refused(
                line,
                format!("`{key}`: this version cannot {what}; remove it"),
            ));
        }
        if typed.idle_s == Some(0) {
            let reason = "`idle_s` must be more than 0: the session would end as it begins";
            return Err(refused(line_of(text, "idle_s"), reason.to_owned()));
        }
        if typed.step.is_empty() {
            return Err(refused(
                None,
                "`step`: a protocol needs at least one [[step]]".to_owned(),
            ));
        }
        let consents = consent::check(typed.consent)
            .map_err(|(offset, reason)| refused(Some(line_at(text, offset)), reason))?;
        let verdict = verdict::check(typed.verdict)
            .map_err(|(key, reason)| refused(line_of(text, &key), format!("`{key}`: {reason}")))?;
        let mut names = BTreeSet::new();
        let mut steps = Vec::new();
        for typed in typed.step {
            let step = step::check(typed, &mut names)
                .map_err(|(offset, reason)| refused(Some(line_at(text, offset)), reason))?;
            steps.push(step);
        }
        Ok(Protocol {
            name: typed.name,
            idle_s: typed.idle_s.unwrap_or(180),
            abandoned: typed.abandoned,
            consents,
            steps,
            verdict,
            sha256: Sha256::digest(text)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect(),
        })
    }

    /// Whether any step shows lines to read.
    #[must_use]
    pub fn reads(&self) -> bool {
        self.steps.iter().any(|step| step.kind.reads())
    }

    /// What the sphere plays: each track once, as the first step that plays it says.
    #[must_use]
    pub fn cues(&self) -> Vec<&Cue> {
        let mut cues: Vec<&Cue> = Vec::new();
        for cue in self.steps.iter().filter_map(|step| step.sphere.as_ref()) {
            if cues.iter().all(|other| other.track != cue.track) {
                cues.push(cue);
            }
        }
        cues
    }

    /// The same protocol with its steps shortened in proportion to about `seconds` in all; none
    /// falls below one second and none grows.
    #[must_use]
    pub fn scaled_to(&self, seconds: u32) -> Protocol {
        let total: u64 = self.steps.iter().map(|s| u64::from(s.seconds)).sum();
        let mut scaled = self.clone();
        if total > u64::from(seconds) {
            for step in &mut scaled.steps {
                let part = u64::from(step.seconds) * u64::from(seconds) / total;
                step.seconds = u32::try_from(part).unwrap_or(step.seconds).max(1);
            }
        }
        scaled
    }
}

fn unbuilt(t: &Typed) -> Option<(&'static str, &'static str)> {
    [
        (t.question.is_some(), "question", "ask questions"),
        (t.silence_s != 0.0, "silence_s", "measure the noise floor"),
        (t.practice > 0, "practice", "offer practice lines"),
        (t.fitting, "fitting", "show the fitting screen"),
    ]
    .into_iter()
    .find(|(asked, ..)| *asked)
    .map(|(_, key, what)| (key, what))
}

/// The line of the first table of that name or below it, as `[consent.fr]`.
fn starting(text: &str, key: &str) -> Option<usize> {
    let is = |l: &str| {
        let rest = l
            .trim()
            .trim_start_matches('[')
            .trim_start()
            .strip_prefix(key);
        rest.is_some_and(|r| r.starts_with(['.', ']', ' ', '=']))
    };
    text.lines().position(is).map(|n| n + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Protocol::parse("p.toml", text)
            .expect_err("must be refused")
            .to_string()
    }

    #[test]
    fn the_built_in_protocols_are_good() {
        let v = Protocol::load("vibravox", &[]).expect("vibravox");
        let seconds: Vec<u32> = v.steps.iter().map(|s| s.seconds).collect();
        assert_eq!(seconds, [900, 144, 54, 54]);
        assert_eq!(v.sha256.len(), 64);
        assert_eq!(
            Protocol::load("exhibition", &[])
                .expect("exhibition")
                .steps
                .len(),
            1
        );
        assert!(v.scaled_to(40).steps.iter().map(|s| s.seconds).sum::<u32>() <= 40);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let good = "name = \"p\"\n[[step]]\nname = \"a\"\nkind = \"read\"\nseconds = 5\n";
        Protocol::parse("p.toml", good).expect("good");
        for (text, part) in [
            (
                good.replace("seconds = 5", "seconds = 0"),
                "p.toml:5: `seconds`",
            ),
            (good.replace("seconds", "secnds"), "did you mean `seconds`?"),
            (good.to_owned() + &good[11..], "p.toml:7: `name`: another"),
            ("name = \"p\"\n".to_owned(), "at least one"),
            (
                good.to_owned() + "sphere = { track = \"n\", locate_s = \"random\" }\n",
                "p.toml:6: `sphere`",
            ),
            (
                good.to_owned() + "[[question]]\nid = \"x\"\n",
                "p.toml:6: `question`: this version cannot",
            ),
            ("practice = 2\n".to_owned() + good, "p.toml:1: `practice`"),
        ] {
            assert!(refusal(&text).contains(part), "{text}\n{}", refusal(&text));
        }
    }

    #[test]
    fn a_cue_that_no_sphere_can_play_is_refused_before_a_visitor_meets_it() {
        let good = "name = \"p\"\n[[step]]\nname = \"a\"\nkind = \"quiet\"\nseconds = 5\n";
        for (cue, part) in [
            ("track = \"\", locate_s = 0", "is empty"),
            ("track = \"a\\u0007b\", locate_s = 0", "control characters"),
            (
                "track = \"project:hall\", locate_s = 0",
                "project:ROOM:/FOLDER",
            ),
            ("track = \"n\", locate_s = 1e300", "locate_s + seconds: "),
            ("track = \"n\", locate_s = nan", "0 or more"),
            (
                "track = \"n\", locate_s = \"random\", length_s = 1e300",
                "length_s: ",
            ),
            ("track = \"n\", locate_s = 0, length_s = nan", "length_s: "),
            ("track = \"n\", locate_s = 0, length_s = 4", "shorter"),
        ] {
            let text = format!("{good}sphere = {{ {cue} }}\n");
            let refusal = refusal(&text);
            assert!(
                refusal.contains("p.toml:6: `sphere` of step \"a\"") && refusal.contains(part),
                "{cue}: {refusal}"
            );
        }
    }
}
