//! Files of other recorders: whether they are whole, and finishing those that are not.
//!
//! Guarantees: nothing that a stock reader reads is lost; only sizes are written, and a torn last
//! frame goes. A chunk or padding that follows true sizes stays what it is.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::Outcome;
use super::behind::is_no_sound;
use crate::audio::rf64::Error;
use crate::audio::rf64::riff::{OPEN, Riff};

/// Bytes of `JUNK` that a ds64 without a table takes.
const DS64_BYTES: u64 = 28;

/// Looks at a file, and finishes it if it `may`.
///
/// # Errors
/// The system's; or it is not whole, and may not be finished.
pub fn repair(file: &File, path: &Path, riff: &Riff, may: bool) -> Result<Outcome, Error> {
    let before = riff.data.size.min(riff.there()) / riff.frame_bytes;
    if is_whole(file, riff).map_err(Error::io("read", path))? {
        return Ok(Outcome::Healthy { frames: before });
    }
    let torn = if riff.is_linear {
        riff.there() % riff.frame_bytes
    } else {
        0
    };
    let bytes = riff.there() - torn;
    let frames = bytes / riff.frame_bytes;
    if !may {
        return Err(Error::Malformed {
            path: path.to_owned(),
            reason: format!(
                "another recorder left it unfinished: its header tells of {} bytes of samples and \
                 {bytes} are there; finish it with `booth repair --foreign`",
                riff.data.size
            ),
        });
    }
    finish(path, riff, bytes).map_err(Error::io("finish", path))?;
    Ok(Outcome::Repaired {
        before,
        frames,
        dropped_bytes: torn,
    })
}

/// All samples that the header tells of are there, and what follows them is none.
fn is_whole(file: &File, riff: &Riff) -> io::Result<bool> {
    let (claimed, there) = (riff.data.size, riff.there());
    if claimed > there {
        return Ok(false);
    }
    let end = riff.data.body + claimed;
    // Less than a frame is no sound either.
    if there - claimed < riff.frame_bytes.max(2) && claimed > 0 {
        return Ok(true);
    }
    // Not every program writes the pad byte.
    Ok(is_no_sound(file, end + claimed % 2, riff.length, u64::MAX)?
        || (claimed % 2 == 1 && is_no_sound(file, end, riff.length, u64::MAX)?))
}

/// Writes sizes that tell of `bytes` of samples, which end the file.
fn finish(path: &Path, riff: &Riff, bytes: u64) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let end = riff.data.body + bytes;
    let length = end + bytes % 2;
    file.set_len(end)?;
    // A pad byte, where there is one.
    file.set_len(length)?;
    file.sync_data()?;
    let frames = bytes / riff.frame_bytes;
    if let Some(fact) = riff.chunk(b"fact", 4).filter(|_| riff.is_linear) {
        let count = u32::try_from(frames).unwrap_or(u32::MAX);
        file.write_all_at(&count.to_le_bytes(), fact.body)?;
    }
    let sizes = Sizes {
        riff: length - 8,
        data: bytes,
        frames,
    };
    // In a long file, the sizes; else what makes it one, where there is room for it.
    let is_long = sizes.riff > OPEN - 1;
    let room = riff.ds64().or_else(|| {
        let first = riff.before.first().filter(|_| is_long)?;
        let is_room = &first.name == b"JUNK" && first.size >= DS64_BYTES;
        is_room.then_some(*first)
    });
    match room {
        Some(ds64) => {
            file.write_all_at(&sizes.ds64(), ds64.body)?;
            file.write_all_at(b"ds64", ds64.body - 8)?;
            file.write_all_at(&u32::MAX.to_le_bytes(), riff.data.body - 4)?;
            let kind = if &riff.kind == b"BW64" {
                b"BW64"
            } else {
                b"RF64"
            };
            file.write_all_at(&[&kind[..], &[0xff; 4]].concat(), 0)?;
        }
        // Without room, sizes that are unknown: libsndfile, ffmpeg and sox read to the end.
        None => {
            let [whole, data] = [sizes.riff, sizes.data];
            let field = |size: u64| u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes();
            file.write_all_at(
                &field(if is_long { OPEN } else { data }),
                riff.data.body - 4,
            )?;
            file.write_all_at(&[&b"RIFF"[..], &field(whole)].concat(), 0)?;
        }
    }
    file.sync_all()
}

struct Sizes {
    riff: u64,
    data: u64,
    frames: u64,
}

impl Sizes {
    fn ds64(&self) -> Vec<u8> {
        let all = [self.riff, self.data, self.frames];
        all.iter().flat_map(|size| size.to_le_bytes()).collect()
    }
}
