//! events.jsonl: everything that happened beside the takes, one JSON object a line.
//!
//! Rows are appended at once and synced once a second at most: an event is worth less than a take.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::files::jsonl;
use crate::words::Note;

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
    use crate::words::Button;

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
