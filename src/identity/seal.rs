//! Sealing a file: `X` becomes `X.age`, which only the participant's key opens.
//!
//! Guarantees: the sealed file is written under a temporary name and synced, then read back, from
//! the medium where the kernel drops its pages. It gets its name only if every byte is the one that
//! was written and its length is the one that the age format gives for the plain bytes. Only then
//! is the plain file removed. So `X.age` is whole whenever it is there, and a kill at any moment
//! leaves `X` or `X.age`. That it opens is not verified: the box has no private half. No more than
//! one chunk is held in memory.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::erase;
use super::operator::{PrivateKey, Recipient};
use crate::files::small;
use crate::rt;

/// Plain bytes of an age chunk, and between two calls of the pacing function.
const CHUNK_BYTES: u64 = 64 * 1024;
/// Bytes that each chunk grows by.
const TAG_BYTES: u64 = 16;
/// Bytes between the header and the first chunk.
const NONCE_BYTES: u64 = 16;
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

/// Seals `plain` to `recipient` and removes it; `discards` is what [`erase::discards`] gives for
/// its disk. `pace` is called for every chunk and may sleep. If a kill interrupted it, sealing
/// begins again.
///
/// # Errors
/// [`SealError`]; the plain file is still there, unless removing it failed.
pub fn seal(
    plain: &Path,
    recipient: &Recipient,
    discards: bool,
    pace: &mut dyn FnMut(),
) -> Result<PathBuf, SealError> {
    let sealed = sealed_name(plain);
    // A sealed file with its final name was verified: only the removal is left, and it may have
    // begun to overwrite the plain bytes. Any other is a damaged copy, and the plain file is whole.
    if !is_sealed_of(&sealed, plain).map_err(SealError::file("read", &sealed))? {
        let temporary = small::temporary(&sealed);
        let written = write(plain, &temporary, recipient, pace);
        let verified = written.and_then(|written| verify(&temporary, &written, pace));
        if let Err(error) = verified {
            let _ = small::remove(&temporary);
            return Err(error);
        }
        fs::rename(&temporary, &sealed)
            .and_then(|()| small::sync_folder(&sealed))
            .map_err(SealError::file("rename", &temporary))?;
    }
    erase::file(plain, discards, pace).map_err(SealError::file("remove", plain))?;
    small::sync_folder(plain).map_err(SealError::file("remove", plain))?;
    Ok(sealed)
}

/// What was written.
struct Written {
    plain_bytes: u64,
    hash: Sha256,
}

/// Hashes the bytes that pass through.
struct Hashing<W> {
    to: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn write(
    plain: &Path,
    to: &Path,
    recipient: &Recipient,
    pace: &mut dyn FnMut(),
) -> Result<Written, SealError> {
    let mut from = File::open(plain).map_err(SealError::file("open", plain))?;
    let failed = || SealError::file("write", to);
    let file = File::create(to).map_err(failed())?;
    let hashing = Hashing {
        to: file,
        hash: Sha256::new(),
    };
    let recipients = std::iter::once(recipient as &dyn age::Recipient);
    let sealer = age::Encryptor::with_recipients(recipients)
        .map_err(io::Error::other)
        .map_err(failed())?;
    let buffered = BufWriter::with_capacity(CHUNK_BYTES as usize, hashing);
    let mut writer = sealer.wrap_output(buffered).map_err(failed())?;
    let mut chunk = vec![0; CHUNK_BYTES as usize];
    let mut plain_bytes = 0;
    loop {
        let length = from
            .read(&mut chunk)
            .map_err(SealError::file("read", plain))?;
        if length == 0 {
            break;
        }
        writer.write_all(&chunk[..length]).map_err(failed())?;
        plain_bytes += length as u64;
        pace();
    }
    let buffered = writer.finish().map_err(failed())?;
    let hashing = buffered
        .into_inner()
        .map_err(|error| error.into_error())
        .map_err(failed())?;
    hashing.to.sync_all().map_err(failed())?;
    Ok(Written {
        plain_bytes,
        hash: hashing.hash,
    })
}

fn verify(path: &Path, written: &Written, pace: &mut dyn FnMut()) -> Result<(), SealError> {
    let failed = || SealError::file("read back", path);
    let mut file = File::open(path).map_err(failed())?;
    rt::let_go_of_pages(&file);
    let mut hash = Sha256::new();
    let mut start = Vec::new();
    let mut chunk = vec![0; CHUNK_BYTES as usize];
    let mut bytes = 0;
    loop {
        let length = file.read(&mut chunk).map_err(failed())?;
        if length == 0 {
            break;
        }
        if bytes < MOST_HEADER_BYTES {
            start.extend_from_slice(&chunk[..length]);
        }
        bytes += length as u64;
        hash.update(&chunk[..length]);
        pace();
    }
    let expected = header_bytes(&start).map(|header| header + payload_bytes(written.plain_bytes));
    if expected == Some(bytes) && hash.finalize() == written.hash.clone().finalize() {
        Ok(())
    } else {
        Err(SealError::Differs(path.to_owned()))
    }
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

/// Length of an age header: up to the end of the line that begins with `--- `.
/// <https://c2sp.org/age>
fn header_bytes(start: &[u8]) -> Option<u64> {
    let mac = start.windows(5).position(|bytes| bytes == b"\n--- ")? + 1;
    let end = start[mac..].iter().position(|byte| *byte == b'\n')?;
    Some((mac + end + 1) as u64)
}

/// Length of an age payload: nonce, then chunks, of which there is always one.
fn payload_bytes(plain_bytes: u64) -> u64 {
    NONCE_BYTES + plain_bytes + plain_bytes.div_ceil(CHUNK_BYTES).max(1) * TAG_BYTES
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

    fn sealed(bytes: &[u8]) -> (tempfile::TempDir, PathBuf, PrivateKey) {
        let dir = tempfile::tempdir().expect("a folder");
        let plain = dir.path().join("take-0001.rf64");
        fs::write(&plain, bytes).expect("written");
        let key = PrivateKey::generate();
        let sealed = seal(&plain, &key.to_public(), false, &mut || {}).expect("sealed");
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
            let path = seal(&plain, &key.to_public(), false, &mut || {}).expect("sealed");
            let mut back = String::new();
            let mut reader = open(&path, &[key]).expect("opened");
            reader.read_to_string(&mut back).expect("read");
            assert_eq!(back, "voice");
        }
        // Killed while the plain bytes were overwritten.
        let (dir, path, key) = sealed(b"voice");
        let plain = dir.path().join("take-0001.rf64");
        fs::write(&plain, [0; 5]).expect("written");
        seal(&plain, &key.to_public(), false, &mut || {}).expect("removed");
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
        let dir = tempfile::tempdir().expect("a folder");
        let (plain, to) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&plain, b"voice").expect("written");
        let recipient = PrivateKey::generate().to_public();
        let written = write(&plain, &to, &recipient, &mut || {}).expect("written");
        verify(&to, &written, &mut || {}).expect("the same");
        let mut bytes = fs::read(&to).expect("read");
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        fs::write(&to, &bytes).expect("damaged");
        assert!(verify(&to, &written, &mut || {}).is_err());
        bytes.pop();
        fs::write(&to, &bytes).expect("cut");
        assert!(verify(&to, &written, &mut || {}).is_err());
    }

    #[test]
    fn a_removal_that_a_kill_prevented_is_done_by_the_next_call() {
        let (dir, path, key) = sealed(b"voice");
        let plain = dir.path().join("take-0001.rf64");
        fs::write(&plain, b"voice").expect("as if it were there still");
        let before = fs::read(&path).expect("read");
        seal(&plain, &key.to_public(), false, &mut || {}).expect("done");
        assert_eq!(fs::read(&path).expect("read"), before);
        assert!(!plain.exists());
    }
}
