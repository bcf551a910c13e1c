//! events.jsonl: everything that happened beside the takes, one JSON object a line.
//!
//! Rows are appended at once and synced once a second at most: an event is worth less than a take.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::jsonl;
use crate::audio::block::Cause;
use crate::audio::mixer::Setting;
use crate::board::Button;
use crate::screen::Name;

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

/// One row: when, on the session's clock, and what.
#[derive(Debug, Serialize)]
struct Row<'a> {
    utc: Option<String>,
    frame: u64,
    #[serde(flatten)]
    note: &'a Note,
}

/// The open file of a session.
#[derive(Debug)]
pub struct Events {
    file: File,
    /// Since when rows wait for a sync.
    unsynced: Option<Instant>,
}

impl Events {
    /// Opens `folder/events.jsonl` to append to it.
    ///
    /// # Errors
    /// The file system's.
    pub fn open(folder: &Path) -> io::Result<Events> {
        let file = jsonl::open(&folder.join("events.jsonl"))?;
        Ok(Events {
            file,
            unsynced: None,
        })
    }

    /// Appends a row in one write.
    ///
    /// # Errors
    /// The file system's.
    pub fn append(&mut self, frame: u64, note: &Note, utc: Option<String>) -> io::Result<()> {
        jsonl::append(&self.file, &Row { utc, frame, note })?;
        self.unsynced.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Syncs rows that have waited for `most`.
    ///
    /// # Errors
    /// The file system's.
    pub fn sync_if_due(&mut self, most: Duration) -> io::Result<()> {
        if self.unsynced.is_some_and(|since| since.elapsed() >= most) {
            self.file.sync_data()?;
            self.unsynced = None;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_with_frame_and_event() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut events = Events::open(folder.path()).expect("a file");
        let note = Note::Press {
            button: Button::Go,
            held_ms: 80,
        };
        events.append(480, &note, None).expect("a row");
        let text = std::fs::read_to_string(folder.path().join("events.jsonl")).expect("text");
        let expected =
            "{\"utc\":null,\"frame\":480,\"event\":\"press\",\"button\":\"go\",\"held_ms\":80}\n";
        assert_eq!(text, expected);
    }
}
