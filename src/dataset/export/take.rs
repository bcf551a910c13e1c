//! A take of DATA, plain or sealed, read to its last sample and compared with its row.
//!
//! Guarantees: a caller that reads to the end without an error has read exactly the bytes whose
//! SHA-256 is in the row. A sealed take is read forwards, so that one that was cut is read up to its
//! last chunk; what its row leaves open is filled in from what is read.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::audio::meter::Meter;
use crate::audio::rf64;
use crate::audio::rf64::read::{self, Info};
use crate::files::small;
use crate::identity::operator::PrivateKey;
use crate::identity::seal::{self, SealError};
use crate::store::row::Row;
use crate::words::{Spec, hex};

/// Frames read at once.
const FRAMES: usize = 4096;

/// Why a take cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// Neither the plain file nor the sealed one is there.
    #[error("take {}: is not there, sealed or plain; put it back from a backup", .0.display())]
    Missing(PathBuf),
    /// It does not open.
    #[error("take {source}")]
    Closed {
        /// The reason.
        source: SealError,
    },
    /// Its header is not valid.
    #[error("take {source}")]
    Header {
        /// The reason.
        source: rf64::Error,
    },
    /// It cannot be read.
    #[error("take {}: {source}; it is damaged, put it back from a backup", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Its content differs from its row.
    #[error("take {}: {what} than its row in takes.jsonl says; it is damaged, put it back from a backup", path.display())]
    Differs {
        /// The file.
        path: PathBuf,
        /// What it holds.
        what: String,
    },
}

/// A take, open at its first sample.
pub struct Take<'a> {
    row: &'a Row,
    path: PathBuf,
    bytes: Box<dyn Read>,
    spec: Spec,
}

/// A file of a take, open at its first sample.
struct Opened {
    path: PathBuf,
    bytes: Box<dyn Read>,
    info: Info,
}

/// Whether the plain file of `row` is not there and the sealed one is.
#[must_use]
pub fn is_sealed(folder: &Path, row: &Row) -> bool {
    let plain = folder.join(&row.file);
    !plain.exists() && seal::sealed_name(&plain).exists()
}

/// Opens the file of `row`, which must have the shape that its row says.
fn open(folder: &Path, row: &Row, key: Option<&PrivateKey>) -> Result<Opened, TakeError> {
    let plain = folder.join(&row.file);
    let sealed = seal::sealed_name(&plain);
    let opened = if plain.exists() {
        let file = small::open(&plain).map_err(unreadable(&plain))?;
        let file = file.ok_or_else(|| TakeError::Missing(plain.clone()))?;
        let length = file.metadata().map_err(unreadable(&plain))?.len();
        opened(plain, length, file)?
    } else if sealed.exists() {
        let keys: Vec<PrivateKey> = key.cloned().into_iter().collect();
        let file = seal::open(&sealed, &keys);
        let file = file.map_err(|source| TakeError::Closed { source })?;
        let length = sealed.metadata().map_err(unreadable(&sealed))?.len();
        opened(sealed, length, file)?
    } else {
        return Err(TakeError::Missing(plain));
    };
    if opened.info.spec != row.spec() {
        return Err(TakeError::Differs {
            path: opened.path,
            what: format!("holds {}, other", opened.info.spec),
        });
    }
    Ok(opened)
}

fn opened(
    path: PathBuf,
    length: u64,
    mut bytes: impl Read + Seek + 'static,
) -> Result<Opened, TakeError> {
    let info = read::info_of(
        length,
        |at, into| {
            bytes.seek(SeekFrom::Start(at))?;
            bytes.read_exact(into)
        },
        &path,
    );
    let info = info.map_err(|source| TakeError::Header { source })?;
    bytes
        .seek(SeekFrom::Start(info.data_start))
        .map_err(unreadable(&path))?;
    Ok(Opened {
        path,
        bytes: Box::new(bytes),
        info,
    })
}

/// The row of a take that was cut while it was sealed, with all that only its key can tell.
///
/// # Errors
/// It is not there, does not open, or has another shape than its row says.
pub fn complete(folder: &Path, row: &Row, key: Option<&PrivateKey>) -> Result<Row, TakeError> {
    let Opened {
        path, mut bytes, ..
    } = open(folder, row, key)?;
    let frame = row.spec().frame_bytes();
    let (mut meter, mut hash) = (Meter::new(row.spec()), Sha256::new());
    let (mut chunk, mut held) = (vec![0; FRAMES * frame], 0);
    let mut frames = 0;
    loop {
        let length = match bytes.read(&mut chunk[held..]) {
            Ok(length) => length,
            // Where it was cut: what age says of a chunk that is not there, or not whole.
            Err(error) if is_cut(&error) => 0,
            Err(error) => return Err(unreadable(&path)(error)),
        };
        held += length;
        let whole = held / frame * frame;
        hash.update(&chunk[..whole]);
        meter.add(&chunk[..whole]);
        frames += (whole / frame) as u64;
        chunk.copy_within(whole..held, 0);
        held -= whole;
        if length == 0 {
            break;
        }
    }
    let mut row = row.clone();
    row.frames = frames;
    row.lead_frames = row.lead_frames.min(frames);
    row.measure(&meter.levels());
    row.samples_sha256 = Some(hex::encode(hash.finalize().into()));
    Ok(row)
}

fn is_cut(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, UnexpectedEof};
    matches!(error.kind(), InvalidData | UnexpectedEof)
}

impl<'a> Take<'a> {
    /// Opens the take of `row` in a session's `folder`.
    ///
    /// # Errors
    /// It is not there, does not open, or has another shape than its row says.
    pub fn open(
        folder: &Path,
        row: &'a Row,
        key: Option<&PrivateKey>,
    ) -> Result<Take<'a>, TakeError> {
        let Opened { path, bytes, info } = open(folder, row, key)?;
        let differs = |what: String| TakeError::Differs {
            path: path.clone(),
            what,
        };
        // What is sealed as it is written claims more than it will ever hold.
        if info.frames() != row.frames && !info.is_endless() {
            return Err(differs(format!("holds {} frames, other", info.frames())));
        }
        if row
            .sealed_bytes
            .is_some_and(|whole| whole != info.file_length)
            && info.is_endless()
        {
            return Err(differs(format!("has {} bytes, other", info.file_length)));
        }
        Ok(Take {
            row,
            path,
            bytes,
            spec: info.spec,
        })
    }

    /// Its shape.
    #[must_use]
    pub fn spec(&self) -> Spec {
        self.spec
    }

    /// Gives `each` whole frames, in order, all of them. They are verified only if this returns
    /// without an error.
    ///
    /// # Errors
    /// Those of `each`, or [`TakeError`].
    pub fn read<E: From<TakeError>>(
        mut self,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let frame = self.spec.frame_bytes();
        let (mut left, mut hash) = (self.row.frames, Sha256::new());
        let mut chunk = vec![0; FRAMES * frame];
        while left > 0 {
            let frames = left.min(FRAMES as u64);
            let bytes = &mut chunk[..frames as usize * frame];
            self.bytes
                .read_exact(bytes)
                .map_err(|error| E::from(unreadable(&self.path)(error)))?;
            hash.update(&*bytes);
            each(bytes)?;
            left -= frames;
        }
        let found = hex::encode(hash.finalize().into());
        if self.row.samples_sha256.as_ref() == Some(&found) {
            Ok(())
        } else {
            Err(E::from(TakeError::Differs {
                path: self.path,
                what: "its samples have another SHA-256".into(),
            }))
        }
    }
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> TakeError {
    move |source| TakeError::Read {
        path: path.to_owned(),
        source,
    }
}
