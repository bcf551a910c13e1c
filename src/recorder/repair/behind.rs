//! What stands behind the samples of a file and is no sound: padding of a copy, and chunks or tags
//! that other programs put there.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::audio::rf64::riff::Chunk;

/// How many chunks behind the samples are looked at.
const MOST_CHUNKS: usize = 1000;
/// Where chunks are looked for at the end of a file whose header does not tell where its samples
/// end: room for ten thousand gap marks.
const MOST_TAIL_BYTES: u64 = 1 << 20;
/// Bytes looked at in one go.
const PIECE_BYTES: u64 = 1 << 16;
/// The longest padding of one of our own files: a large cluster. What is silent for longer is sound.
pub const CLUSTER_BYTES: u64 = 1 << 20;
/// Chunks that programs put behind samples.
const NAMES: [&[u8; 4]; 19] = [
    b"LIST", b"cue ", b"id3 ", b"ID3 ", b"bext", b"iXML", b"axml", b"_PMX", b"smpl", b"inst",
    b"JUNK", b"junk", b"PAD ", b"FLLR", b"afsp", b"acid", b"plst", b"r64m", b"cart",
];

/// Whether nothing from `from` to the end at `length` is sound; up to `padding` zeros are none.
///
/// # Errors
/// The system's.
pub fn is_no_sound(file: &File, from: u64, length: u64, padding: u64) -> io::Result<bool> {
    let mut at = from;
    for _ in 0..MOST_CHUNKS {
        // The last chunk may lack its pad byte.
        if at >= length || is_padding(file, at, length, padding)? || is_tag(file, at, length)? {
            return Ok(true);
        }
        match Chunk::at(file, at)? {
            Some(chunk) if chunk.body.saturating_add(chunk.size) <= length => at = chunk.next(),
            _ => return Ok(false),
        }
    }
    Ok(false)
}

fn is_padding(file: &File, from: u64, length: u64, most: u64) -> io::Result<bool> {
    if length - from > most {
        return Ok(false);
    }
    let mut at = from;
    let mut piece = vec![0; PIECE_BYTES.min(length - from) as usize];
    while at < length {
        let bytes = &mut piece[..PIECE_BYTES.min(length - at) as usize];
        file.read_exact_at(bytes, at)?;
        if bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at += bytes.len() as u64;
    }
    Ok(true)
}

/// ID3 or APE tags, which are no chunks: <https://id3.org/ID3v1>
fn is_tag(file: &File, at: u64, length: u64) -> io::Result<bool> {
    let mut head = [0; 8];
    let bytes = (length - at).min(8) as usize;
    file.read_exact_at(&mut head[..bytes], at)?;
    let is_first = head.starts_with(b"TAG") && length - at == 128;
    Ok(is_first || head.starts_with(b"ID3") || &head == b"APETAGEX")
}

/// Where chunks begin that reach to the end of the file, not before `least`.
///
/// # Errors
/// The system's.
pub fn chunks_at_end(file: &File, least: u64, length: u64) -> io::Result<Option<u64>> {
    let from = length.saturating_sub(MOST_TAIL_BYTES).max(least);
    // Chunks begin at even offsets.
    let from = from + from % 2;
    let mut end = vec![0; length.saturating_sub(from) as usize];
    file.read_exact_at(&mut end, from)?;
    for (number, name) in end.windows(4).step_by(2).enumerate() {
        let at = from + 2 * number as u64;
        let is_known = NAMES.iter().any(|known| *known == name);
        if is_known && is_no_sound(file, at, length, CLUSTER_BYTES)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}
