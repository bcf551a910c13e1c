//! DATA/forgotten/.reserve: room for one tombstone on a disk that is full.
//!
//! Guarantees: every person whose key is kept can be forgotten, even on a disk that is full by
//! then: the blocks of the tombstone are reserved before the key is written. What a tombstone then
//! removes makes room for the next.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::files::small;

/// A tombstone has about 500 bytes; one block of most file systems.
const MOST_BYTES: usize = 4096;
/// The folder itself may need this to take one more name.
const FOLDER_BYTES: usize = 3 * 4096;

fn path(folder: &Path) -> PathBuf {
    folder.join(".reserve")
}

/// Reserves the room in the folder of the tombstones, unless it is reserved.
///
/// # Errors
/// The file system's.
pub fn make(folder: &Path) -> io::Result<()> {
    let path = path(folder);
    if path.exists() {
        return Ok(());
    }
    small::folder(folder, 0o755)?;
    // Not zeros: some file systems do not store them.
    small::write(&path, &[b' '; MOST_BYTES + FOLDER_BYTES], small::PUBLIC)
}

/// Writes `to`, a file of the folder, into the reserved room, synced; after that no room is left.
///
/// # Errors
/// There is no room, the text does not fit, or the file system's.
pub fn write(folder: &Path, to: &Path, text: &[u8]) -> io::Result<()> {
    if text.len() > MOST_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let path = path(folder);
    let file = File::options().write(true).open(&path)?;
    file.write_all_at(text, 0)?;
    file.set_len(text.len() as u64)?;
    file.sync_all()?;
    fs::rename(&path, to)?;
    small::sync_folder(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_is_taken_once_and_used_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().join("forgotten");
        make(&folder).expect("taken");
        make(&folder).expect("taken before");
        let to = folder.join("0123456789ABCDEFGHJK.json");
        assert!(write(&folder, &to, &[b'x'; MOST_BYTES + 1]).is_err());
        write(&folder, &to, b"short").expect("written");
        assert_eq!(fs::read(&to).expect("read"), b"short");
        assert!(write(&folder, &to, b"another").is_err());
        assert_eq!(fs::read(&to).expect("read"), b"short");
    }
}
