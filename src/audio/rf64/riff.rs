//! The chunks of any RIFF, RF64 or BW64 WAVE file, whoever wrote it and whatever its samples are.
//!
//! Guarantees: reads the chunks' heads only, of any bytes; a header that other programs read is
//! never called wrong here.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// How many chunks are looked at.
const MOST_CHUNKS: usize = 1000;
/// The size field of a chunk whose true size is in ds64, or was never known.
pub const OPEN: u64 = u32::MAX as u64;

/// A chunk's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its name.
    pub name: [u8; 4],
    /// Where its bytes begin.
    pub body: u64,
    /// How many bytes it claims.
    pub size: u64,
}

impl Chunk {
    /// The chunk whose head is at `at`; `None` if there is none.
    ///
    /// # Errors
    /// The system's.
    pub fn at(file: &File, at: u64) -> io::Result<Option<Chunk>> {
        let mut head = [0; 8];
        if !fill(file, at, &mut head)? || !head[..4].iter().all(|c| (b' '..=b'~').contains(c)) {
            return Ok(None);
        }
        let mut name = [0; 4];
        name.copy_from_slice(&head[..4]);
        let size = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        Ok(Some(Chunk {
            name,
            body: at + 8,
            size: size.into(),
        }))
    }

    /// Where the chunk behind it begins.
    #[must_use]
    pub fn next(&self) -> u64 {
        let end = self.body.saturating_add(self.size);
        end.saturating_add(self.size % 2)
    }
}

/// A file up to its samples.
#[derive(Clone, Debug)]
pub struct Riff {
    /// `RIFF`, `RF64` or `BW64`.
    pub kind: [u8; 4],
    /// The chunks before `data`.
    pub before: Vec<Chunk>,
    /// `data`, with the size that counts.
    pub data: Chunk,
    /// Bytes of a frame, from `fmt `; 1 at least.
    pub frame_bytes: u64,
    /// Whether a frame has a constant number of bytes: PCM or float.
    pub is_linear: bool,
    /// Bytes of the file.
    pub length: u64,
}

impl Riff {
    /// Reads a file's head; `None` if it is no such file or has no samples.
    ///
    /// # Errors
    /// The system's.
    pub fn of(file: &File) -> io::Result<Option<Riff>> {
        let mut head = [0; 12];
        if !fill(file, 0, &mut head)? || !is_wave(&head) {
            return Ok(None);
        }
        let (mut before, mut at) = (Vec::new(), 12);
        for _ in 0..MOST_CHUNKS {
            let Some(chunk) = Chunk::at(file, at)? else {
                return Ok(None);
            };
            if &chunk.name == b"data" {
                let mut kind = [0; 4];
                kind.copy_from_slice(&head[..4]);
                return Riff::with(file, kind, before, chunk).map(Some);
            }
            before.push(chunk);
            at = chunk.next();
        }
        Ok(None)
    }

    fn with(file: &File, kind: [u8; 4], before: Vec<Chunk>, data: Chunk) -> io::Result<Riff> {
        let mut riff = Riff {
            kind,
            before,
            data,
            frame_bytes: 1,
            is_linear: false,
            length: file.metadata()?.len(),
        };
        let mut format = [0; 16];
        if let Some(chunk) = riff.chunk(b"fmt ", 16)
            && fill(file, chunk.body, &mut format)?
        {
            let field = |at: usize| u16::from_le_bytes([format[at], format[at + 1]]);
            riff.frame_bytes = u64::from(field(12)).max(1);
            riff.is_linear = [1, 3, 0xfffe].contains(&field(0));
        }
        let mut sizes = [0; 16];
        if data.size == OPEN
            && let Some(chunk) = riff.ds64()
            && fill(file, chunk.body, &mut sizes)?
        {
            let (_, size) = sizes.split_at(8);
            riff.data.size = u64::from_le_bytes(size.try_into().unwrap_or_default());
        }
        Ok(riff)
    }

    /// The first chunk of `name` before the samples, if it has `least` bytes.
    #[must_use]
    pub fn chunk(&self, name: &[u8; 4], least: u64) -> Option<Chunk> {
        let mut all = self.before.iter();
        all.find(|chunk| &chunk.name == name && chunk.size >= least)
            .copied()
    }

    /// The chunk of 64-bit sizes.
    #[must_use]
    pub fn ds64(&self) -> Option<Chunk> {
        let is_long = &self.kind != b"RIFF";
        self.chunk(b"ds64", 28).filter(|_| is_long)
    }

    /// Bytes behind the samples' head.
    #[must_use]
    pub fn there(&self) -> u64 {
        self.length.saturating_sub(self.data.body)
    }
}

/// Whether a file that begins with `head` is a WAVE file in one of the three forms.
#[must_use]
pub fn is_wave(head: &[u8]) -> bool {
    let is_known = |kind: &[u8]| [b"RIFF", b"RF64", b"BW64"].iter().any(|it| *it == kind);
    head.get(..4).is_some_and(is_known) && head.get(8..12) == Some(b"WAVE")
}

/// Fills `bytes` from `at`; false if the file ends before.
fn fill(file: &File, at: u64, bytes: &mut [u8]) -> io::Result<bool> {
    // What lies beyond is no offset for the kernel.
    if i64::try_from(at).is_err() {
        return Ok(false);
    }
    match file.read_exact_at(bytes, at) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}
