//! `DATA/progress/CORPUS.read`: eight bytes for each line that was read, in the order of reading.
//!
//! Guarantees: only appended to, never rewritten; what [`ReadFile::append`] returned Ok for survives
//! any power cut, and a record that one tore is void. Any bytes are a file of records. Knows no text
//! and names no session.
//!
//! Format, little endian: a u64 that is the hash of a line's text, or says with [`ROUND`] in its upper
//! half that the round of its lower half begins; zero is void.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::progress::ProgressError;
use crate::files::small;

/// The upper half of a record that begins a round; no hash has it.
const ROUND: u64 = 0xffff_ffff << 32;
/// Records of a round that are kept, 32 MB: a damaged file must not fill the memory.
const MOST_RECORDS: usize = 4_000_000;
const RECORD_BYTES: u64 = 8;
/// Bytes read at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// What is known of a line that was read. Space around it is no part of it: an editor may take that
/// away.
pub(super) fn hash(text: &str) -> u64 {
    let digest = Sha256::digest(text.trim());
    let bytes: [u8; 8] = std::array::from_fn(|at| digest[at]);
    let hash = u64::from_le_bytes(bytes);
    let hash = if hash & ROUND == ROUND {
        hash & !ROUND
    } else {
        hash
    };
    hash.max(1)
}

/// The record with which round `round` begins.
pub(super) fn begin(round: u64) -> u64 {
    ROUND | (round & !ROUND)
}

/// The round that was going on at the end of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Round {
    /// Its number, from 0.
    pub(super) number: u64,
    /// The hash of each line read in it, sorted; one that was read twice stands twice.
    pub(super) lines: Vec<u64>,
}

/// The file, which may not be there yet.
#[derive(Debug)]
pub(super) struct ReadFile {
    path: PathBuf,
    /// Bytes of whole records; a torn one behind them is written over.
    bytes: u64,
}

impl ReadFile {
    /// Reads `path`; `None` if it is not there.
    pub(super) fn read(path: &Path) -> Result<Option<(ReadFile, Round)>, ProgressError> {
        let refuse = |source| ProgressError::Read {
            path: path.to_owned(),
            source,
        };
        let Some(file) = small::open(path).map_err(refuse)? else {
            return Ok(None);
        };
        let records = file.metadata().map_err(refuse)?.len() / RECORD_BYTES;
        let (mut round, mut record) = (Round::default(), [0; RECORD_BYTES as usize]);
        let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
        for _ in 0..records {
            file.read_exact(&mut record).map_err(refuse)?;
            round.take(u64::from_le_bytes(record));
        }
        round.lines.sort_unstable();
        let bytes = records * RECORD_BYTES;
        let path = path.to_owned();
        Ok(Some((ReadFile { path, bytes }, round)))
    }

    /// A file that is made with its first record.
    pub(super) fn new(path: PathBuf) -> ReadFile {
        ReadFile { path, bytes: 0 }
    }

    /// Appends `records` in one write, and syncs it.
    pub(super) fn append(&mut self, records: &[u64]) -> Result<(), ProgressError> {
        let bytes: Vec<u8> = records
            .iter()
            .flat_map(|record| record.to_le_bytes())
            .collect();
        let written = || -> io::Result<()> {
            let is_new = self.bytes == 0;
            let folder = self.path.parent().unwrap_or(Path::new("."));
            if is_new {
                fs::create_dir_all(folder)?;
            }
            let mut options = File::options();
            let file = options
                .write(true)
                .create(true)
                .truncate(false)
                .open(&self.path)?;
            file.write_all_at(&bytes, self.bytes)?;
            file.sync_data()?;
            if is_new {
                File::open(folder)?.sync_all()?;
                File::open(folder.parent().unwrap_or(folder))?.sync_all()?;
            }
            Ok(())
        };
        written().map_err(|source| ProgressError::Write {
            path: self.path.clone(),
            source,
        })?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

impl Round {
    fn take(&mut self, record: u64) {
        if record & ROUND == ROUND {
            self.number = record & !ROUND;
            self.lines.clear();
        } else if record != 0 && self.lines.len() < MOST_RECORDS {
            self.lines.push(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> Round {
        ReadFile::read(path).expect("read").expect("there").1
    }

    #[test]
    fn what_was_appended_is_read_again_and_a_torn_record_is_void() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("progress/c.txt.read");
        assert!(ReadFile::read(&path).expect("nothing there").is_none());
        let mut file = ReadFile::new(path.clone());
        file.append(&[7, 3, 7]).expect("append");
        let lines = vec![3, 7, 7];
        assert_eq!(read(&path), Round { number: 0, lines });
        let whole = fs::read(&path).expect("bytes");
        for torn in 1..8 {
            fs::write(&path, [&whole[..], &vec![9; torn]].concat()).expect("torn");
            let (mut file, round) = ReadFile::read(&path).expect("read").expect("there");
            assert_eq!(round.lines, [3, 7, 7]);
            file.append(&[1]).expect("append");
            assert_eq!(read(&path).lines, [1, 3, 7, 7]);
            let bytes = fs::read(&path).expect("bytes");
            assert!(bytes.starts_with(&whole) && bytes.len() == whole.len() + 8);
        }
    }

    #[test]
    fn only_the_last_round_counts() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("c.read");
        let records = [5, begin(1), 6, 0, begin(2), 8];
        ReadFile::new(path.clone())
            .append(&records)
            .expect("append");
        let lines = vec![8];
        assert_eq!(read(&path), Round { number: 2, lines });
    }

    #[test]
    fn a_line_is_known_without_the_space_around_it_and_the_same_in_every_version() {
        assert_eq!(hash(" Snow.\r"), hash("Snow."));
        assert_ne!(hash("Snow."), hash("Snow!"));
        // Changing this makes booths in the field read their texts anew.
        assert_eq!(hash("Snow covers the roofs."), 0x712f_ad54_4929_a19d);
    }
}
