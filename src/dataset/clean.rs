//! A person's part of an export, a folder with `metadata.csv` that has a column `session`.
//!
//! Guarantees: first the files that the person's rows name are removed, then report.html, the lines
//! of README and SHA256SUMS, and last the rows; so if cleaning an export is killed, the next call
//! finishes it. A file is removed only if it belongs to the person: the row names it in the column
//! that this program's exports use for it, and neither the file's real path nor another row for the
//! same file, however written, says that it belongs to someone else. Nothing outside the folder is
//! touched, whatever the table says.

mod lists;

pub use lists::is_list;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::csv::{self, Record};
use super::list::Part;
use super::{METADATA, READMES, REPORT, SUMS};
use crate::files::small;
use crate::identity::erase::{self, Erased};
use crate::identity::place::{mentioned, session_of};
use lists::{leftovers, place, read, readmes, write_sums};

/// The column of a row's file, relative to the export's folder.
const FILE: &str = "file_name";

/// Removes from the export in `folder` what its lists say of `sessions`; does nothing if it is no
/// export. Files named after a session are left to the caller, who walks through the folder.
///
/// # Errors
/// The file system's.
pub fn clean(
    folder: &Path,
    sessions: &BTreeSet<&str>,
    discards: bool,
) -> io::Result<BTreeMap<String, Part>> {
    let names = small::names(folder)?;
    let mut parts = leftovers(folder, &names, sessions)?;
    if !names.iter().any(|name| name == METADATA) {
        return Ok(parts);
    }
    let metadata = place(folder, METADATA)?;
    for name in READMES.into_iter().chain([SUMS]) {
        place(folder, name)?;
    }
    let text = read(&metadata)?;
    let Some(table) = Table::of(&text) else {
        for session in mentioned(&text, sessions) {
            report(
                &mut parts,
                session,
                "1: there is no column `session`, and the session is mentioned; \
                 remove by hand what is theirs",
            );
        }
        return Ok(parts);
    };
    let rows = Rows {
        folder: &folder.canonicalize()?,
        owners: table.owners(folder),
        discards,
        table: &table,
        sessions,
    };
    let Kept { text: kept, gone } = rows.remove(&mut parts);
    let sums = small::read(&folder.join(SUMS))?.unwrap_or_default();
    let mut touched = mentioned(&sums, sessions);
    let with_rows = parts.iter().filter(|(_, part)| part.rows > 0);
    let named = names.iter().filter_map(|name| session_of(name));
    for session in with_rows.map(|(session, _)| session.clone()).chain(named) {
        touched.extend(sessions.get(session.as_str()));
    }
    if touched.is_empty() {
        return Ok(parts);
    }
    let report = erase::all(&folder.join(REPORT), discards);
    for session in &touched {
        let part = parts.entry((*session).to_owned()).or_default();
        part.erased.stays.extend_from_slice(&report.stays);
        part.erased.copies.extend_from_slice(&report.copies);
    }
    readmes(folder, &touched)?;
    let is_gone = |name: &str| {
        let mut owners = name.split('/').filter_map(session_of);
        gone.contains(name) || owners.any(|session| touched.contains(session.as_str()))
    };
    write_sums(folder, &sums, &kept, is_gone)?;
    if kept != text {
        small::write(&metadata, &kept, small::PUBLIC)?;
    }
    Ok(parts)
}

fn report(parts: &mut BTreeMap<String, Part>, session: &str, line_and_why: &str) {
    let part = parts.entry(session.to_owned()).or_default();
    part.erased.stays.push(format!("line {line_and_why}"));
}

/// metadata.csv of an export.
struct Table<'a> {
    records: Vec<Record<'a>>,
    session: usize,
    file: Option<usize>,
}

impl Table<'_> {
    /// `None` without a column `session`.
    fn of(text: &[u8]) -> Option<Table<'_>> {
        let records = csv::records(text);
        let header = records.first()?.cells()?;
        let column = |name: &str| header.iter().position(|one| one == name);
        Some(Table {
            session: column("session")?,
            file: column(FILE),
            records,
        })
    }

    /// The sessions whose rows name each file in `folder`: one file may have several names.
    fn owners(&self, folder: &Path) -> BTreeMap<(u64, u64), BTreeSet<String>> {
        let mut owners: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for cells in self.records.iter().skip(1).filter_map(Record::cells) {
            let file = self.file.and_then(|column| cells.get(column));
            let id = file.and_then(|file| id(&folder.join(file)));
            if let Some((id, session)) = id.zip(self.session(&cells)) {
                owners.entry(id).or_default().insert(session);
            }
        }
        owners
    }

    /// The session of a row, however a spreadsheet saved it.
    fn session(&self, cells: &[String]) -> Option<String> {
        let cell = cells.get(self.session)?;
        Some(cell.trim().to_ascii_uppercase())
    }
}

/// What identifies a file, whatever name it is called by.
fn id(path: &Path) -> Option<(u64, u64)> {
    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

/// The rows of a table to keep, and the files of the removed rows.
struct Kept {
    text: Vec<u8>,
    gone: BTreeSet<String>,
}

/// The rows of some sessions.
struct Rows<'a> {
    /// The export's real path.
    folder: &'a Path,
    owners: BTreeMap<(u64, u64), BTreeSet<String>>,
    discards: bool,
    table: &'a Table<'a>,
    sessions: &'a BTreeSet<&'a str>,
}

impl Rows<'_> {
    /// Removes their files; if a file stays, its row is kept.
    fn remove(&self, parts: &mut BTreeMap<String, Part>) -> Kept {
        let (mut text, mut gone) = (Vec::new(), BTreeSet::new());
        for (number, record) in self.table.records.iter().enumerate() {
            if number == 0 {
                text.extend_from_slice(record.bytes);
                continue;
            }
            let cells = record.cells();
            let row = cells.and_then(|cells| Some((self.table.session(&cells)?, cells)));
            let Some((session, cells)) = row else {
                for session in mentioned(record.bytes, self.sessions) {
                    let why = "the row is damaged, a quote is out of place; mend it, or remove it";
                    report(parts, session, &format!("{}: {why}", record.line));
                }
                text.extend_from_slice(record.bytes);
                continue;
            };
            if !self.sessions.contains(session.as_str()) {
                text.extend_from_slice(record.bytes);
                continue;
            }
            let file = self.table.file.and_then(|column| cells.get(column));
            let erased = file.map_or_else(Erased::default, |file| self.file(file, &session));
            let part = parts.entry(session).or_default();
            if erased.stays.is_empty() {
                part.rows += 1;
                let name = file.map(|file| plain(file));
                gone.extend(name.filter(|name| !self.folder.join(name).exists()));
            } else {
                text.extend_from_slice(record.bytes);
            }
            part.erased.add(erased);
        }
        Kept { text, gone }
    }

    /// Erases the file that a row of `session` names, if it belongs to that session.
    fn file(&self, file: &str, session: &str) -> Erased {
        let Some(path) = within(self.folder, file) else {
            return Erased::default();
        };
        let parts = path.strip_prefix(self.folder).unwrap_or(&path).components();
        let owners = parts.filter_map(|part| session_of(&part.as_os_str().to_string_lossy()));
        let owners: Vec<String> = owners.collect();
        let is_own = owners.iter().any(|owner| owner == session);
        if !is_own && !owners.is_empty() {
            return Erased::default();
        }
        let of_rows = id(&path).and_then(|id| self.owners.get(&id));
        if !is_own && of_rows.is_some_and(|sessions| sessions.len() > 1) {
            return Erased {
                stays: vec![format!(
                    "{file} is named by rows of several sessions in {METADATA}; remove by hand what \
                     is theirs, and their row"
                )],
                ..Erased::default()
            };
        }
        erase::all(&path, self.discards)
    }
}

/// The path in a cell, without its dots.
fn plain(cell: &str) -> String {
    let parts = Path::new(cell).components();
    let parts: PathBuf = parts.filter(|part| *part != Component::CurDir).collect();
    parts.to_string_lossy().into_owned()
}

/// The real path of the file that a cell names, if the file is inside the folder and is no table or
/// list of the export. A folder on the way may be a link that leads elsewhere, or to someone else's
/// folder.
fn within(folder: &Path, cell: &str) -> Option<PathBuf> {
    let path = folder.join(cell);
    // If its folder is gone, so is the file.
    let file = path.parent()?.canonicalize().ok()?.join(path.file_name()?);
    let name = file.strip_prefix(folder).ok()?.to_str()?;
    let is_file = fs::symlink_metadata(&file).map_or(true, |file| !file.is_dir());
    (!is_list(name) && is_file).then_some(file)
}

#[cfg(test)]
mod tests;
