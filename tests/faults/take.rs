//! Takes of `booth record` from the card of the tests, and what their files hold, sample by sample.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use booth::audio::rf64::read;
use booth::rt::Nanos;
use booth::store::row::Row;
use booth::words::{Cause, Format, Gap, Spec};

use crate::common::tools::frames_read;
use crate::common::{AlsaEnv, assert_counts, counter, decode};

pub const RATE: u32 = 48_000;
/// Six channels of 32 bit, as most tests record.
pub const SPEC: Spec = Spec {
    rate: RATE,
    channels: 6,
    format: Format::S32Le,
};
/// Frames of the card whose counters all differ, with six channels: 174 s.
const DISTINCT: u64 = 1 << 23;
/// Bytes looked at at once.
const PIECE_BYTES: u64 = 1 << 20;

/// The samples that a file's header tells of.
pub struct Audio {
    file: File,
    from: u64,
    pub spec: Spec,
    pub frames: u64,
}

impl Audio {
    pub fn open(path: &Path) -> Audio {
        let file = File::open(path).unwrap();
        let info = read::info(&file, path).unwrap();
        Audio {
            from: info.data_start,
            spec: info.spec,
            frames: info.frames(),
            file,
        }
    }

    /// The samples that the file's length tells of.
    pub fn whole(path: &Path) -> Audio {
        let mut audio = Audio::open(path);
        let bytes = audio.file.metadata().unwrap().len() - audio.from;
        audio.frames = bytes / audio.spec.frame_bytes() as u64;
        audio
    }

    fn bytes(&self, frame: u64, frames: u64) -> Vec<u8> {
        let size = self.spec.frame_bytes() as u64;
        let mut bytes = vec![0; (frames * size) as usize];
        let at = self.from + frame * size;
        self.file.read_exact_at(&mut bytes, at).unwrap();
        bytes
    }

    /// Calls `look` with the frames `from..to` and their bytes, a piece at a time.
    fn each(&self, from: u64, to: u64, mut look: impl FnMut(u64, &[u8])) {
        let piece = PIECE_BYTES / self.spec.frame_bytes() as u64;
        let mut at = from;
        while at < to {
            let frames = piece.min(to - at);
            look(at, &self.bytes(at, frames));
            at += frames;
        }
    }

    /// The device frame at `frame` of the file: the first from `about` on that has its counter.
    pub fn device_frame(&self, frame: u64, about: u64) -> u64 {
        let bytes = self.bytes(frame, 1);
        let first = decode(&bytes[..self.spec.format.sample_bytes()], self.spec.format)[0];
        let is = |device: &u64| counter(*device, self.spec.channels, 0) == first;
        let found = (about..about + DISTINCT).find(is);
        found.expect("a frame of the card")
    }

    /// Checks that the frames `from..to` are the card's from device frame `first` on.
    #[track_caller]
    pub fn assert_counts(&self, from: u64, to: u64, first: u64) {
        self.each(from, to, |at, bytes| {
            assert_counts(bytes, self.spec, first + (at - from));
        });
    }

    /// Checks every sample: silence in `gaps`, the card's counter everywhere else. Gives the device
    /// frame of the file's first frame, if anything was heard, and by how many frames the audio
    /// after each further gap is late.
    #[track_caller]
    pub fn check(&self, gaps: &[Gap], about: u64) -> (Option<u64>, Vec<i64>) {
        let (mut next, mut first, mut late) = (0, None, Vec::new());
        let silence = |from, to| {
            self.each(from, to, |at, bytes| {
                assert!(bytes.iter().all(|b| *b == 0), "silence from {at} on");
            });
        };
        let end = Gap {
            frame: self.frames,
            frames: 0,
            cause: Cause::Device,
        };
        for gap in gaps.iter().chain([&end]) {
            if next < gap.frame {
                // A loss may be measured a little wrong: what follows is found from 0.1 s before.
                let slack = u64::from(self.spec.rate / 10);
                let expected = first.map(|first| first + next);
                let device = self.device_frame(next, expected.map_or(about, |frame| frame - slack));
                late.extend(expected.map(|frame| device as i64 - frame as i64));
                first = first.or(Some(device - next));
                self.assert_counts(next, gap.frame, device);
            }
            next = gap.frame + gap.frames;
            silence(gap.frame, next);
        }
        (first, late)
    }

    /// The frames up to the first that is not the card's, from device frame `first` on.
    pub fn good_frames(&self, first: u64) -> u64 {
        let channels = usize::from(self.spec.channels);
        let mut good = self.frames;
        self.each(0, self.frames, |at, bytes| {
            if at >= good {
                return;
            }
            let samples = decode(bytes, self.spec.format).into_iter().enumerate();
            for (n, got) in samples {
                let frame = at + (n / channels) as u64;
                let channel = (n % channels) as u16;
                if got != counter(first + frame, self.spec.channels, channel) {
                    good = good.min(frame);
                    return;
                }
            }
        });
        good
    }
}

/// Checks that the three tools read `frames` of `path`. Where the header tells of none yet, ffprobe
/// opens the file and guesses from its length.
#[track_caller]
pub fn assert_opens(path: &Path, frames: u64) {
    let [libsndfile, ffmpeg, sox] = frames_read(path);
    assert_eq!([libsndfile, sox], [frames; 2], "{}", path.display());
    assert!(
        ffmpeg == frames || frames == 0,
        "{ffmpeg} frames in {}",
        path.display()
    );
}

/// The frame that the card captures now.
pub fn device_now(env: &AlsaEnv, rate: u32) -> u64 {
    env.frame_at(Nanos::now(), rate)
}

/// Frames lost, by the row.
pub fn lost(row: &Row) -> u64 {
    row.gaps.iter().map(|gap| gap.frames).sum()
}
