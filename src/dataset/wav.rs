//! A WAV file of an export, written under a temporary name.
//!
//! Guarantees: it holds exactly the samples it was given, bit for bit; it gets its name when it is
//! whole and synced. Beyond 4 GiB, which RIFF cannot count, it is RF64 and its name ends in
//! `.rf64`.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavSpec, WavWriter};

use crate::audio::rf64::{self, Meta, TakeFile};
use crate::files::small;
use crate::words::{Format, Spec};

/// Bytes of samples that RIFF can count, with room for its header.
pub const MOST_RIFF_BYTES: u64 = u32::MAX as u64 - 4096;

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
    /// As RF64.
    #[error(transparent)]
    Rf64(#[from] rf64::Error),
}

enum To {
    Riff(WavWriter<BufWriter<File>>),
    Rf64(Box<TakeFile>),
}

/// A file being written.
pub struct Wav {
    path: PathBuf,
    temporary: PathBuf,
    format: Format,
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
    /// Begins `path`, whose extension [`name`] chose; `spec` as stored, `meta` for RF64.
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
            let file = File::create(&temporary).map_err(failed(&temporary))?;
            let writer = WavWriter::new(BufWriter::with_capacity(1 << 16, file), shape(spec));
            To::Riff(writer.map_err(hound_failed(&temporary))?)
        };
        Ok(Wav {
            path,
            temporary,
            format: spec.format,
            to,
        })
    }

    /// Appends samples as stored.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), WavError> {
        let to = match &mut self.to {
            To::Rf64(file) => return Ok(file.append(bytes)?),
            To::Riff(to) => to,
        };
        let word = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        let samples = bytes.chunks_exact(self.format.sample_bytes());
        let written: hound::Result<()> = match self.format {
            Format::S16Le => samples
                .map(|b| i16::from_le_bytes([b[0], b[1]]))
                .try_for_each(|sample| to.write_sample(sample)),
            // The sign comes down from the highest byte.
            Format::S24Packed => samples
                .map(|b| i32::from_le_bytes([0, b[0], b[1], b[2]]) >> 8)
                .try_for_each(|sample| to.write_sample(sample)),
            Format::S24Le | Format::S32Le => samples
                .map(|b| word(b).cast_signed())
                .try_for_each(|sample| to.write_sample(sample)),
            Format::FloatLe => samples
                .map(|b| f32::from_bits(word(b)))
                .try_for_each(|sample| to.write_sample(sample)),
        };
        written.map_err(hound_failed(&self.temporary))
    }

    /// Ends the file and syncs it; it still has its temporary name.
    ///
    /// # Errors
    /// The file system's.
    pub fn finish(self) -> Result<Finished, WavError> {
        match self.to {
            To::Rf64(file) => file.finalise(&[])?,
            To::Riff(to) => {
                to.finalize().map_err(hound_failed(&self.temporary))?;
                File::open(&self.temporary)
                    .and_then(|file| file.sync_all())
                    .map_err(failed(&self.temporary))?;
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

fn hound_failed(path: &Path) -> impl FnOnce(hound::Error) -> WavError {
    move |error| {
        failed(path)(match error {
            hound::Error::IoError(source) => source,
            other => io::Error::other(other),
        })
    }
}

fn shape(spec: Spec) -> WavSpec {
    WavSpec {
        channels: spec.channels,
        sample_rate: spec.rate,
        bits_per_sample: spec.format.bits(),
        sample_format: if spec.format == Format::FloatLe {
            SampleFormat::Float
        } else {
            SampleFormat::Int
        },
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
