//! takes.jsonl: one write a row, synced, append-only; a torn last row is ended before the next.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::audio::rf64::Error;
use crate::store::row::{Row, Verdict};

/// The rows of the present session; without one they stand in memory only.
#[derive(Debug, Default)]
pub struct Rows {
    folder: Option<PathBuf>,
    rows: Vec<Row>,
}

impl Rows {
    /// Rows of the session in `folder`.
    #[must_use]
    pub fn new(folder: PathBuf) -> Rows {
        Rows {
            folder: Some(folder),
            rows: Vec::new(),
        }
    }

    /// Appends and keeps a row.
    ///
    /// # Errors
    /// The system's.
    pub fn append(&mut self, row: Row) -> Result<Row, Error> {
        if let Some(folder) = &self.folder {
            write(folder, &row).map_err(Error::io("append to", &folder.join("takes.jsonl")))?;
        }
        self.rows.retain(|old| old.take != row.take);
        self.rows.push(row.clone());
        Ok(row)
    }

    /// Appends a take's row again with another verdict.
    ///
    /// # Errors
    /// No such row in this session, or the system's.
    pub fn amend(&mut self, take: u32, verdict: Verdict) -> Result<Row, Error> {
        match self.rows.iter().find(|row| row.take == take) {
            Some(row) => self.append(Row {
                verdict,
                ..row.clone()
            }),
            None => Err(Error::Malformed {
                path: "takes.jsonl".into(),
                reason: format!("no row of take {take} in this session"),
            }),
        }
    }
}

fn write(folder: &Path, row: &Row) -> io::Result<()> {
    let path = folder.join("takes.jsonl");
    let existed = path.exists();
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(&path)?;
    let length = file.metadata()?.len();
    let mut line = Vec::new();
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    if last != [b'\n'] {
        line.push(b'\n');
    }
    serde_json::to_writer(&mut line, row).map_err(io::Error::other)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_data()?;
    if existed {
        Ok(())
    } else {
        std::fs::File::open(folder)?.sync_all()
    }
}
