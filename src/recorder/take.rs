//! One open take: its part of each block, packed, hashed, staged and written.

use std::collections::VecDeque;
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::{Begin, End};
use crate::audio::block::Block;
use crate::audio::meter::Meter;
use crate::audio::rf64::{Error, TakeFile};
use crate::store::row::Row;
use crate::words::{CaptureFrame, Cause, Format, Gap, Level, Spec, Verdict};

/// The latest blocks, oldest first.
pub type History = VecDeque<Box<Block>>;

/// A take being recorded.
pub struct OpenTake {
    /// Its number.
    pub number: u32,
    /// Its first frame on the capture clock.
    pub start: u64,
    /// Its end, once the session has ended it.
    pub end: Option<Box<End>>,
    /// Where it ends, if a button that is held now turns out to end it.
    pub may_end: Option<u64>,
    spec: Spec,
    file: TakeFile,
    /// The disk refused: the file is finished where it was, and nothing is added.
    cut: bool,
    behind: u64,
    /// The next frame to stage, on the capture clock.
    next: u64,
    staging: Vec<u8>,
    staging_bytes: usize,
    hash: Sha256,
    /// What is safe even if the disk goes away: bytes of samples, and their hash.
    synced: (u64, Sha256),
    gaps: Vec<Gap>,
    /// How many gaps were reported whole, and how many frames of the next one.
    reported: (usize, u64),
    meter: Meter,
    metered: u64,
    levels: Option<Vec<Level>>,
}

impl OpenTake {
    /// Creates the file.
    ///
    /// # Errors
    /// That of the file.
    pub fn open(spec: Spec, begin: &Begin) -> Result<OpenTake, Error> {
        let file = TakeFile::create(
            &begin.path,
            spec.stored(),
            &begin.meta,
            begin.expected_frames,
        )?;
        // 0.2 s: what is not yet written is lost by a kill.
        let frames = (spec.rate as usize / 5).max(1);
        let staging_bytes = frames * spec.stored().frame_bytes();
        Ok(OpenTake {
            number: begin.take,
            end: None,
            may_end: None,
            behind: begin.behind_frames,
            spec,
            file,
            cut: false,
            start: begin.start_frame.0,
            next: begin.start_frame.0,
            staging: Vec::with_capacity(staging_bytes),
            staging_bytes,
            hash: Sha256::new(),
            synced: (0, Sha256::new()),
            gaps: Vec::new(),
            reported: (0, 0),
            meter: Meter::new(spec),
            metered: begin.start_mark.0,
            levels: None,
        })
    }

    /// Stages all of the history that belongs to this take and may be written, `processed` being
    /// the end of it.
    ///
    /// # Errors
    /// That of the file.
    pub fn feed(&mut self, history: &History, processed: u64) -> Result<(), Error> {
        if self.cut {
            return Ok(());
        }
        let limit = match (&self.end, self.may_end) {
            (Some(end), _) => end.end_frame.0,
            (None, may_end) => {
                let old = processed.saturating_sub(self.behind);
                may_end.map_or(old, |end| end.min(old))
            }
        };
        // The blocks this take has not seen are the last few.
        let news = history.partition_point(|block| block.end() <= self.next);
        let mut news = history.range(news..);
        news.try_for_each(|block| self.stage(block, limit))
    }

    /// Stages the block's part of this take up to frame `limit`, and silence for what is missing
    /// before it.
    fn stage(&mut self, block: &Block, limit: u64) -> Result<(), Error> {
        let missing = block.first_frame.min(limit).saturating_sub(self.next);
        if missing > 0 {
            self.lose(missing, block.lost_before.unwrap_or(Cause::Storage))?;
        }
        let frame = self.spec.frame_bytes();
        let from = self.next.max(block.first_frame);
        let to = block.end().min(limit);
        if from >= to {
            return Ok(());
        }
        let at = (from - block.first_frame) as usize * frame;
        let bytes = &block.bytes[at..at + (to - from) as usize * frame];
        // Whole frames at a time, so that the staging buffer never grows.
        let chunk = self.staging_bytes / self.spec.stored().frame_bytes() * frame;
        for part in bytes.chunks(chunk) {
            if self.spec.format == Format::S24Le {
                let packed = self.staged_room(part.len() / 4 * 3)?;
                packed.extend(part.chunks_exact(4).flat_map(|s| [s[0], s[1], s[2]]));
            } else {
                self.staged_room(part.len())?.extend_from_slice(part);
            }
        }
        self.next = to;
        Ok(())
    }

    fn lose(&mut self, frames: u64, cause: Cause) -> Result<(), Error> {
        let frame = self.next - self.start;
        match self.gaps.last_mut() {
            Some(gap) if gap.cause == cause && gap.frame + gap.frames == frame => {
                gap.frames += frames;
            }
            _ => self.gaps.push(Gap {
                frame,
                frames,
                cause,
            }),
        }
        let mut bytes = frames * self.spec.stored().frame_bytes() as u64;
        while bytes > 0 {
            let now = bytes.min(self.staging_bytes as u64) as usize;
            let staging = self.staged_room(now)?;
            staging.resize(staging.len() + now, 0);
            bytes -= now as u64;
        }
        self.next += frames;
        Ok(())
    }

    /// A gap that has ended, or grown by a second, since it was last reported.
    pub fn news_of_gaps(&mut self) -> Option<Gap> {
        let (whole, frames) = self.reported;
        let gap = *self.gaps.get(whole)?;
        let ended = self.start + gap.frame + gap.frames < self.next;
        if !ended && gap.frames < frames + u64::from(self.spec.rate) {
            return None;
        }
        self.reported = if ended {
            (whole + 1, 0)
        } else {
            (whole, gap.frames)
        };
        Some(gap)
    }

    fn staged_room(&mut self, bytes: usize) -> Result<&mut Vec<u8>, Error> {
        if self.staging.len() + bytes > self.staging_bytes {
            self.flush()?;
        }
        Ok(&mut self.staging)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.file.append(&self.staging)?;
        self.hash.update(&self.staging);
        self.staging.clear();
        Ok(())
    }

    /// Levels once the end mark has passed. Until it is known the meter stays `lag` frames behind,
    /// within the history, so that nothing after the end mark is ever counted.
    pub fn measure(&mut self, history: &History, processed: u64, lag: u64) -> Option<Vec<Level>> {
        if self.levels.is_some() {
            return None;
        }
        let mark = self.end.as_ref().map(|end| end.end_mark.0);
        let behind = processed.saturating_sub(lag);
        let to = mark.unwrap_or(behind).min(processed);
        let frame = self.spec.frame_bytes() as u64;
        let news = history.partition_point(|block| block.end() <= self.metered);
        for block in history.range(news..) {
            if block.first_frame >= to {
                break;
            }
            let (from, to) = (self.metered.max(block.first_frame), to.min(block.end()));
            if from < to {
                let at = |f: u64| ((f - block.first_frame) * frame) as usize;
                self.meter.add(&block.bytes[at(from)..at(to)]);
            }
        }
        self.metered = self.metered.max(to);
        if mark.is_none_or(|mark| processed < mark) {
            return None;
        }
        self.levels = Some(self.meter.levels());
        self.levels.clone()
    }

    /// All its frames have passed, or no more are wanted.
    #[must_use]
    pub fn complete(&self, processed: u64) -> bool {
        let end = self.end.as_ref();
        end.is_some_and(|end| self.cut || processed >= end.end_frame.0)
    }

    /// Syncs what is written and says so in the header.
    ///
    /// # Errors
    /// That of the file.
    pub fn checkpoint(&mut self) -> Result<(), Error> {
        if self.cut {
            return Ok(());
        }
        self.file.checkpoint()?;
        self.synced = (self.file.data_bytes(), self.hash.clone());
        Ok(())
    }

    /// The frames that a disk which went away may still ask for: what is not synced, up to the end
    /// as far as it is known.
    #[must_use]
    pub fn unsynced(&self) -> Range<u64> {
        let frames = self.synced.0 / self.spec.stored().frame_bytes() as u64;
        let end = self.end.as_ref().map_or(u64::MAX, |end| end.end_frame.0);
        self.start + frames..end
    }

    /// Continues after what is synced, in the file opened again: the disk was away.
    ///
    /// # Errors
    /// That of the file; the disk is still away.
    pub fn reopen(&mut self) -> Result<(), Error> {
        if self.cut {
            return Ok(());
        }
        let (bytes, hash) = self.synced.clone();
        self.file.reopen(bytes)?;
        self.hash = hash;
        self.staging.clear();
        let frames = self.file.frames();
        self.next = self.start + frames;
        self.forget_gaps_from(frames);
        Ok(())
    }

    fn forget_gaps_from(&mut self, frames: u64) {
        self.gaps.retain_mut(|gap| {
            gap.frames = gap.frames.min(frames.saturating_sub(gap.frame));
            gap.frames > 0
        });
        self.reported = self.reported.min((self.gaps.len(), 0));
    }

    /// Finishes the file with the frames that are on the disk: there it cannot go on. A full disk
    /// may have no room for the gaps after them; the row has those.
    ///
    /// # Errors
    /// That of the file: the disk refuses this too, and what is there is left for repair.
    pub fn cut(&mut self) -> Result<(), Error> {
        self.cut = true;
        self.staging.clear();
        self.forget_gaps_from(self.file.frames());
        let finished = self.file.finalise(&self.gaps);
        finished.or_else(|_| self.file.finalise(&[]))
    }

    /// Finishes the file with all its frames.
    ///
    /// # Errors
    /// That of the file.
    pub fn finish(&mut self) -> Result<(), Error> {
        if self.cut {
            return Ok(());
        }
        self.flush()?;
        self.file.finalise(&self.gaps)?;
        self.synced = (self.file.data_bytes(), self.hash.clone());
        Ok(())
    }

    /// The row of the finished file; without an end, nothing.
    #[must_use]
    pub fn row(&self) -> Option<Row> {
        let frames = self.file.frames();
        let levels = self.levels.clone();
        let levels = levels.unwrap_or_else(|| self.meter.levels());
        let end = self.end.as_ref()?;
        let mut row = end.row.clone();
        if self.cut {
            row.verdict = Verdict::Aborted;
        }
        row.start_frame = end.frame0.in_session(CaptureFrame(self.start)).0;
        row.frames = frames;
        row.lead_frames = end.start_mark.0.saturating_sub(self.start);
        row.tail_frames = (self.start + frames).saturating_sub(end.end_mark.0);
        row.rate = self.spec.rate;
        row.channels = self.spec.channels;
        row.format = self.spec.format.stored();
        row.gaps.clone_from(&self.gaps);
        row.measure(&levels);
        row.samples_sha256 = crate::words::hex::encode(self.hash.clone().finalize().into());
        Some(row)
    }
}
