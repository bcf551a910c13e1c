//! Completes unfinished RF64 files that this program wrote.
//!
//! Trusts the file's length, not its header, except for zeros that a power cut left at its end;
//! idempotent; a healthy or foreign file keeps every byte. Never turns a chunk after the data into
//! samples.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::audio::rf64;
use crate::audio::rf64::{Error, read};

/// The end of a file in which gap marks are looked for: room for ten thousand.
const MOST_MARK_BYTES: u64 = 1 << 20;
/// Of ext4. A power cut may leave the length of a last write without its bytes: what it added to a block
/// that was written before is zero then.
const BLOCK_BYTES: u64 = 4096;

/// What was done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: it was whole.
    Healthy {
        /// Its frames.
        frames: u64,
    },
    /// Its header now gives what is there.
    Repaired {
        /// Frames that the header gave before.
        before: u64,
        /// Frames now.
        frames: u64,
        /// Bytes of a torn last frame or of torn gap marks that were dropped.
        dropped_bytes: u64,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Healthy { frames } => write!(f, "healthy, {frames} frames, left as it is"),
            Outcome::Repaired {
                before,
                frames,
                dropped_bytes,
            } => write!(
                f,
                "repaired, {frames} frames (header said {before}), {dropped_bytes} torn bytes dropped"
            ),
        }
    }
}

/// Repairs one file.
///
/// # Errors
/// The system's, a header that is not understood, or damage in a file that is not ours.
pub fn repair(path: &Path) -> Result<Outcome, Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let info = read::info(&file, path)?;
    let before = info.frames();
    if info.healthy() {
        return Ok(Outcome::Healthy { frames: before });
    }
    if !info.ours {
        let reason = format!(
            "its header claims {} bytes and it has {}, but booth did not write it; left as it is",
            info.claimed_length, info.file_length
        );
        return Err(Error::Malformed {
            path: path.to_owned(),
            reason,
        });
    }
    let header = read::header(&file, path, &info)?;
    let frame = info.spec.frame_bytes() as u64;
    let there = info.file_length - info.data_start;
    let audio = match gap_marks(&file, path, &info)? {
        Some(at) => at - info.data_start,
        None => written(&file, path, &info)?,
    };
    let data_bytes = audio - audio % frame;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(Error::io("open for repair", path))?;
    rf64::finish(&file, path, &header, data_bytes, &[])?;
    Ok(Outcome::Repaired {
        before,
        frames: data_bytes / frame,
        dropped_bytes: there - data_bytes,
    })
}

/// Bytes of samples without the frames that are zero at the end, within one block and beyond the
/// length in the header.
fn written(file: &File, path: &Path, info: &read::Info) -> Result<u64, Error> {
    let block = info.file_length.saturating_sub(1) / BLOCK_BYTES * BLOCK_BYTES;
    let from = block.max(info.data_start.saturating_add(info.data_bytes));
    let mut end = vec![0; info.file_length.saturating_sub(from) as usize];
    file.read_exact_at(&mut end, from)
        .map_err(Error::io("read", path))?;
    let zeros = end.iter().rev().take_while(|byte| **byte == 0).count() as u64;
    let there = info.file_length - info.data_start;
    // A frame that ends in a zero is one all the same.
    let whole = (there - zeros).next_multiple_of(info.spec.frame_bytes() as u64);
    Ok(whole.min(there))
}

/// Where gap marks begin. They go (takes.jsonl has the gaps), and never become samples.
fn gap_marks(file: &File, path: &Path, info: &read::Info) -> Result<Option<u64>, Error> {
    let torn = torn_gap_marks(file, path, info)?;
    Ok(torn.or(whole_gap_marks(file, path, info)?))
}

/// A kill between the gap marks and the final header leaves `cue `, perhaps torn, where the header
/// says the data ends.
fn torn_gap_marks(file: &File, path: &Path, info: &read::Info) -> Result<Option<u64>, Error> {
    let padded = info.data_bytes.saturating_add(info.data_bytes % 2);
    let at = info.data_start.saturating_add(padded);
    let mut head = [0; 28];
    let length = info.file_length.saturating_sub(at).min(28) as usize;
    file.read_exact_at(&mut head[..length], at)
        .map_err(Error::io("read", path))?;
    let name = length.min(4);
    let marks = length > 0
        && head[..name] == b"cue "[..name]
        && (length < 12 || cue_bytes(&head).is_some())
        && (length < 28 || &head[20..24] == b"data");
    Ok(marks.then_some(at))
}

/// Gap marks that end the file, found without its header: a damaged size must not hide them.
fn whole_gap_marks(file: &File, path: &Path, info: &read::Info) -> Result<Option<u64>, Error> {
    let from = info.file_length.saturating_sub(MOST_MARK_BYTES);
    let from = from.max(info.data_start);
    let mut end = vec![0; (info.file_length - from) as usize];
    file.read_exact_at(&mut end, from)
        .map_err(Error::io("read", path))?;
    let Some(cue) = memchr::memmem::rfind(&end, b"cue ") else {
        return Ok(None);
    };
    let marks = &end[cue..];
    let list = cue_bytes(marks).and_then(|bytes| marks.get(bytes..));
    let whole = list.is_some_and(|list| {
        list.starts_with(b"LIST") && size(list).is_some_and(|bytes| bytes == list.len() as u64)
    });
    Ok(whole.then_some(from + cue as u64))
}

/// Bytes of a `cue ` chunk whose size is that of its count.
fn cue_bytes(chunk: &[u8]) -> Option<usize> {
    let count = u32::from_le_bytes(chunk.get(8..12)?.try_into().ok()?);
    let bytes = size(chunk)?;
    (bytes == 12 + 24 * u64::from(count)).then_some(bytes as usize)
}

/// Bytes of a chunk, its head included.
fn size(chunk: &[u8]) -> Option<u64> {
    let size = u32::from_le_bytes(chunk.get(4..8)?.try_into().ok()?);
    Some(8 + u64::from(size))
}
