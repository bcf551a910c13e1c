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

/// What takes.jsonl holds.
#[derive(Debug, Default)]
pub struct Found {
    /// The last row of each take, and its place among all rows.
    pub rows: BTreeMap<u32, (usize, Row)>,
    /// The rows that cannot be read, and their places.
    pub damaged: Vec<(usize, Damaged)>,
}

/// All that takes.jsonl in `folder` holds; nothing if nothing was recorded yet.
///
/// # Errors
/// The file exists but cannot be read.
pub fn found(folder: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    let rows = jsonl::rows::<Row>(&SessionFolder(folder).takes())?;
    for (place, row) in rows.into_iter().enumerate() {
        match row {
            Ok(row) => drop(found.rows.insert(row.take, (place, row))),
            Err(damaged) => found.damaged.push((place, damaged)),
        }
    }
    Ok(found)
}

/// The rows of the session in `folder`, by take; none if nothing was recorded yet.
///
/// # Errors
/// The file exists but cannot be read.
pub fn read(folder: &Path) -> io::Result<Vec<Row>> {
    let found = found(folder)?;
    let path = SessionFolder(folder).takes();
    for (_, Damaged { line, reason, .. }) in &found.damaged {
        log::warn!("{}:{line}: row ignored: {reason}", path.display());
    }
    Ok(found.rows.into_values().map(|(_, row)| row).collect())
}

/// Whether the session in `folder` has no take, not even one that a crash cut. False where that cannot
/// be seen.
#[must_use]
pub fn has_none(folder: &Path) -> bool {
    let names = small::names(folder);
    names.is_ok_and(|names| !names.iter().any(|name| name.starts_with("take")))
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
