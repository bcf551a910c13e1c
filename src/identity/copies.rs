//! Forgetting in a copy: a backup of DATA, of sessions/ or of keys/, an export, or a folder that
//! holds some of these.
//!
//! Guarantees: whatever carries the name of a forgotten session goes, but for its tombstone; links
//! are not followed; what cannot be read or removed is told as waiting. What is inside archives is
//! not reached.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use super::pending::Pending;
use super::tombstone::{Looked, State, Tombstone};
use super::{erase, exports};
use crate::store::small;

/// What was found in a copy, by session.
pub type Found = BTreeMap<String, Vec<Looked>>;

/// Removes every session that has one of `tombstones` from the copy in `folder`, and writes the
/// tombstones into a copy that has sessions, so that it stays forgotten wherever it is put back.
///
/// # Errors
/// The folder cannot be read, or a tombstone not written.
pub fn apply_to(folder: &Path, tombstones: &[Tombstone]) -> io::Result<Found> {
    // A folder that cannot be listed at all is no copy.
    fs::read_dir(folder)?;
    if folder.join("sessions").is_dir() {
        for tombstone in tombstones {
            if !super::tombstone::path(folder, &tombstone.session).exists() {
                tombstone.write(folder)?;
            }
        }
    }
    let sessions = tombstones.iter().map(|one| one.session.as_str()).collect();
    Ok(clean(folder, &sessions))
}

/// Removes `sessions` from `folder` and the folders in it.
#[must_use]
pub fn clean(folder: &Path, sessions: &BTreeSet<&str>) -> Found {
    let mut walk = Walk {
        sessions,
        discards: erase::discards(folder),
        found: Found::new(),
    };
    walk.folder(folder);
    walk.found
}

struct Walk<'a> {
    sessions: &'a BTreeSet<&'a str>,
    discards: bool,
    found: Found,
}

impl<'a> Walk<'a> {
    fn folder(&mut self, folder: &Path) {
        match exports::part::clean(folder, self.sessions, self.discards) {
            Ok(parts) => {
                for (session, part) in parts {
                    let stays = [part.erased.stays, part.erased.copies].concat();
                    let words = format!("{} files, {} rows", part.erased.files, part.rows);
                    let done = if stays.is_empty() {
                        Ok(words)
                    } else {
                        Err(io::Error::other(stays.join("; ")))
                    };
                    self.tell(&session, &folder.join(exports::METADATA), done);
                }
            }
            Err(error) => self.waiting(folder, &error),
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.waiting(folder, &error),
        };
        for entry in entries {
            match entry {
                Ok(entry) => self.entry(&entry),
                Err(error) => self.waiting(folder, &error),
            }
        }
    }

    fn entry(&mut self, entry: &fs::DirEntry) {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let named = self.sessions.iter().find(|one| name.starts_with(**one));
        match named.copied().or_else(|| self.pending(&path, &name)) {
            Some(_) if is_tombstone(&path) => {}
            Some(session) if is_folder => {
                let removed = erase::folder(&path, self.discards);
                self.tell(
                    session,
                    &path,
                    removed.map(|files| format!("{files} files")),
                );
            }
            Some(session) => {
                let removed = erase::file(&path, self.discards, &mut || {})
                    .and_then(|_| small::sync_folder(&path));
                self.tell(session, &path, removed.map(|()| "1 file".into()));
            }
            None if is_folder => self.folder(&path),
            None => {}
        }
    }

    /// The session of a pending entry, NUMBER.json.
    fn pending(&self, path: &Path, name: &str) -> Option<&'a str> {
        let number = name.strip_suffix(".json")?;
        if number.len() != 3 {
            return None;
        }
        let entry: Pending = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        self.sessions.get(entry.session.as_str()).copied()
    }

    fn tell(&mut self, session: &str, path: &Path, removed: io::Result<String>) {
        let (state, found) = match removed {
            Ok(found) => (State::Removed, found),
            Err(error) => (State::Waiting, error.to_string()),
        };
        self.found
            .entry(session.to_owned())
            .or_default()
            .push(Looked {
                place: path.display().to_string(),
                state,
                found,
            });
    }

    /// Any of the sessions may lie where nobody can look.
    fn waiting(&mut self, path: &Path, error: &io::Error) {
        for session in self.sessions {
            let error = io::Error::new(error.kind(), error.to_string());
            self.tell(session, path, Err(error));
        }
    }
}

fn is_tombstone(path: &Path) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    folder.is_some_and(|name| name == "forgotten")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::code::Code;
    use crate::identity::tombstone::By;

    #[test]
    fn a_copy_of_data_loses_all_that_carries_the_name_and_keeps_the_rest() {
        let dir = tempfile::tempdir().expect("a folder");
        let tombstone = Tombstone::of(&Code::draw().expect("random").proof(), By::Code);
        let (gone, kept) = (tombstone.session.as_str(), "0123456789ABCDEFGHJK");
        for session in [gone, kept] {
            let folder = dir.path().join("backup/sessions").join(session);
            fs::create_dir_all(&folder).expect("made");
            fs::write(folder.join("session.json"), "{}").expect("written");
            let keys = dir.path().join("backup/keys");
            fs::create_dir_all(&keys).expect("made");
            fs::write(keys.join(format!("{session}.age")), "").expect("written");
        }
        let backup = dir.path().join("backup");
        apply_to(&backup, std::slice::from_ref(&tombstone)).expect("applied");
        let names = |folder: &str| small::names(&backup.join(folder)).expect("names");
        assert_eq!(names("sessions"), [kept]);
        assert_eq!(names("keys"), [format!("{kept}.age")]);
        assert_eq!(names("forgotten"), [format!("{gone}.json")]);
        let again = apply_to(&backup, &[tombstone]).expect("applied");
        assert!(again.is_empty());
    }

    #[test]
    fn a_pending_entry_goes_by_what_it_says() {
        let dir = tempfile::tempdir().expect("a folder");
        let tombstone = Tombstone::of(&Code::draw().expect("random").proof(), By::Code);
        let text = |session: &str| {
            format!("{{\"session\":\"{session}\",\"token\":\"\",\"recipient\":\"\"}}")
        };
        fs::write(dir.path().join("001.json"), text(&tombstone.session)).expect("written");
        fs::write(dir.path().join("002.json"), text("other")).expect("written");
        apply_to(dir.path(), &[tombstone]).expect("applied");
        assert_eq!(small::names(dir.path()).expect("names"), ["002.json"]);
    }
}
