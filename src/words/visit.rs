//! A session's name, its end, who had it forgotten, and where it was when the program ended.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Whether a text can be a session's name: 20 characters of Crockford's base32. Other names in the
/// folder, such as `lost+found`, are not ours; a name is one part of a path.
#[must_use]
pub fn is_session(name: &str) -> bool {
    name.len() == 20
        && name
            .bytes()
            .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// Every step was done.
    Completed,
    /// By the stop button or the program's end.
    Stopped,
    /// The visitor had left.
    Idle,
    /// The program ended during it, and it was not resumed.
    Crashed,
}

/// Who asked that a session be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// A person with the code.
    Code,
    /// The operator, by the session's name.
    Operator,
    /// The visitor, at the box in mid-session.
    Visitor,
    /// The box: an abandoned session whose code was never taken.
    Abandoned,
    /// The box: an enrolled person who never came.
    Expired,
}

/// A session that may be resumed.
#[derive(Clone, Debug, PartialEq)]
pub struct Resumption {
    /// Its folder.
    pub folder: PathBuf,
    /// Name of the protocol's step that it was in.
    pub step: String,
    /// Frames of that step's time that were used up.
    pub used_frames: u64,
    /// Where that step began in the sphere's track, seconds; `None` if it never asked for one.
    pub start_s: Option<f64>,
    /// The frame its clock goes on at: the next whole second after the last frame known.
    pub next_frame: u64,
    /// Takes it has.
    pub takes: u32,
    /// The line that was being read and how often it was taken.
    pub line: Option<(u64, u32)>,
}
