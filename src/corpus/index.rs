//! Where lines begin: the byte offset of every 64th line, in a file next to the corpus.
//!
//! Guarantees: an index is used only for the file it was built from (size, times, hash of head and
//! tail) and only undamaged (hash of the offsets); it appears whole or not at all (temporary name,
//! sync, rename); looking a line up reads eight bytes of it. If none can be written, that is not an
//! error: it is then kept in memory. Never changes the corpus, nor a file that is not an index.
//!
//! Format, little endian: `MAGIC`, fields of `Header` in order, SHA-256 of all before; then
//! one u64 for each 64 lines.

mod header;

use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::whole::write_whole;
use header::{HEADER_BYTES, Header, MAGIC};
pub use header::{STRIDE, Stamp};

/// Bytes of the head and of the tail that are hashed to notice a changed corpus.
const PROBE_BYTES: u64 = 64 * 1024;
/// Bytes read at once while building; fits the second-level cache.
const BUILD_BYTES: usize = 256 * 1024;

/// Where the offsets are kept.
#[derive(Debug)]
enum Offsets {
    File(File, PathBuf),
    Memory(Vec<u64>),
}

/// The index of one corpus.
#[derive(Debug)]
pub struct Index {
    header: Header,
    offsets: Offsets,
}

impl Index {
    /// Takes the first index of `places` that belongs to `corpus`, or builds one in the first of
    /// them that can be written, else in memory. `first_byte` is 3 if there is a byte order mark.
    ///
    /// # Errors
    /// The corpus cannot be read.
    pub fn open_or_build(corpus: &File, first_byte: u64, places: &[PathBuf]) -> io::Result<Index> {
        let stamp = Stamp::of(&corpus.metadata()?);
        let probe_sha256 = probe(corpus, stamp.bytes())?;
        for place in places {
            if let Some(index) = Index::load(place)
                && index.header.stamp == stamp
                && index.header.probe_sha256 == probe_sha256
                && index.header.first_byte == first_byte
            {
                return Ok(index);
            }
        }
        Index::rebuild(corpus, first_byte, places)
    }

    /// Builds a new index, even if there is one.
    ///
    /// # Errors
    /// The corpus cannot be read.
    pub fn rebuild(corpus: &File, first_byte: u64, places: &[PathBuf]) -> io::Result<Index> {
        let stamp = Stamp::of(&corpus.metadata()?);
        let probe_sha256 = probe(corpus, stamp.bytes())?;
        let header = Header {
            stamp,
            first_byte,
            lines: 0,
            probe_sha256,
            corpus_sha256: [0; 32],
            offsets_sha256: [0; 32],
        };
        for place in places {
            match Index::build_file(corpus, header.clone(), place) {
                Ok(index) => return Ok(index),
                Err(e) => log::debug!("index {} cannot be written: {e}", place.display()),
            }
        }
        Index::build_in_memory(corpus, header)
    }

    /// Lines of the corpus.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.header.lines
    }

    /// What the corpus looked like when the index was built.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        self.header.stamp
    }

    /// SHA-256 of the whole corpus, once known.
    #[must_use]
    pub fn corpus_sha256(&self) -> Option<[u8; 32]> {
        (self.header.corpus_sha256 != [0; 32]).then_some(self.header.corpus_sha256)
    }

    /// The file the index is in; `None` if it is in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.offsets {
            Offsets::File(_, path) => Some(path),
            Offsets::Memory(_) => None,
        }
    }

    /// Where to begin for line `number` (from 1): a byte offset, and lines to pass over from there.
    ///
    /// # Errors
    /// The index cannot be read, or names a place outside the corpus.
    pub fn locate(&self, number: u64) -> io::Result<(u64, u64)> {
        let entry = (number - 1) / STRIDE;
        let offset = match &self.offsets {
            Offsets::Memory(offsets) => offsets.get(entry as usize).copied(),
            Offsets::File(file, _) => {
                let mut bytes = [0; 8];
                file.read_exact_at(&mut bytes, HEADER_BYTES as u64 + 8 * entry)?;
                Some(u64::from_le_bytes(bytes))
            }
        };
        match offset {
            Some(offset) if offset < self.header.stamp.bytes() => {
                Ok((offset, (number - 1) % STRIDE))
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Keeps the hash of the whole corpus with the index; a folder that became read-only only means
    /// that the next start does not know it.
    pub fn learn_corpus_sha256(&mut self, sha256: [u8; 32]) {
        self.header.corpus_sha256 = sha256;
        if let Offsets::File(file, path) = &self.offsets {
            let copied = write_index(path, |out| {
                out.write_all(&self.header.encode())?;
                let mut offset = HEADER_BYTES as u64;
                let mut buffer = [0; 8192];
                loop {
                    match file.read_at(&mut buffer, offset)? {
                        0 => return Ok(()),
                        bytes => {
                            out.write_all(&buffer[..bytes])?;
                            offset += bytes as u64;
                        }
                    }
                }
            });
            // A deleted file that is still open would prevent a read-only remount.
            match copied.and_then(|()| File::open(path)) {
                Ok(copy) => self.offsets = Offsets::File(copy, path.clone()),
                Err(e) => log::debug!("index {} cannot be written: {e}", path.display()),
            }
        }
    }

    fn load(path: &Path) -> Option<Index> {
        // A pipe must not even be opened: that waits for its other end.
        let metadata = fs::metadata(path).ok().filter(Metadata::is_file)?;
        let file = File::open(path).ok()?;
        let mut bytes = [0; HEADER_BYTES];
        file.read_exact_at(&mut bytes, 0).ok()?;
        let header = Header::decode(&bytes)?;
        let length = HEADER_BYTES as u64 + header.lines.div_ceil(STRIDE).checked_mul(8)?;
        // A damaged offset can be that of another line: only the hash shows it.
        let whole = metadata.len() == length
            && sha256_from(&file, HEADER_BYTES as u64).ok()? == header.offsets_sha256;
        whole.then(|| Index {
            header,
            offsets: Offsets::File(file, path.to_owned()),
        })
    }

    fn build_file(corpus: &File, mut header: Header, path: &Path) -> io::Result<Index> {
        write_index(path, |out| {
            out.write_all(&[0; HEADER_BYTES])?;
            let mut hash = Sha256::new();
            header.lines = scan(corpus, header.first_byte, header.stamp.bytes(), |offset| {
                hash.update(offset.to_le_bytes());
                out.write_all(&offset.to_le_bytes())
            })?;
            header.offsets_sha256 = hash.finalize().into();
            out.flush()?;
            out.get_ref().write_all_at(&header.encode(), 0)
        })?;
        Index::load(path).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn build_in_memory(corpus: &File, mut header: Header) -> io::Result<Index> {
        let mut offsets = Vec::new();
        header.lines = scan(corpus, header.first_byte, header.stamp.bytes(), |offset| {
            offsets.push(offset);
            Ok(())
        })?;
        Ok(Index {
            header,
            offsets: Offsets::Memory(offsets),
        })
    }
}

/// Whether `path` holds something that cannot be one of our indexes, whole or torn. A folder is not
/// counted, but it is never overwritten either.
pub(super) fn is_foreign(path: &Path) -> bool {
    let Ok(metadata) = fs::metadata(path) else {
        return false;
    };
    if !metadata.is_file() {
        return !metadata.is_dir();
    }
    let ours = &MAGIC[..MAGIC.len() - 1];
    let mut head = [0; MAGIC.len() - 1];
    let length = metadata.len().min(head.len() as u64) as usize;
    let read = File::open(path).and_then(|file| file.read_exact_at(&mut head[..length], 0));
    read.is_err() || !ours.starts_with(&head[..length])
}

/// [`write_whole`], but never over a file that something else put there meanwhile.
fn write_index(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    if is_foreign(path) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    write_whole(path, fill)
}

/// Hash of all bytes of `file` from `at` on.
pub(super) fn sha256_from(file: &File, mut at: u64) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; PROBE_BYTES as usize];
    loop {
        match file.read_at(&mut buffer, at) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(bytes) => {
                hash.update(&buffer[..bytes]);
                at += bytes as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Hash of the first and the last 64 KiB.
fn probe(corpus: &File, bytes: u64) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; PROBE_BYTES.min(bytes) as usize];
    for offset in [0, bytes.saturating_sub(PROBE_BYTES)] {
        corpus.read_exact_at(&mut buffer, offset)?;
        hash.update(&buffer);
    }
    Ok(hash.finalize().into())
}

/// Gives `keep` the offset of every 64th line's first byte, beginning with the first, and returns
/// the number of lines. Reads up to `end`, so that a file that grows meanwhile has an end.
fn scan(
    corpus: &File,
    first_byte: u64,
    end: u64,
    mut keep: impl FnMut(u64) -> io::Result<()>,
) -> io::Result<u64> {
    let mut buffer = vec![0; BUILD_BYTES];
    let (mut at, mut lines, mut last) = (first_byte, 0u64, b'\n');
    if at < end {
        keep(at)?;
    }
    while at < end {
        let wanted = (end - at).min(BUILD_BYTES as u64) as usize;
        let got = match corpus.read_at(&mut buffer[..wanted], at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(got) => got,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        for newline in memchr::memchr_iter(b'\n', &buffer[..got]) {
            lines += 1;
            let next = at + newline as u64 + 1;
            if lines.is_multiple_of(STRIDE) && next < end {
                keep(next)?;
            }
        }
        last = buffer[got - 1];
        at += got as u64;
    }
    Ok(lines + u64::from(last != b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(text: &str) -> (u64, Vec<u64>) {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("c.txt");
        fs::write(&path, text).expect("write");
        let index = Index::open_or_build(&File::open(&path).expect("open"), 0, &[]).expect("index");
        let Offsets::Memory(offsets) = index.offsets else {
            panic!("no place was given")
        };
        (index.header.lines, offsets)
    }

    #[test]
    fn every_line_is_counted_and_every_64th_kept() {
        assert_eq!(offsets("a"), (1, vec![0]));
        assert_eq!(offsets(&"ab\n".repeat(64)), (64, vec![0]));
        assert_eq!(offsets(&"ab\n".repeat(65)), (65, vec![0, 192]));
        assert_eq!(offsets(&("ab\n".repeat(64) + "c")), (65, vec![0, 192]));
    }
}
