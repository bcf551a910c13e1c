//! events.jsonl: everything that happened besides the takes, one JSON object a line.
//!
//! Rows are appended at once and synced once a second at most: an event is worth less than a take.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::files::data::SessionFolder;
use crate::files::jsonl;
use crate::words::{Note, SessionFrame};

/// A row as written: when, on the session's clock, and what.
#[derive(Debug, Serialize)]
struct Row<'a> {
    utc: Option<String>,
    frame: SessionFrame,
    #[serde(flatten)]
    note: &'a Note,
}

/// A row as read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Entry {
    /// When, on the session's clock.
    pub frame: u64,
    /// What; `None` for what this version does not know.
    #[serde(flatten)]
    pub note: Option<Note>,
}

/// The rows of the session in `folder`; lines that cannot be read are left out.
///
/// # Errors
/// The file exists but cannot be read.
pub fn read(folder: &Path) -> io::Result<Vec<Entry>> {
    let rows = jsonl::rows::<Entry>(&SessionFolder(folder).events())?;
    Ok(rows.into_iter().filter_map(Result::ok).collect())
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
        let file = jsonl::open(&SessionFolder(folder).events())?;
        Ok(Events {
            file,
            unsynced: None,
        })
    }

    /// Appends a row in one write.
    ///
    /// # Errors
    /// The file system's.
    pub fn append(
        &mut self,
        frame: SessionFrame,
        note: &Note,
        utc: Option<String>,
    ) -> io::Result<()> {
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
    use crate::words::{Button, ScreenName};

    #[test]
    fn a_row_is_one_line_with_frame_and_event() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut events = Events::open(folder.path()).expect("a file");
        let note = Note::Press {
            button: Button::Go,
            held_ms: 80,
        };
        events
            .append(SessionFrame(480), &note, None)
            .expect("a row");
        let text = std::fs::read_to_string(folder.path().join("events.jsonl")).expect("text");
        let expected =
            "{\"utc\":null,\"frame\":480,\"event\":\"press\",\"button\":\"go\",\"held_ms\":80}\n";
        assert_eq!(text, expected);
        let note = Some(note);
        assert_eq!(
            read(folder.path()).expect("rows"),
            [Entry { frame: 480, note }]
        );
    }

    #[test]
    fn a_row_that_a_later_version_wrote_still_says_when() {
        let folder = tempfile::tempdir().expect("a folder");
        let rows = concat!(
            "{\"utc\":null,\"frame\":1,\"event\":\"weather\",\"sky\":\"blue\"}\n",
            "{\"utc\":null,\"frame\":2,\"event\":\"screen\",\"name\":\"question\"}\n",
            "{\"frame\":3,\"ev",
        );
        std::fs::write(SessionFolder(folder.path()).events(), rows).expect("written");
        let name = ScreenName::Question;
        let expected = [
            Entry {
                frame: 1,
                note: None,
            },
            Entry {
                frame: 2,
                note: Some(Note::Screen { name }),
            },
        ];
        assert_eq!(read(folder.path()).expect("rows"), expected);
    }
}
