//! A sealed file: an age file from its first byte on, whose plain text is an RF64 file.
//!
//! Guarantees: nothing plain is ever written. What lies on the disk is a prefix of one age stream, after
//! whatever refusal: sealed bytes are kept until they are synced and written again as they were. The
//! closing chunk has its room ahead, so that a full disk ends a take as a closed file.
//!
//! Chunk 0 is the RF64 header alone, so that samples begin at a constant place; it claims `ENDLESS`
//! bytes for ever, which readers of RF64 read to the file's end.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Held, Sink};
use crate::audio::rf64::header::Header;
use crate::audio::rf64::room::Room;
use crate::audio::rf64::{Error, Meta};
use crate::files::small;
use crate::identity::operator::Recipient;
use crate::identity::seal::sealed_name;
use crate::identity::stream::{self, CHUNK_BYTES, Stream};
use crate::recorder::Begin;
use crate::recorder::memory::Buffer;
use crate::rt;
use crate::words::{Gap, Spec, hex};

/// Bytes of samples that the header claims.
const ENDLESS: u64 = 1 << 40;

/// A place in the file up to which whole chunks reach, and the samples before it.
#[derive(Clone)]
struct Mark {
    /// Offset in the file.
    at: u64,
    /// Bytes of whole frames.
    bytes: u64,
    hash: Sha256,
}

/// A sealed file.
pub struct SealedSink {
    path: PathBuf,
    file: File,
    /// It has its name, and that is synced.
    is_placed: bool,
    room: Room,
    /// `None` once nothing more is sealed.
    stream: Option<Stream>,
    frame: u64,
    /// The age header.
    header: Vec<u8>,
    /// Bytes of samples taken in.
    bytes: u64,
    hash: Sha256,
    /// Where whole chunks end, from the last that is synced on.
    marks: VecDeque<Mark>,
    /// Bytes of the file that are synced.
    synced: u64,
    /// What follows them: whole chunks, until the closing one.
    pending: Vec<u8>,
    /// The disk let it come so far and no further: to the last of `marks` if it could not even be
    /// closed.
    cut: Option<Cut>,
}

/// How a file ends that a full disk cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// As every other: the room for its closing chunk was reserved.
    Closed,
    /// At a whole chunk: the file system cannot reserve.
    Torn,
}

impl SealedSink {
    /// Creates the file under its temporary name; `spec` as captured.
    ///
    /// # Errors
    /// The system's.
    pub fn create(spec: Spec, begin: &Begin, to: &Recipient) -> Result<SealedSink, Error> {
        let path = sealed_name(&begin.path);
        if path.exists() {
            let taken = io::ErrorKind::AlreadyExists;
            return Err(Error::io("create", &path)(taken.into()));
        }
        let spec = spec.stored();
        let frame = spec.frame_bytes() as u64;
        let mut pending = Vec::new();
        let sealed = Stream::to(to).and_then(|mut stream| {
            let plain = header(spec, &begin.meta).bytes(ENDLESS / frame * frame, 0);
            stream.write(&plain, &mut pending)?;
            Ok(stream)
        });
        let stream = sealed.map_err(Error::io("seal", &path))?;
        let start = stream::header_bytes(&pending).unwrap_or(0);
        let expected = begin.expected_frames.saturating_mul(frame);
        let expected = stream::payload_bytes(expected.saturating_add(CHUNK_BYTES));
        Ok(SealedSink {
            file: open_new(&small::temporary(&path))?,
            path,
            is_placed: false,
            room: Room::new(spec, start.saturating_add(expected)),
            stream: Some(stream),
            frame,
            header: pending[..start as usize].to_vec(),
            bytes: 0,
            hash: Sha256::new(),
            marks: VecDeque::new(),
            synced: 0,
            pending,
            cut: None,
        })
    }

    /// Where its bytes go now.
    fn name(&self) -> PathBuf {
        if self.is_placed {
            self.path.clone()
        } else {
            small::temporary(&self.path)
        }
    }

    /// Length of the closed file with so many bytes of samples.
    fn length(&self, bytes: u64) -> u64 {
        self.header.len() as u64 + stream::payload_bytes(CHUNK_BYTES + bytes)
    }

    /// Takes in samples up to the next chunk's end, or all; how many bytes.
    fn seal(&mut self, samples: &[u8]) -> io::Result<usize> {
        let in_chunk = self.bytes % CHUNK_BYTES;
        let length = samples.len().min((CHUNK_BYTES - in_chunk) as usize);
        let (part, ends) = (&samples[..length], in_chunk + length as u64 == CHUNK_BYTES);
        let torn = (self.bytes + length as u64) % self.frame;
        // The last frame of a chunk may go on in the next.
        let whole = length - torn as usize;
        self.hash.update(&part[..whole]);
        if ends {
            let bytes = self.bytes + length as u64;
            self.marks.push_back(Mark {
                at: self.length(bytes),
                bytes: bytes - torn,
                hash: self.hash.clone(),
            });
        }
        self.hash.update(&part[whole..]);
        self.bytes += length as u64;
        if let Some(stream) = &mut self.stream {
            stream.write(part, &mut self.pending)?;
        }
        Ok(length)
    }

    /// Writes the first `length` bytes of what is pending, and syncs them.
    fn write(&mut self, length: usize) -> Result<(), Error> {
        if length == 0 {
            return Ok(());
        }
        let end = self.synced + length as u64;
        self.room.keep_ahead(&self.file, &self.path, end);
        self.put(length)?;
        self.set_synced(length);
        Ok(())
    }

    fn put(&self, length: usize) -> Result<(), Error> {
        let name = self.name();
        self.file
            .write_all_at(&self.pending[..length], self.synced)
            .map_err(Error::io("write", &name))?;
        self.file.sync_data().map_err(Error::io("sync", &name))
    }

    fn set_synced(&mut self, length: usize) {
        self.pending.drain(..length);
        self.synced += length as u64;
        while self.marks.get(1).is_some_and(|mark| mark.at <= self.synced) {
            self.marks.pop_front();
        }
    }

    /// Chunk by chunk, as many as the disk takes.
    fn tear(&mut self) {
        self.stream = None;
        if !self.is_placed {
            self.marks.clear();
        }
        let there = self.synced + self.pending.len() as u64;
        let ends: Vec<u64> = self.marks.iter().map(|mark| mark.at).collect();
        for end in ends.into_iter().filter(|end| *end <= there) {
            let more = end.saturating_sub(self.synced) as usize;
            if self.write(more).is_err() {
                break;
            }
        }
        self.pending.clear();
        let _ = self.file.set_len(self.synced);
    }
}

/// The RF64 header, which fills chunk 0. Where its texts are too long for that they are left out: the
/// row has them.
fn header(spec: Spec, meta: &Meta) -> Header {
    let chunk = CHUNK_BYTES as usize;
    let header = Header::aligned(spec, meta, chunk);
    if header.data_start() == CHUNK_BYTES {
        return header;
    }
    let short = Meta {
        ixml: Vec::new(),
        booth: String::new(),
        ..meta.clone()
    };
    Header::aligned(spec, &short, chunk)
}

fn open_new(temporary: &Path) -> Result<File, Error> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(temporary)
        .map_err(Error::io("create", temporary))?;
    // The lock shows that it is being written. Not every file system has locks.
    let _ = file.try_lock();
    Ok(file)
}

impl Sink for SealedSink {
    /// Into memory; a disk that refuses is found at the next checkpoint.
    fn append(&mut self, samples: &mut Option<Buffer>) -> Result<(), Error> {
        let Some(bytes) = samples.as_ref().filter(|_| self.cut.is_none()) else {
            return Ok(());
        };
        let end = self.length(self.bytes + bytes.len() as u64);
        self.room
            .hold(&self.file, &self.path, end)
            .map_err(Error::io("write", &self.path))?;
        let mut at = 0;
        while at < bytes.len() {
            let sealed = self.seal(&bytes[at..]);
            at += sealed.map_err(Error::io("seal", &self.path))?;
        }
        *samples = None;
        Ok(())
    }

    fn unsynced(&self) -> usize {
        self.pending.len()
    }

    fn is_placed(&self) -> bool {
        self.is_placed
    }

    /// Writes chunk 0, which is sealed once a sample follows it.
    fn prepare(&mut self) -> Result<bool, Error> {
        if self.bytes == 0 || self.cut.is_some() {
            return Ok(false);
        }
        self.put(self.length(0) as usize)?;
        Ok(true)
    }

    fn place(&mut self) -> Result<(), Error> {
        // It has its name already where only the folder's sync failed.
        if !self.path.exists() {
            rt::rename_new(&small::temporary(&self.path), &self.path)
                .map_err(Error::io("create", &self.path))?;
        }
        small::sync_folder(&self.path).map_err(Error::io("create", &self.path))?;
        self.is_placed = true;
        self.set_synced(self.length(0) as usize);
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<(), Error> {
        if !self.is_placed || self.cut.is_some() {
            return Ok(());
        }
        self.write(self.pending.len())
    }

    fn reopen(&mut self) -> Result<(), Error> {
        if self.cut.is_some() {
            return Ok(());
        }
        if !self.is_placed && !self.path.exists() {
            // All of it is in memory.
            let temporary = small::temporary(&self.path);
            small::remove(&temporary).map_err(Error::io("remove", &temporary))?;
            self.file = open_new(&temporary)?;
            self.room.begin_again();
            return Ok(());
        }
        let path = &self.path;
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(Error::io("open again", path))?;
        let mut found = vec![0; self.header.len()];
        let read = file.read_exact_at(&mut found, 0);
        let length = read.and_then(|()| Ok(file.metadata()?.len()));
        let length = length.map_err(Error::io("read again", path))?;
        if found != self.header || length < self.synced {
            return Err(Error::Malformed {
                path: path.clone(),
                reason: "is not the take that was being written".into(),
            });
        }
        self.file = file;
        let _ = self.file.try_lock();
        Ok(())
    }

    fn finish(&mut self, _gaps: &[Gap]) -> Result<Held, Error> {
        if self.is_placed && self.cut != Some(Cut::Torn) {
            self.write(self.pending.len())?;
        }
        let torn = self.cut == Some(Cut::Torn);
        let (bytes, hash) = match self.marks.front() {
            Some(mark) if torn && mark.at <= self.synced => (mark.bytes, mark.hash.clone()),
            _ if torn => (0, Sha256::new()),
            _ => (self.bytes, self.hash.clone()),
        };
        let length = if torn {
            self.synced
        } else {
            self.length(bytes)
        };
        Ok(Held {
            frames: bytes / self.frame,
            samples_sha256: hex::encode(hash.finalize().into()),
            sealed_bytes: self.is_placed.then_some(length),
        })
    }

    fn close(&mut self) -> Result<(), Error> {
        if !self.is_placed {
            let temporary = small::temporary(&self.path);
            return small::remove(&temporary)
                .map(drop)
                .map_err(Error::io("remove", &temporary));
        }
        if let Some(stream) = self.stream.take() {
            stream
                .finish(&mut self.pending)
                .map_err(Error::io("seal", &self.path))?;
        }
        self.write(self.pending.len())?;
        // Frees what was reserved beyond the end.
        self.file
            .set_len(self.synced)
            .map_err(Error::io("finish", &self.path))
    }

    fn cut(&mut self) -> Result<(), Error> {
        let is_closed = self.is_placed && self.write(self.pending.len()).is_ok();
        self.cut = Some(if is_closed { Cut::Closed } else { Cut::Torn });
        if !is_closed {
            self.tear();
        }
        Ok(())
    }
}
