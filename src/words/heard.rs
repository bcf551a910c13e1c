//! How far the sphere's sound is known.

use serde::{Deserialize, Serialize};

/// How it was known of a take that the sphere's track sounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Heard {
    /// Something was connected to the outputs that the card plays from.
    Connections,
    /// Samples above -80 dBFS were on their way to those outputs.
    Level,
}

/// What is asked before a track counts as playing: `[sphere] heard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hearing {
    /// A connection.
    Connections,
    /// A level, which only the helper can read.
    Level,
    /// Nothing.
    No,
}
