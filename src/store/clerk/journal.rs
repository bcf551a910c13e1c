//! A session's record and its events, as the clerk keeps them.
//!
//! Guarantees: what the disk refuses waits in memory, in order, and is written once the disk is back;
//! a refusal is told once.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::store::events::{Events, Note};
use crate::store::folder::{self, Record};

/// Rows that wait at most: hours of a visitor's presses; older ones give way.
const MOST_WAITING: usize = 10_000;

/// session.json and events.jsonl of one session.
pub(super) struct Journal {
    pub(super) folder: PathBuf,
    pub(super) record: Box<Record>,
    /// The record changed since it was written.
    record_due: bool,
    events: Option<Events>,
    waiting: VecDeque<(u64, Note, Option<String>)>,
    /// That the disk refuses was told.
    told: bool,
}

impl Journal {
    /// Of a session that begins (`record_due`) or goes on.
    pub(super) fn of(folder: PathBuf, record: Box<Record>, record_due: bool) -> Journal {
        Journal {
            folder,
            record,
            record_due,
            events: None,
            waiting: VecDeque::new(),
            told: false,
        }
    }

    /// The record has changed and is written with the next rows.
    pub(super) fn touch_record(&mut self) {
        self.record_due = true;
    }

    /// A row for the events.
    pub(super) fn note(&mut self, frame: u64, note: Note, utc: Option<String>) {
        if self.waiting.len() >= MOST_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back((frame, note, utc));
    }

    /// Whether the disk has everything, but for a sync.
    pub(super) fn is_written(&self) -> bool {
        !self.record_due && self.waiting.is_empty()
    }

    /// Writes what waits; rows older than `most` are synced.
    ///
    /// # Errors
    /// The first refusal in a row, in words.
    pub(super) fn write(&mut self, most: Duration) -> Result<(), String> {
        let done = self.try_write(most);
        if done.is_err() {
            self.events = None;
        }
        let told = std::mem::replace(&mut self.told, done.is_err());
        let folder = self.folder.display();
        match done {
            Err(error) if !told => Err(format!("{folder}: record and events wait: {error}")),
            _ => Ok(()),
        }
    }

    fn try_write(&mut self, most: Duration) -> io::Result<()> {
        if self.record_due {
            folder::make(&self.folder)?;
            self.record.write(&self.folder)?;
            self.record_due = false;
        }
        let events = match &mut self.events {
            Some(events) => events,
            None => self.events.insert(Events::open(&self.folder)?),
        };
        while let Some((frame, note, utc)) = self.waiting.front() {
            events.append(*frame, note, utc.clone())?;
            self.waiting.pop_front();
        }
        events.sync_if_due(most)
    }
}
