//! The kind of a take, how it ended, and what is missing in it.

use serde::{Deserialize, Serialize};

/// Takes that may be open at once.
pub const MOST_OPEN_TAKES: usize = 4;

/// The kind of a take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A line read aloud.
    Read,
    /// The visitor silent.
    Quiet,
    /// Free speech.
    Free,
}

/// How a take ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As meant.
    Kept,
    /// Another take of the same line replaces it.
    Redone,
    /// The line was skipped.
    Skipped,
    /// Cut by a pause.
    Paused,
    /// Cut by a stop or a fault.
    Aborted,
    /// Made whole after a crash.
    Recovered,
}

/// What is wrong with a take, as its row says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A reading that no press ended: the time was up, or its reader had left.
    Cut,
    /// Too short to be a reading.
    Short,
}

impl Reason {
    /// Its word in a row.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Reason::Cut => "cut",
            Reason::Short => "short",
        }
    }
}

/// How a take ended, and what was wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// How it ended.
    pub verdict: Verdict,
    /// What was wrong with it.
    pub reason: Option<Reason>,
}

impl Judged {
    /// A reading that no press ended.
    pub const CUT: Judged = Judged {
        verdict: Verdict::Aborted,
        reason: Some(Reason::Cut),
    };
    /// Too short to be a reading.
    pub const SHORT: Judged = Judged {
        verdict: Verdict::Aborted,
        reason: Some(Reason::Short),
    };

    /// The reasons as a row has them.
    #[must_use]
    pub fn words(self) -> Vec<String> {
        self.reason
            .map(|reason| reason.word().into())
            .into_iter()
            .collect()
    }
}

impl From<Verdict> for Judged {
    fn from(verdict: Verdict) -> Judged {
        Judged {
            verdict,
            reason: None,
        }
    }
}

/// Frames that were lost and filled with silence; counted from the file's first frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// First silent frame.
    pub frame: u64,
    /// Silent frames.
    pub frames: u64,
    /// Why.
    pub cause: Cause,
}

/// A stretch of voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// First frame, counted from the file's first.
    pub frame: u64,
    /// Frames.
    pub frames: u64,
}

/// Why frames are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The sound card's buffer ran over before it was read.
    Overrun,
    /// No free block was left: the disk was too slow for too long.
    Storage,
    /// The device was gone.
    Device,
}
