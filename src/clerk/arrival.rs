//! What is kept of a person before the first row of their session: the consent text, the proof and
//! the keys. It also ends an enrolment.
//!
//! Guarantees: what was kept leaves memory. An enrolled person's entry is removed only when a take of
//! theirs is on the disk: until then they may come again with their number.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::files::data::SessionFolder;
use crate::files::small;
use crate::identity::code::Proof;
use crate::identity::operator::Recipient;
use crate::identity::participant::Participant;
use crate::identity::{consents, keyring, pending};

/// Who begins a session, and what they agreed to.
#[derive(Debug, Default)]
pub struct Arrival {
    /// The text they agreed to.
    pub consent: Option<Arc<str>>,
    /// The person whose keys are to be kept; in memory until they are.
    pub drawn: Option<Box<Participant>>,
    /// The person whose keys were kept when they enrolled.
    pub enrolled: Option<Enrolled>,
}

/// An enrolled person.
#[derive(Debug)]
pub struct Enrolled {
    /// Their number in DATA/pending.
    pub number: String,
    /// Their answers, sealed to their key.
    pub answers: Option<String>,
}

impl Arrival {
    /// Called before the session's record is written: a session that is on the disk can be
    /// forgotten.
    pub(super) fn keep(&mut self, data: &Path, recipients: &[Recipient]) -> io::Result<()> {
        if let Some(text) = &self.consent {
            consents::keep(data, text)?;
            self.consent = None;
        }
        if let Some(participant) = &self.drawn {
            keyring::keep(data, participant, recipients).map_err(io::Error::other)?;
            self.drawn = None;
        }
        Ok(())
    }

    /// Called after the session's record is written.
    pub(super) fn settle(&mut self, folder: &Path) -> io::Result<()> {
        let answers = self.enrolled.as_mut().and_then(|it| it.answers.take());
        if let Some(answers) = answers {
            let path = SessionFolder(folder).sealed_answers();
            if let Err(error) = small::write(&path, answers.as_bytes(), small::PUBLIC) {
                if let Some(enrolled) = &mut self.enrolled {
                    enrolled.answers = Some(answers);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Whether somebody was enrolled, and no take of theirs was on the disk yet.
    pub(super) fn may_come_again(&self) -> bool {
        self.enrolled.is_some()
    }

    /// Called once a take is on the disk: the number is spent.
    pub(super) fn spend(&mut self, data: &Path) -> io::Result<()> {
        if let Some(enrolled) = &self.enrolled {
            pending::remove(data, &enrolled.number)?;
            self.enrolled = None;
        }
        Ok(())
    }

    /// The proof, if it is not on the disk yet.
    pub(super) fn into_proof(self) -> Option<Proof> {
        self.drawn.map(|participant| participant.proof)
    }
}
