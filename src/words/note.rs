//! What happened beside the takes: a row of events.jsonl without its time.

use std::sync::Arc;

use serde::Serialize;

use super::{Button, Cause, ScreenName, Setting};

/// What is wrong with the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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

/// A row of events.jsonl without its time.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
        /// `intro`, `run`, `pause`, `resume`, `reset` or `over`.
        state: &'static str,
    },
    /// A take changed state.
    Take {
        /// Its number.
        take: u32,
        /// `begin`, `end`, `stored` or `failed`.
        state: &'static str,
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
        /// `on` or `off`.
        state: &'static str,
        /// In words; empty when it ended.
        text: Arc<str>,
    },
    /// The wall clock changed.
    Clock {
        /// `synchronised`, `unsynchronised` or `jumped`.
        changed: &'static str,
        /// By how much it went ahead.
        by_ms: i64,
    },
    /// Something moved a mixer control; it was put back.
    Mixer {
        /// Its name.
        control: String,
        /// What it was found at.
        found: Setting,
        /// What it is held at.
        wanted: Setting,
    },
    /// The sphere was commanded, or found to stand somewhere; the row's frame is that of the moment
    /// at which it stood at `position`.
    Sphere {
        /// Asked: `play` (from `position`; null: where it stood), `stop`, `none` (gone on without).
        /// Found: `rolling`, `read` (each 10 s), `moved` (by somebody else), `stopped`.
        verb: &'static str,
        /// The track.
        track: Arc<str>,
        /// Seconds from the track's beginning.
        position: Option<f64>,
        /// How far the true position may lie from what was found, transport frames.
        uncertainty_frames: Option<u64>,
    },
}
