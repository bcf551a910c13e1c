//! The text that is read aloud: a file of any size, any line of it by number.
//!
//! Guarantees: constant memory for a file of any length and for lines of any length; a changed file
//! is noticed, before it is opened and while it is open; a line that cannot be shown keeps its
//! number and says why. Never writes to the corpus; leaves no index for a corpus that is refused.

pub mod check;
mod error;
pub mod index;
mod line;
pub mod lines;
mod open;
pub mod order;
pub mod progress;
pub mod prompter;
mod read_file;
pub mod read_lines;
pub mod shape;
mod whole;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

pub use error::CorpusError;
use index::{Index, Stamp};
pub use line::{Line, Unusable};
use lines::{Found, LineReader};
use order::Shard;
use shape::Shape;

/// An open corpus.
#[derive(Debug)]
pub struct Corpus {
    path: PathBuf,
    file: File,
    first_byte: u64,
    places: Vec<PathBuf>,
    index: Index,
    shape: Option<Shape>,
}

impl Corpus {
    /// Lines, unusable ones too; never zero.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.index.lines()
    }

    /// Always false: an empty corpus is refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Refuses a shard without a line.
    ///
    /// # Errors
    /// [`CorpusError::EmptyShard`].
    pub fn refuse_empty_shard(&self, shard: Shard) -> Result<(), CorpusError> {
        if shard.lines_of(self.len()) > 0 {
            return Ok(());
        }
        Err(CorpusError::EmptyShard {
            path: self.path.clone(),
            lines: self.len(),
            shard,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What most of its lines look like, if that is no text nor `id<TAB>text`.
    #[must_use]
    pub fn shape(&self) -> Option<Shape> {
        self.shape
    }

    /// Where its index is; `None` if in memory.
    #[must_use]
    pub fn index_path(&self) -> Option<&Path> {
        self.index.path()
    }

    /// SHA-256 of the whole file in hexadecimal, once [`Corpus::learn_sha256`] or a check read it.
    #[must_use]
    pub fn sha256(&self) -> Option<String> {
        self.index.corpus_sha256().map(crate::words::hex::encode)
    }

    /// Line `number`, counted from 1.
    ///
    /// # Errors
    /// [`CorpusError::NoSuchLine`], [`CorpusError::Changed`], or the disk's.
    pub fn line(&self, number: u64) -> Result<Line, CorpusError> {
        if number == 0 || number > self.len() {
            return Err(CorpusError::NoSuchLine {
                path: self.path.clone(),
                number,
                lines: self.len(),
            });
        }
        self.refuse_changed()?;
        let line = match self.read_line(&self.index, number) {
            // The index was damaged since it was written. It can always be built again.
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                ) =>
            {
                Index::rebuild(&self.file, self.first_byte, &self.places)
                    .and_then(|index| self.read_line(&index, number))
            }
            other => other,
        };
        // Read first, check after: then all that was read is known to be from one state of the
        // file.
        self.refuse_changed()?;
        line.map_err(|source| self.read_error(source))
    }

    fn read_line(&self, index: &Index, number: u64) -> io::Result<Line> {
        let (offset, lines_before) = index.locate(number)?;
        let mut before = [b'\n'];
        if offset > self.first_byte {
            self.file.read_exact_at(&mut before, offset - 1)?;
        }
        if offset < self.first_byte || before != *b"\n" {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut reader = LineReader::new(&self.file, offset);
        let mut bytes = Vec::new();
        reader.skip(lines_before)?;
        match reader.next(&mut bytes)? {
            Found::End => Err(io::ErrorKind::InvalidData.into()),
            found => Ok(Line::found(number, found, &bytes)),
        }
    }

    /// Gives `see` every line in order, until it returns false.
    ///
    /// # Errors
    /// [`CorpusError::Changed`] or the disk's.
    pub fn each_line(&self, mut see: impl FnMut(&Line) -> bool) -> Result<(), CorpusError> {
        let mut reader = LineReader::new(&self.file, self.first_byte);
        let mut bytes = Vec::new();
        for number in 1..=self.len() {
            match reader.next(&mut bytes).map_err(|e| self.read_error(e))? {
                Found::End => break,
                found if !see(&Line::found(number, found, &bytes)) => return Ok(()),
                Found::Whole | Found::TooLong => {}
            }
        }
        self.refuse_changed()
    }

    /// Reads the whole file once, so that [`Corpus::sha256`] knows it, and keeps that in the index.
    /// A gigabyte takes seconds on a small board: call it in a thread that may wait.
    ///
    /// # Errors
    /// [`CorpusError::Changed`] or the disk's.
    pub fn learn_sha256(&mut self) -> Result<String, CorpusError> {
        if let Some(known) = self.sha256() {
            return Ok(known);
        }
        let sha256 = index::sha256_from(&self.file, 0).map_err(|e| self.read_error(e))?;
        self.refuse_changed()?;
        self.index.learn_corpus_sha256(sha256);
        Ok(crate::words::hex::encode(sha256))
    }

    /// Whether the file of this name is still the one that was opened, unchanged.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let now = std::fs::metadata(&self.path);
        now.is_ok_and(|now| self.index.stamp().same_content(&Stamp::of(&now)))
    }

    fn refuse_changed(&self) -> Result<(), CorpusError> {
        let now = self.file.metadata().map_err(|e| self.read_error(e))?;
        if self.index.stamp().same_content(&Stamp::of(&now)) {
            Ok(())
        } else {
            Err(CorpusError::Changed(self.path.clone()))
        }
    }

    fn read_error(&self, source: io::Error) -> CorpusError {
        CorpusError::Read {
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn corpus(bytes: &[u8]) -> (tempfile::TempDir, Result<Corpus, CorpusError>) {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("c.txt");
        fs::write(&path, bytes).expect("write");
        let corpus = Corpus::open(&path, None);
        (dir, corpus)
    }

    fn text(line: Result<Line, CorpusError>) -> Result<String, Unusable> {
        line.expect("line").text
    }

    #[test]
    fn lines_come_by_number_whatever_ends_them() {
        let (_dir, opened) = corpus(b"\xef\xbb\xbfone\r\n\nid7\tthree\n\xff\nfive");
        let c = opened.expect("corpus");
        assert_eq!(c.len(), 5);
        assert_eq!(text(c.line(1)), Ok("one".into()));
        assert_eq!(text(c.line(2)), Err(Unusable::Empty));
        assert_eq!(c.line(3).expect("line").id.as_deref(), Some("id7"));
        assert_eq!(text(c.line(3)), Ok("three".into()));
        assert_eq!(text(c.line(4)), Err(Unusable::NotUtf8(1)));
        assert_eq!(text(c.line(5)), Ok("five".into()));
        assert!(matches!(c.line(0), Err(CorpusError::NoSuchLine { .. })));
        assert!(matches!(c.line(6), Err(CorpusError::NoSuchLine { .. })));
    }

    #[test]
    fn every_line_is_found_through_the_index_on_disk() {
        let body: String = (1..=1000)
            .map(|n| format!("{}{n}\n", "x".repeat(n % 90)))
            .collect();
        let (dir, opened) = corpus(body.as_bytes());
        drop(opened);
        let c = Corpus::open(&dir.path().join("c.txt"), None).expect("again");
        assert_eq!(
            c.index_path(),
            Some(dir.path().join("c.txt.index").as_path())
        );
        for (n, line) in (1..).zip(body.lines()) {
            assert_eq!(text(c.line(n)), Ok(line.into()));
        }
    }

    #[test]
    fn a_refused_corpus_leaves_no_index() {
        for bytes in [
            &b""[..],
            b"\xef\xbb\xbf",
            b"\n\r\n  \n",
            b"\xff\n\xfe",
            b"id\t\n",
            b"\xe2\x80\x8b\n\x1b\n",
            b"One.\rTwo.\rThree.\r",
            b"A\0 \0l\0i\0n\0e\0\n\0B\0\n\0",
            b"\0A\0\n\0B\0\n",
            b"\xff\xfeA\0\n\0",
            b"\xfe\xff\0A\0\n",
            b"\x7fELF\x02\0\0\nluck\n\xd0\n\xf1\0\n",
        ] {
            let (dir, opened) = corpus(bytes);
            assert!(opened.is_err());
            assert_eq!(fs::read_dir(dir.path()).expect("folder").count(), 1);
        }
    }

    #[test]
    fn a_torn_or_damaged_index_is_rebuilt() {
        let body = "line of text\n".repeat(500);
        let (dir, opened) = corpus(body.as_bytes());
        drop(opened);
        let (path, index) = (dir.path().join("c.txt"), dir.path().join("c.txt.index"));
        let good = fs::read(&index).expect("index");
        let mut wrong_offset = good.clone();
        *wrong_offset.last_mut().expect("bytes") ^= 0x40;
        let mut shifted = good.clone();
        let at = shifted.len() - 8;
        shifted[at] ^= 1;
        for bad in [
            &good[..good.len() - 1],
            &good[..20],
            b"",
            &wrong_offset,
            &shifted,
        ] {
            fs::write(&index, bad).expect("damage");
            let c = Corpus::open(&path, None).expect("open");
            assert_eq!(text(c.line(500)), Ok("line of text".into()));
            assert_eq!(fs::read(&index).expect("index"), good);
        }
    }

    #[test]
    fn a_file_of_somebody_else_is_not_taken_for_an_index_nor_overwritten() {
        let (dir, opened) = corpus(b"one\ntwo\n");
        let c = opened.expect("corpus");
        let (path, index) = (dir.path().join("c.txt"), dir.path().join("c.txt.index"));
        for foreign in [&b"not mine"[..], b"B\n", b"BOOTHIY\x01"] {
            fs::write(&index, foreign).expect("write");
            let opened = Corpus::open(&path, None);
            let refusal = opened.expect_err("refused").to_string();
            assert!(refusal.contains("c.txt.index"), "{refusal}");
            assert_eq!(text(c.line(2)), Ok("two".into()));
            assert_eq!(fs::read(&index).expect("kept"), foreign);
        }
    }

    #[test]
    fn an_index_that_cannot_stand_beside_the_corpus_stands_in_the_data_folder() {
        let (dir, data) = (
            tempfile::tempdir().expect("dir"),
            tempfile::tempdir().expect("dir"),
        );
        let path = dir.path().join("c.txt");
        fs::write(&path, "one\ntwo\n").expect("write");
        // A folder with that name is in the way, even for root.
        fs::create_dir(dir.path().join("c.txt.index")).expect("folder");
        for _ in ["built", "used"] {
            let c = Corpus::open(&path, Some(data.path())).expect("corpus");
            assert!(
                c.index_path()
                    .is_some_and(|index| index.starts_with(data.path()))
            );
            assert_eq!(text(c.line(2)), Ok("two".into()));
        }
        let c = Corpus::open(&path, Some(Path::new("/nonexistent"))).expect("corpus");
        assert_eq!((c.index_path(), text(c.line(1))), (None, Ok("one".into())));
    }

    #[test]
    fn what_a_killed_build_left_is_swept() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("c.txt");
        fs::write(&path, "one\n").expect("write");
        // No process has this number: the kernel's limit is 4194304.
        fs::write(dir.path().join("c.txt.index.tmp-4194305-0"), "half").expect("write");
        fs::write(dir.path().join("c.txt.index.tmp-mine"), "not ours").expect("write");
        Corpus::open(&path, None).expect("corpus");
        assert!(!dir.path().join("c.txt.index.tmp-4194305-0").exists());
        assert!(dir.path().join("c.txt.index.tmp-mine").exists());
    }

    #[test]
    fn a_changed_corpus_is_noticed() {
        let (dir, opened) = corpus(b"one\ntwo\n");
        let c = opened.expect("corpus");
        let path = dir.path().join("c.txt");
        fs::write(&path, "one\ntwo\nthree\n").expect("change");
        assert!(matches!(c.line(1), Err(CorpusError::Changed(_))));
        assert_eq!(Corpus::open(&path, None).expect("again").len(), 3);
    }

    #[test]
    fn a_replaced_corpus_is_read_to_its_end_and_the_new_one_next_time() {
        let (dir, opened) = corpus(b"one\ntwo\n");
        let (c, new) = (opened.expect("corpus"), dir.path().join("new"));
        fs::write(&new, "uno\n").expect("write");
        fs::rename(&new, dir.path().join("c.txt")).expect("replace");
        assert_eq!(text(c.line(2)), Ok("two".into()));
        assert_eq!(
            Corpus::open(&dir.path().join("c.txt"), None)
                .expect("again")
                .len(),
            1
        );
    }

    #[test]
    fn the_hash_is_kept_with_the_index() {
        let (dir, opened) = corpus(b"one\n");
        let mut c = opened.expect("corpus");
        assert_eq!(c.sha256(), None);
        let sha256 = c.learn_sha256().expect("hash");
        assert!(
            sha256.starts_with("2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806")
        );
        let again = Corpus::open(&dir.path().join("c.txt"), None).expect("again");
        assert_eq!(again.sha256(), Some(sha256));
    }
}
