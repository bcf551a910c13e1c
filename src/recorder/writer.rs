//! The writer: does all that the recorder asks of the disk, in its order.
//!
//! Guarantees: a slow disk delays no block, no level and no verdict; what a disk that is read-only or
//! away does not take waits, and is written once it is back, which is reported once, as is the
//! refusal; on a full one a take is a finished file of what fits. Never panics on a disk error.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::memory::Buffer;
use super::messages::{Amendment, Begin, Live, Report};
use super::rows::Rows;
use super::sink::{self, Held, PlainSink, Sink};
use super::take::Finish;
use crate::audio::rf64::{Error, TakeFile};
use crate::rt::Nanos;
use crate::store::row::Row;
use crate::words::{CaptureFrame, Gap, Spec, Verdict};

/// Wall time between checkpoints, and between two attempts on a disk that refuses.
pub const CHECKPOINT: Duration = Duration::from_millis(500);
/// Between two signs of life where nothing is to be written.
const IDLE: Duration = Duration::from_secs(2);

/// What is asked of the writer.
#[derive(Debug)]
pub enum Op {
    /// Creates a take's file.
    Create(Box<Begin>),
    /// Adds to a take.
    Append {
        /// Its number.
        take: u32,
        /// What follows.
        samples: Option<Buffer>,
    },
    /// Ends a take, and appends its row.
    Finish(Box<Finish>),
    /// Ends a take without a row, which the next start writes.
    Close {
        /// Its number.
        take: u32,
        /// What was lost.
        gaps: Vec<Gap>,
    },
    /// Appends a take's row again, changed.
    Amend {
        /// Its number.
        take: u32,
        /// The change.
        amendment: Amendment,
    },
    /// Another session's folder.
    NewSession {
        /// Folder of takes.jsonl.
        folder: PathBuf,
    },
    /// Drops all that the session has, unfinished.
    Forget,
    /// Ends the thread.
    Quit,
}

impl Op {
    /// Bytes of samples that it writes.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Op::Append { samples, .. } => samples.as_ref().map_or(0, |it| it.len() as u64),
            _ => 0,
        }
    }
}

/// How the disk behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    Good,
    /// It refused, which was reported; nothing is asked of it until the next try.
    Refuses,
    /// It is being tried; a further refusal is not reported again.
    Tried,
}

/// A take whose file is there.
struct Take {
    number: u32,
    sink: Box<dyn Sink>,
    /// The disk refused for good: it ended where it was.
    is_cut: bool,
}

/// Everything but the thread.
pub struct Writer {
    spec: Spec,
    takes: Vec<Take>,
    /// What is not done yet, in order.
    waiting: VecDeque<Op>,
    rows: Rows,
    disk: Disk,
    checked: Nanos,
    reports: Sender<Report>,
    live: Arc<Live>,
}

impl Writer {
    /// For takes of `spec`, as captured.
    #[must_use]
    pub fn new(spec: Spec, reports: Sender<Report>, live: Arc<Live>) -> Writer {
        Writer {
            spec,
            takes: Vec::new(),
            waiting: VecDeque::new(),
            rows: Rows::default(),
            disk: Disk::Good,
            checked: Nanos::default(),
            reports,
            live,
        }
    }

    /// Does what is asked, or lets it wait for the disk; false for `Quit`.
    pub fn handle(&mut self, op: Op) -> bool {
        match op {
            Op::Quit => {
                if self.disk != Disk::Good {
                    self.try_again();
                }
                return false;
            }
            Op::Forget => self.forget(),
            op => self.waiting.push_back(op),
        }
        self.go_on();
        true
    }

    /// Drops what the session has open, even if the disk refuses.
    fn forget(&mut self) {
        self.takes.clear();
        for op in std::mem::take(&mut self.waiting) {
            self.is_done(op.bytes());
        }
        self.rows = Rows::default();
        self.report(Report::Forgotten);
    }

    /// Does what waits, as long as the disk takes it.
    fn go_on(&mut self) {
        while self.disk != Disk::Refuses
            && let Some(op) = self.waiting.pop_front()
        {
            let (bytes, waits) = (op.bytes(), self.waiting.len());
            self.perform(op);
            if self.waiting.len() == waits {
                self.is_done(bytes);
            }
        }
    }

    fn is_done(&self, bytes: u64) {
        self.live.written_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn perform(&mut self, op: Op) {
        match op {
            Op::Create(begin) => match PlainSink::create(self.spec, &begin) {
                Ok(sink) => self.takes.push(Take {
                    number: begin.take,
                    sink: Box::new(sink),
                    is_cut: false,
                }),
                Err(error) if error.may_pass() => self.refuse(&error, Op::Create(begin)),
                Err(error) => self.fail(begin.take, error.to_string()),
            },
            Op::Append { take, mut samples } => {
                let Some(open) = self.takes.iter_mut().find(|it| it.number == take) else {
                    return;
                };
                match open.sink.append(&mut samples) {
                    Err(error) if error.may_pass() => {
                        self.refuse(&error, Op::Append { take, samples });
                    }
                    Err(error) => self.cut(take, &error),
                    Ok(()) => {}
                }
            }
            Op::Finish(finish) => self.finish(finish),
            Op::Close { take, gaps } => {
                let open = self.takes.iter_mut().find(|it| it.number == take);
                let ended = open.map(|it| it.sink.finish(&gaps).and_then(|_| it.sink.close()));
                if let Some(Err(error)) = ended {
                    self.fail(take, error.to_string());
                }
            }
            Op::Amend { take, amendment } => self.amend(take, amendment),
            Op::NewSession { folder } => match Rows::of(folder.clone()) {
                Ok(rows) => self.rows = rows,
                Err(error) => self.refuse(&error, Op::NewSession { folder }),
            },
            Op::Forget | Op::Quit => {}
        }
    }

    /// Ends a take, and appends its row.
    fn finish(&mut self, finish: Box<Finish>) {
        let number = finish.end.take;
        let Some(at) = self.takes.iter().position(|it| it.number == number) else {
            return self.fail(number, "no such take is open".into());
        };
        match self.end(at, &finish) {
            Ok(row) => {
                self.takes.remove(at);
                let row = Box::new(row);
                self.report(Report::Stored { take: number, row });
            }
            Err(Ending { error, .. }) if error.may_pass() => {
                self.refuse(&error, Op::Finish(finish));
            }
            Err(Ending { error, is_row }) if is_row || self.takes[at].is_cut => {
                self.takes.remove(at);
                self.fail(number, error.to_string());
            }
            Err(Ending { error, .. }) => {
                self.cut(number, &error);
                self.finish(finish);
            }
        }
    }

    fn end(&mut self, at: usize, finish: &Finish) -> Result<Row, Ending> {
        let take = &mut self.takes[at];
        let file = |error| Ending {
            error,
            is_row: false,
        };
        let held = take.sink.finish(&finish.gaps).map_err(file)?;
        let row = self.rows.append(row(self.spec, finish, take.is_cut, held));
        let row = row.map_err(|error| Ending {
            error,
            is_row: true,
        })?;
        take.sink.close().map_err(file)?;
        Ok(row)
    }

    /// Ends a take where it came to, and lets it wait for its row.
    fn cut(&mut self, number: u32, error: &Error) {
        self.fail(number, error.to_string());
        let Some(at) = self.takes.iter().position(|it| it.number == number) else {
            return;
        };
        self.takes[at].is_cut = true;
        if let Err(error) = self.takes[at].sink.cut() {
            self.takes.remove(at);
            self.fail(number, error.to_string());
        }
    }

    fn amend(&mut self, take: u32, amendment: Amendment) {
        match self.rows.amend(take, &amendment) {
            Ok(row) => self.report(Report::Stored {
                take,
                row: Box::new(row),
            }),
            Err(error) if error.may_pass() => self.refuse(&error, Op::Amend { take, amendment }),
            Err(error) => self.fail(take, error.to_string()),
        }
    }

    /// Does `work` on every open take. One that finds the disk full is cut there.
    fn each(&mut self, work: fn(&mut Box<dyn Sink>) -> Result<(), Error>) {
        let (mut failed, mut refused) = (Vec::new(), None);
        for take in &mut self.takes {
            match work(&mut take.sink) {
                Err(error) if error.may_pass() => refused = Some(error),
                Err(error) => failed.push((take.number, error)),
                Ok(()) => {}
            }
        }
        for (take, error) in failed {
            self.cut(take, &error);
        }
        if let Some(error) = refused {
            self.refused(&error);
        }
    }

    /// Syncs the open takes where half a second of wall time went by, or tries a disk that refused.
    pub fn checkpoint(&mut self, now: Nanos) {
        if now.since(self.checked) < CHECKPOINT {
            return;
        }
        if self.disk == Disk::Good {
            self.each(|sink| sink.checkpoint());
        } else {
            self.try_again();
        }
        // From the end of the syncs on: where they are slow, something is still written in between.
        self.checked = now.max(Nanos::now());
    }

    /// Writes all that waits, if the disk lets it; it is good again once everything is synced.
    fn try_again(&mut self) {
        self.disk = Disk::Tried;
        self.each(|sink| sink.reopen());
        if self.disk == Disk::Tried {
            self.each(|sink| sink.checkpoint());
        }
        if let Some(Op::Create(begin)) = self.waiting.front() {
            TakeFile::clear_attempt(&begin.path, self.spec.stored(), &begin.meta);
        }
        self.go_on();
        if self.disk == Disk::Tried {
            self.disk = Disk::Good;
            self.report(Report::Returned);
        }
    }

    /// The disk refused what was asked, which waits until it is back.
    fn refuse(&mut self, error: &Error, op: Op) {
        self.waiting.push_front(op);
        self.refused(error);
    }

    fn refused(&mut self, error: &Error) {
        if self.disk == Disk::Good {
            let reason = error.to_string();
            self.report(Report::Refused { reason });
        }
        self.disk = Disk::Refuses;
    }

    fn fail(&self, take: u32, reason: String) {
        self.report(Report::Failed { take, reason });
    }

    fn report(&self, report: Report) {
        // Without a listener the program is ending.
        let _ = self.reports.send(report);
    }

    /// The thread: until `Quit`, or until no recorder is left.
    pub fn run(mut self, inbox: &Receiver<Op>) {
        let live = self.live.clone();
        loop {
            let busy = !self.takes.is_empty() || self.disk != Disk::Good;
            let op = inbox.recv_timeout(if busy { CHECKPOINT } else { IDLE });
            let goes_on = live.writer.on_disk(|| {
                let goes_on = match op {
                    Ok(op) => {
                        let goes_on = self.handle(op);
                        live.written.fetch_add(1, Ordering::Release);
                        goes_on
                    }
                    Err(RecvTimeoutError::Timeout) => true,
                    Err(RecvTimeoutError::Disconnected) => false,
                };
                self.checkpoint(Nanos::now());
                goes_on
            });
            if !goes_on {
                return;
            }
        }
    }
}

/// Why a take could not be ended.
struct Ending {
    error: Error,
    /// Its file could, its row not.
    is_row: bool,
}

/// The row of a take whose file holds `held`.
fn row(spec: Spec, finish: &Finish, is_cut: bool, held: Held) -> Row {
    let Finish {
        end,
        start,
        gaps,
        levels,
    } = finish;
    let mut row = end.row.clone();
    if is_cut {
        row.verdict = Verdict::Aborted;
    }
    row.start_frame = end.frame0.in_session(CaptureFrame(*start)).0;
    row.frames = held.frames;
    row.lead_frames = end.start_mark.0.saturating_sub(*start);
    row.tail_frames = (start + held.frames).saturating_sub(end.end_mark.0);
    row.rate = spec.rate;
    row.channels = spec.channels;
    row.format = spec.format.stored();
    row.gaps = sink::within(gaps, held.frames);
    row.measure(levels);
    row.samples_sha256 = held.samples_sha256;
    row
}
