//! An RF64 file, written as it is.

use sha2::{Digest, Sha256};

use super::{Held, Sink, within};
use crate::audio::rf64::{Error, TakeFile};
use crate::recorder::Begin;
use crate::recorder::memory::Buffer;
use crate::words::{Gap, Spec, hex};

/// A plain file.
pub struct PlainSink {
    file: TakeFile,
    hash: Sha256,
    /// What was written since the last sync.
    unsynced: Vec<Buffer>,
    /// Bytes of samples that are safe even if the disk goes away.
    synced: u64,
    /// The disk let it come so far and no further.
    is_cut: bool,
}

impl PlainSink {
    /// Creates the file; `spec` as captured.
    ///
    /// # Errors
    /// That of the file.
    pub fn create(spec: Spec, begin: &Begin) -> Result<PlainSink, Error> {
        let expected = begin.expected_frames;
        Ok(PlainSink {
            file: TakeFile::create(&begin.path, spec.stored(), &begin.meta, expected)?,
            hash: Sha256::new(),
            unsynced: Vec::new(),
            synced: 0,
            is_cut: false,
        })
    }

    fn set_synced(&mut self) {
        self.synced = self.file.data_bytes();
        self.unsynced.clear();
    }
}

impl Sink for PlainSink {
    fn append(&mut self, samples: &mut Option<Buffer>) -> Result<(), Error> {
        let Some(bytes) = samples.as_ref().filter(|_| !self.is_cut) else {
            return Ok(());
        };
        self.file.append(bytes)?;
        self.hash.update(&bytes[..]);
        let mut written = samples.take();
        written.iter_mut().for_each(Buffer::set_written);
        self.unsynced.extend(written);
        Ok(())
    }

    fn unsynced(&self) -> usize {
        self.unsynced.iter().map(|samples| samples.len()).sum()
    }

    fn checkpoint(&mut self) -> Result<(), Error> {
        if !self.is_cut {
            self.file.checkpoint()?;
            self.set_synced();
        }
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), Error> {
        if self.is_cut {
            return Ok(());
        }
        self.file.reopen(self.synced)?;
        self.unsynced
            .iter()
            .try_for_each(|samples| self.file.append(samples))
    }

    fn finish(&mut self, gaps: &[Gap]) -> Result<Held, Error> {
        let frames = self.file.frames();
        let ended = self.file.finalise(&within(gaps, frames));
        if self.is_cut {
            // A full disk may have no room for the gaps after the samples; the row has those.
            ended.or_else(|_| self.file.finalise(&[]))?;
        } else {
            ended?;
            self.set_synced();
        }
        Ok(Held {
            frames,
            samples_sha256: hex::encode(self.hash.clone().finalize().into()),
            sealed_bytes: None,
        })
    }

    /// Its final header was synced before the row.
    fn close(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn cut(&mut self) -> Result<(), Error> {
        self.is_cut = true;
        self.file.finalise(&[])
    }
}
