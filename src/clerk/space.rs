//! The data folder's disk, checked once a second: its free space, and whether it is there.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Answer;
use crate::files::data::Data;
use crate::rt;
use crate::store::lock;

/// Between two checks.
const LOOK: Duration = Duration::from_secs(1);

/// What is known of the disk.
pub(super) struct Space {
    data: PathBuf,
    looked: Option<Instant>,
    free_bytes: Arc<AtomicU64>,
    /// Why it cannot be written, as last reported.
    away: Option<String>,
    /// The lock on a disk that was away and is mounted again.
    _held: Option<File>,
}

impl Space {
    pub(super) fn of(data: &Path, free_bytes: Arc<AtomicU64>) -> Space {
        Space {
            data: data.to_owned(),
            looked: None,
            free_bytes,
            away: None,
            _held: None,
        }
    }

    /// Checks once a second; gives an answer if the disk went away or came back.
    pub(super) fn look(&mut self) -> Option<Answer> {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return None;
        }
        self.looked = Some(Instant::now());
        let away = self.find_away();
        if away == self.away {
            return None;
        }
        self.away.clone_from(&away);
        if away.is_none() {
            self._held = lock::lock(&self.data).unwrap_or_default();
        }
        Some(Answer::Disk(away))
    }

    /// Why nothing can be written. A failing disk is found at the first write.
    fn find_away(&mut self) -> Option<String> {
        // Made at the start: it is not there on the mount point of a disk that is gone.
        let sessions = Data(&self.data).sessions();
        let there = std::fs::metadata(&sessions).and_then(|_| rt::disk(&sessions));
        let reason = match there {
            Ok(disk) => {
                let free = disk.free_bytes;
                self.free_bytes.store(free, Ordering::Relaxed);
                disk.read_only.then(|| "is mounted read-only".to_owned())
            }
            Err(error) => Some(error.to_string()),
        };
        reason.map(|reason| format!("{}: {reason}", sessions.display()))
    }
}
