//! A WAV file of an export, written under a temporary name.
//!
//! Guarantees: it holds exactly the samples it was given, bit for bit; it gets its name when it is
//! whole and synced, and another reader's look has found it so. Beyond 4 GiB, which RIFF cannot
//! count, it is RF64 and its name ends in `.rf64`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::audio::rf64::{self, Meta, TakeFile};
pub use crate::audio::wav::MOST_BYTES as MOST_RIFF_BYTES;
use crate::audio::wav::header;
use crate::files::small;
use crate::words::{Format, Spec};

/// Why a file is not written.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// The system refused.
    #[error("write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// It reads back otherwise than written.
    #[error("write {}: reads back otherwise than written: {reason}; check the disk", path.display())]
    Differs {
        /// The file.
        path: PathBuf,
        /// What the reader found.
        reason: String,
    },
    /// As RF64.
    #[error(transparent)]
    Rf64(#[from] rf64::Error),
}

enum To {
    Riff(Riff),
    Rf64(Box<TakeFile>),
}

struct Riff {
    file: BufWriter<File>,
    spec: Spec,
    meta: Meta,
    data_bytes: u64,
}

impl Riff {
    fn create(path: &Path, spec: Spec, meta: &Meta) -> io::Result<Riff> {
        let mut file = BufWriter::with_capacity(1 << 16, File::create(path)?);
        // The sizes come at the end; they change no length.
        file.write_all(&header(spec, meta, 0))?;
        Ok(Riff {
            file,
            spec,
            meta: meta.clone(),
            data_bytes: 0,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.data_bytes += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn finish(mut self) -> io::Result<()> {
        self.file
            .write_all(&[0][..(self.data_bytes % 2) as usize])?;
        let file = self.file.into_inner().map_err(|error| error.into_error())?;
        file.write_all_at(&header(self.spec, &self.meta, self.data_bytes), 0)?;
        file.sync_all()
    }

    /// What hound, whose reader is not ours, says of the file.
    fn check(path: &Path, spec: Spec, data_bytes: u64) -> Result<(), WavError> {
        let differs = |reason: String| WavError::Differs {
            path: path.to_owned(),
            reason,
        };
        let reader = hound::WavReader::open(path).map_err(|error| differs(error.to_string()))?;
        let (found, frames) = (reader.spec(), data_bytes / spec.frame_bytes() as u64);
        let shape = (found.channels, found.sample_rate, found.bits_per_sample);
        let is_float = found.sample_format == hound::SampleFormat::Float;
        if shape == (spec.channels, spec.rate, spec.format.bits())
            && is_float == (spec.format == Format::FloatLe)
            && u64::from(reader.duration()) == frames
        {
            Ok(())
        } else {
            Err(differs(format!("{found:?}, {} frames", reader.duration())))
        }
    }
}

/// A file being written.
pub struct Wav {
    path: PathBuf,
    temporary: PathBuf,
    to: To,
}

/// The name of a file with `bytes` of samples, without its folder; `stem` is for example
/// `SESSION-0001`.
#[must_use]
pub fn name(stem: &str, bytes: u64, most_riff_bytes: u64) -> String {
    let ending = if bytes > most_riff_bytes {
        "rf64"
    } else {
        "wav"
    };
    format!("{stem}.{ending}")
}

impl Wav {
    /// Begins `path`, whose extension [`name`] chose; `spec` as stored.
    ///
    /// # Errors
    /// The file system's.
    pub fn create(path: PathBuf, spec: Spec, meta: &Meta) -> Result<Wav, WavError> {
        let temporary = small::temporary(&path);
        // Left by a kill.
        small::remove(&temporary).map_err(failed(&temporary))?;
        let to = if path.extension().is_some_and(|ending| ending == "rf64") {
            small::remove(&small::temporary(&temporary)).map_err(failed(&temporary))?;
            To::Rf64(Box::new(TakeFile::create(&temporary, spec, meta, 0)?))
        } else {
            To::Riff(Riff::create(&temporary, spec, meta).map_err(failed(&temporary))?)
        };
        Ok(Wav {
            path,
            temporary,
            to,
        })
    }

    /// Appends samples as stored.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), WavError> {
        match &mut self.to {
            To::Rf64(file) => Ok(file.append(bytes)?),
            To::Riff(to) => to.write(bytes).map_err(failed(&self.temporary)),
        }
    }

    /// Ends the file and syncs it; it still has its temporary name.
    ///
    /// # Errors
    /// The file system's.
    pub fn finish(self) -> Result<Finished, WavError> {
        match self.to {
            To::Rf64(file) => file.finalise(&[])?,
            To::Riff(to) => {
                let (spec, data_bytes) = (to.spec, to.data_bytes);
                to.finish().map_err(failed(&self.temporary))?;
                Riff::check(&self.temporary, spec, data_bytes)?;
            }
        }
        Ok(Finished {
            path: self.path,
            temporary: self.temporary,
        })
    }
}

/// A whole file that still has its temporary name.
#[derive(Debug)]
pub struct Finished {
    path: PathBuf,
    temporary: PathBuf,
}

impl Finished {
    /// Gives it its final name; the folder is not synced.
    ///
    /// # Errors
    /// The file system's.
    pub fn place(self) -> Result<(), WavError> {
        fs::rename(&self.temporary, &self.path).map_err(failed(&self.path))
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> WavError {
    move |source| WavError::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::rf64::read;

    /// Every byte value at every place of a sample, which covers every special value of each
    /// format: NaN, infinities, minimum and maximum.
    fn bytes(spec: Spec) -> Vec<u8> {
        let frames = 4096 * spec.frame_bytes();
        (0..frames)
            .map(|n| (((n * n) >> 3) ^ (n * 7)) as u8)
            .collect()
    }

    #[test]
    fn every_bit_is_kept_in_every_format_and_beyond_4_gib() {
        let dir = tempfile::tempdir().expect("a folder");
        let formats = Format::ALL.map(Format::stored);
        for (number, format) in formats.into_iter().enumerate() {
            for channels in [1, 2, 64] {
                for most in [MOST_RIFF_BYTES, 0] {
                    let spec = Spec {
                        rate: 48_000,
                        channels,
                        format,
                    };
                    let bytes = bytes(spec);
                    let name = name(&format!("{number}-{channels}"), bytes.len() as u64, most);
                    let path = dir.path().join(name);
                    let wav = Wav::create(path.clone(), spec, &Meta::default());
                    let mut wav = wav.expect("created");
                    for part in bytes.chunks(1000 * spec.frame_bytes()) {
                        wav.write(part).expect("written");
                    }
                    let finished = wav.finish().expect("finished");
                    assert!(!path.exists());
                    finished.place().expect("placed");
                    let file = File::open(&path).expect("there");
                    let info = read::info(&file, &path).expect("read");
                    assert_eq!(info.spec, spec);
                    assert!(info.healthy());
                    let found = fs::read(&path).expect("read");
                    let start = info.data_start as usize;
                    assert!(found[start..start + bytes.len()] == bytes, "{spec}");
                }
            }
        }
    }
}
