//! What the clerk is asked to do, and what it answers.
//!
//! What the session asks for and what it is to know pass through main as they are: [`Ask`] one way,
//! [`News`] the other.

use std::path::PathBuf;
use std::sync::Arc;

use super::Arrival;
use crate::audio::mixer::Moved;
use crate::corpus::CorpusError;
use crate::corpus::order::Sequence;
use crate::corpus::prompter::{Prompt, PromptError};
use crate::identity::participant::Participant;
use crate::identity::pending::Pending;
use crate::store::session::Record;
use crate::words::{By, Ended, Note, Resumption, SessionFrame};

/// What the session asks of the clerk.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Hand out lines.
    WantLines {
        /// In which sequence.
        sequence: Sequence,
        /// The line of this number first: one that a crash cut.
        first: Option<u64>,
        /// Rising; marks the answers.
        request: u32,
    },
    /// Hand out one more.
    WantLine,
    /// The line with this ticket is on the disk, or was skipped.
    LineDone(u64),
    /// The session that was offered ends with its crash.
    Decline,
    /// Who is enrolled and has not come? Answered by [`Answer::Pending`].
    ListPending,
    /// A row for events.jsonl at this frame of the session.
    Note(SessionFrame, Note),
    /// The session is over, all its takes are on the disk.
    Close(Ended),
}

/// What the clerk is asked to do.
#[derive(Debug)]
pub enum Job {
    /// What the session asks.
    Ask(Ask),
    /// A person's session begins in this folder.
    Open(PathBuf, Box<Record>, Arrival),
    /// The session in this folder goes on.
    Resume(PathBuf),
    /// The session in this folder, which is not written to any more, is forgotten: tried each second
    /// until that is certain.
    Forget(PathBuf, By),
}

impl From<Ask> for Job {
    fn from(ask: Ask) -> Job {
        Job::Ask(ask)
    }
}

/// Why no line can be read ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoLine {
    /// In words.
    pub reason: Arc<str>,
    /// The text was replaced while it was read: the step has no more lines, the next one may.
    pub is_replaced: bool,
}

impl NoLine {
    /// By what the corpus says.
    #[must_use]
    pub fn of(error: &PromptError) -> NoLine {
        NoLine {
            reason: error.to_string().into(),
            is_replaced: matches!(error, PromptError::Corpus(CorpusError::Changed(_))),
        }
    }
}

/// What the session is to know.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A line was read ahead, in answer to the request of this number.
    Line(u32, Prompt),
    /// No line can be read ahead.
    NoLine(NoLine),
    /// A session that the program's end cut may be taken up again.
    Offer(Box<Resumption>),
    /// The session that was offered is forgotten.
    Retracted,
    /// The session that is recorded now was forgotten by somebody with its code, or by the operator.
    Withdrawn,
    /// The session's tombstone is on the disk: it is forgotten, whatever happens.
    Forgotten,
}

/// What the clerk answers.
#[derive(Debug)]
pub enum Answer {
    /// For the session.
    News(News),
    /// Who is enrolled and has not come, by number.
    Pending(Vec<(String, Pending)>),
    /// Who comes next.
    Next(Box<Participant>),
    /// A mixer control was moved, and is put back.
    Moved(Moved),
    /// Why the disk cannot be written; `None` once it can.
    Disk(Option<String>),
    /// Why a session is not forgotten yet.
    Unforgotten(String),
    /// A file of the session could not be written, or a control not held.
    Failed(String),
}

impl From<News> for Answer {
    fn from(news: News) -> Answer {
        Answer::News(news)
    }
}
