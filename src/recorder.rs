//! The recorder: cuts takes out of the stream of blocks and alone writes them and their rows.
//!
//! Guarantees: what was lost becomes silence and a gap; levels are reported before the disk is
//! asked for anything; blocks beyond the history go back at once. While a disk is read-only or away
//! the blocks of its takes are kept, and written once it is back; on a full one a take is a finished
//! file of what fits. Never panics on a disk error.

mod away;
pub mod chain;
pub mod messages;
pub mod repair;
pub mod rows;
pub mod sealer;
pub mod take;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::Duration;

use crate::audio::block::{Block, RecorderEnd};
use crate::audio::{meter, rf64};
use crate::rt::Nanos;
use crate::words::{CaptureFrame, MOST_OPEN_TAKES, Spec};
use away::Disk;
pub use messages::{Amendment, Begin, Command, End, Live, Report};
use take::{History, OpenTake};

/// Time between two checks for new blocks; commands wake the thread at once. A kill loses this much
/// more than what is staged.
const PARK: Duration = Duration::from_millis(40);
/// The same while a take waits for its end.
const PARK_ENDING: Duration = Duration::from_millis(20);
/// Wall time between checkpoints, and between two attempts on a disk that refuses.
pub const CHECKPOINT: Duration = Duration::from_millis(500);

/// Everything but the thread.
pub struct Recorder {
    spec: Spec,
    history_frames: u64,
    history: History,
    takes: Vec<OpenTake>,
    /// Commands that wait for a take to end: after a stall of the disk, presses of half a minute
    /// come before the blocks that they are about.
    waiting: VecDeque<Command>,
    rows: rows::Rows,
    processed: u64,
    checked: Nanos,
    disk: Disk,
    reports: Sender<Report>,
    live: Arc<Live>,
}

impl Recorder {
    /// A recorder of `spec` (as captured); the history is never shorter than a second.
    #[must_use]
    pub fn new(
        spec: Spec,
        history_frames: u64,
        reports: Sender<Report>,
        live: Arc<Live>,
    ) -> Recorder {
        Recorder {
            spec,
            history_frames: history_frames.max(u64::from(spec.rate)),
            history: VecDeque::new(),
            takes: Vec::with_capacity(MOST_OPEN_TAKES),
            waiting: VecDeque::new(),
            rows: rows::Rows::default(),
            processed: 0,
            checked: Nanos::default(),
            disk: Disk::Good,
            reports,
            live,
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

    /// Runs the waiting commands, up to a take that has no room yet, or a disk that refuses.
    fn obey(&mut self) {
        self.end_open_takes();
        while self.disk != Disk::Refuses
            && let Some(command) = self.waiting.pop_front()
        {
            if matches!(command, Command::Begin(_)) && self.takes.len() >= MOST_OPEN_TAKES {
                self.waiting.push_front(command);
                break;
            }
            self.perform(command);
            self.end_open_takes();
        }
    }

    /// An open take gets its end before it gets frames: this does not depend on the disk.
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

    /// Makes the files of open takes whole; their rows are written at the next start.
    fn close(&mut self) {
        for mut take in std::mem::take(&mut self.takes) {
            if let Err(error) = take.finish() {
                self.fail(take.number, error.to_string());
            }
        }
    }

    /// Drops what the session has open, even if the disk refuses.
    fn forget(&mut self) {
        self.takes.clear();
        self.waiting.clear();
        self.rows = rows::Rows::default();
        self.report(Report::Forgotten);
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Begin(begin) => match OpenTake::open(self.spec, &begin) {
                Ok(take) => self.takes.push(take),
                Err(error) if error.may_pass() => self.refuse(&error, Command::Begin(begin)),
                Err(error) => self.fail(begin.take, error.to_string()),
            },
            Command::MayEnd { take, end_frame } => {
                if let Some(take) = self.takes.iter_mut().find(|t| t.number == take) {
                    take.may_end = Some(end_frame.0);
                }
            }
            Command::End(end) => match self.takes.iter_mut().find(|t| t.number == end.take) {
                Some(take) => take.end = Some(end),
                None => self.fail(end.take, "no such take is open".into()),
            },
            Command::Amend { take, amendment } => self.amend(take, amendment),
            Command::NewSession { folder } => match rows::Rows::of(folder.clone()) {
                Ok(rows) => self.rows = rows,
                Err(error) => self.refuse(&error, Command::NewSession { folder }),
            },
            Command::Forget | Command::Quit => {}
        }
    }

    /// Changes the row of a take that has ended, whether it is written already or not.
    fn amend(&mut self, take: u32, amendment: Amendment) {
        let open = self.takes.iter_mut().find(|it| it.number == take);
        if let Some(end) = open.and_then(|it| it.end.as_mut()) {
            return amendment.apply(&mut end.row);
        }
        match self.rows.amend(take, &amendment) {
            Ok(row) => self.report(Report::Stored {
                take,
                row: Box::new(row),
            }),
            Err(error) if error.may_pass() => {
                self.refuse(&error, Command::Amend { take, amendment });
            }
            Err(error) => self.fail(take, error.to_string()),
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

    /// Gives every open take the frames of the history that it does not have yet.
    fn feed(&mut self) {
        let processed = self.processed;
        self.each(|take, history| take.feed(history, processed));
        for take in &mut self.takes {
            while let Some(gap) = take.news_of_gaps() {
                let _ = self.reports.send(Report::Lost {
                    take: take.number,
                    at_frame: CaptureFrame(take.start + gap.frame),
                    frames: gap.frames,
                    cause: gap.cause,
                });
            }
        }
    }

    /// Does `work` on every open take. A take that finds the disk full is cut there, and waits for
    /// its end.
    fn each(&mut self, work: impl Fn(&mut OpenTake, &History) -> Result<(), rf64::Error>) {
        if self.disk == Disk::Refuses {
            return;
        }
        let (mut failed, mut refused) = (Vec::new(), None);
        self.takes.retain_mut(|take| {
            let Err(error) = work(take, &self.history) else {
                return true;
            };
            if error.may_pass() {
                refused = Some(error);
                return true;
            }
            failed.push((take.number, error));
            let cut = take.cut();
            let kept = cut.is_ok();
            failed.extend(cut.err().map(|error| (take.number, error)));
            kept
        });
        for (take, error) in failed {
            self.fail(take, error.to_string());
        }
        if let Some(error) = refused {
            self.refused(&error);
        }
    }

    /// Measures what can be measured, then ends what has all its frames.
    fn settle(&mut self) {
        let processed = self.processed;
        // An end mark may lie as far back as a button is held; half a second short of the history,
        // so that no frame is dropped before it is measured.
        let lag = self.history_frames - u64::from(self.spec.rate / 2);
        for take in &mut self.takes {
            if let Some(levels) = take.measure(&self.history, processed, lag) {
                let _ = self.reports.send(Report::Measured {
                    take: take.number,
                    levels,
                });
            }
        }
        while self.disk != Disk::Refuses
            && let Some(at) = self.takes.iter().position(|take| take.complete(processed))
        {
            let take = self.takes.remove(at);
            self.store(take);
        }
    }

    /// Finishes a take that has all its frames, and appends its row.
    fn store(&mut self, mut take: OpenTake) {
        let number = take.number;
        let mut finished = take.finish();
        if let Err(error) = &finished
            && !error.may_pass()
        {
            self.fail(number, error.to_string());
            finished = take.cut();
        }
        let Some(row) = take.row() else { return };
        match finished.and_then(|()| self.rows.append(row)) {
            Ok(row) => self.report(Report::Stored {
                take: number,
                row: Box::new(row),
            }),
            Err(error) if error.may_pass() => {
                self.takes.push(take);
                self.refused(&error);
            }
            Err(error) => self.fail(number, error.to_string()),
        }
    }

    /// Checkpoints the open takes where half a second of wall time went by, or tries a disk that
    /// refused; blocks it no longer needs go to `free`.
    pub fn checkpoint(&mut self, now: Nanos, free: impl FnMut(Box<Block>)) {
        if now.since(self.checked) < CHECKPOINT {
            return;
        }
        if self.disk == Disk::Good {
            self.each(|take, _| take.checkpoint());
        } else {
            self.try_again();
            self.release(free);
        }
        // From the end of the syncs on: where they are slow, blocks are still taken in between.
        self.checked = now.max(Nanos::now());
    }

    /// How long to wait before the next check for blocks.
    fn pause(&self) -> Duration {
        let soon = self.processed + u64::from(self.spec.rate / 5);
        let ending = |take: &OpenTake| take.end.as_ref().is_some_and(|end| end.end_mark.0 < soon);
        if self.takes.iter().any(ending) {
            PARK_ENDING
        } else {
            PARK
        }
    }

    fn fail(&self, take: u32, reason: String) {
        self.report(Report::Failed { take, reason });
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
                        if !live.beat.on_disk(|| self.handle(command)) {
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
                Some(block) => live.beat.on_disk(|| self.take_in(block, &mut free)),
                None => std::thread::park_timeout(self.pause()),
            }
            live.beat
                .on_disk(|| self.checkpoint(Nanos::now(), &mut free));
        }
    }
}

#[cfg(test)]
mod tests;
