//! A person's part of an export: a folder with `metadata.csv`, which has a column `session`.
//!
//! Guarantees: the files that their rows name go first, then report.html, the lines of README and
//! SHA256SUMS, and last their rows; so an export whose cleaning was killed is cleaned by the next
//! call. A file goes only if it is theirs: the row names it in the column that this program's exports
//! have for it, and neither the file's real path nor another row that names the same file, however
//! written, says that it is somebody else's. Nothing outside the folder is touched, whatever the table
//! says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::csv::{self, Record};
use super::lists::{READMES, SUMS, is_list, leftovers, place, read, readmes, write_sums};
use super::{METADATA, Part, REPORT};
use crate::identity::erase::{self, Erased};
use crate::identity::place::{mentioned, session_of};
use crate::store::small;

/// The column of a row's file, relative to the export's folder.
const FILE: &str = "file_name";

/// Removes from the export in `folder` what its lists say of `sessions`; nothing if it is none. What
/// is named after a session is left to whoever walks through the folder.
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
            told(
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

fn told(parts: &mut BTreeMap<String, Part>, session: &str, line_and_why: &str) {
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

/// What tells a file from every other, whatever name it is called by.
fn id(path: &Path) -> Option<(u64, u64)> {
    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

/// What is kept of a table, and the files of the rest.
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
    /// Removes their files; a row whose file stays is kept.
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
                    told(parts, session, &format!("{}: {why}", record.line));
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

    /// Erases the file that a row of `session` names, if it is theirs.
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

/// A cell's path without its dots.
fn plain(cell: &str) -> String {
    let parts = Path::new(cell).components();
    let parts: PathBuf = parts.filter(|part| *part != Component::CurDir).collect();
    parts.to_string_lossy().into_owned()
}

/// The real path of the file that a cell names, if it is one of the folder's and no table or list of
/// it. A folder on the way that is a link may lead elsewhere, or to somebody else's.
fn within(folder: &Path, cell: &str) -> Option<PathBuf> {
    let path = folder.join(cell);
    // Where its folder is gone, the file is.
    let file = path.parent()?.canonicalize().ok()?.join(path.file_name()?);
    let name = file.strip_prefix(folder).ok()?.to_str()?;
    let is_file = fs::symlink_metadata(&file).map_or(true, |file| !file.is_dir());
    (!is_list(name) && is_file).then_some(file)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    const GONE: &str = "AAAAAAAAAAAAAAAAAAAA";
    const KEPT: &str = "BBBBBBBBBBBBBBBBBBBB";

    fn sum(dir: &Path, name: &str) -> String {
        let bytes = fs::read(dir.join(name)).expect("read");
        crate::hex::encode(Sha256::digest(bytes).into())
    }

    /// An export with a folder a session, the file 0001.wav, and `rows` in its table.
    fn export(rows: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path();
        for session in [GONE, KEPT] {
            fs::create_dir(path.join(session)).expect("made");
            fs::write(path.join(session).join("a.wav"), session).expect("written");
        }
        fs::write(path.join("0001.wav"), "voice").expect("written");
        fs::write(path.join(REPORT), "<audio>").expect("written");
        fs::write(path.join("README"), format!("Sessions:\n{GONE}\n{KEPT}\n")).expect("written");
        let table = format!("file_name,session,profile,text\n{rows}");
        fs::write(path.join(METADATA), table).expect("written");
        let names = [
            "0001.wav",
            METADATA,
            "README",
            REPORT,
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

    fn cleaned(export: &Path) -> Part {
        let mut parts = clean(export, &[GONE].into(), false).expect("cleaned");
        parts.remove(GONE).unwrap_or_default()
    }

    fn table(export: &Path) -> String {
        fs::read_to_string(export.join(METADATA)).expect("read")
    }

    #[test]
    fn a_row_that_a_spreadsheet_saved_in_other_letters_goes_too() {
        let lower = GONE.to_lowercase();
        let other = format!("{KEPT}/a.wav,{KEPT},,y\n");
        let made = export(&format!("0001.wav, {lower} ,,x\n{other}"));
        let part = cleaned(made.path());
        assert_eq!((part.erased.files, part.rows), (1, 1));
        assert!(table(made.path()).ends_with(&other) && !table(made.path()).contains(&lower));
    }

    #[test]
    fn files_rows_sums_and_report_of_a_session_go_and_the_rest_stays() {
        let above = tempfile::tempdir().expect("a folder");
        let outside = above.path().join("outside.wav");
        fs::write(&outside, "other").expect("written");
        let other = format!("{KEPT}/a.wav,{KEPT},,\"{GONE}\"\n");
        let made = export(&format!(
            "{GONE}/a.wav,{GONE},,\"one\nline, \"\"two\"\"\"\n\
             0001.wav,{GONE},,x\n\
             ../outside.wav,{GONE},,x\n{other}"
        ));
        let path = &above.path().join("export");
        fs::rename(made.path(), path).expect("moved");
        let part = cleaned(path);
        assert_eq!((part.erased.files, part.rows), (2, 3));
        assert_eq!(
            table(path),
            format!("file_name,session,profile,text\n{other}")
        );
        assert!(outside.exists() && !path.join(REPORT).exists());
        let sums = fs::read_to_string(path.join(SUMS)).expect("read");
        let names: Vec<&str> = sums.lines().map(|line| &line[66..]).collect();
        assert_eq!(names, [METADATA, "README", &format!("{KEPT}/a.wav")]);
        for line in sums.lines() {
            assert_eq!(line[..64], sum(path, &line[66..]));
        }
        let readme = fs::read_to_string(path.join("README")).expect("read");
        assert_eq!(readme, format!("Sessions:\n{KEPT}\n"));
        fs::remove_dir(path.join(GONE)).expect("empty");
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
        assert_eq!(cleaned(dir.path()), Part::default());
        fs::write(dir.path().join(METADATA), format!("name,text\nx,{GONE}\n")).expect("written");
        assert!(cleaned(dir.path()).erased.stays[0].contains("no column `session`"));
    }

    #[test]
    fn no_row_costs_somebody_else_a_file() {
        let others = format!("{KEPT}/a.wav,{GONE},,x\nREADME,{GONE},0001.wav,x\n");
        let made = export(&others);
        let part = cleaned(made.path());
        assert_eq!((part.erased.files, part.rows), (0, 2));
        let is_there = |name: &str| made.path().join(name).exists();
        assert!(is_there(&format!("{KEPT}/a.wav")) && is_there("0001.wav"));

        let shared = format!("0001.wav,{GONE},,x\n0001.wav,{KEPT},,x\n");
        let made = export(&shared);
        let part = cleaned(made.path());
        assert_eq!((part.erased.files, part.rows), (0, 0));
        assert!(part.erased.stays[0].starts_with("0001.wav is named by rows of several"));
        assert!(made.path().join("0001.wav").exists() && table(made.path()).contains(&shared));
    }

    #[test]
    fn a_file_is_the_same_by_whatever_way_it_is_named() {
        for (theirs, others) in [
            ("./0001.wav", "0001.wav"),
            ("0001.wav", "./0001.wav"),
            ("way/0001.wav", "0001.wav"),
            (&format!("{KEPT}/../0001.wav"), "0001.wav"),
        ] {
            let made = export(&format!("{theirs},{GONE},,x\n{others},{KEPT},,x\n"));
            std::os::unix::fs::symlink(".", made.path().join("way")).expect("linked");
            let part = cleaned(made.path());
            assert_eq!((part.erased.files, part.rows), (0, 0), "{theirs} {others}");
            assert!(made.path().join("0001.wav").exists());
        }
        let made = export(&format!("./0001.wav,{GONE},,x\nway/a.wav,{GONE},,x\n"));
        std::os::unix::fs::symlink(KEPT, made.path().join("way")).expect("linked");
        let part = cleaned(made.path());
        assert_eq!((part.erased.files, part.rows), (1, 2));
        assert!(!made.path().join("0001.wav").exists());
        assert!(made.path().join(KEPT).join("a.wav").exists());
        let sums = fs::read_to_string(made.path().join(SUMS)).expect("read");
        assert!(!sums.contains("0001.wav") && sums.contains(KEPT), "{sums}");
    }

    #[test]
    fn a_list_behind_a_link_is_cleaned_where_it_lies_or_told() {
        for name in [METADATA, SUMS, "README"] {
            let made = export(&format!("{GONE}/a.wav,{GONE},,x\n"));
            let (path, list) = (made.path(), made.path().join(name));
            fs::create_dir(path.join("lists")).expect("made");
            fs::rename(&list, path.join("lists").join(name)).expect("moved");
            std::os::unix::fs::symlink(Path::new("lists").join(name), &list).expect("linked");
            assert_eq!(cleaned(path).rows, 1);
            let text = fs::read_to_string(path.join("lists").join(name)).expect("read");
            assert!(list.is_symlink() && !text.contains(GONE), "{name}: {text}");

            let made = export(&format!("{GONE}/a.wav,{GONE},,x\n"));
            let (list, other) = (made.path().join(name), tempfile::tempdir().expect("made"));
            let to = other.path().join(name);
            fs::copy(&list, &to).expect("moved");
            fs::remove_file(&list).expect("moved");
            std::os::unix::fs::symlink(&to, &list).expect("linked");
            let text = fs::read(&to).expect("read");
            let told = || clean(made.path(), &[GONE].into(), false).expect_err("told");
            assert!(told().to_string().contains("is a link to"));
            assert!(list.is_symlink() && fs::read(&to).expect("read") == text);
            fs::remove_file(&to).expect("dangling");
            assert!(told().to_string().contains("is a link to"));
        }
    }

    #[test]
    fn a_stray_quote_hides_no_row_and_what_is_behind_it_is_told() {
        let good = format!("{GONE}/a.wav,{GONE},,\"x, y\"\n");
        let stray = format!("{KEPT}/a.wav,{KEPT},,\"so\n");
        let made = export(&format!("{stray}{good}"));
        let part = cleaned(made.path());
        assert_eq!((part.erased.stays.len(), part.rows), (0, 1));
        assert!(table(made.path()).ends_with(&stray));

        let made = export(&format!("{GONE}/a.wav,{GONE},,\"so\n{good}"));
        let part = cleaned(made.path());
        assert_eq!(part.rows, 1);
        assert!(part.erased.stays[0].starts_with("line 2: the row is damaged"));
        assert!(!made.path().join(REPORT).exists());
    }

    #[test]
    fn what_a_kill_left_of_a_list_goes_with_its_rows() {
        let dir = tempfile::tempdir().expect("a folder");
        for name in ["metadata.csv.new", "SHA256SUMS.new"] {
            fs::write(dir.path().join(name), format!("{GONE}/a.wav")).expect("written");
        }
        fs::write(dir.path().join("metadata.csv.bak"), GONE).expect("written");
        assert_eq!(cleaned(dir.path()).erased.files, 2);
        let names = small::names(dir.path()).expect("names");
        assert_eq!(names, ["metadata.csv.bak"]);
    }
}
