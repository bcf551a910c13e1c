//! Finds tombstones among the files of DATA/forgotten, and anywhere by their content.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use super::{Tombstone, path};
use crate::files::data::Data;
use crate::files::{self, small};
use crate::identity::place;
use crate::words::is_session;

/// A session's tombstone, if it has a valid one, whatever its file is called.
///
/// # Errors
/// The file system's.
pub fn read(data: &Path, session: &str) -> io::Result<Option<Tombstone>> {
    if let Some(own) = at(&path(data, session))?.filter(|one| one.session == session) {
        return Ok(Some(own));
    }
    for name in names(data)?.into_iter().filter(|name| !is_own(name)) {
        let found = at(&Data(data).forgotten().join(name))?;
        if let Some(found) = found.filter(|one| one.session == session) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The valid tombstone in the file `path`, if there is one; a file that is none is logged.
fn at(path: &Path) -> io::Result<Option<Tombstone>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ignored = |reason: &str| {
        // Its file name is a session's name, which never goes to a log.
        log::warn!(
            "a tombstone in {} is ignored: {reason}; remove it or write a new one with `booth forget`",
            path.parent().unwrap_or(path).display()
        );
        Ok(None)
    };
    let bytes = match small::read(path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return ignored("it is no regular file");
        }
        Err(error) => return Err(error),
    };
    match files::json::<Tombstone>(&bytes) {
        // Something else that lies there is no tombstone.
        Err(_) if !is_own(&name) && memchr::memmem::find(&bytes, b"\"proof\"").is_none() => {
            Ok(None)
        }
        Err(_) => ignored("it is damaged"),
        Ok(tombstone) if !tombstone.is_valid() => ignored("its proof does not fit"),
        Ok(tombstone) => Ok(Some(tombstone)),
    }
}

/// The tombstone that a file's bytes are, wherever it lies.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> Option<Tombstone> {
    let read = files::json::<Tombstone>(bytes).ok();
    read.filter(Tombstone::is_valid)
}

/// The files in DATA/forgotten that are no temporary ones.
fn names(data: &Path) -> io::Result<Vec<String>> {
    let mut names = small::names(&Data(data).forgotten())?;
    names.retain(|name| !name.starts_with('.') && place::whole(name) == name);
    Ok(names)
}

/// Whether this program gives a tombstone this name.
fn is_own(name: &str) -> bool {
    name.strip_suffix(".json").is_some_and(is_session)
}

/// Every valid tombstone in DATA, by session.
///
/// # Errors
/// The file system's.
pub fn all(data: &Path) -> io::Result<Vec<Tombstone>> {
    let mut all = BTreeMap::new();
    let (own, others): (Vec<_>, Vec<_>) = names(data)?.into_iter().partition(|name| is_own(name));
    // Of two that say different things, the one that this booth keeps counts.
    for name in others.iter().chain(&own) {
        if let Some(tombstone) = at(&Data(data).forgotten().join(name))? {
            all.insert(tombstone.session.clone(), tombstone);
        }
    }
    Ok(all.into_values().collect())
}

/// The sessions that are forgotten.
///
/// # Errors
/// The file system's.
pub fn sessions(data: &Path) -> io::Result<BTreeSet<String>> {
    Ok(all(data)?.into_iter().map(|one| one.session).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::code::Code;
    use crate::words::By;

    #[test]
    fn only_the_right_proof_forgets_a_session() {
        let data = tempfile::tempdir().expect("a folder");
        let (one, other) = (Code::draw().expect("random"), Code::draw().expect("random"));
        let good = Tombstone::of(&one.proof(), By::Code);
        good.write(data.path()).expect("written");
        let mut forged = Tombstone::of(&one.proof(), By::Code);
        forged.session = other.proof().session();
        forged.write(data.path()).expect("written");
        std::fs::write(path(data.path(), "00000000000000000000"), "{").expect("written");
        assert_eq!(all(data.path()).expect("read"), [good]);
    }

    #[test]
    fn a_tombstone_is_known_by_its_content_in_any_file() {
        let data = tempfile::tempdir().expect("a folder");
        let folder = Data(data.path()).forgotten();
        std::fs::create_dir_all(&folder).expect("made");
        let tombstone = Tombstone::of(&Code::draw().expect("random").proof(), By::Code);
        let session = tombstone.session.as_str();
        let text = tombstone.text().expect("a text");
        let marked = [b"\xef\xbb\xbf", &text[..text.len() - 1], b"\r\n"].concat();
        for name in [
            format!("{session} (1).json"),
            format!("{}.JSON", session.to_lowercase()),
            "from-the-other-box.txt".to_owned(),
            "0123456789ABCDEFGHJK.json".to_owned(),
        ] {
            std::fs::write(folder.join(&name), &marked).expect("written");
            let found = read(data.path(), session).expect("read");
            // Under another session's name, it is found among all.
            let is_other = name.starts_with("0123");
            assert_eq!(found.is_some(), !is_other, "{name}");
            assert_eq!(
                all(data.path()).expect("read"),
                std::slice::from_ref(&tombstone)
            );
            std::fs::remove_file(folder.join(&name)).expect("removed");
        }
        // What a kill left.
        std::fs::write(folder.join(format!("{session}.json.new")), &text).expect("written");
        assert!(all(data.path()).expect("read").is_empty());
    }
}
