//! What happened besides the takes: a row of events.jsonl without its time.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Button, Cause, ScreenName, Setting};

/// What is wrong with the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultKind {
    /// No frames come from the sound card.
    Device,
    /// The disk is read-only, away or fails; what was recorded waits in memory.
    Disk,
    /// A take could not be written.
    Storage,
    /// The disk has no room before the reserve.
    Full,
    /// The disk is behind; nothing is lost yet.
    Slow,
    /// There is no line to show.
    Corpus,
    /// The sphere does not do what the step needs.
    Sphere,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Its intro is shown.
    Intro,
    /// Its time runs.
    Run,
    /// Its time is stopped.
    Pause,
    /// Its time runs again.
    Resume,
    /// Its whole time is given back.
    Reset,
    /// It has ended.
    Over,
}

/// What became of a take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TakeState {
    /// It was begun.
    Begin,
    /// It was ended.
    End,
    /// File and row are on the disk.
    Stored,
    /// It could not be written.
    Failed,
}

/// Whether a fault began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultState {
    /// It began.
    On,
    /// It ended.
    Off,
}

/// What the wall clock did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockChange {
    /// It is to be trusted now.
    Synchronised,
    /// It is no longer to be trusted.
    Unsynchronised,
    /// It was set.
    Jumped,
}

/// What was asked of the sphere, or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SphereVerb {
    /// Asked: play from `position`; null: from where it stood.
    Play,
    /// Asked: fall silent.
    Stop,
    /// Nothing was asked: the step goes on without it.
    #[serde(rename = "none")]
    Without,
    /// Found: it rolls.
    Rolling,
    /// Found: its position, every 10 s.
    Read,
    /// Found: someone else moved it.
    Moved,
    /// Found: it is silent.
    Stopped,
}

/// A row of events.jsonl without its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Note {
    /// A button; the row's frame is that of the edge.
    Press {
        /// Which.
        button: Button,
        /// For how long.
        held_ms: u64,
    },
    /// A screen was shown.
    Screen {
        /// Which.
        name: ScreenName,
    },
    /// A step changed state.
    Step {
        /// Its name.
        name: Arc<str>,
        /// The new one.
        state: StepState,
    },
    /// A take changed state.
    Take {
        /// Its number.
        take: u32,
        /// The new one.
        state: TakeState,
    },
    /// Frames of a take were lost; the row's frame is the first of them. A later row of the same
    /// take and frame replaces the earlier.
    Loss {
        /// The take's number.
        take: u32,
        /// How many.
        frames: u64,
        /// Why.
        cause: Cause,
    },
    /// A fault began or ended.
    Fault {
        /// What is wrong.
        kind: FaultKind,
        /// Whether it began or ended.
        state: FaultState,
        /// In words; empty when it ended.
        text: Arc<str>,
    },
    /// The wall clock changed.
    Clock {
        /// How.
        changed: ClockChange,
        /// By how much it went ahead.
        by_ms: i64,
    },
    /// Something moved a mixer control; it was put back.
    Mixer {
        /// Its name.
        control: String,
        /// What it was found at.
        found: Setting,
        /// The value it is kept at.
        wanted: Setting,
    },
    /// The sphere was commanded, or its position was found; the row's frame is that of the moment
    /// at which it was at `position`.
    Sphere {
        /// What was asked or found.
        verb: SphereVerb,
        /// The track.
        track: Arc<str>,
        /// Seconds from the track's beginning.
        position: Option<f64>,
        /// How far the true position may lie from what was found, transport frames.
        uncertainty_frames: Option<u64>,
    },
}
