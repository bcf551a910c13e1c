//! DATA/.lock: one booth at a time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use crate::files::data::Data;
use crate::files::small;

/// Holds DATA for this process; `None` if another booth has it.
///
/// # Errors
/// The data folder cannot be made or written.
pub fn lock(data: &Path) -> io::Result<Option<File>> {
    fs::create_dir_all(Data(data).sessions())?;
    File::open(data)?.sync_all()?;
    let path = Data(data).lock();
    if !path.exists() {
        File::create(&path)?;
    }
    // Not opened for writing, so that an idle box does not prevent a read-only remount.
    let file = small::open(&path)?.ok_or(io::ErrorKind::NotFound)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether a booth holds DATA, or may do so where this user cannot find out.
#[must_use]
pub fn is_held(data: &Path) -> bool {
    match small::open(&Data(data).lock()) {
        Ok(None) => false,
        Ok(Some(file)) => matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_data_folder_is_refused() {
        let data = tempfile::tempdir().expect("a folder");
        let held = lock(data.path()).expect("a lock");
        assert!(held.is_some());
        assert!(lock(data.path()).expect("no error").is_none());
        assert!(is_held(data.path()));
        drop(held);
        assert!(!is_held(data.path()) && !is_held(&data.path().join("none")));
    }
}
