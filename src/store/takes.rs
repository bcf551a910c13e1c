//! takes.jsonl: one write a row, synced, append-only; a later row of a take replaces the earlier; a
//! torn last row is ignored, and ended before the next.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::row::Row;
use crate::files::data::{Data, SessionFolder};
use crate::files::jsonl::{self, Damaged};
use crate::files::small;
use crate::words::is_session;

/// Appends a row, synced; the folder too where the file is new.
///
/// # Errors
/// The file system's.
pub fn append(folder: &Path, row: &Row) -> io::Result<()> {
    let path = SessionFolder(folder).takes();
    let existed = path.exists();
    let file = jsonl::open(&path)?;
    jsonl::append(&file, row)?;
    file.sync_data()?;
    if existed {
        Ok(())
    } else {
        small::sync_folder(&path)
    }
}

/// The rows of the session in `folder`, by take; none if nothing was recorded yet.
///
/// # Errors
/// The file exists but cannot be read.
pub fn read(folder: &Path) -> io::Result<Vec<Row>> {
    let path = SessionFolder(folder).takes();
    let mut rows = BTreeMap::new();
    for row in jsonl::rows::<Row>(&path)? {
        match row {
            Ok(row) => {
                rows.insert(row.take, row);
            }
            Err(Damaged { line, reason }) => {
                log::warn!("{}:{line}: row ignored: {reason}", path.display());
            }
        }
    }
    Ok(rows.into_values().collect())
}

/// The names of the sessions in DATA, sorted.
///
/// # Errors
/// The folder exists but cannot be read.
pub fn sessions(data: &Path) -> io::Result<Vec<String>> {
    let folder = Data(data).sessions();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_session(&name) && entry.path().is_dir() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
