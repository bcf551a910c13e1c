//! The layout of DATA and of a session's folder: which file lies where.
//!
//! Guarantees: paths only; nothing is opened, made or looked at. No other file spells these names.

use std::path::{Path, PathBuf};

/// The data folder.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a>(pub &'a Path);

impl Data<'_> {
    /// Held by the booth that runs on it.
    #[must_use]
    pub fn lock(self) -> PathBuf {
        self.0.join(".lock")
    }

    /// The folders of all sessions.
    #[must_use]
    pub fn sessions(self) -> PathBuf {
        self.0.join("sessions")
    }

    /// The folder of one.
    #[must_use]
    pub fn session(self, name: impl AsRef<Path>) -> PathBuf {
        self.sessions().join(name)
    }

    /// The participants' keys.
    #[must_use]
    pub fn keys(self) -> PathBuf {
        self.0.join("keys")
    }

    /// People who are enrolled and not recorded yet.
    #[must_use]
    pub fn pending(self) -> PathBuf {
        self.0.join("pending")
    }

    /// Tombstones.
    #[must_use]
    pub fn forgotten(self) -> PathBuf {
        self.0.join("forgotten")
    }

    /// Each consent text that was shown.
    #[must_use]
    pub fn consents(self) -> PathBuf {
        self.0.join("consents")
    }

    /// Where exports went.
    #[must_use]
    pub fn exports(self) -> PathBuf {
        self.0.join("exports.jsonl")
    }

    /// How far each corpus is read.
    #[must_use]
    pub fn progress(self) -> PathBuf {
        self.0.join("progress.json")
    }

    /// Which lines of each text are read.
    #[must_use]
    pub fn read_lines(self) -> PathBuf {
        self.0.join("progress")
    }

    /// The key that signs receipts.
    #[must_use]
    pub fn box_key(self) -> PathBuf {
        self.0.join("box.key")
    }
}

/// The folder of a session.
#[derive(Clone, Copy, Debug)]
pub struct SessionFolder<'a>(pub &'a Path);

impl SessionFolder<'_> {
    /// Its record.
    #[must_use]
    pub fn record(self) -> PathBuf {
        self.0.join("session.json")
    }

    /// The rows of its takes.
    #[must_use]
    pub fn takes(self) -> PathBuf {
        self.0.join("takes.jsonl")
    }

    /// What else happened in it.
    #[must_use]
    pub fn events(self) -> PathBuf {
        self.0.join("events.jsonl")
    }

    /// The answers of an enrolled person, sealed.
    #[must_use]
    pub fn sealed_answers(self) -> PathBuf {
        self.0.join("answers.json.age")
    }
}
