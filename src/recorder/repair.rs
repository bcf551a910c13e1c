//! Completes unfinished RF64 files that this program wrote and, if asked to, those that another
//! recorder left.
//!
//! Trusts the file's length, not its header, except for zeros that a power cut left at its end;
//! idempotent; a file that is whole keeps every byte, whoever wrote it. Never turns a chunk or
//! padding behind the samples into samples, and keeps what others put there.

mod behind;
mod foreign;

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::audio::rf64;
use crate::audio::rf64::chunks::BOOTH;
use crate::audio::rf64::header::CHANGING_BYTES;
use crate::audio::rf64::riff::Riff;
use crate::audio::rf64::{Error, read};
use behind::{CLUSTER_BYTES, chunks_at_end, is_no_sound};

/// How much of a damaged file is searched for our element.
const MOST_HEADER_BYTES: u64 = 1 << 20;
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

/// Repairs one file of this program.
///
/// # Errors
/// The system's, a header that is not understood, or damage in a file that is not ours.
pub fn repair(path: &Path) -> Result<Outcome, Error> {
    look(path, false)
}

/// Repairs one file, whoever wrote it.
///
/// # Errors
/// The system's, or a header that is not understood.
pub fn repair_any(path: &Path) -> Result<Outcome, Error> {
    look(path, true)
}

fn look(path: &Path, foreign: bool) -> Result<Outcome, Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let info = read::info(&file, path);
    if let Ok(info) = &info
        && info.ours
    {
        return own(&file, path, info);
    }
    if let Ok(info) = &info
        && info.healthy()
    {
        return Ok(Outcome::Healthy {
            frames: info.frames(),
        });
    }
    let riff = Riff::of(&file).map_err(Error::io("read", path))?;
    match riff {
        // No one else writes our element into RF64.
        Some(riff) if &riff.kind == b"RIFF" || !has_element(&file, path)? => {
            foreign::repair(&file, path, &riff, foreign)
        }
        _ => Err(info.err().unwrap_or_else(|| Error::Malformed {
            path: path.to_owned(),
            reason: "its header is damaged; left as it is".into(),
        })),
    }
}

/// Whether our element stands where a header would have it, however damaged that is.
fn has_element(file: &File, path: &Path) -> Result<bool, Error> {
    let mut head = Vec::new();
    let read = file.take(MOST_HEADER_BYTES).read_to_end(&mut head);
    read.map_err(Error::io("read", path))?;
    let element = format!("<{BOOTH}>");
    Ok(memchr::memmem::find(&head, element.as_bytes()).is_some())
}

fn own(file: &File, path: &Path, info: &read::Info) -> Result<Outcome, Error> {
    let before = info.frames();
    let length = info.file_length;
    if info.healthy() {
        return Ok(Outcome::Healthy { frames: before });
    }
    // What follows a header that is true in itself may be samples that it does not tell of yet.
    let no_sound = |from| {
        let looked = is_no_sound(file, from, length, CLUSTER_BYTES);
        looked.map_err(Error::io("read", path))
    };
    let told = info.claimed_length.max(info.data_end());
    if info.is_true() && no_sound(told)? && no_sound(info.data_end())? {
        return Ok(Outcome::Healthy { frames: before });
    }
    let header = read::header(file, path, info)?;
    let frame = info.spec.frame_bytes() as u64;
    let there = length - info.data_start;
    let torn = torn_gap_marks(file, path, info)?;
    let kept = match torn {
        Some(_) => None,
        None => chunks_at_end(file, info.data_start, length).map_err(Error::io("read", path))?,
    };
    let audio = match torn.or(kept) {
        Some(at) => at - info.data_start,
        None => written(file, path, info)?,
    };
    let data_bytes = audio - audio % frame;
    let mut tail = vec![0; kept.map_or(0, |at| length - at) as usize];
    let tail_start = length - tail.len() as u64;
    file.read_exact_at(&mut tail, tail_start)
        .map_err(Error::io("read", path))?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(Error::io("open for repair", path))?;
    let end = info.data_start + data_bytes + data_bytes % 2;
    if kept == Some(end) {
        // They stay where they are.
        let bytes = header.bytes(data_bytes, length - info.data_start - data_bytes);
        file.write_all_at(&bytes[..CHANGING_BYTES], 0)
            .and_then(|()| file.sync_all())
            .map_err(Error::io("finish", path))?;
    } else {
        rf64::finish(&file, path, &header, data_bytes, &tail)?;
    }
    Ok(Outcome::Repaired {
        before,
        frames: data_bytes / frame,
        dropped_bytes: there - data_bytes - tail.len() as u64,
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

/// A kill between the gap marks and the final header leaves `cue `, perhaps torn, where the header
/// says the data ends. Torn ones go: takes.jsonl has the gaps.
fn torn_gap_marks(file: &File, path: &Path, info: &read::Info) -> Result<Option<u64>, Error> {
    let at = info.data_end();
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
