//! A link in a place where personal data may be.
//!
//! Guarantees: a link is followed only to data that belongs to the session beyond doubt: a
//! session's folder of the same name, or a file of the same name that this program gives, and not
//! through the folder of another session. Any other target is taken to belong to someone else. It
//! is never removed, and it is reported with what to do.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::place;
use crate::words::is_session;

/// The target of `link`, if it is to be erased too; otherwise the reason why not.
///
/// # Errors
/// Names the link, its target and the remedy.
pub fn target(link: &Path) -> Result<PathBuf, String> {
    let shown = fs::read_link(link).unwrap_or_default();
    let refused = |why: &str| format!("{} is a link to {}, {why}", link.display(), shown.display());
    match link.canonicalize() {
        Ok(target) if is_theirs(link, &target) => Ok(target),
        Ok(_) => Err(refused(
            "which may be someone else's; remove by hand what is the session's, then the link",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(refused(
            "which is not there; put its medium back, or remove the link if that is gone for good",
        )),
        Err(error) => Err(refused(&format!(
            "which cannot be followed: {error}; remove by hand what is the session's, then the link"
        ))),
    }
}

fn is_theirs(link: &Path, target: &Path) -> bool {
    let name = target.file_name().unwrap_or_default();
    let text = name.to_string_lossy();
    let is_known = if target.is_dir() {
        is_session(&text)
    } else {
        target.is_file() && place::is_of_person(&text)
    };
    let own: Vec<String> = sessions(link).collect();
    let is_own = sessions(target).all(|session| own.contains(&session));
    is_known && link.file_name() == Some(name) && is_own
}

/// The sessions that the parts of `path` are named after.
fn sessions(path: &Path) -> impl Iterator<Item = String> {
    let parts = path.components();
    parts.filter_map(|part| place::session_of(&part.as_os_str().to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const OWN: &str = "0123456789ABCDEFGHJK";
    const OTHER: &str = "ABCDEFGHJK0123456789";

    #[test]
    fn only_what_is_the_sessions_own_is_followed() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        for folder in [
            format!("data/sessions/{OWN}"),
            format!("data/sessions/{OTHER}"),
            format!("disk/{OWN}"),
            "disk/corpus".to_owned(),
        ] {
            fs::create_dir_all(path(&folder)).expect("made");
        }
        let other = format!("data/sessions/{OTHER}/take-0001.rf64");
        let lower = format!("disk/{}/take-0001.rf64", OTHER.to_lowercase());
        fs::create_dir(path(&lower).parent().expect("a folder")).expect("made");
        for file in ["disk/take-0001.rf64", "disk/passwd", &other, &lower] {
            fs::write(path(file), "bytes").expect("written");
        }
        for (name, to, is_followed) in [
            ("take-0001.rf64", "disk/take-0001.rf64", true),
            ("take-0002.rf64", "disk/take-0001.rf64", false),
            ("take-0001.rf64", other.as_str(), false),
            ("take-0001.rf64", lower.as_str(), false),
            ("passwd", "disk/passwd", false),
            ("corpus", "disk/corpus", false),
            (OWN, &format!("disk/{OWN}"), true),
            ("takes.jsonl", "nowhere/takes.jsonl", false),
        ] {
            let link = path(&format!("data/sessions/{OWN}/{name}"));
            symlink(path(to), &link).expect("linked");
            let found = target(&link);
            assert_eq!(found.is_ok(), is_followed, "{name} -> {to}: {found:?}");
            if let Err(refusal) = found {
                assert!(refusal.contains(name) && refusal.contains(to), "{refusal}");
            }
            fs::remove_file(&link).expect("removed");
        }
    }
}
