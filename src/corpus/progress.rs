//! How far the booth has read a text that is too long to be known by its lines:
//! `DATA/progress.json`, `[{corpus_sha256, seed, shard, round, position, owed}]`. Version 0.1 wrote it
//! for every text.
//!
//! Guarantees: once [`Progress::reach`] has returned Ok, its values survive any power cut; after a
//! power cut during the call the values from before are kept. Names no session.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::order::Shard;
use super::whole::write_whole;
use crate::files::data::Data;

/// Why progress cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum ProgressError {
    /// The file exists but cannot be read.
    #[error("progress {path}: cannot be read: {source}; give the booth's user the data folder")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// The disk's trouble.
    #[error("progress {path}: cannot be written: {source}; free space or make {0} writable", .path.parent().unwrap_or(.path).display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
}

/// What an order is drawn from; another corpus, seed or shard has progress of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// SHA-256 of the corpus, hexadecimal.
    pub corpus_sha256: String,
    /// `corpus.seed`.
    pub seed: u64,
    /// `corpus.shard`.
    pub shard: Shard,
}

/// A place in the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Times the whole shard was read.
    pub round: u64,
    /// Position within the round's [`Order`](super::order::Order), from 0.
    pub position: u64,
}

impl Place {
    /// The place of a ticket, in a shard of `lines` lines.
    #[must_use]
    pub fn of(ticket: u64, lines: u64) -> Place {
        let lines = lines.max(1);
        Place {
            round: ticket / lines,
            position: ticket % lines,
        }
    }

    /// Places before this one, in a shard of `lines` lines.
    #[must_use]
    pub fn ticket(self, lines: u64) -> u64 {
        // Saturating: the corpus may be of any length.
        self.round
            .saturating_mul(lines)
            .saturating_add(self.position)
    }

    /// Whether the numbers, of an edited or damaged file, are too large to go on from.
    fn is_absurd(self) -> bool {
        self.round.max(self.position) > u64::from(u32::MAX)
    }
}

/// Which part of an order is done: all before `next`, except what is owed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// The place after the furthest line that is done.
    pub next: Place,
    /// Earlier lines that were shown, but whose take never reached the disk.
    pub owed: Vec<Place>,
}

/// One object of the file.
#[derive(Serialize, Deserialize)]
struct Entry {
    corpus_sha256: String,
    seed: u64,
    shard: String,
    #[serde(flatten)]
    next: Place,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    owed: Vec<Place>,
}

/// `progress.json`, open.
#[derive(Debug)]
pub struct Progress {
    path: PathBuf,
    places: BTreeMap<Key, Reached>,
    /// Why the file was not understood.
    unreadable: Option<String>,
}

impl Progress {
    /// Reads `progress.json` of the data folder; none yet means the beginning. A file that cannot
    /// be understood is renamed to `progress.json.unreadable`: an unattended booth goes on.
    ///
    /// # Errors
    /// [`ProgressError`].
    pub fn open(data: &Path) -> Result<Progress, ProgressError> {
        let mut progress = Progress::read(data)?;
        if let Some(reason) = progress.unreadable.take() {
            let path = &progress.path;
            let aside = path.with_file_name("progress.json.unreadable");
            log::warn!("{}: {reason}; kept as {}", path.display(), aside.display());
            // Failing leaves it in place, and the next advance says what is wrong with the folder.
            let _ = fs::rename(path, &aside);
        }
        Ok(progress)
    }

    /// The same for who only looks: a file that cannot be understood stays, and means the beginning.
    ///
    /// # Errors
    /// [`ProgressError`].
    pub fn read(data: &Path) -> Result<Progress, ProgressError> {
        let path = Data(data).progress();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Ok(Progress {
                    path,
                    places: BTreeMap::new(),
                    unreadable: None,
                });
            }
            Err(source) => return Err(ProgressError::Read { path, source }),
        };
        let parsed = parse(&text);
        Ok(Progress {
            path,
            unreadable: parsed.as_ref().err().cloned(),
            places: parsed.unwrap_or_default(),
        })
    }

    /// How far the order of `key` is done.
    #[must_use]
    pub fn reached(&self, key: &Key) -> Reached {
        self.places.get(key).cloned().unwrap_or_default()
    }

    /// Records on the disk that everything before `next` is done, except the `owed`.
    ///
    /// # Errors
    /// [`ProgressError::Write`]; the old values are still on the disk then, and the next call
    /// writes both.
    pub fn reach(&mut self, key: &Key, next: Place, owed: Vec<Place>) -> Result<(), ProgressError> {
        self.places.insert(key.clone(), Reached { next, owed });
        let entries: Vec<Entry> = self.places.iter().map(entry).collect();
        write_whole(&self.path, |out| {
            serde_json::to_writer_pretty(&mut *out, &entries)?;
            out.write_all(b"\n")
        })
        .map_err(|source| ProgressError::Write {
            path: self.path.clone(),
            source,
        })
    }
}

fn entry((key, reached): (&Key, &Reached)) -> Entry {
    Entry {
        corpus_sha256: key.corpus_sha256.clone(),
        seed: key.seed,
        shard: key.shard.to_string(),
        next: reached.next,
        owed: reached.owed.clone(),
    }
}

fn parse(text: &[u8]) -> Result<BTreeMap<Key, Reached>, String> {
    let entries: Vec<Entry> = serde_json::from_slice(text).map_err(|e| e.to_string())?;
    let read = |entry: Entry| -> Result<(Key, Reached), String> {
        let shard = entry
            .shard
            .parse()
            .map_err(|e: super::order::ShardError| e.to_string())?;
        let key = Key {
            corpus_sha256: entry.corpus_sha256,
            seed: entry.seed,
            shard,
        };
        let (next, owed) = (entry.next, entry.owed);
        if let Some(place) = owed.iter().chain([&next]).find(|p| p.is_absurd()) {
            return Err(format!("{place:?} is further than any booth reads"));
        }
        Ok((key, Reached { next, owed }))
    };
    entries.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u64) -> Key {
        Key {
            corpus_sha256: "ab".repeat(32),
            seed,
            shard: Shard::WHOLE,
        }
    }

    #[test]
    fn progress_survives_a_restart() {
        let dir = tempfile::tempdir().expect("folder");
        let mut progress = Progress::open(dir.path()).expect("open");
        assert_eq!(progress.reached(&key(1)), Reached::default());
        let (one, two) = (Place::of(37, 10), Place::of(1, 10));
        progress.reach(&key(1), one, vec![two]).expect("reach");
        progress.reach(&key(2), two, Vec::new()).expect("reach");
        let again = Progress::open(dir.path()).expect("again");
        let reached = Reached {
            next: one,
            owed: vec![two],
        };
        assert_eq!(again.reached(&key(1)), reached);
        assert_eq!(again.reached(&key(2)).next, two);
        assert_eq!(fs::read_dir(dir.path()).expect("folder").count(), 1);
    }

    #[test]
    fn what_is_no_progress_is_put_aside_and_kept() {
        let dir = tempfile::tempdir().expect("folder");
        fs::write(dir.path().join("progress.json"), "{ torn").expect("write");
        let mut progress = Progress::open(dir.path()).expect("open");
        let next = Place::of(1, 5);
        progress.reach(&key(1), next, Vec::new()).expect("reach");
        let aside = fs::read_to_string(dir.path().join("progress.json.unreadable"));
        assert_eq!(aside.expect("kept"), "{ torn");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_at_writing() {
        let mut progress = Progress::open(Path::new("/nonexistent/booth")).expect("open");
        let refused = progress.reach(&key(1), Place::default(), Vec::new());
        let text = refused.expect_err("no folder").to_string();
        assert!(text.contains("/nonexistent/booth"), "{text}");
    }
}
