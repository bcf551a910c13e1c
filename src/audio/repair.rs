//! Makes unfinished RF64 files of ours whole.
//!
//! Trusts the file's length, not its header; idempotent; a healthy or foreign file keeps every
//! byte. Never makes samples of a chunk that stands behind the data.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::rf64::{self, Error, read};

/// What was done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: it was whole.
    Healthy {
        /// Its frames.
        frames: u64,
    },
    /// Its header now tells what is there.
    Repaired {
        /// Frames that the header told of before.
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
    let closed = there > info.data_bytes && gap_marks_follow(&file, path, &info)?;
    let data_bytes = if closed {
        info.data_bytes
    } else {
        there - there % frame
    };
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

/// A kill between the gap marks and the final header leaves `cue ` where the header says the data
/// ends: those marks go (takes.jsonl has the gaps), and never become samples.
fn gap_marks_follow(file: &File, path: &Path, info: &read::Info) -> Result<bool, Error> {
    let at = info.data_start + info.data_bytes + info.data_bytes % 2;
    let mut head = [0; 28];
    let length = info.file_length.saturating_sub(at).min(28) as usize;
    file.read_exact_at(&mut head[..length], at)
        .map_err(Error::io("read", path))?;
    let size = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let count = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
    let sizes_agree = u64::from(size) == 4 + 24 * u64::from(count);
    Ok(match length {
        28 => &head[..4] == b"cue " && sizes_agree && &head[20..24] == b"data",
        12..28 => &head[..4] == b"cue " && sizes_agree,
        4..12 => &head[..4] == b"cue ",
        _ => false,
    })
}
