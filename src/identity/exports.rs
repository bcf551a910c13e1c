//! A person's part of an export: a folder with `metadata.csv`, which has a column `session`.
//!
//! Guarantees: the files that their rows name and whatever carries their session's name go first,
//! then the lines of SHA256SUMS and README, then report.html, and last their rows; so an export whose
//! cleaning was killed is cleaned by the next call. Nothing outside the folder is touched, whatever
//! the table says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::erase;
use crate::store::{jsonl, small};

/// The table of an export.
pub const METADATA: &str = "metadata.csv";
const SUMS: &str = "SHA256SUMS";
const READMES: [&str; 3] = ["README", "README.md", "README.txt"];

/// A row of DATA/exports.jsonl.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Where it went.
    pub path: PathBuf,
    /// The sessions it holds.
    pub sessions: Vec<String>,
}

/// Adds an export to DATA's list, synced; to be called before the first file of a person is written.
///
/// # Errors
/// The file system's.
pub fn remember(data: &Path, export: &Export) -> io::Result<()> {
    let path = data.join("exports.jsonl");
    let rows = jsonl::open(&path)?;
    jsonl::append(&rows, export)?;
    rows.sync_all()?;
    small::sync_folder(&path)
}

/// The exports that hold `session`, each once.
///
/// # Errors
/// The file system's.
pub fn of(data: &Path, session: &str) -> io::Result<BTreeSet<PathBuf>> {
    let mut all = all(data)?;
    all.retain(|export| export.sessions.iter().any(|one| one == session));
    Ok(all.into_iter().map(|export| export.path).collect())
}

/// The sessions that the export at `path` is known to hold.
///
/// # Errors
/// The file system's.
pub fn at(data: &Path, path: &Path) -> io::Result<BTreeSet<String>> {
    let mut all = all(data)?;
    all.retain(|export| export.path == path);
    Ok(all.into_iter().flat_map(|export| export.sessions).collect())
}

fn all(data: &Path) -> io::Result<Vec<Export>> {
    let path = data.join("exports.jsonl");
    let text = small::read(&path)?.unwrap_or_default();
    let mut all = Vec::new();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        match serde_json::from_slice(line) {
            _ if line.is_empty() => {}
            Ok(export) => all.push(export),
            Err(_) => log::warn!("{}:{}: row ignored: damaged", path.display(), number + 1),
        }
    }
    Ok(all)
}

/// What was removed of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Files.
    pub files: u64,
    /// Rows of metadata.csv.
    pub rows: u64,
}

/// Removes `sessions` from the export in `folder`; nothing if it is none.
///
/// # Errors
/// The file system's.
pub fn clean(
    folder: &Path,
    sessions: &BTreeSet<&str>,
    discards: bool,
) -> io::Result<BTreeMap<String, Removed>> {
    let mut removed: BTreeMap<String, Removed> = BTreeMap::new();
    let Some(table) = small::read(&folder.join(METADATA))? else {
        return Ok(removed);
    };
    let records = records(&table);
    let header = records
        .first()
        .map(|record| cells(record))
        .unwrap_or_default();
    let Some(column) = header.iter().position(|name| name == "session") else {
        return Ok(removed);
    };
    let names_files: Vec<bool> = header
        .iter()
        .map(|name| name.contains("file") || name.contains("path"))
        .collect();
    let (mut gone, mut kept) = (BTreeSet::new(), Vec::new());
    for (number, record) in records.iter().enumerate() {
        let cells = cells(record);
        let session = cells.get(column).filter(|_| number > 0);
        let Some(session) = session.filter(|one| sessions.contains(one.as_str())) else {
            kept.extend_from_slice(record);
            continue;
        };
        let count = removed.entry(session.clone()).or_default();
        count.rows += 1;
        for (cell, _) in cells.iter().zip(&names_files).filter(|(_, names)| **names) {
            let Some(file) = within(folder, cell) else {
                continue;
            };
            if erase::file(&file, discards, &mut || {})? {
                count.files += 1;
            }
            gone.insert(cell.clone());
        }
    }
    if removed.is_empty() {
        return Ok(removed);
    }
    let of_person = |name: &str| {
        let mut parts = name.split('/');
        gone.contains(name) || parts.any(|part| sessions.iter().any(|one| part.starts_with(one)))
    };
    readmes(folder, sessions)?;
    small::remove(&folder.join("report.html"))?;
    sums(folder, &kept, of_person)?;
    small::write(&folder.join(METADATA), &kept, small::PUBLIC)?;
    Ok(removed)
}

/// The file that a cell names, if it is one of the folder's and no table or list of it.
fn within(folder: &Path, cell: &str) -> Option<PathBuf> {
    let path = Path::new(cell);
    let mut parts = path.components();
    let is_own = !cell.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)));
    let is_list = READMES.contains(&cell) || [METADATA, SUMS].contains(&cell);
    let file = folder.join(path);
    let is_file = fs::symlink_metadata(&file).map_or(true, |file| file.is_file());
    // A folder on the way that is a link leads elsewhere.
    let real = file.parent().and_then(|folder| folder.canonicalize().ok());
    let is_inside = match (real, folder.canonicalize()) {
        (Some(real), Ok(folder)) => real.starts_with(folder),
        // Its folder is gone, so the file is.
        (None, _) => true,
        (_, Err(_)) => false,
    };
    (is_own && !is_list && is_file && is_inside).then_some(file)
}

/// Lines that name a session go.
fn readmes(folder: &Path, sessions: &BTreeSet<&str>) -> io::Result<()> {
    for name in READMES {
        let path = folder.join(name);
        let text = small::read(&path)?.unwrap_or_default();
        let Ok(text) = String::from_utf8(text) else {
            continue;
        };
        let lines = text.split_inclusive('\n');
        let kept: String = lines
            .filter(|line| !sessions.iter().any(|one| line.contains(one)))
            .collect();
        if kept != text {
            small::write(&path, kept.as_bytes(), small::PUBLIC)?;
        }
    }
    Ok(())
}

/// Lines of files that are gone go; those of files that were rewritten, or will be, get their new
/// hash.
fn sums(folder: &Path, metadata: &[u8], is_gone: impl Fn(&str) -> bool) -> io::Result<()> {
    let path = folder.join(SUMS);
    let Some(text) = small::read(&path)? else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(&text);
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        // `HASH  name`, or `HASH *name` of a binary file: sha256sum(1).
        let (hash, name) = line.trim_end().split_once(' ').unwrap_or(("", ""));
        let name = name.strip_prefix(['*', ' ']).unwrap_or(name);
        let name = name.strip_prefix("./").unwrap_or(name);
        let anew = match name {
            METADATA => Some(metadata.to_vec()),
            _ if READMES.contains(&name) => small::read(&folder.join(name))?,
            _ => None,
        };
        if let Some(bytes) = anew {
            let new = crate::corpus::hex(Sha256::digest(bytes).into());
            kept += &line.replacen(hash, &new, 1);
        } else if name != "report.html" && !is_gone(name) {
            kept += line;
        }
    }
    small::write(&path, kept.as_bytes(), small::PUBLIC)
}

/// The records of a table, each with its line end; a quoted cell may hold line ends (RFC 4180).
fn records(table: &[u8]) -> Vec<&[u8]> {
    let mut quoted = false;
    table
        .split_inclusive(|byte| {
            quoted ^= *byte == b'"';
            *byte == b'\n' && !quoted
        })
        .collect()
}

/// The cells of a record.
fn cells(record: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(record);
    let text = text.trim_start_matches('\u{feff}');
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    let (mut cells, mut quoted) = (vec![String::new()], false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let cell = cells.len() - 1;
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cells[cell].push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells[cell].push(other),
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    const GONE: &str = "AAAAAAAAAAAAAAAAAAAA";
    const KEPT: &str = "BBBBBBBBBBBBBBBBBBBB";

    fn sum(dir: &Path, name: &str) -> String {
        let bytes = fs::read(dir.join(name)).expect("read");
        crate::corpus::hex(Sha256::digest(bytes).into())
    }

    fn export() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path();
        for session in [GONE, KEPT] {
            fs::create_dir(path.join(session)).expect("made");
            fs::write(path.join(session).join("a.wav"), session).expect("written");
        }
        fs::write(path.join("0001.wav"), "voice").expect("written");
        fs::write(path.join("report.html"), "<audio>").expect("written");
        fs::write(path.join("README"), format!("Sessions:\n{GONE}\n{KEPT}\n")).expect("written");
        let table = format!(
            "file_name,session,text\n\
             {GONE}/a.wav,{GONE},\"one\nline, \"\"two\"\"\"\n\
             0001.wav,{GONE},x\n\
             ../outside.wav,{GONE},x\n\
             {KEPT}/a.wav,{KEPT},\"{GONE}\"\n"
        );
        fs::write(path.join(METADATA), table).expect("written");
        let names = [
            "0001.wav",
            METADATA,
            "README",
            "report.html",
            &format!("{GONE}/a.wav"),
            &format!("{KEPT}/a.wav"),
        ];
        let sums: String = names
            .iter()
            .map(|name| format!("{}  {name}\n", sum(path, name)))
            .collect();
        fs::write(path.join(SUMS), sums).expect("written");
        dir
    }

    #[test]
    fn files_rows_sums_and_report_of_a_session_go_and_the_rest_stays() {
        let above = tempfile::tempdir().expect("a folder");
        let outside = above.path().join("outside.wav");
        fs::write(&outside, "other").expect("written");
        let made = export();
        let path = &above.path().join("export");
        fs::rename(made.path(), path).expect("moved");
        let removed = clean(path, &[GONE].into(), false).expect("cleaned");
        assert_eq!(removed[GONE], Removed { files: 2, rows: 3 });
        let table = fs::read_to_string(path.join(METADATA)).expect("read");
        let expected = format!("file_name,session,text\n{KEPT}/a.wav,{KEPT},\"{GONE}\"\n");
        assert_eq!(table, expected);
        assert!(outside.exists() && !path.join("report.html").exists());
        let sums = fs::read_to_string(path.join(SUMS)).expect("read");
        let names: Vec<&str> = sums.lines().map(|line| &line[66..]).collect();
        assert_eq!(names, [METADATA, "README", &format!("{KEPT}/a.wav")]);
        for line in sums.lines() {
            assert_eq!(line[..64], sum(path, &line[66..]));
        }
        let readme = fs::read_to_string(path.join("README")).expect("read");
        assert_eq!(readme, format!("Sessions:\n{KEPT}\n"));
        assert!(
            clean(path, &[GONE].into(), false)
                .expect("again")
                .is_empty()
        );
    }

    #[test]
    fn a_folder_that_is_no_export_is_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join(METADATA), "name,text\nx,y\n").expect("written");
        let removed = clean(dir.path(), &[GONE].into(), false).expect("looked at");
        assert!(removed.is_empty());
    }

    #[test]
    fn the_exports_of_a_session_are_those_that_list_it() {
        let data = tempfile::tempdir().expect("a folder");
        for (path, session) in [("/a", GONE), ("/b", KEPT), ("/a", GONE)] {
            let export = Export {
                path: path.into(),
                sessions: vec![session.into()],
            };
            remember(data.path(), &export).expect("written");
        }
        let found = of(data.path(), GONE).expect("read");
        assert_eq!(found, [PathBuf::from("/a")].into());
        let held = at(data.path(), Path::new("/b")).expect("read");
        assert_eq!(held, [KEPT.to_owned()].into());
    }
}
