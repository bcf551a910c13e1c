//! Whether a box runs on the data folder: a running box holds its lock.

use crate::files::data::Data;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

/// The remedy for a user who cannot find out.
pub const AS_ITS_USER: &str = "run this as root or as the box's user (`sudo -u booth`)";

/// Whether a box runs.
#[derive(Debug, PartialEq, Eq)]
pub enum Running {
    No,
    Yes,
    /// Unknown, and why.
    Unknown(String),
}

/// Tries the lock. DATA is closed to other users, so only if there is no lock file is it certain
/// that no box runs.
pub fn on(data: &Path) -> Running {
    let path = Data(data).lock();
    let error = match File::open(&path).map(|lock| lock.try_lock()) {
        Ok(Ok(())) => return Running::No,
        Ok(Err(TryLockError::WouldBlock)) => return Running::Yes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Running::No,
        Ok(Err(TryLockError::Error(error))) | Err(error) => error,
    };
    Running::Unknown(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_says_whether_a_box_runs() {
        let data = tempfile::tempdir().expect("a folder");
        assert_eq!(on(&data.path().join("none")), Running::No);
        assert_eq!(on(data.path()), Running::No);
        let lock = File::create(data.path().join(".lock")).expect("a lock");
        assert_eq!(on(data.path()), Running::No);
        lock.try_lock().expect("locked");
        assert_eq!(on(data.path()), Running::Yes);
    }

    #[test]
    fn a_lock_that_cannot_be_opened_is_no_free_box() {
        let data = tempfile::tempdir().expect("a folder");
        // Root cannot open a loop of links either.
        std::os::unix::fs::symlink(".lock", data.path().join(".lock")).expect("a link");
        match on(data.path()) {
            Running::Unknown(why) => assert!(why.contains("/.lock: "), "{why}"),
            known => panic!("{known:?}"),
        }
    }
}
