//! A person's part of an export, a folder with `metadata.csv` that has a column `session`.
//!
//! Guarantees: first the files that the person's rows name are removed, then report.html, the lines
//! of README and SHA256SUMS, and last the rows; so if cleaning an export is killed, the next call
//! finishes it. A file is removed only if it belongs to the person: the row names it in the column
//! that this program's exports use for it, and neither the file's real path nor another row for the
//! same file, however written, says that it belongs to someone else. Nothing outside the folder is
//! touched, whatever the table says. What still mentions a session afterwards is reported, whatever
//! hides it. Memory does not grow with the table.

mod left;
mod lists;
mod table;

pub use lists::is_list;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::exports::Part;
use super::{METADATA, READMES, REPORT, SUMS};
use crate::files::small;
use crate::identity::erase::{self, Erased};
use crate::identity::place::session_of;
use left::Left;
use lists::{leftovers, mentioned_in, place, readmes, write_sums};
use table::{Row, Table};

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
    let in_table = mentioned_in(&metadata, sessions)?;
    match Table::at(&metadata)? {
        Some(table) => {
            let named = names.iter().filter_map(|name| session_of(name));
            let named = named.filter_map(|session| sessions.get(session.as_str()).copied());
            let export = Export {
                folder,
                real: folder.canonicalize()?,
                table,
                sessions,
                discards,
            };
            export.clean(&in_table, named.collect(), &mut parts)?;
        }
        None => {
            let why = "there is no column `session`, and the session is mentioned; remove by hand \
                       what is theirs";
            let mut left = Left::default();
            in_table
                .iter()
                .for_each(|session| left.add(session, 1, why));
            left.report(&mut parts);
        }
    }
    // Whatever these lists look like by now, and whoever wrote into them.
    for name in READMES.into_iter().chain([SUMS]) {
        for session in mentioned_in(&folder.join(name), sessions)? {
            let part = parts.entry(session.to_owned()).or_default();
            part.erased.stays.push(format!(
                "{name} still mentions the session; remove by hand what is theirs"
            ));
        }
    }
    Ok(parts)
}

/// An export to be cleaned of some sessions.
struct Export<'a> {
    folder: &'a Path,
    /// The same without links.
    real: PathBuf,
    table: Table,
    sessions: &'a BTreeSet<&'a str>,
    discards: bool,
}

/// What became of the files that rows of the sessions name.
#[derive(Default)]
struct Gone {
    /// Rows to be removed, by session.
    rows: BTreeMap<String, u64>,
    /// The lines of rows that stay, because their file does.
    stays: BTreeSet<u64>,
    /// Files that are gone and not named after a session.
    files: BTreeSet<String>,
}

impl Export<'_> {
    /// `in_table` are those that the table mentions anywhere, `named` those that a file in the
    /// folder is named after.
    fn clean(
        &self,
        in_table: &BTreeSet<&str>,
        named: BTreeSet<&str>,
        parts: &mut BTreeMap<String, Part>,
    ) -> io::Result<()> {
        let gone = if in_table.is_empty() {
            Gone::default()
        } else {
            self.files(parts)?
        };
        let mut touched = mentioned_in(&self.folder.join(SUMS), self.sessions)?;
        touched.extend(named);
        touched.extend(
            gone.rows
                .keys()
                .filter_map(|it| self.sessions.get(it.as_str())),
        );
        if in_table.is_empty() && touched.is_empty() {
            return Ok(());
        }
        let is_row_gone = |row: &Row<'_>| {
            let is_theirs = row
                .session
                .as_ref()
                .is_some_and(|it| self.sessions.contains(it.as_str()));
            is_theirs && !gone.stays.contains(&row.record.line)
        };
        let mut left = Left::default();
        let rewritten = self.table.without(
            !gone.rows.is_empty(),
            is_row_gone,
            |row, found| left.add_row(row, found, &gone.stays),
            self.sessions,
        )?;
        left.report(parts);
        if touched.is_empty() {
            return Ok(());
        }
        let report = erase::all(&self.folder.join(REPORT), self.discards);
        for session in &touched {
            let part = parts.entry((*session).to_owned()).or_default();
            part.erased.stays.extend_from_slice(&report.stays);
            part.erased.copies.extend_from_slice(&report.copies);
        }
        readmes(self.folder, &touched)?;
        let is_gone = |name: &str| {
            let mut owners = name.split('/').filter_map(session_of);
            gone.files.contains(name) || owners.any(|session| touched.contains(session.as_str()))
        };
        write_sums(self.folder, &rewritten.sha256, is_gone)?;
        for (session, rows) in gone.rows {
            parts.entry(session).or_default().rows += rows;
        }
        rewritten.finish()
    }

    /// Erases the files of the sessions' rows.
    fn files(&self, parts: &mut BTreeMap<String, Part>) -> io::Result<Gone> {
        let owners = self.owners()?;
        let mut gone = Gone::default();
        self.table.rows_of(self.sessions, |row, session| {
            let erased = row
                .file
                .as_ref()
                .map_or_else(Erased::default, |file| self.file(file, session, &owners));
            if erased.stays.is_empty() {
                *gone.rows.entry(session.to_owned()).or_default() += 1;
                let name = row.file.as_deref().map(plain);
                let is_away = |name: &String| {
                    !name.split('/').any(|part| session_of(part).is_some())
                        && !self.real.join(name).exists()
                };
                gone.files.extend(name.filter(is_away));
            } else {
                gone.stays.insert(row.record.line);
            }
            parts
                .entry(session.to_owned())
                .or_default()
                .erased
                .add(erased);
        })?;
        Ok(gone)
    }

    /// The sessions whose rows name each file of the sessions that is not named after them: one file
    /// may have several names.
    fn owners(&self) -> io::Result<BTreeMap<(u64, u64), BTreeSet<String>>> {
        let mut owners: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        self.table.rows_of(self.sessions, |row, session| {
            let file = row.file.as_deref();
            let is_named = |file: &&str| {
                file.split('/')
                    .filter_map(session_of)
                    .any(|it| it == session)
            };
            let id = file
                .filter(|file| !is_named(file))
                .and_then(|file| id(&self.folder.join(file)));
            owners.extend(id.map(|id| (id, BTreeSet::new())));
        })?;
        if owners.is_empty() {
            return Ok(owners);
        }
        self.table.rows(|row| {
            let id = row
                .file
                .as_ref()
                .and_then(|file| id(&self.folder.join(file)));
            let owner = id
                .and_then(|id| owners.get_mut(&id))
                .zip(row.session.as_ref());
            owner.map(|(known, session)| known.insert(session.clone()));
        })?;
        Ok(owners)
    }

    /// Erases the file that a row of `session` names, if it belongs to that session.
    fn file(
        &self,
        file: &str,
        session: &str,
        owners: &BTreeMap<(u64, u64), BTreeSet<String>>,
    ) -> Erased {
        let Some(path) = within(&self.real, file) else {
            return Erased::default();
        };
        let parts = path.strip_prefix(&self.real).unwrap_or(&path).components();
        let named: Vec<String> = parts
            .filter_map(|part| session_of(&part.as_os_str().to_string_lossy()))
            .collect();
        let is_own = named.iter().any(|owner| owner == session);
        if !is_own && !named.is_empty() {
            return Erased::default();
        }
        let of_rows = id(&path).and_then(|id| owners.get(&id));
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

/// What identifies a file, whatever name it is called by.
fn id(path: &Path) -> Option<(u64, u64)> {
    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
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
