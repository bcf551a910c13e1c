//! A take's file while it is written.
//!
//! Guarantees of each sink: what it took in is kept until it is synced, and is written again after a
//! disk that was away; after any kill its file opens and holds all that was synced.

mod plain;
mod sealed;

pub use plain::PlainSink;
pub use sealed::SealedSink;

use super::memory::Buffer;
use crate::audio::rf64::Error;
use crate::words::Gap;

/// What a file holds at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whole frames.
    pub frames: u64,
    /// SHA-256 of its samples.
    pub samples_sha256: String,
    /// Length of the closed file, if it is sealed.
    pub sealed_bytes: Option<u64>,
}

/// Where the bytes of a take go. Whatever refuses may be called again.
pub trait Sink: Send {
    /// Takes in whole frames as stored.
    ///
    /// # Errors
    /// The system's; `samples` is left in place then, and not taken in.
    fn append(&mut self, samples: &mut Option<Buffer>) -> Result<(), Error>;

    /// Bytes that a power cut would cost.
    fn unsynced(&self) -> usize;

    /// It has its final name.
    fn is_placed(&self) -> bool {
        true
    }

    /// Writes and syncs what the file must hold before it gets its name; false if there is nothing to
    /// hold yet. A row follows, then the name.
    ///
    /// # Errors
    /// The system's.
    fn prepare(&mut self) -> Result<bool, Error> {
        Ok(true)
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// The system's.
    fn place(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Makes all that was taken in durable.
    ///
    /// # Errors
    /// The system's.
    fn checkpoint(&mut self) -> Result<(), Error>;

    /// Opens the file again after the disk was away, and writes again what may be lost.
    ///
    /// # Errors
    /// The system's, or the file is not the one that was being written.
    fn reopen(&mut self) -> Result<(), Error>;

    /// Writes and syncs all that the file will hold, but for what closes it. The row follows.
    ///
    /// # Errors
    /// The system's.
    fn finish(&mut self, gaps: &[Gap]) -> Result<Held, Error>;

    /// Closes the file, once its row is synced.
    ///
    /// # Errors
    /// The system's.
    fn close(&mut self) -> Result<(), Error>;

    /// Ends the file where the disk let it come to: nothing is taken in any more.
    ///
    /// # Errors
    /// The system's: what is there is left for the next start.
    fn cut(&mut self) -> Result<(), Error>;
}

/// The part of `gaps` that lies in the first `frames`.
#[must_use]
pub fn within(gaps: &[Gap], frames: u64) -> Vec<Gap> {
    let cut = gaps.iter().map(|gap| Gap {
        frames: gap.frames.min(frames.saturating_sub(gap.frame)),
        ..*gap
    });
    cut.filter(|gap| gap.frames > 0).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::audio::rf64::{Meta, read};
    use crate::identity::operator::PrivateKey;
    use crate::identity::seal;
    use crate::recorder::Begin;
    use crate::recorder::memory::Memory;
    use crate::words::{CaptureFrame, Format, Spec};

    /// Frames of six bytes, which lie across the ends of chunks.
    const SPEC: Spec = Spec {
        rate: 48_000,
        channels: 2,
        format: Format::S24Packed,
    };
    const FRAME: usize = 6;

    /// A sink of either kind, in a folder of its own.
    struct Rig {
        dir: tempfile::TempDir,
        key: Option<PrivateKey>,
        sink: Box<dyn Sink>,
        samples: Vec<u8>,
    }

    impl Rig {
        fn path(&self) -> PathBuf {
            let plain = self.dir.path().join("disk/take-0001.rf64");
            match self.key {
                Some(_) => seal::sealed_name(&plain),
                None => plain,
            }
        }

        /// Takes in so many frames, no two alike nearby.
        fn add(&mut self, frames: usize) {
            let first = self.samples.len();
            let bytes: Vec<u8> = (first..first + frames * FRAME)
                .map(|n| (n * 7 % 251) as u8)
                .collect();
            self.samples.extend(&bytes);
            let memory = Memory::with(bytes.len(), 1);
            let mut buffer = memory.buffer();
            if let Some(buffer) = &mut buffer {
                buffer.extend(&bytes);
            }
            self.sink.append(&mut buffer).expect("taken in");
        }

        fn sync(&mut self) {
            if !self.sink.is_placed() && self.sink.prepare().expect("written") {
                self.sink.place().expect("placed");
            }
            self.sink.checkpoint().expect("synced");
        }

        fn end(&mut self) -> Held {
            self.sync();
            let held = self.sink.finish(&[]).expect("finished");
            self.sink.close().expect("closed");
            held
        }

        /// The samples of the file as whoever has the key reads them.
        fn read(&self) -> Vec<u8> {
            samples(&self.path(), self.key.as_ref())
        }
    }

    /// Up to where the file can be opened.
    fn samples(path: &Path, key: Option<&PrivateKey>) -> Vec<u8> {
        let mut bytes = Vec::new();
        match key {
            None => bytes = std::fs::read(path).expect("read"),
            Some(key) => {
                let mut reader = seal::open(path, std::slice::from_ref(key)).expect("opens");
                // Of a file that was cut this fails, after all that is whole.
                let _ = reader.read_to_end(&mut bytes);
            }
        }
        let info = read::info_of(
            bytes.len() as u64,
            |at, into| {
                into.copy_from_slice(&bytes[at as usize..at as usize + into.len()]);
                Ok(())
            },
            path,
        );
        let info = info.expect("a header");
        assert_eq!(info.spec, SPEC);
        bytes[info.data_start as usize..][..info.held_bytes() as usize].to_vec()
    }

    /// Does the test with a plain file and with a sealed one.
    fn with_each(test: impl Fn(Rig)) {
        for is_sealed in [false, true] {
            let dir = tempfile::tempdir().expect("a folder");
            std::fs::create_dir(dir.path().join("disk")).expect("made");
            let key = is_sealed.then(PrivateKey::generate);
            let begin = Begin {
                take: 1,
                path: dir.path().join("disk/take-0001.rf64"),
                start_frame: CaptureFrame(0),
                start_mark: CaptureFrame(0),
                expected_frames: 48_000,
                behind_frames: 0,
                meta: Meta {
                    booth: "{}".into(),
                    ..Meta::default()
                },
                sealed: None,
            };
            let sink: Box<dyn Sink> = match &key {
                None => Box::new(PlainSink::create(SPEC, &begin).expect("created")),
                Some(key) => {
                    let to = key.to_public();
                    Box::new(SealedSink::create(SPEC, &begin, &to).expect("created"))
                }
            };
            test(Rig {
                dir,
                key,
                sink,
                samples: Vec::new(),
            });
        }
    }

    #[test]
    fn every_length_is_held_and_told() {
        // Chunks of 64 KiB end in the middle of frames: 10,922 frames and four bytes.
        for frames in [1, 10_922, 10_923, 21_845, 21_846, 50_000] {
            with_each(|mut rig| {
                rig.add(frames);
                rig.sync();
                rig.add(1);
                let held = rig.end();
                assert_eq!(held.frames, frames as u64 + 1);
                assert!(rig.read() == rig.samples, "{frames} frames");
                let length = rig.path().metadata().expect("there").len();
                assert_eq!(held.sealed_bytes, rig.key.as_ref().map(|_| length));
            });
        }
    }

    #[test]
    fn what_was_synced_is_there_after_a_kill_but_for_one_chunk() {
        with_each(|mut rig| {
            for _ in 0..20 {
                rig.add(4000);
                rig.sync();
                let copy = rig.dir.path().join("copy");
                std::fs::copy(rig.path(), &copy).expect("copied");
                let found = samples(&copy, rig.key.as_ref());
                assert!(rig.samples.starts_with(&found));
                let missing = rig.samples.len() - found.len();
                let most = if rig.key.is_some() { 1 << 16 } else { 0 };
                assert!(missing <= most + FRAME, "{missing} bytes are missing");
            }
        });
    }

    #[test]
    fn a_disk_that_was_away_gets_what_it_lost() {
        with_each(|mut rig| {
            let (disk, away) = (rig.dir.path().join("disk"), rig.dir.path().join("away"));
            rig.add(20_000);
            rig.sync();
            let synced = rig.path().metadata().expect("there").len();
            rig.add(20_000);
            std::fs::rename(&disk, &away).expect("away");
            assert!(rig.sink.reopen().is_err());
            std::fs::rename(&away, &disk).expect("back");
            // What no sync had brought to it is gone.
            let file = std::fs::File::options().write(true).open(rig.path());
            file.and_then(|file| file.set_len(synced)).expect("cut");
            rig.sink.reopen().expect("opened again");
            rig.add(20_000);
            rig.end();
            assert!(rig.read() == rig.samples);
        });
    }

    #[test]
    fn a_full_disk_leaves_a_file_of_what_fits() {
        with_each(|mut rig| {
            rig.add(30_000);
            rig.sync();
            rig.sink.cut().expect("cut");
            let held = rig.sink.finish(&[]).expect("finished");
            rig.sink.close().expect("closed");
            assert_eq!(held.frames, 30_000);
            assert!(rig.read() == rig.samples);
            // Nothing is added any more.
            let before = rig.path().metadata().expect("there").len();
            let mut more = Memory::with(FRAME, 1).buffer();
            rig.sink.append(&mut more).expect("dropped");
            rig.sink.checkpoint().expect("nothing to do");
            assert_eq!(rig.path().metadata().expect("there").len(), before);
        });
    }

    #[test]
    fn a_take_without_a_frame_leaves_an_empty_file_or_none() {
        with_each(|mut rig| {
            let held = rig.end();
            assert_eq!((held.frames, held.sealed_bytes), (0, None));
            assert_eq!(rig.path().exists(), rig.key.is_none());
            let names = std::fs::read_dir(rig.dir.path().join("disk")).expect("a folder");
            assert_eq!(names.count(), usize::from(rig.key.is_none()));
        });
    }
}
