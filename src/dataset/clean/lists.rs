//! The lists of an export other than its table (README and SHA256SUMS), and temporary files of any
//! list left by a kill.
//!
//! Guarantees: a list that is already right is not written again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::dataset::list::Part;
use crate::dataset::{METADATA, READMES, REPORT, SUMS};
use crate::files::small;
use crate::identity::erase;
use crate::identity::place::{mentioned, whole};

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

/// A list; it may be longer than the limit for small files.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = small::open(path)?.ok_or(io::ErrorKind::NotFound)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether an export has a list of this name.
#[must_use]
pub fn is_list(name: &str) -> bool {
    READMES.contains(&name) || [METADATA, SUMS].contains(&name)
}

/// Removes temporary files of a list, left by a kill, with a session's rows in them.
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
        for session in mentioned(&read(&path)?, sessions) {
            let part = parts.entry(session.to_owned()).or_default();
            part.erased.add(erase::all(&path, false));
        }
    }
    Ok(parts)
}

/// Removes lines that name a session.
pub(super) fn readmes(folder: &Path, sessions: &BTreeSet<&str>) -> io::Result<()> {
    for name in READMES {
        let path = place(folder, name)?;
        let text = small::read(&path)?.unwrap_or_default();
        let lines = text.split_inclusive(|byte| *byte == b'\n');
        let kept: Vec<&[u8]> = lines
            .filter(|line| mentioned(line, sessions).is_empty())
            .collect();
        let kept = kept.concat();
        if kept != text {
            small::write(&path, &kept, small::PUBLIC)?;
        }
    }
    Ok(())
}

/// Removes the lines of files that are gone; files that were or will be rewritten get their new
/// hash.
pub(super) fn write_sums(
    folder: &Path,
    text: &[u8],
    metadata: &[u8],
    is_gone: impl Fn(&str) -> bool,
) -> io::Result<()> {
    let text = String::from_utf8_lossy(text);
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
            let new = crate::words::hex::encode(Sha256::digest(bytes).into());
            kept += &line.replacen(hash, &new, 1);
        } else if name != REPORT && !is_gone(name) {
            kept += line;
        }
    }
    if kept != text {
        small::write(&place(folder, SUMS)?, kept.as_bytes(), small::PUBLIC)?;
    }
    Ok(())
}
