//! Opening a corpus: refuses what is not a text file, and finds a place for the index.
//!
//! Its first 64 KiB are read each time: they show what kind of file this is.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::index::{self, Index};
use super::lines::LineReader;
use super::shape::{Shape, Tally};
use super::{Corpus, CorpusError, Line, Unusable};

/// The byte order mark that some editors put before UTF-8 text.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// The marks of encodings that are not read, the longer first.
const MARKS: [(&[u8], &str); 4] = [
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
];
/// So much of a corpus shows what kind of file it is; reading a line of it must stay fast.
const LOOK_BYTES: u64 = 64 * 1024;
/// So much of it is looked at for a first line that can be shown; a longer one without any is known by
/// `booth corpus check` only.
const SEARCH_BYTES: u64 = 1 << 20;

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
        let mut head = [0; 4];
        let length = head.len().min(bytes as usize);
        file.read_exact_at(&mut head[..length], 0).map_err(read)?;
        let head = &head[..length];
        if let Some((_, encoding)) = MARKS.iter().find(|(mark, _)| head.starts_with(mark)) {
            return Err(CorpusError::Encoding(path.to_owned(), encoding));
        }
        let first_byte = if head.starts_with(BOM) {
            BOM.len() as u64
        } else {
            0
        };
        if bytes <= first_byte {
            return Err(CorpusError::Empty(path.to_owned()));
        }
        let shape = look(path, &file, first_byte, bytes)?;
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
            shape,
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

/// Looks at the beginning: refuses a short file of which no line can be shown, and one of which most
/// lines are no text; returns the shape of its lines.
fn look(path: &Path, file: &File, from: u64, bytes: u64) -> Result<Option<Shape>, CorpusError> {
    let (mut reader, mut line) = (LineReader::new(file, from), Vec::new());
    let mut seen = Beginning::default();
    while reader.offset() < bytes.min(seen.enough()) {
        let found = reader.next(&mut line).map_err(|source| CorpusError::Read {
            path: path.to_owned(),
            source,
        })?;
        seen.count(&Line::found(seen.lines + 1, found, &line));
    }
    match seen.refusal(path, reader.offset() >= bytes) {
        Some(refused) => Err(refused),
        None => Ok(seen.shapes.most()),
    }
}

/// The lines at the beginning of a file.
#[derive(Default)]
struct Beginning {
    lines: u64,
    usable: u64,
    /// Lines of which nothing is seen, and the first of them.
    blank: u64,
    first_blank: Option<(u64, Unusable)>,
    /// The first line that is no text.
    first_bad: Option<(u64, Unusable)>,
    shapes: Tally,
}

impl Beginning {
    /// Bytes to look at.
    fn enough(&self) -> u64 {
        if self.usable > 0 {
            LOOK_BYTES
        } else {
            SEARCH_BYTES
        }
    }

    fn count(&mut self, line: &Line) {
        self.lines += 1;
        self.shapes.count(line);
        match line.text {
            Ok(_) => self.usable += 1,
            Err(why @ (Unusable::Empty | Unusable::Invisible)) => {
                self.blank += 1;
                self.first_blank.get_or_insert((line.number, why));
            }
            Err(why) => {
                self.first_bad.get_or_insert((line.number, why));
            }
        }
    }

    /// Why the file is no corpus, if these are all its lines or not.
    fn refusal(&self, path: &Path, are_all: bool) -> Option<CorpusError> {
        let path = path.to_owned();
        if let Some((number, why)) = self.first_bad.or(self.first_blank)
            && self.usable == 0
            && are_all
        {
            return Some(CorpusError::NoUsableLine {
                path,
                lines: self.lines,
                number,
                why,
            });
        }
        let lines = self.lines - self.blank;
        let (number, why) = self.first_bad.filter(|_| self.usable * 2 < lines)?;
        Some(CorpusError::NoText {
            path,
            bad: lines - self.usable,
            lines,
            number,
            why,
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of lines of a file, or why it is refused.
    fn open(bytes: &[u8]) -> Result<u64, String> {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("c.txt");
        std::fs::write(&path, bytes).expect("write");
        let opened = Corpus::open(&path, None);
        opened
            .map(|corpus| corpus.len())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_that_is_mostly_no_text_is_refused_with_the_remedy_for_its_kind() {
        for (bytes, words) in [
            (&b"\xff\xfea\0\n\0"[..], "is UTF-16"),
            (b"\xff\xfe\0\0a\0\0\0", "is UTF-32"),
            (b"a\0b\0\n\0c\0\n\0", "iconv -f UTF-16LE"),
            (b"caf\xe9\nth\xe9\nnon\n", "2 of its first 3 lines"),
            (b"\nOne.\rTwo.\r", "(line 2 has a line break"),
            (b"One.\rTwo.", "tr '\\r' '\\n'"),
        ] {
            let refused = open(bytes).expect_err("refused");
            assert!(refused.contains(words), "{refused}");
        }
        // One line in another encoding is passed over.
        assert_eq!(open(b"caf\xe9\nnon\n\n\n"), Ok(4));
    }
}
