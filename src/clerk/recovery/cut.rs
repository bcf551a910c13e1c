//! A take that was being sealed when the program or the power ended: how far its file can be opened, by
//! its length alone, for the box has no key.
//!
//! Guarantees: nothing is taken from the file but what a power cut left without its bytes. A last chunk
//! that is not whole stays: it may be the closing one.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::super::losses;
use crate::files::small;
use crate::identity::seal::sealed_name;
use crate::identity::stream::{CHUNK_BYTES, header_bytes, whole_bytes};
use crate::store::row::Row;
use crate::store::takes;
use crate::words::Verdict;

/// Of ext4. A power cut may leave the length of a last write without its bytes: its blocks are zero
/// then, which sealed bytes never are.
const PAGE_BYTES: usize = 4096;
/// Bytes read in one piece of work.
const PIECE_BYTES: usize = 1 << 20;
/// The longest age header.
const MOST_HEADER_BYTES: u64 = CHUNK_BYTES;

/// A cut take.
pub(super) struct Cut {
    folder: PathBuf,
    row: Row,
    file: File,
    /// How far no page of zeros was found.
    at: u64,
    length: u64,
}

/// What a start finds of a sealed take.
pub(super) enum Found {
    /// It is whole, or was looked at before.
    Nothing,
    /// Its file may be shorter than it seems.
    Cut(Box<Cut>),
    /// Nothing of it reached the disk: its row says so now.
    Lost,
}

impl Cut {
    /// Looks for the sealed file of `row` in a session's `folder`.
    ///
    /// # Errors
    /// The file system's.
    pub(super) fn find(folder: &Path, row: Row) -> io::Result<Found> {
        let plain = folder.join(&row.file);
        let path = sealed_name(&plain);
        let is_sealed = row.samples_sha256.is_none() || row.sealed_bytes.is_some();
        if !is_sealed || plain.exists() {
            return Ok(Found::Nothing);
        }
        if !path.exists() && !named(&path)? {
            return if row.samples_sha256.is_none() && row.verdict == Verdict::Recovered {
                lost(folder, row)
            } else {
                // Missing: `takes` and `check` say so.
                Ok(Found::Nothing)
            };
        }
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let length = file.metadata()?.len();
        let known = match row.sealed_bytes {
            Some(whole) => whole == length && !ends_in_zeros(&file, length)?,
            None => row.frames > 0 && row.frames == frames(&file, length, &row)?,
        };
        if known {
            return Ok(Found::Nothing);
        }
        Ok(Found::Cut(Box::new(Cut {
            folder: folder.to_owned(),
            row,
            file,
            at: 0,
            length,
        })))
    }

    /// The name of its take's file.
    pub(super) fn file_name(&self) -> &str {
        &self.row.file
    }

    /// Reads on; true once the first page of zeros is found, or the end.
    ///
    /// # Errors
    /// The file system's.
    pub(super) fn piece(&mut self) -> io::Result<bool> {
        let mut bytes = vec![0; (self.length - self.at).min(PIECE_BYTES as u64) as usize];
        self.file.read_exact_at(&mut bytes, self.at)?;
        let is_zero = |page: &[u8]| page.iter().all(|byte| *byte == 0);
        if let Some(page) = bytes.chunks(PAGE_BYTES).position(is_zero) {
            self.length = self.at + (page * PAGE_BYTES) as u64;
            self.file.set_len(self.length)?;
            self.file.sync_all()?;
            return Ok(true);
        }
        self.at += bytes.len() as u64;
        Ok(self.at >= self.length)
    }

    /// Completes its row, as far as that is known without the key.
    ///
    /// # Errors
    /// The file system's.
    pub(super) fn write(self) -> io::Result<()> {
        let (folder, mut row) = (self.folder, self.row);
        row.frames = frames(&self.file, self.length, &row)?;
        row.lead_frames = row.lead_frames.min(row.frames);
        row.tail_frames = 0;
        row.verdict = Verdict::Recovered;
        row.gaps = losses::of_take(&folder, row.take, row.start_frame, row.frames);
        row.measure(&[]);
        row.samples_sha256 = None;
        row.sealed_bytes = None;
        takes::append(&folder, &row)
    }
}

/// Gives a temporary file its name if it holds samples, else removes it; whether it has its name.
fn named(path: &Path) -> io::Result<bool> {
    let temporary = small::temporary(path);
    let Some(file) = small::open(&temporary)? else {
        return Ok(false);
    };
    let length = file.metadata()?.len();
    let holds_samples = header(&file)?.is_some_and(|it| whole_bytes(it, length) > CHUNK_BYTES);
    if holds_samples {
        std::fs::rename(&temporary, path)?;
    } else {
        small::remove(&temporary)?;
    }
    small::sync_folder(path)?;
    Ok(holds_samples)
}

fn lost(folder: &Path, mut row: Row) -> io::Result<Found> {
    row.verdict = Verdict::Aborted;
    (row.lead_frames, row.tail_frames) = (0, 0);
    takes::append(folder, &row)?;
    Ok(Found::Lost)
}

/// Whole frames in the whole chunks behind the one of the RF64 header.
fn frames(file: &File, length: u64, row: &Row) -> io::Result<u64> {
    let Some(header) = header(file)? else {
        return Ok(0);
    };
    let samples = whole_bytes(header, length).saturating_sub(CHUNK_BYTES);
    Ok(samples / row.spec().frame_bytes().max(1) as u64)
}

/// Bytes of its age header.
fn header(file: &File) -> io::Result<Option<u64>> {
    let mut start = Vec::new();
    let mut from_start = file.try_clone()?;
    std::io::Seek::rewind(&mut from_start)?;
    from_start.take(MOST_HEADER_BYTES).read_to_end(&mut start)?;
    Ok(header_bytes(&start))
}

fn ends_in_zeros(file: &File, length: u64) -> io::Result<bool> {
    let from = length.saturating_sub(1) / PAGE_BYTES as u64 * PAGE_BYTES as u64;
    let mut page = vec![0; (length - from) as usize];
    file.read_exact_at(&mut page, from)?;
    Ok(page.iter().all(|byte| *byte == 0))
}
