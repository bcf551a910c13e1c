//! Forgetting in a copy: a backup of DATA, of sessions/ or of keys/, an export, or a folder that
//! holds some of these.
//!
//! Guarantees: everything that is named after a forgotten session goes, except its tombstone, and
//! every sound file that says it is theirs, whatever its name and wherever it lies. Links are
//! followed only to data of the same session. What cannot be read or removed, and what was not
//! looked into, such as the inside of an archive, is reported. The data folder of a running booth
//! is not touched.

mod voice;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::files::data::Data;
use crate::identity::tombstone::{Looked, Tombstone};
use walk::{Walk, hold, whose};

/// Why a copy is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// It cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A live session may lie in it.
    #[error(
        "{}: a booth is running on {}, which carries out the tombstones in its own folder \
         `forgotten`; put them there, or stop it first",
        folder.display(),
        data.display()
    )]
    Busy {
        /// The folder.
        folder: PathBuf,
        /// The data folder it is or is in.
        data: PathBuf,
    },
}

impl CopyError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> CopyError {
        move |source| CopyError::File {
            path: path.to_owned(),
            source,
        }
    }
}

/// The result for a copy.
#[derive(Debug, Default)]
pub struct Cleaned {
    /// The results for each session.
    pub sessions: BTreeMap<String, Vec<Looked>>,
    /// What was not looked into; data of any person may be in it.
    pub unseen: Vec<Looked>,
}

/// Removes every session that has one of `tombstones` from the copy in `folder`. Writes the
/// tombstones into a copy that has sessions, so that they stay forgotten wherever the copy is put
/// back.
///
/// # Errors
/// The folder cannot be read, a booth is running on it, or a tombstone cannot be written.
pub fn apply_to(folder: &Path, tombstones: &[Tombstone]) -> Result<Cleaned, CopyError> {
    let failed = || CopyError::file(folder);
    // A folder that cannot be listed at all is no copy.
    fs::read_dir(folder).map_err(failed())?;
    let real = folder.canonicalize().map_err(failed())?;
    let mut held = Vec::new();
    for data in real.ancestors() {
        let lock = hold(data).map_err(failed())?;
        held.push(lock.ok_or_else(|| CopyError::Busy {
            folder: folder.to_owned(),
            data: data.to_owned(),
        })?);
    }
    if tombstones.is_empty() {
        return Ok(Cleaned::default());
    }
    let sessions = tombstones.iter().map(|one| one.session.as_str()).collect();
    // The folder itself goes only if it is a session's own.
    if let Some(session) = whose(&real, &sessions) {
        let mut walk = Walk::of(&real, &sessions);
        walk.erase(session, &real);
        return Ok(walk.end());
    }
    if Data(folder).sessions().is_dir() {
        for tombstone in tombstones {
            if !crate::identity::tombstone::path(folder, &tombstone.session).exists() {
                tombstone.write(folder).map_err(failed())?;
            }
        }
    }
    Ok(clean(folder, &sessions))
}

/// Removes `sessions` from `folder` and the folders in it.
#[must_use]
pub fn clean(folder: &Path, sessions: &BTreeSet<&str>) -> Cleaned {
    let mut walk = Walk::of(folder, sessions);
    walk.folder(folder);
    walk.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::small;
    use crate::identity::code::Code;
    use crate::words::By;

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
        assert!(again.sessions.is_empty() && again.unseen.is_empty());
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
    /// A copy and the report on it: the names, and whether the session's data is still there.
    #[track_caller]
    fn report(make: impl FnOnce(&Path, &str)) -> (tempfile::TempDir, String, Vec<String>) {
        let dir = tempfile::tempdir().expect("a folder");
        let tombstone = Tombstone::of(&Code::draw().expect("random").proof(), By::Code);
        let session = tombstone.session.clone();
        make(dir.path(), &session);
        let cleaned = apply_to(dir.path(), &[tombstone]).expect("applied");
        let looks = cleaned.sessions.into_values().flatten();
        let looks = looks.filter(Looked::is_left).chain(cleaned.unseen);
        let name = |look: Looked| {
            let place = Path::new(&look.place)
                .strip_prefix(dir.path())
                .expect("inside");
            place.display().to_string()
        };
        let names = looks.map(name).collect();
        (dir, session, names)
    }

    #[test]
    fn what_was_not_looked_into_is_named() {
        let (dir, session, mut names) = report(|dir, session| {
            for name in [
                "backup.zip",
                "old.tar.gz",
                "card.IMG",
                "keys.tar.age",
                "notes.txt",
            ] {
                fs::write(dir.join(name), "bytes").expect("written");
            }
            let old = format!("old-{}", session.to_lowercase());
            for folder in [old.as_str(), "amelie"] {
                fs::create_dir(dir.join(folder)).expect("made");
            }
            fs::write(dir.join("amelie/session.json"), session).expect("written");
            fs::create_dir(dir.join("pending")).expect("made");
            fs::write(dir.join("pending/012.json"), "{").expect("written");
        });
        names.sort();
        let old = format!("old-{}", session.to_lowercase());
        let mut expected = [
            "amelie",
            "backup.zip",
            "card.IMG",
            "keys.tar.age",
            "old.tar.gz",
            "pending/012.json",
        ]
        .map(str::to_owned)
        .to_vec();
        expected.push(old);
        expected.sort();
        assert_eq!(names, expected);
        assert!(dir.path().join("amelie").exists());
    }

    #[test]
    fn any_file_that_mentions_a_session_is_named_however_long_and_whatever_it_is_called() {
        let (_dir, _, mut names) = report(|dir, session| {
            for name in [
                "a.txt",
                "rows.jsonl",
                "old/README.md",
                "old/SHA256SUMS",
                "session.json",
            ] {
                let path = dir.join(name);
                fs::create_dir_all(path.parent().expect("a folder")).expect("made");
                fs::write(path, format!("x\r{}\r", session.to_lowercase())).expect("written");
            }
            fs::write(dir.join("large"), "x".repeat(17 << 20) + session).expect("written");
            fs::write(dir.join("other.txt"), "nobody").expect("written");
        });
        names.sort();
        let expected = [
            "a.txt",
            "large",
            "old/README.md",
            "old/SHA256SUMS",
            "rows.jsonl",
            "session.json",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_link_out_of_the_copy_is_named_and_one_within_is_not() {
        let elsewhere = tempfile::tempdir().expect("a folder");
        let (_dir, _, names) = report(|dir, _| {
            fs::create_dir(dir.join("one")).expect("made");
            for (to, name) in [(elsewhere.path(), "sessions"), (&dir.join("one"), "two")] {
                std::os::unix::fs::symlink(to, dir.join(name)).expect("linked");
            }
        });
        assert_eq!(names, ["sessions"]);
    }

    #[test]
    fn a_name_in_lower_case_is_theirs_too() {
        let (dir, session, names) = report(|dir, session| {
            let folder = dir.join(session.to_lowercase());
            fs::create_dir(&folder).expect("made");
            fs::write(folder.join("take-0001.rf64"), "voice").expect("written");
        });
        assert!(names.is_empty() && !dir.path().join(session.to_lowercase()).exists());
    }

    #[test]
    fn a_sessions_own_folder_goes_itself() {
        let dir = tempfile::tempdir().expect("a folder");
        let tombstone = Tombstone::of(&Code::draw().expect("random").proof(), By::Code);
        let folder = dir.path().join(&tombstone.session);
        fs::create_dir(&folder).expect("made");
        fs::write(folder.join("take-0001.rf64"), "voice").expect("written");
        let cleaned = apply_to(&folder, &[tombstone]).expect("applied");
        assert!(cleaned.unseen.is_empty() && !folder.exists());
    }

    #[test]
    fn the_data_folder_of_a_running_booth_is_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let data = dir.path().join("data");
        let tombstone = Tombstone::of(&Code::draw().expect("random").proof(), By::Code);
        let _held = crate::store::lock::lock(&data).expect("a lock");
        let folder = data.join("sessions").join(&tombstone.session);
        fs::create_dir(&folder).expect("made");
        let tombstones = [tombstone];
        for busy in [&data, &data.join("sessions"), &folder] {
            let refused = apply_to(busy, &tombstones);
            assert!(
                matches!(refused, Err(CopyError::Busy { .. })),
                "{refused:?}"
            );
        }
        let cleaned = apply_to(dir.path(), &tombstones).expect("applied");
        assert_eq!(cleaned.unseen.len(), 1);
        assert!(folder.exists() && !data.join("forgotten").exists());
    }
}
