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
use crate::audio::slots::{self, Slots};
use crate::words::{Cause, Format, Gap, Level, Spec, Verdict};

/// The latest blocks, oldest first.
pub type History = VecDeque<Box<Block>>;

/// Slots behind that of the end mark that tell whether the voice goes on there.
const BEHIND_END: u64 = 8;

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
    ear: Option<Ear>,
    found: Option<Found>,
}

/// What a take is judged by, ahead of what is written.
struct Ear {
    slots: Slots,
    /// The next frame to hear, on the capture clock.
    next: u64,
    has_gap: bool,
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
            ear: slots.map(|slots| Ear {
                slots,
                next: begin.start_frame.0,
                has_gap: false,
            }),
            found: None,
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
        let end = self.end.as_ref().map(|end| end.end_frame.0);
        let limit = end.unwrap_or_else(|| self.settled(processed));
        // The blocks this take has not seen are the last few.
        let news = history.partition_point(|block| block.end() <= self.next);
        let mut news = history.range(news..);
        news.try_for_each(|block| self.stage(block, limit, outbox))
    }

    /// The frame up to which a take without an end is sure to go.
    fn settled(&self, processed: u64) -> u64 {
        let old = processed.saturating_sub(self.behind);
        self.may_end.map_or(old, |end| end.min(old))
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
            self.copy(&block.bytes[at..at + frames as usize * frame]);
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

    /// What the levels are and what is found, once both are known. Until the end mark is, the meter stays
    /// `lag` frames behind, within the history, so that nothing after it is ever counted.
    pub fn measure(
        &mut self,
        history: &History,
        processed: u64,
        lag: u64,
        judge: Option<&mut Judge>,
    ) -> Option<(Vec<Level>, Found)> {
        let is_measured = self.levels.is_some() && self.found.is_some();
        self.meter(history, processed, lag);
        self.hear(history, processed);
        self.judge(processed, judge);
        let both = self.levels.clone().zip(self.found.clone());
        both.filter(|_| !is_measured)
    }

    fn meter(&mut self, history: &History, processed: u64, lag: u64) {
        if self.levels.is_some() {
            return;
        }
        let mark = self.end.as_ref().map(|end| end.end_mark.0);
        let behind = processed.saturating_sub(lag);
        let to = mark.unwrap_or(behind).min(processed);
        for (_, bytes) in parts(history, self.metered..to, self.spec) {
            self.meter.add(bytes);
        }
        self.metered = self.metered.max(to);
        if mark.is_some_and(|mark| processed >= mark) {
            self.levels = Some(self.meter.levels());
        }
    }

    /// Hears what is sure to be of this take.
    fn hear(&mut self, history: &History, processed: u64) {
        let end = self.end.as_ref().map(|end| self.judged_to(end));
        let to = end
            .unwrap_or_else(|| self.settled(processed))
            .min(processed);
        let Some(ear) = self.ear.as_mut().filter(|_| self.found.is_none()) else {
            return;
        };
        for (first, bytes) in parts(history, ear.next..to, self.spec) {
            ear.lose(first);
            ear.slots.add(bytes);
            ear.next = first + (bytes.len() / self.spec.frame_bytes()) as u64;
        }
        ear.lose(to);
    }

    /// The frame after the last that counts for its verdict.
    fn judged_to(&self, end: &End) -> u64 {
        let slot = u64::from((self.spec.rate / slots::PER_S).max(1));
        let marked = end.end_mark.0.saturating_sub(self.start) / slot + BEHIND_END;
        (self.start + marked * slot).min(end.end_frame.0)
    }

    /// Finds what is wrong with it, once all that counts was heard.
    fn judge(&mut self, processed: u64, judge: Option<&mut Judge>) {
        let Some(end) = self.end.as_ref().filter(|_| self.found.is_none()) else {
            return;
        };
        let heard = self.judged_to(end);
        let (Some(judge), Some(ear)) = (judge, &mut self.ear) else {
            self.found = Some(Found::default());
            return;
        };
        if processed < heard {
            return;
        }
        let slot = u64::from(ear.slots.slot_frames());
        ear.slots
            .truncate(heard.saturating_sub(self.start).div_ceil(slot));
        let row = &end.row;
        let sphere = row.sphere.as_ref().filter(|sphere| sphere.frame.is_some());
        self.found = Some(judge.judge(&Taken {
            slots: &ear.slots,
            marks: end.start_mark.0.saturating_sub(self.start)
                ..end.end_mark.0.saturating_sub(self.start),
            kind: row.kind,
            text: row.text.as_deref(),
            track: sphere.map(|sphere| sphere.track.as_str()),
            has_gap: ear.has_gap,
            is_whole: matches!(row.verdict, Verdict::Kept | Verdict::Redone),
        }));
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

    /// Hands the rest of it to the writer; one without an end has no row.
    pub fn finish(mut self, outbox: &mut Outbox) {
        self.flush(outbox);
        let take = self.number;
        let Some(end) = self.end.take() else {
            return outbox.send(Op::Close {
                take,
                gaps: self.gaps,
            });
        };
        outbox.send(Op::Finish(Box::new(Finish {
            start: self.start,
            found: self.found.unwrap_or_default(),
            levels: self.levels.unwrap_or_else(|| self.meter.levels()),
            gaps: self.gaps,
            end,
        })));
    }
}

impl Ear {
    /// What is missing up to frame `to`.
    fn lose(&mut self, to: u64) {
        if to > self.next {
            self.slots.lose(to - self.next);
            self.has_gap = true;
            self.next = to;
        }
    }
}

/// The samples of the history in these frames of the capture clock, each piece with its first frame.
fn parts(history: &History, frames: Range<u64>, spec: Spec) -> impl Iterator<Item = (u64, &[u8])> {
    let size = spec.frame_bytes() as u64;
    let frames = frames.start..frames.end.max(frames.start);
    let news = history.partition_point(|block| block.end() <= frames.start);
    let blocks = history.range(news..);
    let blocks = blocks.take_while(move |block| block.first_frame < frames.end);
    blocks.map(move |block| {
        let first = frames.start.max(block.first_frame);
        let to = frames.end.min(block.end());
        let at = |frame: u64| ((frame - block.first_frame) * size) as usize;
        (first, &block.bytes[at(first)..at(to)])
    })
}
