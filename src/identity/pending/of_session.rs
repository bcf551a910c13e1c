//! The pending entries of one session, damaged ones included.

use std::io;
use std::path::{Path, PathBuf};

use super::clear::is_erased;
use super::{Pending, numbers, path};
use crate::files::{self, small};
use crate::identity::place;
use crate::words::is_session;

/// The entries found for a session.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// Entries that belong to it.
    pub paths: Vec<PathBuf>,
    /// Entries that may belong to it: why that is unknown, and what to do.
    pub unread: Vec<String>,
}

/// The entries of `session`. An entry that names another session does not belong to it, whatever
/// else it says. A damaged entry that names no session belongs to it if it mentions it. One that
/// was overwritten to be removed belongs to no session. For any other damaged entry it is unknown.
///
/// # Errors
/// The file system's.
pub fn of(data: &Path, session: &str) -> io::Result<Entries> {
    let mut entries = Entries::default();
    for number in numbers(data)? {
        let path = path(data, &number);
        let reason = match small::read(&path) {
            Ok(Some(text)) => match named(&text) {
                Some(name) if name == session => {
                    entries.paths.push(path);
                    continue;
                }
                Some(_) => continue,
                None if is_erased(&text) => continue,
                None if place::mentions(&text, session) => {
                    entries.paths.push(path);
                    continue;
                }
                None => "it is damaged".to_owned(),
            },
            Ok(None) if path.is_symlink() => "what it is a link to is not there".to_owned(),
            Ok(None) => continue,
            Err(error) => error.to_string(),
        };
        entries.unread.push(format!(
            "{} cannot be read, {reason}, so it is unknown whose it is; put it back from a backup, or \
             remove it if no person with number {number} will come",
            path.display()
        ));
    }
    Ok(entries)
}

/// The session that an entry names, even if the entry is damaged.
pub fn named(entry: &[u8]) -> Option<String> {
    if let Ok(pending) = files::json::<Pending>(entry) {
        return Some(pending.session).filter(|name| is_session(name));
    }
    let key = b"\"session\":\"";
    let at = memchr::memmem::find(entry, key)? + key.len();
    let name = std::str::from_utf8(entry.get(at..at + 20)?).ok()?;
    let is_whole = entry.get(at + 20) == Some(&b'"') && is_session(name);
    is_whole.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::participant::Participant;
    use crate::identity::pending::tests::enrolled;

    #[test]
    fn a_damaged_entry_is_reported_unless_it_says_whose_it_is() {
        let (data, number, entry) = enrolled();
        let (data, session) = (data.path(), entry.session.as_str());
        let entries = || of(data, session).expect("looked");
        let path = path(data, &number);
        assert_eq!(entries().paths, [path.as_path()]);
        let other = Participant::draw().expect("random").session;
        let whole = std::fs::read_to_string(&path).expect("read");
        let note = format!(",\"note\":\"with {session}\"}}");
        for (text, paths, unread) in [
            (whole[..60].to_owned(), 1, 0),
            (whole[..60].replace(session, &other), 0, 0),
            ("{".to_owned(), 0, 1),
            (whole.replace(session, "?"), 0, 1),
            (String::new(), 0, 0),
            ("\0".to_owned(), 0, 0),
            (whole.replace(session, &other).replace("}", &note), 0, 0),
        ] {
            std::fs::write(&path, &text).expect("damaged");
            let entries = entries();
            assert_eq!(
                (entries.paths.len(), entries.unread.len()),
                (paths, unread),
                "{text}"
            );
        }
        std::fs::write(&path, "{").expect("damaged");
        let reason = entries().unread.remove(0);
        assert!(
            reason.contains(&format!("{number}.json cannot be read")),
            "{reason}"
        );
        std::fs::remove_file(&path).expect("as it says");
        std::fs::create_dir(&path).expect("no file");
        assert_eq!(entries().unread.len(), 1);
    }
}
