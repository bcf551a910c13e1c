//! Erasing a file so that the medium's free space does not hold it.
//!
//! A file system mounted with `discard` reports free blocks to the medium. Elsewhere the bytes
//! are overwritten once in place before the file goes, which reaches the blocks of a disk and of a
//! file system that writes in place; flash memory may keep a copy that no system call reaches.
//!
//! Guarantees: what stays readable, here or under another name, is reported.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::links;
use crate::files::small;
use crate::rt;

/// Bytes written in one call.
const PIECE_BYTES: usize = 64 * 1024;

/// Whether the file system of `path` is mounted with `discard`; false where that is unknown.
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

/// Removes a file; returns false if there was none. Where the disk does not discard, the file is
/// overwritten first; one that cannot be overwritten is removed all the same. The folder is not
/// synced.
///
/// # Errors
/// The file system's.
pub fn file(path: &Path, discards: bool) -> io::Result<bool> {
    let mut erasing = Erasing::of(path, discards);
    loop {
        if let Some(was_there) = erasing.step()? {
            return Ok(was_there);
        }
    }
}

/// A file that is being erased as [`fn@file`] does it, piece by piece.
#[derive(Debug)]
pub struct Erasing {
    path: PathBuf,
    discards: bool,
    /// `None` before the first step.
    scrub: Option<Scrub>,
}

impl Erasing {
    /// Nothing of `path` is erased yet.
    #[must_use]
    pub fn of(path: &Path, discards: bool) -> Erasing {
        Erasing {
            path: path.to_owned(),
            discards,
            scrub: None,
        }
    }

    /// Overwrites a piece, or removes the file; whether there was one, once it is gone.
    ///
    /// # Errors
    /// The file system's.
    pub fn step(&mut self) -> io::Result<Option<bool>> {
        let scrubbed = match &mut self.scrub {
            Some(scrub) => scrub.step(),
            None => match fs::symlink_metadata(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(false)),
                found => self.begin(&found?),
            },
        };
        match scrubbed {
            Ok(false) => return Ok(None),
            Ok(true) => {}
            Err(error) => log::warn!("a file is removed without being overwritten: {error}"),
        }
        small::remove(&self.path).map(Some)
    }

    /// Begins to overwrite it; true if that is not to be done. A link's target is not ours.
    fn begin(&mut self, found: &fs::Metadata) -> io::Result<bool> {
        // What another name leads to stays, so its bytes stay too.
        if found.is_file() && found.nlink() > 1 {
            log::warn!(
                "a file that has another name elsewhere is removed here, and not overwritten"
            );
        } else if found.is_file() && !self.discards {
            self.scrub = Some(Scrub::of(&self.path)?);
            return Ok(false);
        }
        Ok(true)
    }
}

/// A file that is being overwritten in place, piece by piece.
#[derive(Debug)]
struct Scrub {
    file: File,
    at: u64,
    length: u64,
}

impl Scrub {
    /// Nothing of `path` is overwritten yet.
    ///
    /// # Errors
    /// The file system's.
    fn of(path: &Path) -> io::Result<Scrub> {
        let file = File::options().write(true).open(path)?;
        let length = file.metadata()?.len();
        let at = 0;
        Ok(Scrub { file, at, length })
    }

    /// Overwrites a piece; true once all is, and synced.
    ///
    /// # Errors
    /// The file system's.
    fn step(&mut self) -> io::Result<bool> {
        let piece = (self.length - self.at).min(PIECE_BYTES as u64) as usize;
        if piece == 0 {
            self.file.sync_all()?;
            return Ok(true);
        }
        self.file
            .write_all_at(&[0; PIECE_BYTES][..piece], self.at)?;
        self.at += piece as u64;
        Ok(false)
    }
}

/// The result of erasing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Files that are gone.
    pub files: u64,
    /// What is still there: why, and what to do about it.
    pub stays: Vec<String>,
    /// What is gone here, but has other names on its disk, which keep its bytes.
    pub copies: Vec<String>,
}

/// Removes a file, or a folder with everything in it. A link is followed if it leads to data of the
/// same person: see [`links`]. Sealed files within a folder are not overwritten, and their other
/// names are not reported: without the key they are noise.
#[must_use]
pub fn all(path: &Path, discards: bool) -> Erased {
    let mut erased = Erased::default();
    erased.entry(path, discards, false);
    erased
}

impl Erased {
    /// Adds the result of erasing something else.
    pub fn add(&mut self, other: Erased) {
        self.files += other.files;
        self.stays.extend(other.stays);
        self.copies.extend(other.copies);
    }

    fn entry(&mut self, path: &Path, discards: bool, is_noise: bool) {
        let done = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(file) if file.is_symlink() => self.link(path),
            Ok(file) if file.is_dir() => self.folder(path, discards),
            Ok(found) => file(path, discards || is_noise).map(|removed| {
                self.files += u64::from(removed);
                if found.nlink() > 1 && !is_noise {
                    self.copies.push(further_names(path, &found));
                }
            }),
        };
        if let Err(error) = done {
            let path = path.display();
            self.stays.push(format!(
                "{path} cannot be removed: {error}; mend that, or remove it"
            ));
        }
    }

    fn folder(&mut self, path: &Path, discards: bool) -> io::Result<()> {
        let stayed = self.stays.len();
        for entry in fs::read_dir(path)? {
            let path = entry?.path();
            let is_sealed = path.extension().is_some_and(|ending| ending == "age");
            self.entry(&path, discards, is_sealed);
        }
        if self.stays.len() > stayed {
            return Ok(());
        }
        fs::remove_dir(path)?;
        small::sync_folder(path)
    }

    /// The link goes last: it is the only way to what it leads to.
    fn link(&mut self, link: &Path) -> io::Result<()> {
        let stayed = self.stays.len();
        match links::target(link) {
            Ok(target) => {
                self.entry(&target, discards(&target), false);
                small::sync_folder(&target)?;
            }
            Err(why) => self.stays.push(why),
        }
        if self.stays.len() == stayed {
            self.files += u64::from(small::remove(link)?);
        }
        Ok(())
    }
}

fn further_names(path: &Path, file: &fs::Metadata) -> String {
    format!(
        "{}: is gone, but had {} on its disk; `find MOUNTPOINT -xdev -inum {}` finds what to remove",
        path.display(),
        match file.nlink() - 1 {
            1 => "a further name".to_owned(),
            more => format!("{more} further names"),
        },
        file.ino()
    )
}

/// Lets the medium know which blocks of the file system of `path` are free. Not every medium or
/// file system accepts that, and some only from root.
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
        let mut scrub = Scrub::of(&path).expect("there");
        while !scrub.step().expect("scrubbed") {}
        assert!(fs::read(&path).expect("read") == vec![0; 100_000]);
    }

    #[test]
    fn a_links_target_outside_is_left_alone_and_reported() {
        let dir = tempfile::tempdir().expect("a folder");
        let (gone, kept) = (dir.path().join("gone"), dir.path().join("kept"));
        fs::create_dir_all(gone.join("deep")).expect("made");
        fs::write(&kept, "other").expect("written");
        fs::write(gone.join("take-0001.rf64"), "voice").expect("written");
        std::os::unix::fs::symlink(&kept, gone.join("deep/link")).expect("linked");
        let erased = all(&gone, false);
        assert_eq!((erased.files, erased.stays.len()), (1, 1));
        assert!(erased.stays[0].contains("deep/link is a link to"));
        assert_eq!(fs::read_to_string(&kept).expect("read"), "other");
        fs::remove_file(gone.join("deep/link")).expect("as the sentence says");
        assert_eq!(all(&gone, false), Erased::default());
        assert!(!gone.exists());
    }

    #[test]
    fn a_take_that_was_moved_and_linked_goes_with_its_link() {
        let dir = tempfile::tempdir().expect("a folder");
        let (gone, disk) = (dir.path().join("gone"), dir.path().join("disk"));
        let link = gone.join("take-0001.rf64");
        for folder in [&gone, &disk] {
            fs::create_dir(folder).expect("made");
        }
        let moved = disk.join("take-0001.rf64");
        std::os::unix::fs::symlink(&moved, &link).expect("linked");
        assert_eq!(all(&gone, false).stays.len(), 1, "its disk is away");
        fs::write(&moved, "voice").expect("back");
        let erased = all(&gone, false);
        assert!(erased.stays.is_empty() && !moved.exists() && !gone.exists());
    }

    #[test]
    fn what_has_a_further_name_is_reported_unless_it_is_noise() {
        let dir = tempfile::tempdir().expect("a folder");
        let gone = dir.path().join("gone");
        fs::create_dir(&gone).expect("made");
        for (name, ours) in [("a", "take-0001.rf64"), ("b", "take-0002.rf64.age")] {
            fs::write(dir.path().join(name), "voice").expect("written");
            fs::hard_link(dir.path().join(name), gone.join(ours)).expect("linked");
        }
        let erased = all(&gone, false);
        assert_eq!((erased.files, erased.copies.len()), (2, 1));
        assert!(erased.copies[0].contains("take-0001.rf64: is gone, but had a further name"));
    }

    #[test]
    fn what_has_another_name_elsewhere_keeps_its_bytes() {
        let dir = tempfile::tempdir().expect("a folder");
        let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
        fs::write(&theirs, "thesis").expect("written");
        fs::hard_link(&theirs, &ours).expect("linked");
        assert!(file(&ours, false).expect("removed"));
        assert_eq!(fs::read_to_string(&theirs).expect("read"), "thesis");
    }
}
