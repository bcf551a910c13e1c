//! Sealing a file that lies plain, as version 0.1 left takes: `X` becomes `X.age`, which only the
//! participant's key opens.
//!
//! Guarantees: the sealed file is written under a temporary name and synced, then read back, from
//! the medium where the kernel drops its pages. It gets its name only if every byte is the one that
//! was written and its length is the one that the age format gives for the plain bytes. Only then
//! is the plain file removed. So `X.age` is whole whenever it is there, and a kill at any moment
//! leaves `X` or `X.age`. That it opens is not verified: the box has no private half. It is done in
//! pieces of one chunk, which is all that is held in memory.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::erase::Erasing;
use super::operator::{PrivateKey, Recipient};
use super::stream::{CHUNK_BYTES, Stream, header_bytes, payload_bytes};
use crate::files::small;
use crate::rt;

/// The first bytes of a file that stock `age` writes.
pub const MAGIC: &[u8] = b"age-encryption.org/v1\n";
/// The longest header that is searched for.
const MOST_HEADER_BYTES: u64 = 64 * 1024;

/// Why a file is not sealed or not opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A file cannot be read or written.
    #[error("{what} {}: {source}", path.display())]
    File {
        /// What was being done.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The sealed bytes are not those that were written; the plain file is kept.
    #[error("sealed {}: reads back otherwise than written; the plain file is kept, check the disk", .0.display())]
    Differs(PathBuf),
    /// A sealed file does not open.
    #[error("open {}: {reason}", path.display())]
    Closed {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
}

impl SealError {
    fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SealError {
        move |source| SealError::File {
            what,
            path: path.to_owned(),
            source,
        }
    }
}

/// The name of the sealed file of `plain`.
#[must_use]
pub fn sealed_name(plain: &Path) -> PathBuf {
    let mut name = plain.as_os_str().to_owned();
    name.push(".age");
    PathBuf::from(name)
}

/// Whether a file begins as stock `age` writes it.
#[must_use]
pub fn is_sealed(path: &Path) -> bool {
    let mut head = Vec::new();
    let file = small::open(path).ok().flatten();
    let read = file.map(|file| file.take(MAGIC.len() as u64).read_to_end(&mut head));
    read.is_some() && head == MAGIC
}

/// A file that is being sealed, piece by piece.
pub struct Sealing {
    plain: PathBuf,
    sealed: PathBuf,
    discards: bool,
    state: State,
}

/// How far it is.
enum State {
    Begun(Box<Recipient>),
    Writing {
        from: File,
        to: File,
        stream: Stream,
        written: Written,
    },
    Verifying {
        file: File,
        written: Written,
        start: Vec<u8>,
        found: Written,
    },
    /// It has its name: what is plain goes.
    Sealed,
    Erasing(Erasing),
    Done,
}

/// Bytes that passed: how many of them were plain, how many there were, and their hash.
#[derive(Clone, Default)]
struct Written {
    plain_bytes: u64,
    bytes: u64,
    hash: Sha256,
}

impl Written {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hash.update(bytes);
    }
}

impl Sealing {
    /// Of `plain`, to `recipient`; `discards` is what [`super::erase::discards`] gives for its disk. If a kill
    /// interrupted it, sealing begins again.
    #[must_use]
    pub fn of(plain: &Path, recipient: Recipient, discards: bool) -> Sealing {
        Sealing {
            plain: plain.to_owned(),
            sealed: sealed_name(plain),
            discards,
            state: State::Begun(Box::new(recipient)),
        }
    }

    /// Does a piece of it; true once the plain file is gone.
    ///
    /// # Errors
    /// [`SealError`]; the plain file is still there, unless removing it failed.
    pub fn step(&mut self) -> Result<bool, SealError> {
        let temporary = small::temporary(&self.sealed);
        let state = std::mem::replace(&mut self.state, State::Done);
        match self.go_on(state, &temporary) {
            Ok(state) => {
                self.state = state;
                Ok(matches!(self.state, State::Done))
            }
            Err(error) => {
                let _ = small::remove(&temporary);
                Err(error)
            }
        }
    }

    fn go_on(&self, state: State, temporary: &Path) -> Result<State, SealError> {
        match state {
            State::Begun(recipient) => self.begin(&recipient, temporary),
            State::Writing {
                from,
                to,
                stream,
                written,
            } => self.write(from, to, stream, written, temporary),
            State::Verifying {
                mut file,
                written,
                mut start,
                mut found,
            } => {
                let failed = SealError::file("read back", temporary);
                if read(&mut file, &mut start, &mut found).map_err(failed)? {
                    return Ok(State::Verifying {
                        file,
                        written,
                        start,
                        found,
                    });
                }
                if !is_same(&written, &start, &found) {
                    return Err(SealError::Differs(temporary.to_owned()));
                }
                fs::rename(temporary, &self.sealed)
                    .and_then(|()| small::sync_folder(&self.sealed))
                    .map_err(SealError::file("rename", temporary))?;
                Ok(State::Sealed)
            }
            State::Sealed => Ok(State::Erasing(Erasing::of(&self.plain, self.discards))),
            State::Erasing(mut erasing) => {
                let failed = || SealError::file("remove", &self.plain);
                if erasing.step().map_err(failed())?.is_none() {
                    return Ok(State::Erasing(erasing));
                }
                small::sync_folder(&self.plain).map_err(failed())?;
                Ok(State::Done)
            }
            State::Done => Ok(State::Done),
        }
    }

    fn begin(&self, recipient: &Recipient, temporary: &Path) -> Result<State, SealError> {
        // A sealed file with its final name was verified: only the removal is left, and it may have
        // begun to overwrite the plain bytes. Any other is a damaged copy, and the plain file is
        // whole.
        let is_done = is_sealed_of(&self.sealed, &self.plain);
        if is_done.map_err(SealError::file("read", &self.sealed))? {
            return Ok(State::Sealed);
        }
        let from = File::open(&self.plain).map_err(SealError::file("open", &self.plain))?;
        let to = File::create(temporary).map_err(SealError::file("write", temporary))?;
        let stream = Stream::to(recipient).map_err(SealError::file("write", temporary))?;
        Ok(State::Writing {
            from,
            to,
            stream,
            written: Written::default(),
        })
    }

    fn write(
        &self,
        mut from: File,
        mut to: File,
        mut stream: Stream,
        mut written: Written,
        temporary: &Path,
    ) -> Result<State, SealError> {
        let failed = || SealError::file("write", temporary);
        let mut chunk = vec![0; CHUNK_BYTES as usize];
        let length = from.read(&mut chunk);
        let length = length.map_err(SealError::file("read", &self.plain))?;
        let mut sealed = Vec::new();
        written.plain_bytes += length as u64;
        if length > 0 {
            let done = stream.write(&chunk[..length], &mut sealed);
            done.and_then(|()| to.write_all(&sealed))
                .map_err(failed())?;
            written.add(&sealed);
            return Ok(State::Writing {
                from,
                to,
                stream,
                written,
            });
        }
        let done = stream.finish(&mut sealed);
        done.and_then(|()| to.write_all(&sealed))
            .and_then(|()| to.sync_all())
            .map_err(failed())?;
        written.add(&sealed);
        let file = File::open(temporary).map_err(SealError::file("read back", temporary))?;
        rt::let_go_of_pages(&file);
        Ok(State::Verifying {
            file,
            written,
            start: Vec::new(),
            found: Written::default(),
        })
    }
}

/// Reads a piece; false at the end.
fn read(file: &mut File, start: &mut Vec<u8>, found: &mut Written) -> io::Result<bool> {
    let mut chunk = vec![0; CHUNK_BYTES as usize];
    let length = file.read(&mut chunk)?;
    if found.bytes < MOST_HEADER_BYTES {
        start.extend_from_slice(&chunk[..length]);
    }
    found.add(&chunk[..length]);
    Ok(length > 0)
}

/// Whether what was read back is what was written.
fn is_same(written: &Written, start: &[u8], found: &Written) -> bool {
    let expected = header_bytes(start).map(|header| header + payload_bytes(written.plain_bytes));
    let hash = |of: &Written| of.hash.clone().finalize();
    expected == Some(found.bytes) && hash(found) == hash(written)
}

/// Whether `sealed` is there, is an age file, and has the length that `plain` needs; a plain file
/// that is being overwritten keeps its length.
fn is_sealed_of(sealed: &Path, plain: &Path) -> io::Result<bool> {
    let file = match File::open(sealed) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    let bytes = file.metadata()?.len();
    let mut start = Vec::new();
    file.take(MOST_HEADER_BYTES).read_to_end(&mut start)?;
    let header = header_bytes(&start).filter(|_| start.starts_with(b"age-encryption.org/v1\n"));
    let plain_bytes = match fs::metadata(plain) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        plain => plain?.len(),
    };
    let expected = payload_bytes(plain_bytes);
    Ok(header.is_some_and(|header| header + expected == bytes))
}

/// Opens a sealed file with one of `keys`; its plain bytes can be read and sought.
///
/// # Errors
/// None of `keys` opens it, or it is damaged.
pub fn open(path: &Path, keys: &[PrivateKey]) -> Result<impl Read + Seek + use<>, SealError> {
    let closed = |error: &dyn std::fmt::Display| SealError::Closed {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let file = File::open(path).map_err(SealError::file("open", path))?;
    let opener = age::Decryptor::new_buffered(BufReader::new(file)).map_err(|e| closed(&e))?;
    let all = keys.iter().map(|one| one as &dyn age::Identity);
    opener.decrypt(all).map_err(|error| closed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(plain: &Path, recipient: Recipient) -> Result<PathBuf, SealError> {
        let mut sealing = Sealing::of(plain, recipient, false);
        while !sealing.step()? {}
        Ok(sealing.sealed)
    }

    fn sealed(bytes: &[u8]) -> (tempfile::TempDir, PathBuf, PrivateKey) {
        let dir = tempfile::tempdir().expect("a folder");
        let plain = dir.path().join("take-0001.rf64");
        fs::write(&plain, bytes).expect("written");
        let key = PrivateKey::generate();
        let sealed = seal(&plain, key.to_public()).expect("sealed");
        assert_eq!(
            small::names(dir.path()).expect("names"),
            ["take-0001.rf64.age"]
        );
        (dir, sealed, key)
    }

    #[test]
    fn every_length_around_a_chunk_opens_to_its_bytes() {
        for length in [0, 1, 65_535, 65_536, 65_537, 200_000] {
            let bytes: Vec<u8> = (0..length).map(|n: u32| (n % 251) as u8).collect();
            let (_dir, path, key) = sealed(&bytes);
            let mut back = Vec::new();
            let mut reader = open(&path, &[key]).expect("opened");
            reader.read_to_end(&mut back).expect("read");
            assert!(back == bytes, "{length} bytes");
        }
    }

    #[test]
    fn a_broken_sealed_file_costs_no_voice_and_a_whole_one_is_kept() {
        for broken in ["", "garbage", "age-encryption.org/v1\n--- x\nshort"] {
            let dir = tempfile::tempdir().expect("a folder");
            let plain = dir.path().join("take-0001.rf64");
            fs::write(&plain, "voice").expect("written");
            fs::write(sealed_name(&plain), broken).expect("written");
            let key = PrivateKey::generate();
            let path = seal(&plain, key.to_public()).expect("sealed");
            let mut back = String::new();
            let mut reader = open(&path, &[key]).expect("opened");
            reader.read_to_string(&mut back).expect("read");
            assert_eq!(back, "voice");
        }
        // Killed while the plain bytes were overwritten.
        let (dir, path, key) = sealed(b"voice");
        let plain = dir.path().join("take-0001.rf64");
        fs::write(&plain, [0; 5]).expect("written");
        seal(&plain, key.to_public()).expect("removed");
        let mut back = String::new();
        let mut reader = open(&path, &[key]).expect("opened");
        reader.read_to_string(&mut back).expect("read");
        assert_eq!((back.as_str(), plain.exists()), ("voice", false));
    }

    #[test]
    fn another_key_opens_nothing() {
        let (_dir, path, _) = sealed(b"voice");
        assert!(open(&path, &[PrivateKey::generate()]).is_err());
    }

    #[test]
    fn bytes_that_read_back_differently_are_refused() {
        for damage in ["one is another", "one is missing"] {
            let dir = tempfile::tempdir().expect("a folder");
            let plain = dir.path().join("a");
            fs::write(&plain, b"voice").expect("written");
            let mut sealing = Sealing::of(&plain, PrivateKey::generate().to_public(), false);
            while !matches!(sealing.state, State::Verifying { .. }) {
                sealing.step().expect("written");
            }
            let temporary = small::temporary(&sealing.sealed);
            let mut bytes = fs::read(&temporary).expect("read");
            let last = bytes.pop().unwrap_or_default();
            if damage == "one is another" {
                bytes.push(last ^ 1);
            }
            fs::write(&temporary, &bytes).expect("damaged");
            let refused = loop {
                match sealing.step() {
                    Ok(is_done) => assert!(!is_done, "{damage}"),
                    Err(error) => break error,
                }
            };
            assert!(matches!(refused, SealError::Differs(_)), "{damage}");
            assert!(plain.exists() && !sealing.sealed.exists());
        }
    }

    #[test]
    fn a_removal_that_a_kill_prevented_is_done_by_the_next_call() {
        let (dir, path, key) = sealed(b"voice");
        let plain = dir.path().join("take-0001.rf64");
        fs::write(&plain, b"voice").expect("as if it were there still");
        let before = fs::read(&path).expect("read");
        seal(&plain, key.to_public()).expect("done");
        assert_eq!(fs::read(&path).expect("read"), before);
        assert!(!plain.exists());
    }
}
