//! The room that a take comes to next, reserved on the disk ahead of its writing.
//!
//! Guarantees: where the file system can, half of `AHEAD_S` seconds at least are reserved beyond
//! what is written, up to the length that is expected; and never more than a quarter of the free
//! space at once, since other takes and rows need space too. A take that ends early gives little back.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::rt;
use crate::words::Spec;

/// Seconds that are reserved at a take's begin, and again when half of them are written. Most
/// sentences are shorter, and the session watches the disk once a second.
const AHEAD_S: u64 = 10;

/// What is reserved of a file.
#[derive(Debug)]
pub struct Room {
    ahead: u64,
    /// The length that is expected: nothing is reserved beyond it.
    expected: u64,
    /// The length that has its blocks.
    reserved: u64,
    is_unsupported: bool,
}

impl Room {
    /// Nothing yet, of a file of `spec` that should come to `expected` bytes.
    pub fn new(spec: Spec, expected: u64) -> Room {
        Room {
            ahead: AHEAD_S * u64::from(spec.rate) * spec.frame_bytes() as u64,
            expected,
            reserved: 0,
            is_unsupported: false,
        }
    }

    /// Reserves up to length `end` of the file at `path` at least, and more where there is room.
    ///
    /// # Errors
    /// The disk is full. A file system that cannot reserve finds that at the write.
    pub fn hold(&mut self, file: &File, path: &Path, end: u64) -> io::Result<()> {
        self.keep_ahead(file, path, end);
        if self.reserved >= end || self.is_unsupported {
            return Ok(());
        }
        match rt::reserve_space(file, self.reserved, end - self.reserved) {
            Ok(()) => self.reserved = end,
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return Err(error),
            // A disk that is away is found at the write.
            Err(error) => log::debug!("no space reserved for a take: {error}"),
        }
        Ok(())
    }

    /// The file is a new one.
    pub fn begin_again(&mut self) {
        self.reserved = 0;
    }

    /// Reserves what follows length `end` of the file at `path`, if less than half of it is there.
    pub fn keep_ahead(&mut self, file: &File, path: &Path, end: u64) {
        let enough = (end + self.ahead / 2).min(self.expected);
        if self.reserved >= enough || self.is_unsupported {
            return;
        }
        let wanted = (end + self.ahead).min(self.expected) - self.reserved;
        let free = rt::disk(path).map_or(0, |disk| disk.free_bytes);
        let bytes = wanted.min(free / 4);
        match rt::reserve_space(file, self.reserved, bytes) {
            Ok(()) => self.reserved += bytes,
            // A full disk is noticed at the write. FAT and some network file systems cannot reserve.
            Err(error) => {
                log::debug!("no space reserved for a take: {error}");
                if error.kind() == io::ErrorKind::Unsupported {
                    self.is_unsupported = true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileExt, MetadataExt};

    use super::*;
    use crate::words::Format;

    const SPEC: Spec = Spec {
        rate: 48_000,
        channels: 1,
        format: Format::S16Le,
    };
    const SECOND: u64 = 96_000;

    #[test]
    fn what_comes_next_is_reserved_and_never_more_than_is_expected() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("take");
        let file = File::create(&path).expect("file");
        if rt::reserve_space(&file, 0, 1).is_err() {
            return;
        }
        let expected = 32 * SECOND;
        let mut room = Room::new(SPEC, expected);
        let held = || file.metadata().expect("metadata").blocks() * 512;
        for second in 0..40 {
            let end = second * SECOND;
            room.keep_ahead(&file, &path, end);
            let next = end + AHEAD_S / 2 * SECOND;
            assert!(held() >= next.min(expected), "second {second}");
            // Whole blocks, of a file system that has some of its own too.
            let most = (end + AHEAD_S * SECOND).min(expected).max(end);
            assert!(held() <= most + (1 << 17), "second {second}");
            let samples = vec![1; SECOND as usize];
            file.write_all_at(&samples, end).expect("write");
        }
    }

    #[test]
    fn a_take_of_no_known_length_reserves_nothing() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("take");
        let file = File::create(&path).expect("file");
        Room::new(SPEC, 0).keep_ahead(&file, &path, SECOND);
        assert_eq!(file.metadata().expect("metadata").blocks(), 0);
    }
}
