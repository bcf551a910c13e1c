//! What a kill left among the pending people, and entries of people who are no longer pending.
//!
//! Guarantees: no person who was recorded or has an entry loses a key here.

use std::fs::TryLockError;
use std::io;
use std::path::Path;

use super::{Pending, all, hold, numbers, of, path, remove};
use crate::files::data::{Data, SessionFolder};
use crate::files::{self, small};
use crate::identity::{erase, keyring};
use crate::store::takes;
use crate::words::is_session;

/// Removes the entries of people of whom a take was recorded, once their answers are with their takes:
/// such entries were put back or left by a kill. Also removes entries that were overwritten to be
/// removed.
///
/// # Errors
/// The file system's.
pub fn settled(data: &Path) -> io::Result<()> {
    for number in numbers(data)? {
        let entry = small::read(&path(data, &number));
        if entry.is_ok_and(|entry| entry.is_some_and(|text| is_erased(&text))) {
            remove(data, &number)?;
        }
    }
    for (number, entry) in all(data)? {
        let folder = Data(data).session(&entry.session);
        if !SessionFolder(&folder).record().exists() || takes::has_none(&folder) {
            continue;
        }
        // A kill may have come before they were put there.
        let kept = SessionFolder(&folder).sealed_answers();
        if let Some(answers) = entry.answers.filter(|_| !kept.exists()) {
            small::write(&kept, answers.as_bytes(), small::PUBLIC)?;
        }
        remove(data, &number)?;
    }
    Ok(())
}

/// Whether an entry was overwritten to be removed, and a kill then kept it from being removed. No
/// entry is written that way: it gets its name only when it is whole.
pub(super) fn is_erased(entry: &[u8]) -> bool {
    entry.iter().all(|byte| *byte == 0)
}

/// Removes what a killed enrolment left; an enrolment under way is left alone.
///
/// # Errors
/// The file system's.
pub fn unfinished(data: &Path) -> io::Result<()> {
    let all = Data(data).pending();
    let names = small::names(&all)?;
    if !names.iter().any(|name| name.ends_with(".new")) {
        return Ok(());
    }
    let held = hold(data)?;
    match held.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(()),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    for name in small::names(&all)? {
        if !name.ends_with(".new") {
            continue;
        }
        let path = all.join(&name);
        let entry = small::read(&path)?.unwrap_or_default();
        // An entry that is not whole means a kill before its key was kept.
        if let Ok(entry) = files::json::<Pending>(&entry)
            && is_session(&entry.session)
            && !is_somebodys(data, &entry.session)?
        {
            keyring::remove(&Data(data).keys(), &entry.session)?;
        }
        erase::file(&path, false)?;
    }
    small::sync_folder(&all.join("any"))
}

/// Whether the key of `session` opens more than the entry that an enrolment left.
fn is_somebodys(data: &Path, session: &str) -> io::Result<bool> {
    let folder = Data(data).session(session);
    Ok(folder.symlink_metadata().is_ok() || !of(data, session)?.paths.is_empty())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::identity::pending::tests::enrolled;

    fn has_keys(data: &Path, session: &str) -> bool {
        let keys = keyring::sessions(&Data(data).keys()).expect("names");
        keys.iter().any(|one| one == session)
    }

    #[test]
    fn an_enrolment_that_was_killed_leaves_no_entry() {
        let (data, number, entry) = enrolled();
        let data = data.path();
        let path = path(data, &number);
        fs::rename(&path, small::temporary(&path)).expect("as if it were killed");
        unfinished(data).expect("cleared");
        assert_eq!(
            small::names(&Data(data).pending()).expect("names"),
            [".lock"]
        );
        assert!(!has_keys(data, &entry.session));
    }

    #[test]
    fn clearing_an_enrolment_keeps_the_keys_of_the_recorded_and_the_pending() {
        let (data, number, entry) = enrolled();
        let (data, session) = (data.path(), entry.session.as_str());
        let path = path(data, &number);
        let left = small::temporary(&Data(data).pending().join("000.json"));
        fs::copy(&path, &left).expect("left");
        unfinished(data).expect("cleared");
        assert!(has_keys(data, session) && path.exists() && !left.exists());
        fs::rename(&path, &left).expect("left");
        fs::create_dir_all(data.join("sessions").join(session)).expect("made");
        unfinished(data).expect("cleared");
        assert!(has_keys(data, session) && !left.exists());
    }

    #[test]
    fn a_recorded_person_is_no_longer_pending_and_an_overwritten_entry_goes() {
        for text in ["", "\0\0\0"] {
            let (data, number, entry) = enrolled();
            let data = data.path();
            settled(data).expect("cleared");
            assert_eq!(numbers(data).expect("numbers"), [number.as_str()]);
            fs::write(path(data, &number), text).expect("overwritten");
            settled(data).expect("cleared");
            assert!(numbers(data).expect("numbers").is_empty());
            assert!(has_keys(data, &entry.session));
        }
        let (data, number, mut entry) = enrolled();
        let data = data.path();
        entry.answers = Some("sealed".into());
        let text = serde_json::to_vec(&entry).expect("a text");
        fs::write(path(data, &number), text).expect("written");
        let folder = data.join("sessions").join(&entry.session);
        fs::create_dir_all(&folder).expect("made");
        settled(data).expect("cleared");
        assert_eq!(numbers(data).expect("numbers").len(), 1);
        fs::write(folder.join("session.json"), "{}").expect("written");
        settled(data).expect("cleared");
        assert_eq!(
            numbers(data).expect("numbers").len(),
            1,
            "they may come again"
        );
        fs::write(folder.join("take-0001.rf64"), "voice").expect("written");
        settled(data).expect("cleared");
        assert!(numbers(data).expect("numbers").is_empty());
        assert!(has_keys(data, &entry.session));
        let answers = fs::read_to_string(folder.join("answers.json.age"));
        assert_eq!(answers.expect("kept"), "sealed");
    }
}
