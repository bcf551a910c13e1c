//! RF64 files: writing a take, and reading the header of our own files and of plain RIFF WAVE.
//!
//! Guarantees: a file appears under its final name together with a readable header; the header
//! never claims more than is synced; the same audio and description give the same bytes. Never
//! overwrites a file, never seeks, and writes no chunk after `data` before the end.

pub mod chunks;
pub mod header;
pub mod read;
pub mod riff;
pub mod room;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use self::header::{CHANGING_BYTES, Header};
use self::room::Room;
use crate::rt;
use crate::words::{Gap, Spec};

/// What failed while a file was read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused.
    #[error("cannot {verb} {}: {source}", path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The bytes are not a header that this program can read.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        reason: String,
    },
}

impl Error {
    /// The system's refusal to `verb` `path`; for `map_err`.
    pub(crate) fn io(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { verb, path, source }
    }

    /// True for a disk that turned read-only, went away or fails: it may come back. A full disk, or
    /// a name that is taken, does not change by itself.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        use io::ErrorKind::{AlreadyExists, FileTooLarge, QuotaExceeded, StorageFull};
        let lasting = [AlreadyExists, FileTooLarge, QuotaExceeded, StorageFull];
        matches!(self, Error::Io { source, .. } if !lasting.contains(&source.kind()))
    }
}

/// What a file says about itself besides its format. Holds nothing random.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// bext description; 256 bytes at most are kept.
    pub description: String,
    /// bext originator; 32 bytes at most are kept.
    pub originator: String,
    /// bext time reference: the take's first frame on the session's clock.
    pub time_reference: u64,
    /// RFC 3339; without one, bext has no date.
    pub utc: Option<String>,
    /// In the order of the channels; the iXML track list.
    pub channel_names: Vec<String>,
    /// The text of the iXML element `<BOOTH>`, which is there in every file of this program.
    pub booth: String,
    /// Further iXML elements: tag and text.
    pub ixml: Vec<(String, String)>,
}

/// A take being written.
#[derive(Debug)]
pub struct TakeFile {
    file: File,
    path: PathBuf,
    header: Header,
    room: Room,
    data_bytes: u64,
}

impl TakeFile {
    /// Creates `final_path` with a readable header; `spec` is the stored one. Room is reserved on
    /// the disk ahead of the writing, up to `expected_frames`.
    ///
    /// # Errors
    /// The file exists already, or the system refuses; then nothing is left behind.
    pub fn create(
        final_path: &Path,
        spec: Spec,
        meta: &Meta,
        expected_frames: u64,
    ) -> Result<TakeFile, Error> {
        let temporary = temporary(final_path);
        let header = Header::new(spec, meta);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&temporary)
            .map_err(Error::io("create", &temporary))?;
        // The lock shows `repair` that this file is being written. Not every file system has locks.
        let _ = file.try_lock();
        let expected = expected_frames.saturating_mul(spec.frame_bytes() as u64);
        let mut room = Room::new(spec, expected.saturating_add(header.data_start()));
        room.keep_ahead(&file, &temporary, header.data_start());
        let place = || {
            file.write_all_at(&header.bytes(0, 0), 0)?;
            file.sync_all()?;
            rt::rename_new(&temporary, final_path)
        };
        if let Err(error) = place() {
            let _ = std::fs::remove_file(&temporary);
            return Err(Error::io("create", final_path)(error));
        }
        if let Err(error) = sync_folder(final_path) {
            let _ = std::fs::remove_file(final_path);
            return Err(error);
        }
        Ok(TakeFile {
            file,
            path: final_path.to_owned(),
            header,
            room,
            data_bytes: 0,
        })
    }

    /// Removes what [`TakeFile::create`] left if the disk went away meanwhile: the temporary file,
    /// or a file with only a header.
    pub fn clear_attempt(final_path: &Path, spec: Spec, meta: &Meta) {
        let _ = std::fs::remove_file(temporary(final_path));
        let header = Header::new(spec, meta).bytes(0, 0);
        let length = std::fs::metadata(final_path).map(|file| file.len());
        let bare = length.is_ok_and(|length| length == header.len() as u64)
            && std::fs::read(final_path).is_ok_and(|found| found == header);
        if bare {
            let _ = std::fs::remove_file(final_path);
        }
    }

    /// Whole frames appended.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.data_bytes / self.header.spec().frame_bytes() as u64
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of samples appended.
    #[must_use]
    pub fn data_bytes(&self) -> u64 {
        self.data_bytes
    }

    /// Opens the file again after the disk was away, to continue after its first `data_bytes` of
    /// samples: what was written after the last sync may be lost.
    ///
    /// # Errors
    /// The system's, or the file is not the one that was being written.
    pub fn reopen(&mut self, data_bytes: u64) -> Result<(), Error> {
        let path = &self.path;
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(Error::io("open again", path))?;
        let own = &self.header.bytes(0, 0)[CHANGING_BYTES..];
        let mut found = vec![0; own.len()];
        let read = file.read_exact_at(&mut found, CHANGING_BYTES as u64);
        let whole = read.and_then(|()| Ok(file.metadata()?.len()));
        let length = whole.map_err(Error::io("read again", path))?;
        if found != own || length < self.header.data_start() + data_bytes {
            return Err(Error::Malformed {
                path: path.clone(),
                reason: "is not the take that was being written".into(),
            });
        }
        self.file = file;
        let _ = self.file.try_lock();
        self.data_bytes = data_bytes;
        Ok(())
    }

    /// Appends whole frames as stored.
    ///
    /// # Errors
    /// The system's; the same bytes may then be appended again.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let at = self.header.data_start() + self.data_bytes;
        let end = at + bytes.len() as u64;
        self.room.keep_ahead(&self.file, &self.path, end);
        self.file
            .write_all_at(bytes, at)
            .map_err(Error::io("write", &self.path))?;
        self.data_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Syncs the data, then writes its length into the header. The next sync makes the header
    /// durable.
    ///
    /// # Errors
    /// The system's; the header then stays as it was.
    pub fn checkpoint(&mut self) -> Result<(), Error> {
        self.file
            .sync_data()
            .map_err(Error::io("sync", &self.path))?;
        let bytes = self.header.bytes(self.data_bytes, 0);
        self.file
            .write_all_at(&bytes[..CHANGING_BYTES], 0)
            .map_err(Error::io("write the header of", &self.path))
    }

    /// Ends the file: syncs the data, writes the gaps as cue points after it, syncs the final
    /// header.
    ///
    /// # Errors
    /// The system's; `repair` can then complete the file, or it may be finalised again.
    pub fn finalise(&self, gaps: &[Gap]) -> Result<(), Error> {
        let tail = chunks::gaps(gaps);
        finish(&self.file, &self.path, &self.header, self.data_bytes, &tail)
    }
}

/// How every file ends, in `finalise` and in repair: `chunks` follow the data.
pub(crate) fn finish(
    file: &File,
    path: &Path,
    header: &Header,
    data_bytes: u64,
    chunks: &[u8],
) -> Result<(), Error> {
    let end = header.data_start() + data_bytes;
    let mut tail = vec![0; (data_bytes % 2) as usize];
    tail.extend(chunks);
    let write = || {
        // Also frees what was reserved beyond the end.
        file.set_len(end)?;
        file.sync_data()?;
        // The end of the data is on the disk before anything follows it. So a power cut between
        // here and the final header cannot turn chunks into samples.
        file.write_all_at(&header.bytes(data_bytes, 0)[..CHANGING_BYTES], 0)?;
        file.sync_data()?;
        if !tail.is_empty() {
            file.write_all_at(&tail, end)?;
            file.sync_data()?;
        }
        file.write_all_at(
            &header.bytes(data_bytes, tail.len() as u64)[..CHANGING_BYTES],
            0,
        )?;
        file.sync_all()
    };
    write().map_err(Error::io("finish", path))
}

fn temporary(final_path: &Path) -> PathBuf {
    let mut temporary = final_path.as_os_str().to_owned();
    temporary.push(".new");
    temporary.into()
}

/// Makes a new file name in the folder of `path` durable.
fn sync_folder(path: &Path) -> Result<(), Error> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(Error::io("sync", folder))
}
