//! DATA/forgotten/.reserve: room for one tombstone on a disk that is full.
//!
//! Guarantees: whoever's key is kept can be forgotten, however full the disk is by then: the blocks
//! of the tombstone are taken before the key is written. What a tombstone then removes makes room
//! for the next.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::tombstone;
use crate::store::small;

/// A tombstone has some 500 bytes; one block of most file systems.
const MOST_BYTES: usize = 4096;
/// What the folder itself may need to take one more name.
const FOLDER_BYTES: usize = 3 * 4096;

fn path(data: &Path) -> PathBuf {
    tombstone::folder(data).join(".reserve")
}

/// Takes the room, unless it is taken.
///
/// # Errors
/// The file system's.
pub fn make(data: &Path) -> io::Result<()> {
    let path = path(data);
    if path.exists() {
        return Ok(());
    }
    small::folder(&tombstone::folder(data), 0o755)?;
    // Not zeros: a file system may keep none of them.
    small::write(&path, &[b' '; MOST_BYTES + FOLDER_BYTES], small::PUBLIC)
}

/// Writes `to` into the room that was taken, synced; there is none left then.
///
/// # Errors
/// There is no room, the text does not fit in, or the file system's.
pub fn write(data: &Path, to: &Path, text: &[u8]) -> io::Result<()> {
    if text.len() > MOST_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let path = path(data);
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
        let data = tempfile::tempdir().expect("a folder");
        let data = data.path();
        make(data).expect("taken");
        make(data).expect("taken before");
        let to = tombstone::path(data, "0123456789ABCDEFGHJK");
        assert!(write(data, &to, &[b'x'; MOST_BYTES + 1]).is_err());
        write(data, &to, b"short").expect("written");
        assert_eq!(fs::read(&to).expect("read"), b"short");
        assert!(write(data, &to, b"another").is_err());
        assert_eq!(fs::read(&to).expect("read"), b"short");
    }
}
