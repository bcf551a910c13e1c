//! The capture thread: from a source into numbered blocks, for as long as the box is up.
//!
//! Guarantees: frames are numbered from the first sample on; a loss is a jump in the numbers with
//! its cause, and is counted; the thread outlives every fault of the device. While a device runs it
//! allocates nothing, locks nothing, logs nothing, and makes no system call except those of the
//! source and the clock; without a device (`closed`) it may. It never waits for the recorder,
//! except when the source has no clock of its own.

mod status;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use super::block::{Block, CaptureEnd};
use super::clock::FrameClock;
use super::source::{Error, Gone, Opener, Read, Source};
use crate::rt::{self, Nanos};
use crate::words::{Cause, Spec};
pub use status::{State, Status};

/// SCHED_FIFO priority while a device runs: above every normal thread, below the kernel's own
/// threads that bring the samples (50 on a PREEMPT_RT kernel).
pub const PRIORITY: u8 = 45;
/// Time between two attempts to open a device that is gone.
const REOPEN: Duration = Duration::from_millis(500);
/// Time between two empty blocks while there is no device.
const EMPTY_BLOCK: Duration = Duration::from_millis(100);
/// A clocked device that delivers nothing for this long and for two periods counts as gone (frozen
/// firmware; jack only times out). A source waits up to 200 ms, so this is noticed within a second.
const SILENT: Duration = Duration::from_millis(800);
/// How soon it is found that a source has no clock of its own.
const FIRST_SECOND: Duration = Duration::from_secs(1);

/// What the thread needs.
pub struct Setup {
    /// Its side of the pool.
    pub end: CaptureEnd,
    /// The pairs it publishes.
    pub clock: Arc<FrameClock>,
    /// What it reports to main, and the stop flag.
    pub status: Arc<Status>,
    /// Opens the device, in the thread.
    pub open: Opener,
    /// What every opened device must deliver.
    pub spec: Spec,
    /// Frames of a block.
    pub block_frames: u32,
    /// Woken after each block of a source that has no clock of its own; this is main's, where the
    /// recorder sleeps.
    pub recorder: Option<Thread>,
    /// Wake the recorder after each block of any source: for the simulated one.
    pub always_wake: bool,
}

/// The outcome of the first opening, when it is known.
pub type Opened = Receiver<Result<(), Error>>;

/// Starts the thread. The receiver gets the outcome of the first opening; after a failure the
/// thread goes on in closed mode until it is stopped. It ends with the number of frames captured.
///
/// # Errors
/// The system's, if there can be no further thread.
pub fn spawn(setup: Setup) -> std::io::Result<(JoinHandle<u64>, Opened)> {
    let (first, opened) = sync_channel(1);
    let thread = std::thread::Builder::new()
        .name("capture".into())
        .spawn(move || run(setup, &first))?;
    Ok((thread, opened))
}

fn run(setup: Setup, first: &SyncSender<Result<(), Error>>) -> u64 {
    let mut spare = vec![1; setup.block_frames as usize * setup.spec.frame_bytes()];
    std::hint::black_box(&mut spare).fill(0);
    let mut capture = Capture {
        setup,
        spare: spare.into(),
        block: None,
        next: 0,
        captured: 0,
        pending: None,
        last: Nanos::now(),
        unclocked: false,
        warned: false,
    };
    let mut source = match capture.open() {
        Ok(source) => {
            let _ = first.send(Ok(()));
            Some(source)
        }
        Err(error) => {
            capture.setup.status.explain(Some(error.to_string()));
            let _ = first.send(Err(error));
            None
        }
    };
    while !capture.setup.status.stopping() {
        source = match source {
            Some(running) => {
                if let Some(gone) = capture.run(running) {
                    capture.setup.status.explain(Some(gone.to_string()));
                }
                None
            }
            None => capture.closed(),
        };
    }
    capture.setup.status.set(State::Stopped);
    capture.captured
}

struct Capture {
    setup: Setup,
    /// Where frames go when there is no free block.
    spare: Box<[u8]>,
    block: Option<Box<Block>>,
    /// Number of the next frame.
    next: u64,
    /// Frames that came from a device.
    captured: u64,
    /// Cause of the loss before the next block.
    pending: Option<Cause>,
    /// When frame `next` was expected.
    last: Nanos,
    unclocked: bool,
    /// Whether the missing real-time priority was logged.
    warned: bool,
}

impl Capture {
    /// Opens the device, and refuses a shape other than the one the booth was started with.
    fn open(&mut self) -> Result<Box<dyn Source>, Error> {
        let source = (self.setup.open)()?;
        if source.spec() == self.setup.spec {
            log::debug!("audio device opened: {}", self.setup.spec);
            self.setup.status.opened(source.card());
            return Ok(source);
        }
        Err(Error::Failed {
            device: "capture".into(),
            doing: "open again",
            reason: format!("came back with {}", source.spec()),
        })
    }

    /// Runs under SCHED_FIFO, if the limits allow it, until stopped (`None`) or the device is gone.
    fn run(&mut self, mut source: Box<dyn Source>) -> Option<Gone> {
        if !source.waits()
            && let Err(error) = rt::schedule(PRIORITY)
            && !self.warned
        {
            self.warned = true;
            log::warn!(
                "capture runs without real-time priority ({error}); set LimitRTPRIO={PRIORITY} in \
                 its unit, or rtprio in /etc/security/limits.d"
            );
        }
        let gone = self.pump(source.as_mut());
        // Without a device, capture may wait and may open and close files, so it gives up its
        // priority.
        let _ = rt::schedule(0);
        gone
    }

    /// Reads until stopped (`None`) or the device is gone. Allocates, locks and logs nothing.
    fn pump(&mut self, source: &mut dyn Source) -> Option<Gone> {
        self.unclocked = false;
        let waits = source.waits();
        let silent = SILENT.max(2 * source.period());
        // A device that came back: frames were lost until it delivers.
        let mut back = self.captured > 0;
        let start = Nanos::now();
        let (mut heard, mut total) = (start, 0u64);
        while !self.setup.status.stopping() {
            self.setup.status.beat.beat();
            if !self.take_block() && (waits || self.unclocked || self.too_fast(start, total)) {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            }
            match self.read(source) {
                Read::Frames {
                    frames,
                    waiting,
                    at,
                } => {
                    (heard, total) = (Nanos::now(), total + u64::from(frames));
                    if std::mem::take(&mut back) {
                        let captured = self.nanos_of(u64::from(frames) + waiting);
                        self.follow(self.next, self.last, Nanos(at.0.saturating_sub(captured)));
                    }
                    self.setup.status.set(State::Running);
                    self.count(frames, waiting, at);
                    if !waits && total > 2 * u64::from(self.setup.spec.rate) {
                        self.too_fast(start, total);
                    }
                }
                Read::Overrun { lost_frames, cause } => {
                    heard = Nanos::now();
                    self.setup.status.overruns.fetch_add(1, Ordering::Relaxed);
                    // For a device that came back, the clock gives what was lost. Nothing is lost
                    // before the very first frame.
                    if !back && self.captured > 0 {
                        self.lose(lost_frames, cause);
                    }
                }
                Read::Nothing if waits || Nanos::now().since(heard) < silent => {}
                Read::Nothing => return self.end(Some(Gone::Silent)),
                Read::Gone(gone) => return self.end(Some(gone)),
            }
        }
        self.end(None)
    }

    fn end(&mut self, gone: Option<Gone>) -> Option<Gone> {
        self.hand_over();
        self.setup
            .status
            .reached
            .store(self.next, Ordering::Release);
        gone
    }

    /// True if there is a block to fill.
    fn take_block(&mut self) -> bool {
        if self.block.is_none() {
            self.block = self.setup.end.free.dequeue();
            let (next, cause) = (self.next, &mut self.pending);
            if let Some(block) = &mut self.block {
                block.first_frame = next;
                block.frames = 0;
                block.lost_before = cause.take();
            }
        }
        self.block.is_some()
    }

    /// Reads into the rest of the block, or into the spare one if there is none.
    fn read(&mut self, source: &mut dyn Source) -> Read {
        match &mut self.block {
            Some(block) => {
                let filled = block.frames as usize * self.setup.spec.frame_bytes();
                source.read(block.bytes.get_mut(filled..).unwrap_or_default())
            }
            None => source.read(&mut self.spare),
        }
    }

    fn count(&mut self, frames: u32, waiting: u64, at: Nanos) {
        self.next += u64::from(frames);
        self.captured += u64::from(frames);
        self.last = Nanos(at.0.saturating_sub(self.nanos_of(waiting)));
        self.setup.clock.publish(self.next + waiting, at);
        match &mut self.block {
            Some(block) => {
                block.frames += frames;
                if block.frames >= self.setup.block_frames {
                    self.hand_over();
                }
            }
            None => {
                let status = &self.setup.status;
                let lost = u64::from(frames);
                status.lost_frames.fetch_add(lost, Ordering::Relaxed);
                self.pending = self.pending.or(Some(Cause::Storage));
            }
        }
    }

    /// Skips `frames`: hands over what is filled, and the next block has the cause.
    fn lose(&mut self, frames: u64, cause: Cause) {
        if frames == 0 {
            return;
        }
        self.hand_over();
        self.next += frames;
        let status = &self.setup.status;
        status.lost_frames.fetch_add(frames, Ordering::Relaxed);
        match &mut self.block {
            // Still empty: the block begins later.
            Some(block) => {
                block.first_frame = self.next;
                block.lost_before = block.lost_before.or(Some(cause));
            }
            None => self.pending = self.pending.or(Some(cause)),
        }
    }

    /// Hands over a block with frames in it; an empty one stays.
    fn hand_over(&mut self) {
        if self.block.as_ref().is_some_and(|block| block.frames > 0) {
            self.send();
        }
    }

    fn send(&mut self) {
        if let Some(block) = self.block.take() {
            // The queue is longer than the pool, so this cannot fail. If it ever did, the block
            // would not return to the free queue, and its frames would show as a jump in the
            // numbers.
            if let Err(block) = self.setup.end.filled.enqueue(block) {
                let lost = u64::from(block.frames);
                self.setup
                    .status
                    .lost_frames
                    .fetch_add(lost, Ordering::Relaxed);
                self.pending = Some(Cause::Storage);
                self.block = None;
            }
        }
        if (self.unclocked || self.setup.always_wake)
            && let Some(recorder) = &self.setup.recorder
        {
            recorder.unpark();
        }
    }

    /// True if `total` frames came in half the time they last, or faster; the answer is remembered.
    fn too_fast(&mut self, start: Nanos, total: u64) -> bool {
        let elapsed = Nanos::now().since(start);
        let due = self.frames_in(elapsed);
        // Allow a tenth of a second for what was buffered while the device was being opened.
        let slack = u64::from(self.setup.spec.rate) / 10;
        if elapsed < FIRST_SECOND && total > 2 * due + slack {
            self.unclocked = true;
            self.setup.status.unclocked.store(true, Ordering::Relaxed);
        }
        self.unclocked
    }

    /// Without a device: looks for it, while the frame clock runs on at the nominal rate.
    fn closed(&mut self) -> Option<Box<dyn Source>> {
        self.setup.status.set(State::Closed);
        let (base, since) = (self.next, self.last);
        let mut look = Nanos::now() + REOPEN;
        while !self.setup.status.stopping() {
            std::thread::sleep(EMPTY_BLOCK);
            self.setup.status.beat.beat();
            let mut now = Nanos::now();
            if now >= look {
                match self.open() {
                    Ok(source) => {
                        now = Nanos::now();
                        self.follow(base, since, now);
                        return Some(source);
                    }
                    Err(error) => self.setup.status.explain(Some(error.to_string())),
                }
                look = Nanos::now() + REOPEN;
            }
            self.follow(base, since, now);
            self.send_empty(now);
        }
        None
    }

    /// Moves on to the frame that is due `now`. There is no frame before the very first sample.
    fn follow(&mut self, base: u64, since: Nanos, now: Nanos) {
        if self.captured > 0 {
            let due = base + self.frames_in(now.since(since));
            self.lose(due.saturating_sub(self.next), Cause::Device);
            self.last = now;
        }
    }

    fn send_empty(&mut self, now: Nanos) {
        if self.captured > 0 && self.take_block() {
            self.setup.clock.publish(self.next, now);
            self.send();
        }
    }

    fn frames_in(&self, time: Duration) -> u64 {
        (time.as_nanos() * u128::from(self.setup.spec.rate) / 1_000_000_000) as u64
    }

    fn nanos_of(&self, frames: u64) -> u64 {
        let rate = u128::from(self.setup.spec.rate.max(1));
        (u128::from(frames) * 1_000_000_000 / rate) as u64
    }
}
