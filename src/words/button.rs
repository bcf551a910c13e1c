//! The push buttons of a box.

use serde::{Deserialize, Serialize};

/// A push button.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Button {
    /// Start, next.
    Go,
    /// Again; held: skip.
    Redo,
    /// Pause and resume.
    Pause,
    /// Stop.
    Stop,
}

impl Button {
    /// Every button.
    pub const ALL: [Button; 4] = [Button::Go, Button::Redo, Button::Pause, Button::Stop];

    /// The word scripts and profiles use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Button::Go => "go",
            Button::Redo => "redo",
            Button::Pause => "pause",
            Button::Stop => "stop",
        }
    }
}
