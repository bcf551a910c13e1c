//! A disk that refuses or is away: what it does not have yet is kept, and written once it is back.
//!
//! Guarantees: a refusal is reported once, and so is the return, when everything is synced; no block
//! that a take waits for is given back.

use super::take::OpenTake;
use super::{Command, Recorder, Report};
use crate::audio::block::Block;
use crate::audio::rf64::{self, TakeFile};

/// How the disk behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disk {
    Good,
    /// It refused, which was reported; nothing is asked of it until the next try.
    Refuses,
    /// It is being tried; a further refusal is not reported again.
    Tried,
}

impl Recorder {
    /// The disk refused a command, which waits until it is back.
    pub(super) fn refuse(&mut self, error: &rf64::Error, command: Command) {
        self.waiting.push_front(command);
        self.refused(error);
    }

    pub(super) fn refused(&mut self, error: &rf64::Error) {
        if self.disk == Disk::Good {
            let reason = error.to_string();
            self.report(Report::Refused { reason });
        }
        self.disk = Disk::Refuses;
    }

    /// Gives back the blocks beyond the history that no take needs any more.
    pub(super) fn release(&mut self, mut free: impl FnMut(Box<Block>)) {
        let oldest = self.processed.saturating_sub(self.history_frames);
        if self.disk == Disk::Good {
            while self.history.front().is_some_and(|old| old.end() < oldest) {
                self.history.pop_front().into_iter().for_each(&mut free);
            }
            return;
        }
        for _ in 0..self.history.len() {
            let Some(block) = self.history.pop_front() else {
                break;
            };
            if block.end() >= oldest || self.is_awaited(&block) {
                self.history.push_back(block);
            } else {
                free(block);
            }
        }
    }

    /// Whether a disk that is back will want frames of this block.
    fn is_awaited(&self, block: &Block) -> bool {
        let end_of = |take| {
            let mut waiting = self.waiting.iter();
            let end = waiting.find_map(|command| match command {
                Command::End(end) if end.take == take => Some(end.end_frame.0),
                _ => None,
            });
            end.unwrap_or(u64::MAX)
        };
        let open = self.takes.iter().map(OpenTake::unsynced);
        let to_open = self.waiting.iter().filter_map(|command| match command {
            Command::Begin(begin) => Some(begin.start_frame.0..end_of(begin.take)),
            _ => None,
        });
        let mut awaited = open.chain(to_open);
        awaited.any(|frames| block.end() > frames.start && block.first_frame < frames.end)
    }

    /// Writes all that waits, if the disk lets it; it is good again once everything is synced.
    pub(super) fn try_again(&mut self) {
        self.disk = Disk::Tried;
        self.each(|take, _| take.reopen());
        self.feed();
        self.each(|take, _| take.checkpoint());
        if let Some(Command::Begin(begin)) = self.waiting.front() {
            TakeFile::clear_attempt(&begin.path, self.spec.stored(), &begin.meta);
        }
        self.obey();
        if self.disk == Disk::Tried {
            self.disk = Disk::Good;
            self.report(Report::Returned);
        }
    }
}
