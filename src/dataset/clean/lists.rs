//! The lists of an export other than its table (README and SHA256SUMS), and temporary files of any
//! list left by a kill.
//!
//! Guarantees: a list that is already right is not written again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::dataset::exports::Part;
use crate::dataset::{METADATA, READMES, REPORT, SUMS, lines, sums};
use crate::files::small;
use crate::identity::place::{mentioned, whole};
use crate::identity::{erase, mention};

/// The path of the list `name`: in the folder, or behind a link to a file that is also in the
/// folder.
///
/// # Errors
/// It is a link to anything else, which may belong to someone else.
pub(super) fn place(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let path = folder.join(name);
    if !path.is_symlink() {
        return Ok(path);
    }
    let root = folder.canonicalize()?;
    let inside = path.canonicalize().ok().filter(|it| it.starts_with(root));
    inside.ok_or_else(|| {
        let to = fs::read_link(&path).unwrap_or_default();
        io::Error::other(format!(
            "{} is a link to {}, which is not in the export; put the file itself there",
            path.display(),
            to.display()
        ))
    })
}

/// Those of `sessions` that a list mentions; none if there is no such list.
pub(super) fn mentioned_in<'a>(
    path: &Path,
    sessions: &BTreeSet<&'a str>,
) -> io::Result<BTreeSet<&'a str>> {
    match small::open(path)? {
        Some(file) => mention::within(file, sessions),
        None => Ok(BTreeSet::new()),
    }
}

/// Whether an export has a list of this name.
#[must_use]
pub fn is_list(name: &str) -> bool {
    READMES.contains(&name) || [METADATA, SUMS].contains(&name)
}

/// Removes temporary files of a list, left by a kill, with a session's rows in them. One that is
/// being written is left to its writer, who looks for tombstones afterwards.
pub(super) fn leftovers(
    folder: &Path,
    names: &[String],
    sessions: &BTreeSet<&str>,
) -> io::Result<BTreeMap<String, Part>> {
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    for name in names {
        let whole = whole(name);
        if whole == name || !is_list(whole) {
            continue;
        }
        let path = folder.join(name);
        if is_being_written(&path) {
            continue;
        }
        for session in mentioned_in(&path, sessions)? {
            let part = parts.entry(session.to_owned()).or_default();
            part.erased.add(erase::all(&path, false));
        }
    }
    Ok(parts)
}

fn is_being_written(path: &Path) -> bool {
    let file = small::open(path).ok().flatten();
    file.is_some_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Removes lines that name a session.
pub(super) fn readmes(folder: &Path, sessions: &BTreeSet<&str>) -> io::Result<()> {
    for name in READMES {
        lines::edit(&place(folder, name)?, |line| {
            mentioned(line, sessions).is_empty().then_some(line.into())
        })?;
    }
    Ok(())
}

/// Removes the lines of files that are gone; the READMEs and the table, whose SHA-256 will be
/// `metadata`, get their new ones.
pub(super) fn write_sums(
    folder: &Path,
    metadata: &str,
    is_gone: impl Fn(&str) -> bool,
) -> io::Result<()> {
    let mut anew = BTreeMap::from([(METADATA, metadata.to_owned())]);
    for name in READMES {
        if let Some(file) = small::open(&folder.join(name))? {
            anew.insert(name, sums::of(file)?);
        }
    }
    lines::edit(&place(folder, SUMS)?, |line| {
        let Some((hash, name)) = sums::entry(line) else {
            return Some(line.into());
        };
        match anew.get(name) {
            Some(new) => Some(sums::with(line, hash, new).into()),
            None => (name != REPORT && !is_gone(name)).then_some(line.into()),
        }
    })
}
