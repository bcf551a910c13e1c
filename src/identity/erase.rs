//! Erasing a file so that the medium's free space does not hold it.
//!
//! A file system mounted with `discard` tells the medium which blocks are free. Elsewhere the bytes
//! are overwritten once in place before the file goes, which reaches the blocks of a disk and of a
//! file system that writes in place; flash memory may keep a copy that no system call reaches.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use crate::rt;
use crate::store::small;

/// Bytes written in one call, and between two calls of the pacing function.
const PIECE_BYTES: usize = 64 * 1024;

/// Whether the file system of `path` is mounted with `discard`; false where nothing is known.
#[must_use]
pub fn discards(path: &Path) -> bool {
    let Ok(device) = fs::metadata(path).map(|file| file.dev()) else {
        return false;
    };
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let number = format!("{}:{}", rt::major(device), rt::minor(device));
    is_mounted_with_discard(&table, &number)
}

/// `table` is /proc/self/mountinfo, proc_pid_mountinfo(5); `device` is its third field.
fn is_mounted_with_discard(table: &str, device: &str) -> bool {
    let has = |options: Option<&str>| {
        let mut options = options.unwrap_or_default().split(',');
        options.any(|option| option == "discard" || option.starts_with("discard="))
    };
    table
        .lines()
        .filter(|line| line.split(' ').nth(2) == Some(device))
        .any(|line| {
            let (mount, system) = line.split_once(" - ").unwrap_or((line, ""));
            has(mount.split(' ').nth(5)) || has(system.split(' ').nth(2))
        })
}

/// Removes a file, overwritten first where its disk does not discard; false if there was none. One
/// that cannot be overwritten is removed all the same. The folder is not synced.
///
/// # Errors
/// The file system's.
pub fn file(path: &Path, discards: bool, pace: &mut dyn FnMut()) -> io::Result<bool> {
    // A link's target is not ours.
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
        // What a further name leads to stays, so its bytes do.
        Ok(file) if file.is_file() && file.nlink() > 1 => {
            log::warn!(
                "a file that has another name elsewhere is removed here, and not overwritten"
            );
        }
        Ok(file) if file.is_file() && !discards => {
            if let Err(error) = scrub(path, pace) {
                log::warn!("a file is removed without being overwritten: {error}");
            }
        }
        Ok(_) => {}
    }
    small::remove(path)
}

/// Overwrites a file once in place and syncs it.
///
/// # Errors
/// The file system's.
pub fn scrub(path: &Path, pace: &mut dyn FnMut()) -> io::Result<()> {
    let file = File::options().write(true).open(path)?;
    let length = file.metadata()?.len();
    let zeros = vec![0; PIECE_BYTES];
    let mut at = 0;
    while at < length {
        let piece = (length - at).min(PIECE_BYTES as u64);
        file.write_all_at(&zeros[..piece as usize], at)?;
        at += piece;
        pace();
    }
    file.sync_all()
}

/// Removes a folder with all that is in it; the number of files there were. What is sealed is not
/// overwritten: without its key it is noise.
///
/// # Errors
/// The file system's, after all was removed that could be.
pub fn folder(path: &Path, discards: bool) -> io::Result<u64> {
    let mut files = 0;
    let mut failed = Ok(());
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let is_folder = entry.file_type()?.is_dir();
        let path = entry.path();
        let is_sealed = path.extension().is_some_and(|ending| ending == "age");
        let removed = if is_folder {
            folder(&path, discards)
        } else {
            file(&path, discards || is_sealed, &mut || {}).map(u64::from)
        };
        match removed {
            Ok(removed) => files += removed,
            Err(error) => failed = Err(error),
        }
    }
    failed?;
    fs::remove_dir(path)?;
    small::sync_folder(path)?;
    Ok(files)
}

/// Tells the medium which blocks of the file system of `path` are free. Not every medium or file
/// system can be told, and some let only root do so.
pub fn trim(path: &Path) {
    if let Err(error) = File::open(path).and_then(|folder| rt::trim(&folder)) {
        log::info!("{}: free blocks are not trimmed: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discard_is_read_from_either_list_of_options() {
        let table = "29 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw,discard\n\
                     30 1 8:3 / /b rw,discard - ext4 /dev/sda3 rw\n\
                     31 1 8:4 / /c rw - ext4 /dev/sda4 rw,nodiscard\n\
                     32 1 0:5 / /d rw - btrfs /dev/sda5 rw,discard=async\n";
        for (device, expected) in [
            ("8:2", true),
            ("8:3", true),
            ("8:4", false),
            ("0:5", true),
            ("9:9", false),
        ] {
            assert_eq!(is_mounted_with_discard(table, device), expected, "{device}");
        }
    }

    #[test]
    fn a_scrubbed_file_has_its_length_and_no_byte_of_before() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a");
        fs::write(&path, vec![7; 100_000]).expect("written");
        scrub(&path, &mut || {}).expect("scrubbed");
        assert!(fs::read(&path).expect("read") == vec![0; 100_000]);
    }

    #[test]
    fn a_links_target_outside_is_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let (gone, kept) = (dir.path().join("gone"), dir.path().join("kept"));
        fs::create_dir_all(gone.join("deep")).expect("made");
        fs::write(&kept, "other").expect("written");
        std::os::unix::fs::symlink(&kept, gone.join("deep/link")).expect("linked");
        assert_eq!(folder(&gone, false).expect("removed"), 1);
        assert_eq!(fs::read_to_string(&kept).expect("read"), "other");
        assert!(!gone.exists());
    }

    #[test]
    fn what_has_another_name_elsewhere_keeps_its_bytes() {
        let dir = tempfile::tempdir().expect("a folder");
        let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
        fs::write(&theirs, "thesis").expect("written");
        fs::hard_link(&theirs, &ours).expect("linked");
        assert!(file(&ours, false, &mut || {}).expect("removed"));
        assert_eq!(fs::read_to_string(&theirs).expect("read"), "thesis");
    }
}
