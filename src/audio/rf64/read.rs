//! Reads the headers of our own files and of plain RIFF WAVE; never reads more than the chunk
//! heads.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::Error;
use super::chunks::{self, BOOTH};
use super::header::{ALIGNMENT, Header};
use crate::words::{Format, Spec};

/// How many chunks are read to find `data`; no recorder writes a file with more.
const MOST_CHUNKS: usize = 64;
/// The size field of a chunk whose true size is in ds64.
const IN_DS64: u64 = u32::MAX as u64;
/// The largest header this program writes: 64 names of reasonable length fit many times over.
const MOST_HEADER_BYTES: u64 = 1 << 24;
/// The longest iXML chunk in which this program looks for its own element.
const MOST_IXML_BYTES: u64 = 1 << 20;
/// What bext of a file without a session says in version 0.1, which knew no `<BOOTH>` there.
const ORIGINATORS: [&[u8]; 2] = [b"booth\0", b"booth record\0"];

/// What a header says, and what the file's length says.
#[derive(Clone, Debug)]
pub struct Info {
    /// As stored.
    pub spec: Spec,
    /// The offset of the first sample.
    pub data_start: u64,
    /// Bytes of samples that the header claims.
    pub data_bytes: u64,
    /// Frames that ds64 gives in addition to those bytes; 0 in plain RIFF.
    pub counted_frames: u64,
    /// Bytes of the whole file that the header claims.
    pub claimed_length: u64,
    /// Bytes of the file.
    pub file_length: u64,
    /// bext time reference; 0 without bext.
    pub time_reference: u64,
    /// The text of the iXML element `<BOOTH>`; `None` if there is no such element.
    pub booth: Option<String>,
    /// Written by this program: its layout to the byte, and its own element.
    pub ours: bool,
}

impl Info {
    /// Whole frames that the header claims.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.data_bytes / (self.spec.frame_bytes() as u64).max(1)
    }

    /// The header claims more than is there: the file was cut, or is one that was sealed while it was
    /// written, whose header never says its length.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        self.data_start.saturating_add(self.data_bytes) > self.file_length
    }

    /// Bytes of whole frames that the header claims and that are there.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        let there = self.file_length.saturating_sub(self.data_start);
        let held = self.data_bytes.min(there);
        held - held % (self.spec.frame_bytes() as u64).max(1)
    }

    /// Header and length agree, and no damage to a count hides samples: other programs leave ds64's
    /// count of frames at 0, ours never does if any frame follows.
    #[must_use]
    pub fn healthy(&self) -> bool {
        let is_told = self.counted_frames > 0 || self.file_length == self.data_start;
        self.claimed_length == self.file_length && self.is_true() && (!self.ours || is_told)
    }

    /// What the header claims is there, and the samples are whole frames. In our own files the two
    /// counts of samples agree too.
    #[must_use]
    pub fn is_true(&self) -> bool {
        self.claimed_length <= self.file_length
            && self.data_end() <= self.file_length
            // Before the end there is no pad byte.
            && self.data_start.saturating_add(self.data_bytes) <= self.claimed_length
            && self
                .data_bytes
                .is_multiple_of(self.spec.frame_bytes() as u64)
            && (!self.ours || self.counted_frames == self.frames())
    }

    /// Where the samples that the header claims end, with their pad byte.
    #[must_use]
    pub fn data_end(&self) -> u64 {
        let padded = self.data_bytes.saturating_add(self.data_bytes % 2);
        self.data_start.saturating_add(padded)
    }
}

/// Reads the header of `file`, called `path` in messages.
///
/// # Errors
/// The system's, or what is malformed and at which byte.
pub fn info(file: &File, path: &Path) -> Result<Info, Error> {
    let length = file.metadata().map_err(Error::io("look at", path))?.len();
    info_of(length, |at, bytes| file.read_exact_at(bytes, at), path)
}

/// Like [`info`], for `length` bytes that `read_at` reads at an offset, for example from a sealed
/// file.
///
/// # Errors
/// Those of `read_at`, or what is malformed and at which byte.
pub fn info_of(
    length: u64,
    mut read_at: impl FnMut(u64, &mut [u8]) -> std::io::Result<()>,
    path: &Path,
) -> Result<Info, Error> {
    let bad = |reason: String| Error::Malformed {
        path: path.to_owned(),
        reason,
    };
    let mut read = |at: u64, bytes: &mut [u8]| match read_at(at, bytes) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(bad(format!("ends at byte {length} within its header")))
        }
        other => other.map_err(Error::io("read", path)),
    };
    let mut head = [0; 12];
    read(0, &mut head)?;
    let long = &head[..4] == b"RF64";
    if !(long || &head[..4] == b"RIFF") || &head[8..] != b"WAVE" {
        return Err(bad("is neither RF64 nor RIFF WAVE".into()));
    }
    let (mut riff, mut ds64_data, mut counted) = (u64::from(u32_at(&head, 4)), None, 0);
    let (mut spec, mut time_reference, mut junk_end, mut ds64_first) = (None, 0, 0, false);
    let (mut booth, mut is_named) = (None, false);
    let mut at = 12;
    for _ in 0..MOST_CHUNKS {
        let mut name = [0; 8];
        read(at, &mut name)?;
        let (size, body) = (u64::from(u32_at(&name, 4)), at + 8);
        match &name[..4] {
            b"ds64" if long && size >= 28 => {
                let mut sizes = [0; 28];
                read(body, &mut sizes)?;
                (riff, ds64_data) = (u64_at(&sizes, 0), Some(u64_at(&sizes, 8)));
                counted = u64_at(&sizes, 16);
                ds64_first = at == 12 && size == 28;
            }
            b"fmt " => {
                let mut bytes = [0; 40];
                let wanted = (size as usize).min(40);
                read(body, &mut bytes[..wanted])?;
                let found = format_of(&bytes[..wanted], long);
                spec = Some(found.map_err(|what| bad(format!("{what} `fmt ` at byte {at}")))?);
            }
            b"bext" if size >= 346 => {
                let mut bytes = [0; 346 - 256];
                read(body + 256, &mut bytes)?;
                is_named = ORIGINATORS.iter().any(|name| bytes.starts_with(name));
                time_reference = u64_at(&bytes, 338 - 256);
            }
            b"iXML" if booth.is_none() && size <= MOST_IXML_BYTES.min(length) => {
                let mut bytes = vec![0; size as usize];
                read(body, &mut bytes)?;
                booth = chunks::element(&String::from_utf8_lossy(&bytes), BOOTH);
            }
            b"JUNK" => junk_end = body + size,
            b"data" => {
                let spec = spec.ok_or_else(|| bad(format!("`data` at byte {at} before `fmt `")))?;
                if ds64_data.is_some_and(|bytes| ![IN_DS64, bytes].contains(&size)) {
                    return Err(bad(format!(
                        "`data` at byte {at} and ds64 contradict each other"
                    )));
                }
                let ours = ds64_first && junk_end == at && body % ALIGNMENT as u64 == 0;
                return Ok(Info {
                    spec,
                    data_start: body,
                    data_bytes: ds64_data.unwrap_or(size),
                    counted_frames: counted,
                    claimed_length: riff.saturating_add(8),
                    file_length: length,
                    time_reference,
                    ours: ours
                        && size == IN_DS64
                        && body <= MOST_HEADER_BYTES
                        && (booth.is_some() || is_named),
                    booth,
                });
            }
            _ => {}
        }
        at = body + size + size % 2;
    }
    Err(bad(format!(
        "no `data` among its first {MOST_CHUNKS} chunks"
    )))
}

/// The header of one of our own files, to be written again with other sizes.
pub(crate) fn header(file: &File, path: &Path, info: &Info) -> Result<Header, Error> {
    let mut bytes = vec![0; info.data_start as usize];
    file.read_exact_at(&mut bytes, 0)
        .map_err(Error::io("read", path))?;
    Ok(Header::existing(info.spec, bytes))
}

/// The shape that a `fmt ` chunk gives, or what is wrong with it. In an RF64 file its fields must
/// agree. Other programs often write a wrong byte rate into plain RIFF, and such files are only
/// ever read.
fn format_of(bytes: &[u8], long: bool) -> Result<Spec, &'static str> {
    if bytes.len() < 16 {
        return Err("unknown");
    }
    let mut tag = u16_at(bytes, 0);
    if tag == 0xfffe && bytes.len() >= 26 {
        tag = u16_at(bytes, 24);
    }
    let format = match (tag, u16_at(bytes, 14)) {
        (1, 16) => Format::S16Le,
        (1, 24) => Format::S24Packed,
        (1, 32) => Format::S32Le,
        (3, 32) => Format::FloatLe,
        _ => return Err("unknown"),
    };
    let spec = Spec {
        rate: u32_at(bytes, 4),
        channels: u16_at(bytes, 2),
        format,
    };
    let frame = usize::from(u16_at(bytes, 12));
    if spec.channels == 0 || spec.rate == 0 || spec.frame_bytes() != frame {
        Err("unknown")
    } else if long && u32_at(bytes, 8) != spec.bytes_per_second() {
        Err("contradictory")
    } else {
        Ok(spec)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
