//! How far the booth has read: `DATA/progress.json`, `[{corpus_sha256, seed, shard, round,
//! position}]`.
//!
//! Guarantees: what [`Progress::advance`] returned well from survives any power cut; after one in
//! its middle the place before stands. A line is passed only by `advance`, which is called when its
//! take is on the disk, so a line shown but never stored is shown again. Names no session.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::index::write_whole;
use super::order::{Order, Shard};

/// Why progress cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum ProgressError {
    /// It is there and cannot be read.
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

/// A place in the order: the next line to be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Times the whole shard was read.
    pub round: u64,
    /// Position within the round's [`Order`], from 0.
    pub position: u64,
}

impl Place {
    /// The place after this one, in a shard of `lines` lines.
    #[must_use]
    pub fn next(self, lines: u64) -> Place {
        if self.position.saturating_add(1) < lines {
            Place {
                round: self.round,
                position: self.position + 1,
            }
        } else {
            Place {
                round: self.round.saturating_add(1),
                position: 0,
            }
        }
    }
}

/// One object of the file.
#[derive(Serialize, Deserialize)]
struct Entry {
    corpus_sha256: String,
    seed: u64,
    shard: String,
    round: u64,
    position: u64,
}

/// `progress.json`, open.
#[derive(Debug)]
pub struct Progress {
    path: PathBuf,
    places: BTreeMap<Key, Place>,
}

impl Progress {
    /// Reads `progress.json` of the data folder; none yet means the beginning. One that is no
    /// progress is put aside as `progress.json.unreadable`: an unattended booth goes on.
    ///
    /// # Errors
    /// [`ProgressError`].
    pub fn open(data: &Path) -> Result<Progress, ProgressError> {
        let path = data.join("progress.json");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Ok(Progress {
                    path,
                    places: BTreeMap::new(),
                });
            }
            Err(source) => return Err(ProgressError::Read { path, source }),
        };
        let places = parse(&text).unwrap_or_else(|reason| {
            let aside = path.with_file_name("progress.json.unreadable");
            log::warn!("{}: {reason}; kept as {}", path.display(), aside.display());
            // Failing leaves it in place, and the next advance says what is wrong with the folder.
            let _ = fs::rename(&path, &aside);
            BTreeMap::new()
        });
        Ok(Progress { path, places })
    }

    /// The next line's place.
    #[must_use]
    pub fn place(&self, key: &Key) -> Place {
        self.places.get(key).copied().unwrap_or_default()
    }

    /// The order of the round that stands, and the position in it.
    #[must_use]
    pub fn order(&self, key: &Key, lines: u64) -> (Order, u64) {
        let place = self.place(key);
        (
            Order::new(key.seed, key.shard, lines, place.round),
            place.position,
        )
    }

    /// Makes `place` the next line's and puts it on the disk. Never goes back: takes that are
    /// stored out of order leave the furthest.
    ///
    /// # Errors
    /// [`ProgressError::Write`]; the place on the disk is then the one before, and the next call
    /// writes both.
    pub fn advance(&mut self, key: &Key, place: Place) -> Result<(), ProgressError> {
        let stands = self.places.entry(key.clone()).or_default();
        *stands = place.max(*stands);
        let entries: Vec<Entry> = self
            .places
            .iter()
            .map(|(key, place)| entry(key, *place))
            .collect();
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

fn entry(key: &Key, place: Place) -> Entry {
    Entry {
        corpus_sha256: key.corpus_sha256.clone(),
        seed: key.seed,
        shard: key.shard.to_string(),
        round: place.round,
        position: place.position,
    }
}

fn parse(text: &[u8]) -> Result<BTreeMap<Key, Place>, String> {
    let entries: Vec<Entry> = serde_json::from_slice(text).map_err(|e| e.to_string())?;
    let read = |entry: Entry| -> Result<(Key, Place), String> {
        let shard = entry
            .shard
            .parse()
            .map_err(|e: super::order::ShardError| e.to_string())?;
        let key = Key {
            corpus_sha256: entry.corpus_sha256,
            seed: entry.seed,
            shard,
        };
        Ok((
            key,
            Place {
                round: entry.round,
                position: entry.position,
            },
        ))
    };
    entries.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        assert_eq!(progress.place(&key(1)), Place::default());
        let (one, two) = (
            Place {
                round: 3,
                position: 7,
            },
            Place {
                round: 0,
                position: 1,
            },
        );
        progress.advance(&key(1), one).expect("advance");
        progress.advance(&key(2), two).expect("advance");
        let again = Progress::open(dir.path()).expect("again");
        assert_eq!((again.place(&key(1)), again.place(&key(2))), (one, two));
        assert_eq!(fs::read_dir(dir.path()).expect("folder").count(), 1);
    }

    #[test]
    fn progress_never_goes_back() {
        let dir = tempfile::tempdir().expect("folder");
        let mut progress = Progress::open(dir.path()).expect("open");
        let far = Place {
            round: 1,
            position: 0,
        };
        progress.advance(&key(1), far).expect("advance");
        progress
            .advance(
                &key(1),
                Place {
                    round: 0,
                    position: 9,
                },
            )
            .expect("advance");
        assert_eq!(progress.place(&key(1)), far);
    }

    #[test]
    fn what_is_no_progress_is_put_aside_and_kept() {
        let dir = tempfile::tempdir().expect("folder");
        fs::write(dir.path().join("progress.json"), "{ torn").expect("write");
        let mut progress = Progress::open(dir.path()).expect("open");
        progress
            .advance(
                &key(1),
                Place {
                    round: 0,
                    position: 1,
                },
            )
            .expect("advance");
        let aside = fs::read_to_string(dir.path().join("progress.json.unreadable"));
        assert_eq!(aside.expect("kept"), "{ torn");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_at_writing() {
        let mut progress = Progress::open(Path::new("/nonexistent/booth")).expect("open");
        let refused = progress
            .advance(&key(1), Place::default())
            .expect_err("no folder");
        assert!(
            refused.to_string().contains("/nonexistent/booth"),
            "{refused}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn every_line_once_before_any_twice_through_restarts(
            seed: u64, lines in 1u64..40, restarts in proptest::collection::vec(1usize..9, 1..30)
        ) {
            let dir = tempfile::tempdir().expect("folder");
            let key = key(seed);
            let mut shown = Vec::new();
            for stored in restarts {
                let mut progress = Progress::open(dir.path()).expect("open");
                for _ in 0..stored {
                    let (order, position) = progress.order(&key, lines);
                    shown.push(order.line_at(position).expect("line"));
                    let next = progress.place(&key).next(order.len());
                    progress.advance(&key, next).expect("advance");
                }
                // Here one more line is shown, and its take never reaches the disk.
            }
            for round in shown.chunks(lines as usize) {
                let mut seen: Vec<u64> = round.to_vec();
                seen.sort_unstable();
                seen.dedup();
                prop_assert_eq!(seen.len(), round.len());
            }
        }
    }
}
