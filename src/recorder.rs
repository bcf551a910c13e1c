//! The recorder: cuts takes out of the stream of blocks, and has the writer write them.
//!
//! Guarantees: what was lost becomes silence and a gap; it never waits for the disk, so levels are
//! reported however slow that is; blocks beyond the history go back at once. Where the writer's memory
//! is full the blocks of open takes are kept, and staged once it is not.

pub mod chain;
pub mod memory;
pub mod messages;
mod op;
mod outbox;
pub mod repair;
mod rows;
pub mod sink;
mod take;
mod writer;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::Duration;

use crate::audio::block::{Block, RecorderEnd};
use crate::audio::judge::Judge;
use crate::audio::meter;
use crate::words::{CaptureFrame, MOST_OPEN_TAKES, Spec};
pub use messages::{Amendment, Begin, Command, End, Live, Report};
use op::Op;
use outbox::Outbox;
use take::{History, OpenTake};
pub use writer::CHECKPOINT;
pub use writer::Seals;

/// Time between two checks for new blocks; commands wake the thread at once. A kill loses this much
/// more than what is staged.
const PARK: Duration = Duration::from_millis(40);
/// The same while a take waits for its end.
const PARK_ENDING: Duration = Duration::from_millis(20);
/// The same while blocks wait for the writer's memory.
const PARK_FULL: Duration = Duration::from_millis(2);

/// Everything but the thread.
pub struct Recorder {
    spec: Spec,
    history_frames: u64,
    history: History,
    takes: Vec<OpenTake>,
    /// Commands that wait for a take to end: after a stall of the disk, presses of half a minute
    /// come before the blocks that they are about.
    waiting: VecDeque<Command>,
    processed: u64,
    /// Blocks wait for the writer's memory.
    is_full: bool,
    outbox: Outbox,
    reports: Sender<Report>,
    live: Arc<Live>,
    judge: Option<Judge>,
}

impl Recorder {
    /// A recorder of `spec` (as captured); the history is never shorter than a second.
    #[must_use]
    pub fn new(
        spec: Spec,
        history_frames: u64,
        outbox: Outbox,
        reports: Sender<Report>,
        live: Arc<Live>,
        judge: Option<Judge>,
    ) -> Recorder {
        Recorder {
            spec,
            history_frames: history_frames.max(u64::from(spec.rate)),
            history: VecDeque::new(),
            takes: Vec::with_capacity(MOST_OPEN_TAKES),
            waiting: VecDeque::new(),
            processed: 0,
            is_full: false,
            outbox,
            reports,
            live,
            judge,
        }
    }

    /// Does what a command says, once there is room for its take; false for `Quit`.
    pub fn handle(&mut self, command: Command) -> bool {
        if matches!(command, Command::Quit) {
            self.close();
            return false;
        }
        if matches!(command, Command::Forget) {
            self.forget();
        } else {
            self.waiting.push_back(command);
        }
        self.obey();
        self.live.commands.fetch_add(1, Ordering::Release);
        true
    }

    /// Runs the waiting commands, up to a take that has no room yet.
    fn obey(&mut self) {
        self.end_open_takes();
        while let Some(command) = self.waiting.pop_front() {
            if matches!(command, Command::Begin(_)) && self.takes.len() >= MOST_OPEN_TAKES {
                self.waiting.push_front(command);
                break;
            }
            self.perform(command);
            self.end_open_takes();
        }
    }

    /// An open take gets its end before it gets frames.
    fn end_open_takes(&mut self) {
        if !self.waiting.is_empty() {
            let open: Vec<u32> = self.takes.iter().map(|take| take.number).collect();
            let is_end = |command: &Command| match command {
                Command::End(end) => open.contains(&end.take),
                Command::MayEnd { take, .. } => open.contains(take),
                _ => false,
            };
            while let Some(at) = self.waiting.iter().position(is_end) {
                if let Some(end) = self.waiting.remove(at) {
                    self.perform(end);
                }
            }
        }
        self.feed();
        self.settle();
    }

    /// Has the files of open takes made whole; their rows are written at the next start.
    fn close(&mut self) {
        for take in std::mem::take(&mut self.takes) {
            take.finish(&mut self.outbox);
        }
        self.outbox.send(Op::Quit);
    }

    /// Drops what the session has open.
    fn forget(&mut self) {
        self.takes.clear();
        self.waiting.clear();
        self.outbox.send(Op::Forget);
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Begin(begin) => {
                let slots = self.judge.as_ref().map(|judge| judge.slots(self.spec));
                self.takes.push(OpenTake::of(self.spec, &begin, slots));
                self.outbox.send(Op::Create(begin));
            }
            Command::MayEnd { take, end_frame } => {
                if let Some(take) = self.takes.iter_mut().find(|t| t.number == take) {
                    take.may_end = Some(end_frame.0);
                }
            }
            Command::End(end) => match self.takes.iter_mut().find(|t| t.number == end.take) {
                Some(take) => take.end = Some(end),
                None => {
                    let reason = "no such take is open".into();
                    self.report(Report::Failed {
                        take: end.take,
                        reason,
                    });
                }
            },
            Command::Amend { take, amendment } => self.amend(take, amendment),
            Command::NewSession { folder } => {
                self.judge.iter_mut().for_each(Judge::new_session);
                self.outbox.send(Op::NewSession { folder });
            }
            Command::Forget | Command::Quit => {}
        }
    }

    /// Changes the row of a take that has ended, whether it is written already or not.
    fn amend(&mut self, take: u32, amendment: Amendment) {
        let open = self.takes.iter_mut().find(|it| it.number == take);
        match open.and_then(|it| it.end.as_mut()) {
            Some(end) => amendment.apply(&mut end.row),
            None => self.outbox.send(Op::Amend { take, amendment }),
        }
    }

    /// Takes in one block; returns each block that the history no longer needs to `free`.
    pub fn take_in(&mut self, block: Box<Block>, mut free: impl FnMut(Box<Block>)) {
        self.processed = block.end();
        let bytes = &block.bytes[..block.frames as usize * self.spec.frame_bytes()];
        // Magnitudes only: the bits of positive floats order like the floats.
        let peak = meter::peak(self.spec.format, bytes).to_bits();
        self.live.peak.fetch_max(peak, Ordering::Relaxed);
        self.history.push_back(block);
        self.obey();
        self.release(&mut free);
        let open_takes = self.takes.len() as u32;
        self.live.open_takes.store(open_takes, Ordering::Relaxed);
        self.live.frames.store(self.processed, Ordering::Release);
    }

    /// Goes on where the writer's memory was full.
    pub fn go_on(&mut self, mut free: impl FnMut(Box<Block>)) {
        if self.is_full {
            self.obey();
            self.release(&mut free);
        }
    }

    /// Gives every open take the frames of the history that it does not have yet.
    fn feed(&mut self) {
        self.is_full = false;
        for take in &mut self.takes {
            let fed = take.feed(&self.history, self.processed, &mut self.outbox);
            self.is_full |= fed.is_err();
            while let Some(gap) = take.news_of_gaps() {
                let _ = self.reports.send(Report::Lost {
                    take: take.number,
                    at_frame: CaptureFrame(take.start + gap.frame),
                    frames: gap.frames,
                    cause: gap.cause,
                });
            }
        }
        let held = self.held_frames();
        self.live.held_frames.store(held, Ordering::Release);
    }

    /// Gives back the blocks beyond the history that no take needs any more.
    fn release(&mut self, mut free: impl FnMut(Box<Block>)) {
        let oldest = self.processed.saturating_sub(self.history_frames);
        if !self.is_full {
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

    fn held_frames(&self) -> u64 {
        let wanted = self.takes.iter().filter(|_| self.is_full);
        let oldest = wanted.map(|take| take.wanted().start).min();
        oldest.map_or(0, |oldest| self.processed.saturating_sub(oldest))
    }

    /// Whether frames of this block are still to be staged.
    fn is_awaited(&self, block: &Block) -> bool {
        let end_of = |take| {
            let mut waiting = self.waiting.iter();
            let end = waiting.find_map(|command| match command {
                Command::End(end) if end.take == take => Some(end.end_frame.0),
                _ => None,
            });
            end.unwrap_or(u64::MAX)
        };
        let open = self.takes.iter().map(OpenTake::wanted);
        let to_open = self.waiting.iter().filter_map(|command| match command {
            Command::Begin(begin) => Some(begin.start_frame.0..end_of(begin.take)),
            _ => None,
        });
        let mut awaited = open.chain(to_open);
        awaited.any(|frames| block.end() > frames.start && block.first_frame < frames.end)
    }

    /// Measures what can be measured, then ends what has all its frames.
    fn settle(&mut self) {
        let processed = self.processed;
        // An end mark may lie as far back as a button is held; half a second short of the history,
        // so that no frame is dropped before it is measured.
        let lag = self.history_frames - u64::from(self.spec.rate / 2);
        for take in &mut self.takes {
            let measured = take.measure(&self.history, processed, lag, self.judge.as_mut());
            if let Some((levels, found)) = measured {
                let _ = self.reports.send(Report::Measured {
                    take: take.number,
                    levels,
                    found,
                });
            }
        }
        let complete = |take: &OpenTake| take.complete(processed);
        while let Some(at) = self.takes.iter().position(complete) {
            let take = self.takes.remove(at);
            take.finish(&mut self.outbox);
        }
    }

    /// How long to wait before the next check for blocks.
    fn pause(&self) -> Duration {
        let soon = self.processed + u64::from(self.spec.rate / 5);
        let ending = |take: &OpenTake| take.end.as_ref().is_some_and(|end| end.end_mark.0 < soon);
        if self.is_full {
            PARK_FULL
        } else if self.takes.iter().any(ending) {
            PARK_ENDING
        } else {
            PARK
        }
    }

    fn report(&self, report: Report) {
        // Without a listener the program is ending.
        let _ = self.reports.send(report);
    }

    /// The thread: runs commands before each block, until `Quit` or until no sender is left.
    pub fn run(mut self, mut end: RecorderEnd, commands: &Receiver<Command>) {
        let live = self.live.clone();
        'thread: loop {
            live.beat.beat();
            // Taken first, so that commands sent before the block arrived run before it is
            // processed.
            let block = end.filled.dequeue();
            loop {
                match commands.try_recv() {
                    Ok(command) => {
                        if !self.handle(command) {
                            break 'thread;
                        }
                    }
                    Err(TryRecvError::Disconnected) => break 'thread,
                    Err(TryRecvError::Empty) => break,
                }
            }
            let free = &mut end.free;
            let mut free = |old| {
                let _ = free.enqueue(old);
            };
            match block {
                Some(block) => self.take_in(block, &mut free),
                None => {
                    std::thread::park_timeout(self.pause());
                    self.go_on(&mut free);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
