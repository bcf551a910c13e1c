//! What goes into the session and what comes out: the whole contract between it and the threads.

use std::sync::Arc;

use serde::Serialize;

use super::protocol::Order;
use crate::board::Button;
use crate::rt::Nanos;
use crate::screen::Name;
use crate::store::row::{Kind, SphereAt, Verdict};

/// A moment on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// CLOCK_MONOTONIC.
    pub at: Nanos,
    /// The frame that was being captured, counted since capture started.
    pub frame: u64,
}

/// A line of the corpus, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which request it answers; lines of an older one are ignored.
    pub stream: u32,
    /// Its place in the order; given back once its take is on the disk.
    pub ticket: u64,
    /// Number in the file, from 1.
    pub number: u64,
    /// The id before its tab.
    pub id: Option<Arc<str>>,
    /// What is read.
    pub text: Arc<str>,
}

/// What is wrong with the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultKind {
    /// No frames come from the sound card.
    Device,
    /// A take could not be written.
    Storage,
    /// There is no line to show.
    Corpus,
    /// The sphere does not do what the step needs.
    Sphere,
}

impl FaultKind {
    /// The word events.jsonl and the language tables use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            FaultKind::Device => "device",
            FaultKind::Storage => "storage",
            FaultKind::Corpus => "corpus",
            FaultKind::Sphere => "sphere",
        }
    }
}

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Time went by.
    Tick,
    /// A button went down or up, at the stamp.
    Edge(Button, bool),
    /// A line was read ahead.
    Line(Line),
    /// A take is on the disk and its row is synced.
    Stored(u32),
    /// A take could not be written.
    Failed(u32, Arc<str>),
    /// The sphere rolls (where it stood), or why not.
    Rolling(Result<SphereAt, Arc<str>>),
    /// A fault began.
    Fault(FaultKind, Arc<str>),
    /// A fault ended.
    Cleared(FaultKind),
    /// Nobody will press a button any more: do not linger.
    NoMorePresses,
    /// The program ends.
    Shutdown,
}

/// A take begins. Frames count since capture started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Number within the session, from 1.
    pub take: u32,
    /// First frame of the file; may lie in the past.
    pub start_frame: u64,
    /// Start mark.
    pub start_mark: u64,
    /// What it is of.
    pub kind: Kind,
    /// The step's name.
    pub step: Arc<str>,
    /// What is read.
    pub text: Option<Arc<str>>,
}

/// A take ends. Frames count since capture started.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// Number within the session.
    pub take: u32,
    /// What it is of.
    pub kind: Kind,
    /// The step's name.
    pub step: Arc<str>,
    /// The line read, if any.
    pub line: Option<Line>,
    /// How often the line was taken before, plus 1.
    pub version: u32,
    /// How it ended.
    pub verdict: Verdict,
    /// When its text was shown.
    pub shown_frame: u64,
    /// The presses that began and ended it.
    pub press_frames: Vec<u64>,
    /// First frame of the file.
    pub start_frame: u64,
    /// Start mark.
    pub start_mark: u64,
    /// End mark.
    pub end_mark: u64,
    /// The frame after the file's last; may lie in the future.
    pub end_frame: u64,
    /// Where the sphere stood.
    pub sphere: Option<SphereAt>,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// Every step was done.
    Completed,
    /// By the stop button or the program's end.
    Stopped,
    /// Nobody was there any more.
    Idle,
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
        name: Name,
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
    /// A fault began or ended.
    Fault {
        /// What is wrong.
        kind: FaultKind,
        /// `on` or `off`.
        state: &'static str,
        /// In words; empty when it ended.
        text: Arc<str>,
    },
    /// The sphere was commanded.
    Sphere {
        /// `play`, `stop` or `none` (gone on without).
        verb: &'static str,
        /// The track.
        track: Arc<str>,
        /// Where it started, seconds.
        position: Option<f64>,
    },
}

/// Something is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A session begins; its frame 0.
    Open(u64),
    /// A take begins.
    Begin(Begin),
    /// A take ends.
    End(Box<End>),
    /// A take already ended gets another verdict.
    Amend(u32, Verdict),
    /// Lines are wanted in this order; `stream` marks the answers.
    WantLines(Order, u32),
    /// One more line is wanted.
    WantLine,
    /// The line with this ticket is on the disk, or was skipped.
    LineDone(u64),
    /// Track, locate, play; answered by [`Event::Rolling`].
    Play {
        /// The track, exactly.
        track: Arc<str>,
        /// Seconds from its beginning; `None` goes on where it stopped.
        locate_s: Option<f64>,
    },
    /// The sphere falls silent.
    Silence,
    /// A row for events.jsonl at this frame of the session.
    Note(u64, Note),
    /// The session is over, all its takes are on the disk.
    Close(Ended),
}
