//! One open take: its part of each block, packed, staged and handed to the writer; and its levels.

use std::collections::VecDeque;
use std::ops::Range;

use super::memory::Buffer;
use super::op::{Finish, Op};
use super::outbox::Outbox;
use super::{Begin, End};
use crate::audio::block::Block;
use crate::audio::judge::{Found, Judge, Taken};
use crate::audio::meter::Meter;
use crate::audio::slots::Slots;
use crate::words::{Cause, Format, Gap, Level, Spec, Verdict};

/// The latest blocks, oldest first.
pub type History = VecDeque<Box<Block>>;

/// The memory for what is to be written is full: the blocks wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

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
    behind: u64,
    /// The next frame to stage, on the capture clock.
    next: u64,
    staging: Option<Buffer>,
    gaps: Vec<Gap>,
    /// How many gaps were reported whole, and how many frames of the next one.
    reported: (usize, u64),
    meter: Meter,
    metered: u64,
    levels: Option<Vec<Level>>,
    /// What it is judged by, where takes are judged.
    slots: Option<Slots>,
}

impl OpenTake {
    /// A take of which nothing is recorded yet.
    #[must_use]
    pub fn of(spec: Spec, begin: &Begin, slots: Option<Slots>) -> OpenTake {
        OpenTake {
            number: begin.take,
            end: None,
            may_end: None,
            behind: begin.behind_frames,
            spec,
            start: begin.start_frame.0,
            next: begin.start_frame.0,
            staging: None,
            gaps: Vec::new(),
            reported: (0, 0),
            meter: Meter::new(spec),
            metered: begin.start_mark.0,
            levels: None,
            slots,
        }
    }

    /// Stages all of the history that belongs to this take and may be written, `processed` being
    /// the end of it; goes on where it was after [`Full`].
    ///
    /// # Errors
    /// The memory is full.
    pub fn feed(
        &mut self,
        history: &History,
        processed: u64,
        outbox: &mut Outbox,
    ) -> Result<(), Full> {
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
        news.try_for_each(|block| self.stage(block, limit, outbox))
    }

    /// Stages the block's part of this take up to frame `limit`, and silence for what is missing
    /// before it.
    fn stage(&mut self, block: &Block, limit: u64, outbox: &mut Outbox) -> Result<(), Full> {
        let frame = self.spec.frame_bytes();
        while self.next < block.first_frame.min(limit) {
            let missing = block.first_frame.min(limit) - self.next;
            let frames = missing.min(self.room(outbox)?);
            self.lose(frames, block.lost_before.unwrap_or(Cause::Storage));
        }
        let to = block.end().min(limit);
        while self.next < to {
            let frames = (to - self.next).min(self.room(outbox)?);
            let at = (self.next - block.first_frame) as usize * frame;
            let bytes = &block.bytes[at..at + frames as usize * frame];
            self.copy(bytes);
            if let Some(slots) = &mut self.slots {
                slots.add(bytes);
            }
            self.next += frames;
        }
        Ok(())
    }

    /// Frames that the staging buffer has room for, one at least; a full one goes to the writer.
    fn room(&mut self, outbox: &mut Outbox) -> Result<u64, Full> {
        let frame = self.spec.stored().frame_bytes();
        if self.staging.as_ref().is_some_and(|it| it.room() == 0) {
            self.flush(outbox);
        }
        let staging = match &self.staging {
            Some(staging) => staging,
            None => self.staging.insert(outbox.memory.buffer().ok_or(Full)?),
        };
        Ok((staging.room() / frame) as u64)
    }

    fn copy(&mut self, bytes: &[u8]) {
        let Some(staging) = &mut self.staging else {
            return;
        };
        if self.spec.format == Format::S24Le {
            staging.extend(bytes.chunks_exact(4).flat_map(|s| [s[0], s[1], s[2]]));
        } else {
            staging.extend_from_slice(bytes);
        }
    }

    fn lose(&mut self, frames: u64, cause: Cause) {
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
        if let Some(staging) = &mut self.staging {
            let bytes = frames as usize * self.spec.stored().frame_bytes();
            let length = staging.len() + bytes;
            staging.resize(length, 0);
        }
        if let Some(slots) = &mut self.slots {
            slots.lose(frames);
        }
        self.next += frames;
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

    /// Hands what is staged to the writer.
    fn flush(&mut self, outbox: &mut Outbox) {
        if let Some(bytes) = self.staging.take() {
            let take = self.number;
            outbox.send(Op::Append {
                take,
                samples: Some(bytes),
            });
        }
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

    /// All its frames are staged.
    #[must_use]
    pub fn complete(&self, processed: u64) -> bool {
        let end = self.end.as_ref().map(|end| end.end_frame.0);
        end.is_some_and(|end| processed >= end && self.next >= end)
    }

    /// The frames that it still wants, up to its end as far as that is known.
    #[must_use]
    pub fn wanted(&self) -> Range<u64> {
        let end = self.end.as_ref().map_or(u64::MAX, |end| end.end_frame.0);
        self.next..end
    }

    /// What is found in it, once all its frames are staged.
    fn judge(&self, end: &End, judge: &mut Judge) -> Found {
        let Some(slots) = &self.slots else {
            return Found::default();
        };
        let row = &end.row;
        let sphere = row.sphere.as_ref().filter(|sphere| sphere.frame.is_some());
        judge.judge(&Taken {
            slots,
            marks: end.start_mark.0.saturating_sub(self.start)
                ..end.end_mark.0.saturating_sub(self.start),
            kind: row.kind,
            text: row.text.as_deref(),
            track: sphere.map(|sphere| sphere.track.as_str()),
            has_gap: !self.gaps.is_empty(),
            is_whole: matches!(row.verdict, Verdict::Kept | Verdict::Redone),
        })
    }

    /// Hands the rest of it to the writer; one without an end has no row.
    pub fn finish(mut self, outbox: &mut Outbox, judge: Option<&mut Judge>) {
        self.flush(outbox);
        let take = self.number;
        let Some(end) = self.end.take() else {
            return outbox.send(Op::Close {
                take,
                gaps: self.gaps,
            });
        };
        let found = judge.map(|judge| self.judge(&end, judge));
        outbox.send(Op::Finish(Box::new(Finish {
            start: self.start,
            found: found.unwrap_or_default(),
            levels: self.levels.unwrap_or_else(|| self.meter.levels()),
            gaps: self.gaps,
            end,
        })));
    }
}
