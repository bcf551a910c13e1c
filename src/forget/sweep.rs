//! Removing a person's data from a place.
//!
//! Guarantees: a place that cannot be cleaned is reported, with what to do, and does not stop the
//! others. If nothing is there, that is no failure. A file with the session's name that is not one
//! of the program's is reported and left.

use std::io;
use std::path::{Path, PathBuf};

use super::copies;
use crate::dataset::exports::List;
use crate::files::data::{Data, SessionFolder};
use crate::files::small;
use crate::identity::erase::Erased;
use crate::identity::place::Place;
use crate::identity::tombstone::{Looked, State};
use crate::identity::{erase, pending, place};

/// Removes everything of `session` from DATA.
pub(super) fn data(data: &Path, session: &str) -> Vec<Looked> {
    let mut looks = of_name(data, session, Place::Keys);
    looks.extend(of_name(data, session, Place::Sessions));
    looks.extend(pending_entries(data, session));
    looks
}

/// What has the session's name in a folder of DATA.
fn of_name(data: &Path, session: &str, place: Place) -> Vec<Looked> {
    let folder = data.join(place.word());
    if folder.is_symlink() && !folder.exists() {
        let why = "leads to a medium that is away; put it back";
        return vec![Looked::new(place.word(), State::Away, why)];
    }
    match named(&folder, session, place) {
        Ok(erased) => Looked::of(place.word(), &erased, files(erased.files)),
        Err(error) => {
            let why = format!("{} cannot be read: {error}; mend that", folder.display());
            vec![Looked::new(place.word(), State::Waiting, why)]
        }
    }
}

fn named(folder: &Path, session: &str, place: Place) -> io::Result<Erased> {
    // A key is always overwritten: it is small, and a backup is worth as much as its key.
    let discards = place != Place::Keys && erase::discards(folder);
    let mut erased = Erased::default();
    let mut names = small::names(folder)?;
    names.retain(|name| place::mentions(name.as_bytes(), session));
    for name in &names {
        let path = folder.join(name);
        if Place::of(&Path::new(place.word()).join(name)) == Some(place) {
            erased.add(erase::all(&path, discards));
        } else {
            erased.stays.push(format!(
                "{} carries the session's name and is none of the booth's files; remove by hand \
                 what is theirs",
                path.display()
            ));
        }
    }
    if erased.files > 0 {
        small::sync_folder(&folder.join("any"))?;
    }
    if place == Place::Sessions {
        erased.stays.extend(renamed(folder, session)?);
    }
    Ok(erased)
}

/// Folders of another name that hold the record of `session`.
fn renamed(folder: &Path, session: &str) -> io::Result<Vec<String>> {
    let holds = |path: &PathBuf| {
        let record = small::read(&SessionFolder(path).record()).ok().flatten();
        record.is_some_and(|record| place::mentions(&record, session))
    };
    let names = small::names(folder)?.into_iter();
    let others = names.filter(|name| !place::mentions(name.as_bytes(), session));
    let those = others.map(|name| folder.join(name)).filter(holds);
    let looks = those.map(|path| {
        format!(
            "{} holds the session's record under another name; remove it by hand, or give it the \
             session's name",
            path.display()
        )
    });
    Ok(looks.collect())
}

fn pending_entries(data: &Path, session: &str) -> Vec<Looked> {
    let place = Place::Pending.word();
    let own = match pending::of(data, session) {
        Ok(own) => own,
        Err(error) => {
            let folder = Data(data).pending();
            let why = format!("{} cannot be read: {error}; mend that", folder.display());
            return vec![Looked::new(place, State::Waiting, why)];
        }
    };
    let mut erased = Erased::default();
    for path in &own.paths {
        erased.add(erase::all(path, false));
        if let Err(error) = small::sync_folder(path) {
            erased.stays.push(format!("{}: {error}", path.display()));
        }
    }
    let mut looks = Looked::of(place, &erased, files(erased.files));
    doubt(&mut looks, &own.unread);
    looks
}

/// Adds to the first of `looks` what could not be decided.
fn doubt(looks: &mut [Looked], why: &[String]) {
    let Some(look) = looks.first_mut().filter(|_| !why.is_empty()) else {
        return;
    };
    if look.state == State::Nothing {
        look.state = State::Waiting;
    } else {
        look.state = State::Found;
        look.found += "; ";
    }
    look.found += &why.join("; ");
}

/// What the damaged rows of DATA/exports.jsonl hide; a list that was never damaged is not reported.
pub(super) fn list(list: &io::Result<List>, is_known: bool) -> Vec<Looked> {
    let place = Place::ExportList.word();
    let why = match list {
        Ok(list) => list.damaged.join("; "),
        Err(error) => format!("exports.jsonl in DATA cannot be read: {error}; mend that"),
    };
    match why.as_str() {
        "" if is_known => vec![Looked::new(place, State::Nothing, "")],
        "" => Vec::new(),
        why => vec![Looked::new(place, State::Waiting, why)],
    }
}

/// Removes everything of `session` from the export at `path`; `known` is the last result recorded
/// here.
pub(super) fn export(path: &Path, session: &str, known: Option<&Looked>) -> Vec<Looked> {
    let place = path.display();
    // The mount point of a stick that is not plugged in is an empty folder.
    let is_there = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
    if !is_there {
        let why = "not there; put the medium back, or use `booth forget --apply-to`";
        return vec![Looked::new(place, State::Away, why)];
    }
    let mut found = copies::clean(path, &[session].into());
    let mut erased = Erased::default();
    let mut words = Vec::new();
    for look in found.sessions.remove(session).unwrap_or_default() {
        match look.state {
            State::Removed => words.push(look.found),
            State::Away => erased.copies.push(look.found),
            _ => erased.stays.push(format!("{}: {}", look.place, look.found)),
        }
    }
    let unseen = found.unseen.into_iter();
    let unseen: Vec<String> = unseen
        .map(|look| format!("{}: {}", look.place, look.found))
        .collect();
    let mut looks = Looked::of(&place.to_string(), &erased, words.join(", "));
    // Another export's medium may be there instead, unless something was seen on this one.
    let was_seen = known.is_some_and(|known| matches!(known.state, State::Found | State::Waiting));
    if looks[0].state == State::Nothing && !was_seen {
        looks[0] = unseen_yet(place);
    }
    doubt(&mut looks, &unseen);
    looks
}

/// An export that should hold the session, and in which nothing of it was found.
pub(super) fn unseen_yet(place: impl std::fmt::Display) -> Looked {
    let why = "nothing of the session was found there yet; put its medium back";
    Looked::new(place, State::Away, why)
}

fn files(count: u64) -> String {
    match count {
        0 => String::new(),
        1 => "1 file".into(),
        count => format!("{count} files"),
    }
}
