//! One step of a protocol, and what follows from its kind: the only place that says so.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Spanned;

use super::cue::{self, Cue};
use crate::config::Take;
use crate::corpus::order::Sequence;
use crate::lang::Locale;
use crate::words::Kind;
use crate::words::visible::is_visible;

/// What a visitor does in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// Reads lines aloud, a take each.
    Read,
    /// Keeps silent: one take, as long as the step.
    Quiet,
    /// Speaks freely, in takes one after the other.
    Free,
}

impl StepKind {
    /// Whether lines are read, a press for each.
    #[must_use]
    pub fn reads(self) -> bool {
        match self {
            StepKind::Read => true,
            StepKind::Quiet | StepKind::Free => false,
        }
    }

    /// After how many seconds a take ends by itself; `None`: with the step.
    #[must_use]
    pub fn limit_s(self, rules: &Take) -> Option<u32> {
        match self {
            StepKind::Read => Some(rules.max_s),
            StepKind::Free => Some(rules.segment_s),
            StepKind::Quiet => None,
        }
    }

    /// What its takes are of.
    #[must_use]
    pub fn records(self) -> Kind {
        match self {
            StepKind::Read => Kind::Read,
            StepKind::Quiet => Kind::Quiet,
            StepKind::Free => Kind::Free,
        }
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name, unique in the protocol.
    pub name: String,
    /// What the visitor does.
    pub kind: StepKind,
    /// In which order lines come.
    pub order: Sequence,
    /// How long it lasts; never zero.
    pub seconds: u32,
    /// The intro's text by language.
    pub text: BTreeMap<String, String>,
    /// What the sphere plays.
    pub sphere: Option<Cue>,
}

impl Step {
    /// What its screens say: its text, or without one its name.
    #[must_use]
    pub fn text_in(&self, locale: &Locale) -> &str {
        let text = locale.choose(&self.text);
        text.map_or(&self.name, |(_, text)| text)
    }

    /// For how many seconds a take is allowed to last, whatever the step has left.
    #[must_use]
    pub fn take_s(&self, rules: &Take) -> u32 {
        self.kind.limit_s(rules).unwrap_or(self.seconds)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    name: Spanned<String>,
    kind: StepKind,
    #[serde(default)]
    order: Sequence,
    seconds: Spanned<u32>,
    #[serde(default)]
    text: BTreeMap<String, String>,
    sphere: Option<Spanned<cue::Typed>>,
}

/// The step as typed; where it is wrong, at which offset and why. `names` are those of the steps
/// before it.
pub(super) fn check(t: Typed, names: &mut BTreeSet<String>) -> Result<Step, (usize, String)> {
    let (name, at) = (t.name.get_ref().clone(), t.name.span().start);
    if !is_visible(&name) {
        return Err((at, "`name`: a step's name is empty".to_owned()));
    }
    if !names.insert(name.clone()) {
        return Err((
            at,
            format!("`name`: another step is called {name:?} already"),
        ));
    }
    let unseen = |text: &String| !text.is_empty() && !is_visible(text);
    if let Some((language, _)) = t.text.iter().find(|(_, text)| unseen(text)) {
        return Err((
            at,
            format!("`text.{language}` of step {name:?} has no character that can be seen"),
        ));
    }
    let seconds = *t.seconds.get_ref();
    if seconds == 0 {
        return Err((
            t.seconds.span().start,
            format!("`seconds` of step {name:?} must be more than 0"),
        ));
    }
    let sphere = match t.sphere {
        Some(typed) => {
            let at = typed.span().start;
            Some(
                cue::check(typed.into_inner(), seconds)
                    .map_err(|r| (at, format!("`sphere` of step {name:?}: {r}")))?,
            )
        }
        None => None,
    };
    Ok(Step {
        name,
        kind: t.kind,
        order: t.order,
        seconds,
        text: t.text,
        sphere,
    })
}
