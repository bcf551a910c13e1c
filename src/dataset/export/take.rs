//! A take of DATA, plain or sealed, read to its last sample and compared with its row.
//!
//! Guarantees: a caller that reads to the end without an error has read exactly the bytes whose
//! SHA-256 is in the row.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::audio::rf64::{self, read};
use crate::files::small;
use crate::identity::operator::PrivateKey;
use crate::identity::seal::{self, SealError};
use crate::store::row::Row;
use crate::words::Spec;

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

/// The source that a take is read from.
trait Bytes: Read + Seek {}

impl<T: Read + Seek> Bytes for T {}

/// A take, open at its first sample.
pub struct Take<'a> {
    row: &'a Row,
    path: PathBuf,
    bytes: Box<dyn Bytes>,
    spec: Spec,
}

/// Whether the plain file of `row` is not there and the sealed one is.
#[must_use]
pub fn is_sealed(folder: &Path, row: &Row) -> bool {
    let plain = folder.join(&row.file);
    !plain.exists() && seal::sealed_name(&plain).exists()
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
        let plain = folder.join(&row.file);
        let sealed = seal::sealed_name(&plain);
        let (path, mut bytes): (PathBuf, Box<dyn Bytes>) = if plain.exists() {
            let file = small::open(&plain).map_err(unreadable(&plain))?;
            let file = file.ok_or_else(|| TakeError::Missing(plain.clone()))?;
            (plain, Box::new(file))
        } else if sealed.exists() {
            let keys: Vec<PrivateKey> = key.cloned().into_iter().collect();
            let opened = seal::open(&sealed, &keys);
            let opened = opened.map_err(|source| TakeError::Closed { source })?;
            (sealed, Box::new(opened))
        } else {
            return Err(TakeError::Missing(plain));
        };
        let length = bytes.seek(SeekFrom::End(0)).map_err(unreadable(&path))?;
        let info = read::info_of(
            length,
            |at, into| {
                bytes.seek(SeekFrom::Start(at))?;
                bytes.read_exact(into)
            },
            &path,
        );
        let info = info.map_err(|source| TakeError::Header { source })?;
        let differs = |what: String| TakeError::Differs {
            path: path.clone(),
            what,
        };
        if info.spec != row.spec() {
            return Err(differs(format!("holds {}, other", info.spec)));
        }
        if info.frames() != row.frames {
            return Err(differs(format!("holds {} frames, other", info.frames())));
        }
        bytes
            .seek(SeekFrom::Start(info.data_start))
            .map_err(unreadable(&path))?;
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
        if crate::words::hex::encode(hash.finalize().into()) == self.row.samples_sha256 {
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
