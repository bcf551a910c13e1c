//! Files of one JSON object a line, append-only.
//!
//! Guarantees: a row is one write; a row torn by a full disk or a power cut is ended before the
//! next one is written, so it spoils no other.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::small;
use super::text::unmarked;

/// Opens `path` to append rows to it; made if it is not there.
///
/// # Errors
/// The file system's.
pub fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
}

/// Appends a row, unsynced.
///
/// # Errors
/// The file system's.
pub fn append(mut file: &File, row: &impl Serialize) -> io::Result<()> {
    let mut line = Vec::new();
    let length = file.metadata()?.len();
    if length > 0 {
        let mut last = [0];
        file.read_exact_at(&mut last, length - 1)?;
        if last != *b"\n" {
            line.push(b'\n');
        }
    }
    serde_json::to_writer(&mut line, row).map_err(io::Error::other)?;
    line.push(b'\n');
    file.write_all(&line)
}

/// A row that cannot be read as a `T`, for example a torn one.
#[derive(Debug)]
pub struct Damaged {
    /// The line, from 1.
    pub line: usize,
    /// Its bytes.
    pub text: Vec<u8>,
    /// Why.
    pub reason: serde_json::Error,
}

/// The rows of `path` in order; none if there is no such file. Empty lines are passed over.
///
/// # Errors
/// The file system's; a file that is far too long.
pub fn rows<T: DeserializeOwned>(path: &Path) -> io::Result<Vec<Result<T, Damaged>>> {
    let text = small::read(path)?.unwrap_or_default();
    let lines = unmarked(&text).split(|byte| *byte == b'\n').enumerate();
    let rows = lines.filter(|(_, line)| !line.is_empty());
    let read = rows.map(|(number, line)| {
        serde_json::from_slice(line).map_err(|reason| Damaged {
            line: number + 1,
            text: line.to_owned(),
            reason,
        })
    });
    Ok(read.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_row_spoils_no_other() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("rows.jsonl");
        std::fs::write(&path, "[1]\n[2").expect("write");
        append(&open(&path).expect("open"), &[3]).expect("append");
        let text = std::fs::read_to_string(&path).expect("read");
        assert_eq!(text, "[1]\n[2\n[3]\n");
        let read = rows::<[u8; 1]>(&path).expect("read");
        let read = read
            .into_iter()
            .map(|row| row.map_err(|damaged| damaged.line));
        assert_eq!(read.collect::<Vec<_>>(), [Ok([1]), Err(2), Ok([3])]);
        assert!(
            rows::<u8>(&dir.path().join("none"))
                .expect("none")
                .is_empty()
        );
    }
}
