//! What the recorder asks of the writer.

use std::path::PathBuf;

use super::memory::Buffer;
use super::messages::{Amendment, Begin, End};
use crate::audio::judge::Found;
use crate::words::{Gap, Level};

/// What is asked of the writer.
#[derive(Debug)]
pub enum Op {
    /// Creates a take's file.
    Create(Box<Begin>),
    /// Adds to a take.
    Append {
        /// Its number.
        take: u32,
        /// What follows.
        samples: Option<Buffer>,
    },
    /// Ends a take, and appends its row.
    Finish(Box<Finish>),
    /// Ends a take without a row, which the next start writes.
    Close {
        /// Its number.
        take: u32,
        /// What was lost.
        gaps: Vec<Gap>,
    },
    /// Appends a take's row again, changed.
    Amend {
        /// Its number.
        take: u32,
        /// The change.
        amendment: Amendment,
    },
    /// Another session's folder.
    NewSession {
        /// Folder of takes.jsonl.
        folder: PathBuf,
    },
    /// Drops all that the session has, unfinished.
    Forget,
    /// Ends the thread.
    Quit,
}

impl Op {
    /// Bytes of samples that it writes.
    pub fn bytes(&self) -> u64 {
        match self {
            Op::Append { samples, .. } => samples.as_ref().map_or(0, |it| it.len() as u64),
            _ => 0,
        }
    }
}

/// What the writer needs for a take's row.
#[derive(Debug)]
pub struct Finish {
    /// As the session ended it.
    pub end: Box<End>,
    /// Its first frame on the capture clock.
    pub start: u64,
    /// What was lost.
    pub gaps: Vec<Gap>,
    /// Of each channel.
    pub levels: Vec<Level>,
    /// What was found in it.
    pub found: Found,
}
