//! The clerk's jobs, and how each is done.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::time::Duration;

use super::forgetting::Forgetting;
use super::gains::Gains;
use super::journal::Journal;
use super::tombstones::Tombstones;
use super::{Answer, Arrival, Ask, Job, LINES_AHEAD, News, NoLine, Source};
use crate::clerk::recovery::Recovery;
use crate::clerk::recovery::left::Left;
use crate::clerk::resumption;
use crate::corpus::order::Sequence;
use crate::corpus::prompter::{PromptError, Prompter};
use crate::files::data::{Data, SessionFolder};
use crate::identity::participant::Participant;
use crate::identity::{keyring, pending};
use crate::rt;
use crate::store::session::{self, Record};
use crate::store::takes;
use crate::words::{By, Ended, Spec};

/// The pause after each chunk of 64 KiB that is sealed: a recording has the disk for itself.
const BESIDE: Duration = Duration::from_millis(2);

fn open(source: &Source) -> Result<Option<Prompter>, PromptError> {
    let Source {
        path,
        data,
        seed,
        shard,
        look,
        ..
    } = source;
    let Some(path) = path else { return Ok(None) };
    Prompter::open(path, data, *seed, *shard, look.clone()).map(Some)
}

/// The state of the clerk's work.
pub(super) struct Work {
    outbox: Sender<Answer>,
    source: Source,
    prompter: Result<Option<Prompter>, PromptError>,
    /// The number of the request that is being answered.
    request: u32,
    session: Option<Journal>,
    /// Sessions that are over, but whose last rows are not on the disk yet.
    closing: Vec<Journal>,
    /// Sessions that are to be forgotten and are not yet.
    forgetting: Option<Forgetting>,
    /// Prompts that are done, but not recorded on the disk yet.
    done: Vec<u64>,
    /// Repairs left by the previous run. They cover only sessions that were there before a new one
    /// could begin, so that a take being recorded is never touched.
    recovery: io::Result<Recovery>,
    /// What it left plain, once that is done.
    left: Option<Left>,
    gains: Gains,
    tombstones: Tombstones,
    /// The session that is offered to be resumed.
    offered: Option<(PathBuf, Box<Record>)>,
}

impl Work {
    pub(super) fn new(
        mut source: Source,
        recovery: io::Result<Recovery>,
        outbox: Sender<Answer>,
    ) -> Work {
        Work {
            outbox,
            recovery,
            left: None,
            gains: Gains::of(source.mixer.take()),
            tombstones: Tombstones::of(source.data.clone(), source.pending_days),
            offered: None,
            prompter: open(&source),
            source,
            request: 0,
            session: None,
            closing: Vec::new(),
            forgetting: None,
            done: Vec::new(),
        }
    }

    pub(super) fn serve(&mut self, job: Job) {
        match job {
            Job::Ask(ask) => self.serve_ask(ask),
            Job::Open(folder, record, arrival) => self.open(folder, record, arrival),
            Job::Resume(folder) => self.resume(folder),
            Job::Forget(folder, by) => self.forget(folder, by),
        }
    }

    fn serve_ask(&mut self, ask: Ask) {
        match ask {
            Ask::WantLines {
                sequence,
                first,
                request,
            } => self.want_lines(sequence, first, request),
            Ask::WantLine => self.line(),
            Ask::LineDone(ticket) => {
                let first = self.done.is_empty();
                self.done.push(ticket);
                let done = self.advance();
                self.report(done.or_else(|reason| if first { Err(reason) } else { Ok(()) }));
            }
            Ask::Note(frame, note) => {
                let utc = if self.source.dated {
                    rt::utc_now()
                } else {
                    None
                };
                if let Some(journal) = &mut self.session {
                    journal.note(frame, note, utc);
                    let done = journal.write(super::SYNC);
                    self.report(done);
                }
            }
            Ask::Decline => self.decline(),
            Ask::ListPending => self.list_pending(),
            Ask::Close(ended) => self.close(ended),
        }
    }

    fn report(&self, done: Result<(), String>) {
        if let Err(reason) = done {
            self.answer(Answer::Failed(reason));
        }
    }

    pub(super) fn answer(&self, answer: impl Into<Answer>) {
        // If the receiver is gone, the program is ending.
        let _ = self.outbox.send(answer.into());
    }

    fn want_lines(&mut self, sequence: Sequence, first: Option<u64>, request: u32) {
        self.request = request;
        // A corpus that was changed, or could not be opened, is opened again.
        let current = |it: &Option<Prompter>| it.as_ref().is_some_and(Prompter::is_current);
        if !self.prompter.as_ref().is_ok_and(current) {
            // Reported when they were done. A ticket means nothing to another text.
            let _ = self.advance();
            self.done.clear();
            self.prompter = open(&self.source);
        }
        if let Err(error) = &self.prompter {
            return self.answer(News::NoLine(NoLine::of(error)));
        }
        if let Ok(Some(prompter)) = &mut self.prompter {
            prompter.rewind(sequence);
            if let Some(number) = first {
                prompter.put_first(number);
            }
        }
        for _ in 0..LINES_AHEAD {
            self.line();
        }
    }

    fn line(&mut self) {
        let Ok(Some(prompter)) = &mut self.prompter else {
            return;
        };
        let answer = match prompter.next_prompt() {
            Ok(prompt) => News::Line(self.request, prompt),
            Err(error) => News::NoLine(NoLine::of(&error)),
        };
        self.answer(answer);
    }

    /// Writes the progress through the corpus.
    fn advance(&mut self) -> Result<(), String> {
        if let Ok(Some(prompter)) = &mut self.prompter {
            while let Some(ticket) = self.done.first() {
                prompter.done(*ticket).map_err(|error| error.to_string())?;
                self.done.remove(0);
            }
        }
        Ok(())
    }

    /// The next session's participant, made ahead: the proof is slow to make on purpose.
    pub(super) fn draw(&self) {
        match Participant::draw() {
            Ok(participant) => self.answer(Answer::Next(Box::new(participant))),
            Err(error) => self.answer(Answer::Failed(error.to_string())),
        }
    }

    fn list_pending(&self) {
        match pending::all(&self.source.data) {
            Ok(pending) => self.answer(Answer::Pending(pending)),
            Err(error) => self.report(Err(format!("people who are pending: {error}"))),
        }
    }

    fn open(&mut self, folder: PathBuf, mut record: Box<Record>, arrival: Arrival) {
        let drawn = arrival.drawn.is_some();
        self.decline();
        record.corpus.sha256 = self.corpus_sha256();
        record.audio.mixer = self.gains.found();
        let arrival = (arrival, self.source.recipients.clone());
        let mut journal = Journal::begin(folder, record, self.source.kept.clone(), arrival);
        self.report(journal.write(Duration::ZERO));
        self.session = Some(journal);
        if drawn {
            self.draw();
        }
    }

    /// One piece of the repairs left by the previous run, and then of what it left plain; how long to
    /// wait before the next, `None` once all are done.
    pub(super) fn recover(&mut self) -> Option<Duration> {
        if let Some(left) = &mut self.left {
            let step = left.step();
            let more = !matches!(step, Ok(false));
            self.report(step.map(drop));
            return more.then_some(BESIDE);
        }
        let recovery = match &mut self.recovery {
            Ok(recovery) => recovery,
            Err(error) => {
                let reason = format!("sessions of the run before: {error}");
                self.report(Err(reason));
                return None;
            }
        };
        match recovery.step() {
            Ok(true) => {}
            Ok(false) => {
                if recovery.recovered > 0 {
                    log::warn!("{} unfinished takes made whole", recovery.recovered);
                }
                self.offer();
                self.left = Some(Left::of(&self.source.data));
            }
            Err(reason) => self.report(Err(reason)),
        }
        Some(Duration::ZERO)
    }

    /// Offers the session that the previous run left without an end, the latest if there are
    /// several; the others are ended as crashed.
    fn offer(&mut self) {
        let data = &self.source.data;
        let folders = takes::sessions(data).unwrap_or_default().into_iter();
        let folders = folders.map(|name| Data(data).session(name));
        let written = |folder: &PathBuf| {
            let file = std::fs::metadata(SessionFolder(folder).events());
            file.and_then(|file| file.modified()).ok()
        };
        let mut open: Vec<_> = folders
            .filter_map(|folder| Some((resumption::unended(&folder)?, folder)))
            .filter(|(_, folder)| {
                self.session
                    .as_ref()
                    .is_none_or(|own| own.folder != *folder)
            })
            .map(|(record, folder)| (written(&folder), folder, Box::new(record)))
            .collect();
        open.sort_by_key(|(written, ..)| *written);
        let latest = open.pop();
        for (_, folder, record) in open {
            self.end_crashed(folder, *record);
        }
        let Some((_, folder, record)) = latest else {
            return;
        };
        let Spec { rate, .. } = self.source.spec;
        let same = record.protocol.sha256 == self.source.protocol_sha256
            && (record.audio.rate, record.audio.channels.len())
                == (rate, self.source.spec.channels.into())
            && record.audio.format == self.source.spec.format.to_string()
            && self.opens(&record)
            && self.gains.hold(&record.audio.mixer);
        // A visitor who is already here is not asked about another session.
        let stood = resumption::stood(&folder, rate).filter(|_| same && self.session.is_none());
        match stood {
            Some(resumption) => {
                self.offered = Some((folder, record));
                self.answer(News::Offer(Box::new(resumption)));
            }
            None => self.end_crashed(folder, *record),
        }
    }

    /// Whether its takes go on as they began, sealed to a key that is here or plain.
    fn opens(&self, record: &Record) -> bool {
        let is_held = || keyring::hold(&self.source.data, &record.session).is_ok();
        record.sealed == self.source.seals && (!record.sealed || is_held())
    }

    /// A session without an end ended with its crash; one whose code was not confirmed is not kept.
    fn end_crashed(&self, folder: PathBuf, record: Record) {
        if resumption::is_unconfirmed(&folder) {
            let forgetting = Forgetting::of(folder, By::Abandoned, None);
            let done = forgetting.carry_out(&self.source.data);
            return self.report(done.map_err(|error| error.to_string()));
        }
        // Without a take nothing was kept of an enrolled person: they may come again.
        let may_come_again = pending::number_of(&self.source.data, &record.session).is_some();
        if may_come_again && takes::has_none(&folder) {
            let done = session::remove_empty(&folder);
            return self.report(done.map_err(|error| format!("{}: {error}", folder.display())));
        }
        let done = resumption::crashed(&folder, record);
        self.report(done.map_err(|error| format!("session.json of the run before: {error}")));
    }

    fn decline(&mut self) {
        if let Some((folder, record)) = self.offered.take() {
            self.end_crashed(folder, *record);
        }
    }

    fn resume(&mut self, folder: PathBuf) {
        if let Some((_, record)) = self.offered.take_if(|(offered, _)| *offered == folder) {
            let number = pending::number_of(&self.source.data, &record.session);
            let journal = Journal::resume(folder, record, self.source.kept.clone());
            let mut journal = match number {
                Some(number) => journal.of_pending(number),
                None => journal,
            };
            self.report(journal.write(Duration::ZERO));
            self.session = Some(journal);
        }
    }

    fn close(&mut self, ended: Ended) {
        if let Some(mut journal) = self.session.take() {
            journal.record.corpus.sha256 = self.corpus_sha256();
            journal.end(ended);
            self.closing.push(journal);
            self.write(Duration::ZERO);
        }
    }

    /// Its record and rows are forgotten with it.
    fn forget(&mut self, folder: PathBuf, by: By) {
        let journal = self.session.take_if(|journal| journal.folder == folder);
        self.closing.retain(|journal| journal.folder != folder);
        let proof = journal.and_then(Journal::into_proof);
        self.forgetting = Some(Forgetting::of(folder, by, proof));
        self.go_on_forgetting();
    }

    fn go_on_forgetting(&mut self) {
        let Some(forgetting) = &self.forgetting else {
            return;
        };
        match forgetting.carry_out(&self.source.data) {
            Ok(()) => {
                self.forgetting = None;
                self.answer(News::Forgotten);
            }
            Err(error) => self.answer(Answer::Unforgotten(error.to_string())),
        }
    }

    fn corpus_sha256(&self) -> Option<String> {
        let prompter = self.prompter.as_ref().ok()?.as_ref()?;
        Some(prompter.corpus_sha256().to_owned())
    }

    /// Carries out tombstones that have arrived.
    pub(super) fn serve_tombstones(&mut self) {
        let live = self.session.as_ref().map(|own| own.record.session.clone());
        match self.tombstones.look(live.as_deref()) {
            Ok(done) => {
                for failure in done.failures {
                    self.report(Err(failure.to_string()));
                }
                if done.live {
                    self.answer(News::Withdrawn);
                }
            }
            Err(error) => self.report(Err(error.to_string())),
        }
        if self
            .offered
            .take_if(|(folder, _)| !folder.exists())
            .is_some()
        {
            self.answer(News::Retracted);
        }
    }

    /// Checks the mixer's controls once a second.
    pub(super) fn hold_gains(&mut self) {
        for answer in self.gains.look() {
            self.answer(answer);
        }
    }

    /// Writes what waits for the disk; rows older than `most` are synced.
    pub(super) fn write(&mut self, most: Duration) {
        self.go_on_forgetting();
        // Reported when they were done.
        let _ = self.advance();
        if let Some(journal) = &mut self.session {
            let done = journal.write(most);
            self.report(done);
        }
        for mut journal in std::mem::take(&mut self.closing) {
            let done = journal.write(Duration::ZERO);
            self.report(done);
            if !journal.is_written() {
                self.closing.push(journal);
            }
        }
    }
}
