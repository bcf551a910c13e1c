//! Reading takes.jsonl: a later row of a take replaces the earlier; a torn last row is ignored.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::row::Row;
use crate::files::small;
use crate::words::is_session;

/// The rows of the session in `folder`, by take; none if nothing was recorded yet.
///
/// # Errors
/// The file is there and cannot be read.
pub fn read(folder: &Path) -> io::Result<Vec<Row>> {
    let path = folder.join("takes.jsonl");
    let text = small::read(&path)?.unwrap_or_default();
    let mut rows = BTreeMap::new();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        match serde_json::from_slice::<Row>(line) {
            Ok(row) => {
                rows.insert(row.take, row);
            }
            Err(error) => {
                log::warn!("{}:{}: row ignored: {error}", path.display(), number + 1);
            }
        }
    }
    Ok(rows.into_values().collect())
}

/// The names of the sessions in DATA, sorted.
///
/// # Errors
/// The folder is there and cannot be read.
pub fn sessions(data: &Path) -> io::Result<Vec<String>> {
    let folder = data.join("sessions");
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
