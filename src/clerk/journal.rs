//! A session's record and its events, as the clerk writes them.
//!
//! Guarantees: what the disk refuses waits in memory, in order, and is written once the disk is
//! back; a refusal is reported once.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::arrival::{Arrival, Enrolled};
use crate::identity::code::Proof;
use crate::identity::kept::Kept;
use crate::identity::operator::Recipient;
use crate::identity::{keyring, operator};
use crate::store::events::Events;
use crate::store::session;
use crate::store::session::Record;
use crate::words::{Ended, Note, SessionFrame, TakeState};

/// The most rows that wait: hours of a visitor's presses. Beyond that the oldest are dropped.
const MOST_WAITING: usize = 10_000;

/// session.json and events.jsonl of one session.
pub(super) struct Journal {
    pub(super) folder: PathBuf,
    pub(super) record: Box<Record>,
    /// What to keep of the person first, and the recipients it is sealed to.
    arrival: Arrival,
    recipients: Vec<Recipient>,
    /// The record changed since it was written.
    record_due: bool,
    /// A take is on the disk.
    has_take: bool,
    kept: Kept,
    /// It was said that takes may be sealed, or none are.
    is_said: bool,
    /// The session is over, and its person may come again: nothing of it stays.
    is_void: bool,
    events: Option<Events>,
    waiting: VecDeque<(SessionFrame, Note, Option<String>)>,
    /// The refusal by the disk was reported.
    reported: bool,
}

impl Journal {
    /// For a session that begins and whose person's keys are sealed to the recipients.
    pub(super) fn begin(
        folder: PathBuf,
        record: Box<Record>,
        kept: Kept,
        (arrival, recipients): (Arrival, Vec<Recipient>),
    ) -> Journal {
        Journal {
            arrival,
            recipients,
            record_due: true,
            ..Journal::resume(folder, record, kept)
        }
    }

    /// For a session that is resumed.
    pub(super) fn resume(folder: PathBuf, record: Box<Record>, kept: Kept) -> Journal {
        Journal {
            is_said: !record.sealed,
            kept,
            folder,
            record,
            arrival: Arrival::default(),
            recipients: Vec::new(),
            record_due: false,
            has_take: false,
            is_void: false,
            events: None,
            waiting: VecDeque::new(),
            reported: false,
        }
    }

    /// The session is one of an enrolled person, who has no take in it.
    pub(super) fn of_pending(self, number: String) -> Journal {
        let enrolled = Some(Enrolled {
            number,
            answers: None,
        });
        Journal {
            arrival: Arrival {
                enrolled,
                ..Arrival::default()
            },
            ..self
        }
    }

    /// The session is over. One of an enrolled person who may come again leaves nothing.
    pub(super) fn end(&mut self, ended: Ended) {
        self.record.ended = Some(ended);
        self.record_due = true;
        self.is_void = self.arrival.may_come_again() && !self.has_take;
    }

    /// Adds a row to the events.
    pub(super) fn note(&mut self, frame: SessionFrame, note: Note, utc: Option<String>) {
        let state = TakeState::Stored;
        self.has_take |= matches!(note, Note::Take { state: it, .. } if it == state);
        if self.waiting.len() >= MOST_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back((frame, note, utc));
    }

    /// The session is to be forgotten; returns its proof, if that is not on the disk yet.
    pub(super) fn into_proof(self) -> Option<Proof> {
        self.arrival.into_proof()
    }

    /// Whether everything is on the disk, except for a sync.
    pub(super) fn is_written(&self) -> bool {
        !self.record_due && self.waiting.is_empty()
    }

    /// Writes what waits; rows older than `most` are synced.
    ///
    /// # Errors
    /// The first of several refusals in a row, in words.
    pub(super) fn write(&mut self, most: Duration) -> Result<(), String> {
        let done = self.try_write(most);
        if done.is_err() {
            self.events = None;
        }
        let reported = std::mem::replace(&mut self.reported, done.is_err());
        let folder = self.folder.display();
        match done {
            Err(error) if !reported => Err(format!("{folder}: record and events wait: {error}")),
            _ => Ok(()),
        }
    }

    /// Its key is on the disk: takes may be sealed to it.
    fn say_kept(&mut self, data: &Path) -> io::Result<()> {
        let Some(recipient) = self.record.recipient.as_ref().filter(|_| !self.is_said) else {
            return Ok(());
        };
        keyring::hold(data, &self.record.session).map_err(io::Error::other)?;
        let recipient = operator::recipient(recipient).map_err(io::Error::other)?;
        self.kept.set(&self.record.session, recipient);
        self.is_said = true;
        Ok(())
    }

    fn try_write(&mut self, most: Duration) -> io::Result<()> {
        // The folder of the sessions is there as long as the disk is.
        let sessions = self.folder.parent().unwrap_or(&self.folder);
        std::fs::metadata(sessions)?;
        let data = sessions.parent().unwrap_or(sessions).to_owned();
        if self.is_void {
            session::remove_empty(&self.folder)?;
            self.waiting.clear();
            self.record_due = false;
            return Ok(());
        }
        self.arrival.keep(&data, &self.recipients)?;
        self.say_kept(&data)?;
        if self.record_due {
            session::make(&self.folder)?;
            self.record.write(&self.folder)?;
            self.record_due = false;
        }
        self.arrival.settle(&self.folder)?;
        if self.has_take {
            self.arrival.spend(&data)?;
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
