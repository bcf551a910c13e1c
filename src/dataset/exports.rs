//! DATA/exports.jsonl: the folders of exports, the sessions they hold, and the sessions they were
//! cleaned of.
//!
//! Guarantees: an export is listed before it holds any person. That it was cleaned of a session is
//! written only by the box that did it, so this list can be trusted whatever a tombstone from
//! another box says. A damaged row hides no other, and is reported.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::data::Data;
use crate::files::jsonl::{self, Damaged};
use crate::files::small;
use crate::identity::erase::Erased;

/// The result of cleaning a session's part of an export.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Its files.
    pub erased: Erased,
    /// Rows of metadata.csv that are gone.
    pub rows: u64,
}

/// An export, as listed in DATA/exports.jsonl.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Its folder.
    pub path: PathBuf,
    /// The sessions it holds.
    pub sessions: Vec<String>,
}

/// A row of DATA/exports.jsonl.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    path: PathBuf,
    sessions: Vec<String>,
    /// The sessions it was cleaned of.
    #[serde(default)]
    cleaned: Vec<String>,
}

/// Adds an export to DATA's list, synced; call it before the first file of a person is written.
///
/// # Errors
/// The file system's.
pub fn remember(data: &Path, export: &Export) -> io::Result<()> {
    append(data, export)
}

/// Records that nothing of `session` is left in the export at `path`, synced.
///
/// # Errors
/// The file system's.
pub fn cleaned(data: &Path, path: &Path, session: &str) -> io::Result<()> {
    let row = Row {
        path: path.to_owned(),
        sessions: Vec::new(),
        cleaned: vec![session.to_owned()],
    };
    append(data, &row)
}

fn append(data: &Path, row: &impl Serialize) -> io::Result<()> {
    let path = Data(data).exports();
    let rows = jsonl::open(&path)?;
    jsonl::append(&rows, row)?;
    rows.sync_all()?;
    small::sync_folder(&path)
}

/// The exports that hold `session` or held it, each listed once.
///
/// # Errors
/// The file system's.
pub fn of(data: &Path, session: &str) -> io::Result<BTreeSet<PathBuf>> {
    let list = List::read(data)?;
    Ok(list.of(session).into_keys().map(Path::to_owned).collect())
}

/// The sessions that the export at `path` is known to hold.
///
/// # Errors
/// The file system's.
pub fn at(data: &Path, path: &Path) -> io::Result<BTreeSet<String>> {
    let mut rows = List::read(data)?.rows;
    rows.retain(|row| row.path == path);
    Ok(rows.into_iter().flat_map(|row| row.sessions).collect())
}

/// DATA/exports.jsonl.
#[derive(Debug, Default)]
pub struct List {
    rows: Vec<Row>,
    /// The damaged rows: where they are, and what to do.
    pub damaged: Vec<String>,
}

impl List {
    /// Reads it; empty if nothing was exported.
    ///
    /// # Errors
    /// The file system's.
    pub fn read(data: &Path) -> io::Result<List> {
        let path = Data(data).exports();
        let mut list = List::default();
        for row in jsonl::rows(&path)? {
            match row {
                Ok(row) => list.rows.push(row),
                Err(Damaged { line, .. }) => list.damaged.push(format!(
                    "{}:{line}: the row is damaged, so it is unknown which export it is of; clean that \
                     with `booth forget --apply-to` and remove the row",
                    path.display()
                )),
            }
        }
        Ok(list)
    }

    /// The exports that hold `session` or held it, and whether they were cleaned of it since then.
    #[must_use]
    pub fn of(&self, session: &str) -> BTreeMap<&Path, bool> {
        let mut exports = BTreeMap::new();
        for row in &self.rows {
            let has = |sessions: &[String]| sessions.iter().any(|one| one == session);
            if has(&row.sessions) {
                exports.insert(row.path.as_path(), false);
            }
            if has(&row.cleaned) {
                exports.insert(row.path.as_path(), true);
            }
        }
        exports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GONE: &str = "AAAAAAAAAAAAAAAAAAAA";
    const KEPT: &str = "BBBBBBBBBBBBBBBBBBBB";

    fn remembered(data: &Path, path: &str, session: &str) {
        let export = Export {
            path: path.into(),
            sessions: vec![session.into()],
        };
        remember(data, &export).expect("written");
    }

    #[test]
    fn the_exports_of_a_session_are_those_that_list_it() {
        let data = tempfile::tempdir().expect("a folder");
        let data = data.path();
        for (path, session) in [("/a", GONE), ("/b", KEPT), ("/a", GONE)] {
            remembered(data, path, session);
        }
        assert_eq!(of(data, GONE).expect("read"), ["/a".into()].into());
        let held = at(data, Path::new("/b")).expect("read");
        assert_eq!(held, [KEPT.to_owned()].into());
        cleaned(data, Path::new("/a"), GONE).expect("written");
        let is_clean = || List::read(data).expect("read").of(GONE)[Path::new("/a")];
        assert!(is_clean());
        remembered(data, "/a", GONE);
        assert!(!is_clean(), "it holds them again");
    }

    #[test]
    fn a_damaged_row_hides_no_other_and_is_reported() {
        let data = tempfile::tempdir().expect("a folder");
        let data = data.path();
        remembered(data, "/a", GONE);
        let path = data.join("exports.jsonl");
        let mut text = std::fs::read(&path).expect("read");
        text.extend_from_slice(b"{\"path\":\"/b\",\"ses\xff\n");
        std::fs::write(&path, text).expect("damaged");
        remembered(data, "/c", GONE);
        let list = List::read(data).expect("read");
        assert_eq!(list.of(GONE).len(), 2);
        assert_eq!(list.damaged.len(), 1);
        assert!(
            list.damaged[0].contains("exports.jsonl:2: "),
            "{:?}",
            list.damaged
        );
    }
}
