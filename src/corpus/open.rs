//! Opening a corpus: refuses what is not a text file, and finds a place for the index.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::index::{self, Index};
use super::lines::LineReader;
use super::{Corpus, CorpusError, Line, Unusable};

/// The byte order mark that some editors put before UTF-8 text.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// A corpus shorter than this is refused if none of its lines can be shown; a longer one is known
/// by `booth corpus check` only, since looking would read it whole.
const LOOK_BYTES: u64 = 1 << 20;

impl Corpus {
    /// Opens the corpus at `path`, building its index if there is none that fits. The index is next
    /// to the corpus; if that folder cannot be written, in `index_folder`; without one, in memory.
    ///
    /// # Errors
    /// See [`CorpusError`]; no index is left then.
    pub fn open(path: &Path, index_folder: Option<&Path>) -> Result<Corpus, CorpusError> {
        let file = open_file(path)?;
        let read = |source| CorpusError::Read {
            path: path.to_owned(),
            source,
        };
        let bytes = file.metadata().map_err(read)?.len();
        let mut head = [0; BOM.len()];
        let marked = bytes >= 3 && file.read_exact_at(&mut head, 0).is_ok() && head == *BOM;
        let first_byte = if marked { BOM.len() as u64 } else { 0 };
        if bytes <= first_byte {
            return Err(CorpusError::Empty(path.to_owned()));
        }
        refuse_unusable(path, &file, first_byte, bytes)?;
        let places = index_places(path, index_folder);
        if let Some(foreign) = places.iter().find(|place| index::is_foreign(place)) {
            return Err(CorpusError::NotAnIndex {
                path: path.to_owned(),
                index: foreign.clone(),
            });
        }
        let index = Index::open_or_build(&file, first_byte, &places).map_err(|e| {
            // The file became shorter while it was read.
            if e.kind() == io::ErrorKind::UnexpectedEof {
                CorpusError::Changed(path.to_owned())
            } else {
                read(e)
            }
        })?;
        let corpus = Corpus {
            path: path.to_owned(),
            file,
            first_byte,
            places,
            index,
        };
        corpus.refuse_changed()?;
        Ok(corpus)
    }
}

/// Opens a regular file. Without O_NONBLOCK a named pipe would make the booth wait for its writer.
fn open_file(path: &Path) -> Result<File, CorpusError> {
    let refuse = |source: io::Error| {
        let remedy = match source.kind() {
            io::ErrorKind::NotFound => "check the path (corpus.path in booth.toml)",
            io::ErrorKind::PermissionDenied => "give the booth's user read permission (chmod a+r)",
            _ => "check the path and the medium it is on",
        };
        CorpusError::Open {
            path: path.to_owned(),
            source,
            remedy,
        }
    };
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(refuse)?;
    let kind = file.metadata().map_err(refuse)?.file_type();
    if kind.is_dir() {
        Err(CorpusError::NotAFile(path.to_owned(), "a folder"))
    } else if !kind.is_file() {
        Err(CorpusError::NotAFile(path.to_owned(), "a device or a pipe"))
    } else {
        Ok(file)
    }
}

/// Refuses a short file if none of its lines can be shown.
fn refuse_unusable(path: &Path, file: &File, from: u64, bytes: u64) -> Result<(), CorpusError> {
    let read = |source| CorpusError::Read {
        path: path.to_owned(),
        source,
    };
    let (mut reader, mut line) = (LineReader::new(file, from), Vec::new());
    let (mut lines, mut first) = (0, Unusable::Empty);
    while reader.offset() < bytes.min(LOOK_BYTES) {
        let found = reader.next(&mut line).map_err(read)?;
        lines += 1;
        match Line::found(lines, found, &line).text {
            Ok(_) => return Ok(()),
            Err(why) if lines == 1 => first = why,
            Err(_) => {}
        }
    }
    if reader.offset() < bytes {
        return Ok(());
    }
    Err(CorpusError::NoUsableLine {
        path: path.to_owned(),
        lines,
        why: first,
    })
}

/// `FILE.index`, then a name in `folder` that no other corpus of the same name has.
fn index_places(path: &Path, folder: Option<&Path>) -> Vec<PathBuf> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".index");
    let mut places = vec![PathBuf::from(beside)];
    if let (Some(folder), Some(name)) = (folder, path.file_name()) {
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let hash = crate::words::hex::encode(Sha256::digest(whole.as_os_str().as_bytes()).into());
        let mut file = name.to_owned();
        file.push(format!("-{}.index", &hash[..12]));
        places.push(folder.join(file));
    }
    places
}
