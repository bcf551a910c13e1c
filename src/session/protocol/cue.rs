//! What the sphere plays during a step: checked to last as long as the step.

use serde::Deserialize;

use crate::sphere::frame_of;
use crate::sphere::ladish::Track;

/// No sphere has fewer frames a second. JACK counts them in 32 bits, so that none gets beyond
/// [`frame_of`] its last.
const LEAST_RATE: u32 = 44_100;

/// Where the sphere's track begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Locate {
    /// Anywhere from 0 to length minus the step's seconds.
    Random,
    /// At this second.
    At(f64),
}

/// What the sphere plays during a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Cue {
    /// The track's name.
    pub track: String,
    /// Its length, where known.
    pub length_s: Option<f64>,
    /// Where it begins.
    pub locate: Locate,
    /// Seconds for which it may be silent from where it begins.
    pub silent_start_s: f64,
}

impl Cue {
    /// A second at which it may begin: the first, where that is drawn.
    #[must_use]
    pub fn first_s(&self) -> f64 {
        match self.locate {
            Locate::At(seconds) => seconds,
            Locate::Random => 0.0,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    track: String,
    length_s: Option<f64>,
    locate_s: TypedLocate,
    #[serde(default)]
    silent_start_s: f64,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "must be \"random\" or a number of seconds")]
enum TypedLocate {
    Word(String),
    At(f64),
}

/// Checks what was typed for a step of `seconds`.
pub(super) fn check(t: Typed, seconds: u32) -> Result<Cue, String> {
    let needed = f64::from(seconds);
    Track::read(&t.track).map_err(|e| e.to_string())?;
    let reaches = |seconds: f64| frame_of(seconds, LEAST_RATE).map_err(|e| e.to_string());
    if let Some(length_s) = t.length_s {
        reaches(length_s).map_err(|e| format!("length_s: {e}"))?;
    }
    if t.length_s.is_some_and(|l| l < needed) {
        return Err(format!(
            "length_s is shorter than the step's {seconds} seconds"
        ));
    }
    if !(0.0..needed).contains(&t.silent_start_s) && t.silent_start_s != 0.0 {
        return Err(format!(
            "silent_start_s must be 0 or more, and less than the step's {seconds} seconds"
        ));
    }
    let locate = match t.locate_s {
        TypedLocate::Word(w) if w == "random" && t.length_s.is_none() => {
            return Err("locate_s = \"random\" needs length_s".to_owned());
        }
        TypedLocate::Word(w) if w == "random" => Locate::Random,
        TypedLocate::Word(w) => {
            return Err(format!(
                "locate_s = {w:?} is neither \"random\" nor a number"
            ));
        }
        TypedLocate::At(s) if !s.is_finite() || s < 0.0 => {
            return Err("locate_s must be 0 or more".to_owned());
        }
        TypedLocate::At(s) if t.length_s.is_some_and(|l| s + needed > l) => {
            return Err(
                "the track ends before the step: locate_s + seconds exceed length_s".to_owned(),
            );
        }
        TypedLocate::At(s) => {
            reaches(s + needed).map_err(|e| format!("locate_s + seconds: {e}"))?;
            Locate::At(s)
        }
    };
    Ok(Cue {
        track: t.track,
        length_s: t.length_s,
        locate,
        silent_start_s: t.silent_start_s,
    })
}
