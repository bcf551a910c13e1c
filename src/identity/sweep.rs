//! The places where something of a person may lie: what is there, and removing it.
//!
//! Guarantees: a place that cannot be cleaned is told, and hinders no other; what is not there is no
//! failure.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::place::Place;
use super::tombstone::{Looked, State};
use super::{copies, erase, exports, keyring, pending};
use crate::store::small;

/// A place of a session, and what was found there or why it could not be looked at.
type Look = (String, io::Result<Found>);

/// What was found at a place.
enum Found {
    Nothing,
    Removed(String),
    Unreachable(String),
}

/// Whether something of `session` lies in DATA; exports are not looked at.
///
/// # Errors
/// The file system's.
pub fn is_left(data: &Path, session: &str) -> io::Result<bool> {
    Ok(!found(data, session)?.is_empty())
}

/// The places in DATA where something of `session` lies.
pub(super) fn found(data: &Path, session: &str) -> io::Result<Vec<Looked>> {
    let keys = keyring::folder(data);
    let mut files = keyring::files(&keys, session).into_iter();
    let has_key = files.any(|file| file.exists() || small::temporary(&file).exists());
    let has_folder = session_folder(data, session).symlink_metadata().is_ok();
    let is_pending = !pending_numbers(data, session)?.is_empty();
    let places = [
        (Place::Keys, has_key),
        (Place::Sessions, has_folder),
        (Place::Pending, is_pending),
    ];
    let there = places.into_iter().filter(|(_, there)| *there);
    Ok(there.map(|(place, _)| is_there(place.word())).collect())
}

/// A place where something is that will be removed.
pub(super) fn is_there(place: impl fmt::Display) -> Looked {
    Looked {
        place: place.to_string(),
        state: State::Found,
        found: String::new(),
    }
}

/// A place that is out of reach, or was not looked at yet.
pub(super) fn is_awaited(place: impl fmt::Display, why: &str) -> Looked {
    Looked {
        place: place.to_string(),
        state: State::Waiting,
        found: why.into(),
    }
}

pub(super) fn session_folder(data: &Path, session: &str) -> PathBuf {
    data.join("sessions").join(session)
}

fn pending_numbers(data: &Path, session: &str) -> io::Result<Vec<String>> {
    let all = pending::all(data)?.into_iter();
    let own = all.filter(|(_, pending)| pending.session == session);
    Ok(own.map(|(number, _)| number).collect())
}

/// Removes what lies of `session` at a place, or at each export that holds them.
pub(super) fn clean(data: &Path, session: &str, place: Place) -> Vec<Looked> {
    let looks = look(data, session, place).into_iter();
    let looked = looks.map(|(place, found)| {
        let (state, found) = match found {
            Ok(Found::Nothing) => (State::Nothing, String::new()),
            Ok(Found::Removed(words)) => (State::Removed, words),
            Ok(Found::Unreachable(words)) => (State::Waiting, words),
            Err(error) => (State::Waiting, error.to_string()),
        };
        Looked {
            place,
            state,
            found,
        }
    });
    looked.collect()
}

fn look(data: &Path, session: &str, place: Place) -> Vec<Look> {
    let files = |count: io::Result<u64>| {
        count.map(|count| match count {
            0 => Found::Nothing,
            1 => Found::Removed("1 file".into()),
            count => Found::Removed(format!("{count} files")),
        })
    };
    let one = |found| vec![(place.word().to_owned(), found)];
    match place {
        Place::Keys => one(files(keyring::remove(&keyring::folder(data), session))),
        Place::Sessions => one(files(session_files(&session_folder(data, session)))),
        Place::Pending => one(pending_numbers(data, session).and_then(|numbers| {
            for number in &numbers {
                pending::remove(data, number)?;
            }
            files(Ok(numbers.len() as u64))
        })),
        Place::Exports => match exports::of(data, session) {
            Ok(paths) => paths.iter().map(|path| export(path, session)).collect(),
            Err(error) => one(Err(error)),
        },
        _ => Vec::new(),
    }
}

/// Removes a session's folder, also one that was moved to another disk and linked.
fn session_files(folder: &Path) -> io::Result<u64> {
    let discards = erase::discards(folder);
    if !folder.is_symlink() {
        return erase::folder(folder, discards);
    }
    let files = match folder.canonicalize() {
        // Whatever else a link leads to is not ours to remove.
        Ok(target) if target.file_name() != folder.file_name() => {
            return Err(io::Error::other(
                "is a link to a folder of another name; remove by hand what it leads to",
            ));
        }
        Ok(target) => erase::folder(&target, discards)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    small::remove(folder)?;
    small::sync_folder(folder)?;
    Ok(files + 1)
}

fn export(path: &Path, session: &str) -> Look {
    let place = path.display().to_string();
    // The mount point of a stick that is not there is an empty folder.
    let is_there = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
    if !is_there {
        let words = "not there; put the medium back, or use `booth forget --apply-to`";
        return (place, Ok(Found::Unreachable(words.into())));
    }
    let found = copies::clean(path, &[session].into());
    let looks = found.into_values().flatten();
    let mut words = Vec::new();
    for look in looks {
        if look.state == State::Waiting {
            return (place, Ok(Found::Unreachable(look.found)));
        }
        words.push(look.found);
    }
    let found = if words.is_empty() {
        Found::Nothing
    } else {
        Found::Removed(words.join(", "))
    };
    (place, Ok(found))
}
