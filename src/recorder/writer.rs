//! The writer: does all that the recorder asks of the disk, in its order.
//!
//! Guarantees: a slow disk delays no block, no level and no verdict; what a disk that is read-only or
//! away does not take waits, and is written once it is back, which is reported once, as is the
//! refusal; on a full one a take is a finished file of what fits; no sealed take begins before its
//! session's key is on the disk. Never panics on a disk error.

mod written;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::memory::Buffer;
use super::messages::{Amendment, Begin, Live, Report};
use super::op::{Finish, Op};
use super::rows::Rows;
use super::sink::{PlainSink, SealedSink, Sink};
use crate::audio::rf64::{Error, TakeFile};
use crate::identity::kept::Kept;
use crate::identity::operator::Recipient;
use crate::rt::{self, Nanos};
use crate::store::row::Row;
use crate::words::{Gap, Spec};
use written::{Take, row};

/// Wall time between checkpoints, and between two attempts on a disk that refuses.
pub const CHECKPOINT: Duration = Duration::from_millis(500);
/// Between two signs of life where nothing is to be written.
const IDLE: Duration = Duration::from_secs(2);
/// Between two looks whether the key of a session is on the disk.
const LOOK: Duration = Duration::from_millis(5);
/// Bytes that are not synced, of all open takes, beyond which no checkpoint is waited for.
const MOST_UNSYNCED: usize = 8 << 20;

/// How takes are sealed.
#[derive(Clone, Debug)]
pub struct Seals {
    /// Whose key is on the disk, and to whom that seals.
    pub kept: Kept,
    /// How long a take may wait for that before it is a fault.
    pub patience: Duration,
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

/// Everything but the thread.
pub struct Writer {
    spec: Spec,
    takes: Vec<Take>,
    /// What is not done yet, in order.
    waiting: VecDeque<Op>,
    rows: Rows,
    disk: Disk,
    checked: Nanos,
    seals: Option<Seals>,
    /// Since when a take waits for its session's key, and whether that was reported.
    keyless: Option<(Nanos, bool)>,
    reports: Sender<Report>,
    live: Arc<Live>,
}

impl Writer {
    /// For takes of `spec`, as captured.
    #[must_use]
    pub fn new(
        spec: Spec,
        seals: Option<Seals>,
        reports: Sender<Report>,
        live: Arc<Live>,
    ) -> Writer {
        Writer {
            spec,
            takes: Vec::new(),
            waiting: VecDeque::new(),
            rows: Rows::default(),
            disk: Disk::Good,
            checked: Nanos::default(),
            seals,
            keyless: None,
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
            self.count_written(op.bytes());
        }
        self.rows = Rows::default();
        self.set_keyed();
        self.report(Report::Forgotten);
    }

    /// Does what waits, as long as the disk takes it.
    fn go_on(&mut self) {
        while self.disk != Disk::Refuses
            && !self.lacks_key()
            && let Some(op) = self.waiting.pop_front()
        {
            let (bytes, waits) = (op.bytes(), self.waiting.len());
            self.perform(op);
            if self.waiting.len() == waits {
                self.count_written(bytes);
            }
        }
    }

    fn count_written(&self, bytes: u64) {
        self.live.written_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether the next take waits for its session's key.
    fn lacks_key(&mut self) -> bool {
        let lacks = match self.waiting.front() {
            Some(Op::Create(begin)) if begin.sealed.is_some() => self.recipient(begin).is_none(),
            _ => false,
        };
        let patience = self.seals.as_ref().map_or(Duration::ZERO, |it| it.patience);
        if !lacks {
            self.set_keyed();
            return false;
        }
        let (since, is_reported) = self.keyless.get_or_insert((Nanos::now(), false));
        if !*is_reported && Nanos::now().since(*since) > patience {
            *is_reported = true;
            let reason =
                "the session's key is not on the disk, and nothing is sealed to a key that \
                          could be lost"
                    .to_owned();
            self.report(Report::Refused { reason });
        }
        true
    }

    /// Something waits that was reported.
    fn is_refused(&self) -> bool {
        self.disk != Disk::Good || self.keyless.is_some_and(|(_, is_reported)| is_reported)
    }

    fn set_keyed(&mut self) {
        if self
            .keyless
            .take()
            .is_some_and(|(_, is_reported)| is_reported)
        {
            self.report(Report::Returned);
        }
    }

    fn perform(&mut self, op: Op) {
        match op {
            Op::Create(begin) => self.create(begin),
            Op::Append { take, samples } => self.append(take, samples),
            Op::Finish(finish) => self.finish(finish),
            Op::Close { take, gaps } => self.close(take, &gaps),
            Op::Amend { take, amendment } => self.amend(take, amendment),
            Op::NewSession { folder } => match Rows::of(folder.clone()) {
                Ok(rows) => self.rows = rows,
                Err(error) => self.refuse(&error, Op::NewSession { folder }),
            },
            Op::Forget | Op::Quit => {}
        }
    }

    fn create(&mut self, begin: Box<Begin>) {
        match self.sink(&begin) {
            Ok(sink) => self.takes.push(Take {
                number: begin.take,
                sink,
                begun: begin.sealed,
                is_cut: false,
            }),
            Err(error) if error.may_pass() => self.refuse(&error, Op::Create(begin)),
            Err(error) => self.fail(begin.take, error.to_string()),
        }
    }

    fn sink(&self, begin: &Begin) -> Result<Box<dyn Sink>, Error> {
        match self.recipient(begin).filter(|_| begin.sealed.is_some()) {
            Some(to) => Ok(Box::new(SealedSink::create(self.spec, begin, &to)?)),
            None => Ok(Box::new(PlainSink::create(self.spec, begin)?)),
        }
    }

    /// To whom a take is sealed, once that key is on the disk.
    fn recipient(&self, begin: &Begin) -> Option<Recipient> {
        let folder = begin.path.parent().and_then(Path::file_name);
        let session = folder.unwrap_or_default().to_string_lossy();
        self.seals.as_ref()?.kept.recipient(&session)
    }

    fn append(&mut self, take: u32, mut samples: Option<Buffer>) {
        let Some(at) = self.takes.iter().position(|it| it.number == take) else {
            return;
        };
        match self.takes[at].sink.append(&mut samples) {
            Err(error) if error.may_pass() => self.refuse(&error, Op::Append { take, samples }),
            Err(error) => self.cut(take, &error),
            Ok(()) => self.sync_early(at),
        }
    }

    /// A take gets its name with its first samples, and much that is not synced is synced at once.
    fn sync_early(&mut self, at: usize) {
        let unsynced: usize = self.takes.iter().map(|take| take.sink.unsynced()).sum();
        if unsynced > MOST_UNSYNCED {
            self.each(Take::sync);
        } else if !self.takes[at].sink.is_placed() {
            let placed = self.takes[at].place(&mut self.rows);
            self.judge(vec![(self.takes[at].number, placed)]);
        }
    }

    fn close(&mut self, take: u32, gaps: &[Gap]) {
        let rows = &mut self.rows;
        let open = self.takes.iter_mut().find(|it| it.number == take);
        let ended = open.map(|it| {
            it.place(rows)?;
            it.sink.finish(gaps)?;
            it.sink.close()
        });
        if let Some(Err(error)) = ended {
            self.fail(take, error.to_string());
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
        take.place(&mut self.rows).map_err(file)?;
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
    fn each(&mut self, work: fn(&mut Take, &mut Rows) -> Result<(), Error>) {
        let (takes, rows) = (self.takes.iter_mut(), &mut self.rows);
        let done = takes.map(|take| (take.number, work(take, rows)));
        let done = done.collect();
        self.judge(done);
    }

    fn judge(&mut self, done: Vec<(u32, Result<(), Error>)>) {
        for (take, done) in done {
            match done {
                Err(error) if error.may_pass() => self.refused(&error),
                Err(error) => self.cut(take, &error),
                Ok(()) => {}
            }
        }
    }

    /// Syncs the open takes where half a second of wall time went by, or tries a disk that refused.
    pub fn checkpoint(&mut self, now: Nanos) {
        if now.since(self.checked) < CHECKPOINT {
            return;
        }
        if self.disk == Disk::Good {
            self.each(Take::sync);
        } else {
            self.try_again();
        }
        // From the end of the syncs on: where they are slow, something is still written in between.
        self.checked = now.max(Nanos::now());
    }

    /// Writes all that waits, if the disk lets it; it is good again once everything is synced.
    fn try_again(&mut self) {
        self.disk = Disk::Tried;
        self.each(|take, _| take.sink.reopen());
        if self.disk == Disk::Tried {
            self.each(Take::sync);
        }
        if let Some(Op::Create(begin)) = self.waiting.front()
            && begin.sealed.is_none()
        {
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
        if self.seals.is_some() {
            rt::wipe_what_is_freed();
        }
        let live = self.live.clone();
        let mut taken = 0;
        loop {
            let busy = !self.takes.is_empty() || self.disk != Disk::Good;
            let most = match self.keyless {
                Some(_) => LOOK,
                None if busy => CHECKPOINT,
                None => IDLE,
            };
            let op = inbox.recv_timeout(most);
            let goes_on = live.writer.on_disk(|| {
                let goes_on = match op {
                    Ok(op) => {
                        taken += 1;
                        self.handle(op)
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        self.go_on();
                        true
                    }
                    Err(RecvTimeoutError::Disconnected) => false,
                };
                self.checkpoint(Nanos::now());
                let is_refused = self.is_refused();
                live.is_refused.store(is_refused, Ordering::Release);
                // What waits for its key will be done soon.
                if is_refused || self.keyless.is_none() {
                    live.written.store(taken, Ordering::Release);
                }
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
