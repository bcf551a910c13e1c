//! The clerk: every file that is not a take. It reads lines ahead, keeps the session's record and
//! its events, and advances the corpus.
//!
//! Guarantees: main only ever sends and polls; jobs are done in the order they were sent; a job
//! that fails becomes an answer and a log line, never a lost thread. It never opens a take that is
//! being recorded.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering as Atomic};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::events::{Events, Note};
use super::folder::{self, Ended, Record};
use super::recover::Recovery;
use super::resume::{self, Resumption};
use super::takes;
use crate::audio::format::Spec;
use crate::corpus::order::{Sequence, Shard};
use crate::corpus::prompter::{Drawable, Prompt, PromptError, Prompter};
use crate::identity::code::Code;
use crate::rt;

/// Lines sent ahead at once.
const LINES_AHEAD: usize = 16;
/// Longest that an event waits for its sync, and between two looks at the free space.
const SYNC: Duration = Duration::from_secs(1);

/// Where lines come from.
pub struct Source {
    /// The corpus; a protocol without a step that reads needs none.
    pub path: Option<PathBuf>,
    /// The data folder, which holds the progress.
    pub data: PathBuf,
    /// Draws the order.
    pub seed: u64,
    /// Which lines are this booth's.
    pub shard: Shard,
    /// Says whether a text can be drawn.
    pub drawable: Drawable,
    /// Whether rows carry the wall clock's time; a fast run has none.
    pub dated: bool,
    /// Only a session of this protocol, by the SHA-256 of its text, is taken up again.
    pub protocol_sha256: String,
    /// And only one of this shape.
    pub spec: Spec,
}

/// What the clerk is asked to do.
#[derive(Debug)]
pub enum Job {
    /// Hand out lines.
    WantLines {
        /// In which sequence.
        sequence: Sequence,
        /// The line of this number first.
        first: Option<u64>,
        /// Marks the answers.
        request: u32,
    },
    /// Hand out one more.
    WantLine,
    /// The line with this ticket is on the disk.
    LineDone(u64),
    /// A session begins in this folder.
    Open(PathBuf, Box<Record>),
    /// The session in this folder goes on.
    Resume(PathBuf),
    /// Nobody takes the session that was offered up again.
    Decline,
    /// A row for its events.
    Note(u64, Note),
    /// It is over.
    Close(Ended),
}

/// What the clerk answers.
#[derive(Debug)]
pub enum Answer {
    /// A line, and the request it answers.
    Line(u32, Prompt),
    /// There is none, and why.
    NoLine(String),
    /// The next session's name.
    Name(String),
    /// A session may be taken up again.
    Offer(Box<Resumption>),
    /// A file of the session could not be written.
    Failed(String),
}

/// The clerk, as main holds it.
#[derive(Debug)]
pub struct Clerk {
    jobs: Option<Sender<Job>>,
    answers: Receiver<Answer>,
    sent: u64,
    done: Arc<AtomicU64>,
    recovered: Arc<AtomicBool>,
    free_bytes: Arc<AtomicU64>,
    /// Each job, and each second without one.
    pub beat: Arc<rt::Beat>,
    thread: Option<JoinHandle<()>>,
}

impl Clerk {
    /// Starts the thread; the corpus is opened there.
    ///
    /// # Errors
    /// The system's, if it has no thread left.
    pub fn start(source: Source) -> std::io::Result<Clerk> {
        let (jobs, inbox) = channel();
        let (outbox, answers) = channel();
        let done = Arc::new(AtomicU64::new(0));
        let count = done.clone();
        let recovered = Arc::new(AtomicBool::new(false));
        let told = recovered.clone();
        let free_bytes = Arc::new(AtomicU64::new(u64::MAX));
        let mut space = Space::of(&source.data, free_bytes.clone());
        space.look();
        let beat = Arc::new(rt::Beat::default());
        let alive = beat.clone();
        let thread = std::thread::Builder::new()
            .name("clerk".into())
            .spawn(move || {
                // The corpus is hashed once before its first line: no visitor waits for that.
                let mut desk = alive.on_disk(|| Desk::new(source, outbox));
                desk.answer(Answer::Name(draw_name()));
                loop {
                    alive.on_disk(|| space.look());
                    let job = if told.load(Atomic::Relaxed) {
                        inbox.recv_timeout(SYNC)
                    } else {
                        inbox.recv_timeout(Duration::ZERO)
                    };
                    match job {
                        Ok(job) => {
                            alive.on_disk(|| desk.serve(job));
                            count.fetch_add(1, Atomic::Release);
                        }
                        Err(RecvTimeoutError::Timeout) if !told.load(Atomic::Relaxed) => {
                            let more = alive.on_disk(|| desk.recover());
                            told.store(!more, Atomic::Release);
                        }
                        Err(RecvTimeoutError::Timeout) => alive.on_disk(|| desk.sync(SYNC)),
                        Err(RecvTimeoutError::Disconnected) => break,
                    }
                }
                desk.sync(Duration::ZERO);
            })?;
        Ok(Clerk {
            jobs: Some(jobs),
            answers,
            sent: 0,
            done,
            recovered,
            free_bytes,
            beat,
            thread: Some(thread),
        })
    }

    /// Asks, and never waits.
    pub fn ask(&mut self, job: Job) {
        if let Some(jobs) = &self.jobs
            && jobs.send(job).is_ok()
        {
            self.sent += 1;
        }
    }

    /// The answers that are there.
    #[must_use]
    pub fn answers(&self) -> Vec<Answer> {
        self.answers.try_iter().collect()
    }

    /// Bytes that are free on the data folder's disk, a second ago at most.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        self.free_bytes.load(Atomic::Relaxed)
    }

    /// Whether all that the run before left is made whole.
    #[must_use]
    pub fn is_recovered(&self) -> bool {
        self.recovered.load(Atomic::Acquire)
    }

    /// Whether every job is done.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.done.load(Atomic::Acquire) >= self.sent
    }

    /// Whether the thread has ended although it should run.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Clerk {
    /// Ends the thread once it has done every job.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the clerk panicked");
        }
    }
}

fn open(source: &Source) -> Result<Option<Prompter>, PromptError> {
    let Source {
        path,
        data,
        seed,
        shard,
        drawable,
        ..
    } = source;
    let Some(path) = path else { return Ok(None) };
    Prompter::open(path, data, *seed, *shard, drawable.clone()).map(Some)
}

/// A new session's name, that of a withdrawal code.
#[must_use]
pub fn draw_name() -> String {
    match Code::draw() {
        Ok(code) => code.proof().session(),
        Err(error) => {
            // Without randomness a name can be guessed, but no voice is lost.
            log::error!("no randomness from the kernel: {error}; the session is named by time");
            format!("{:020}", rt::Nanos::now().0)
        }
    }
}

/// The disk's free space, looked at once a second.
struct Space {
    data: PathBuf,
    looked: Option<Instant>,
    free_bytes: Arc<AtomicU64>,
}

impl Space {
    fn of(data: &Path, free_bytes: Arc<AtomicU64>) -> Space {
        Space {
            data: data.to_owned(),
            looked: None,
            free_bytes,
        }
    }

    fn look(&mut self) {
        if self.looked.is_none_or(|looked| looked.elapsed() >= SYNC) {
            self.looked = Some(Instant::now());
            // A disk that is gone shows at the first write.
            if let Ok(free) = rt::free_bytes(&self.data) {
                self.free_bytes.store(free, Atomic::Relaxed);
            }
        }
    }
}

/// What lies on the clerk's desk.
struct Desk {
    outbox: Sender<Answer>,
    source: Source,
    prompter: Result<Option<Prompter>, PromptError>,
    /// Number of the request that is answered.
    request: u32,
    session: Option<(PathBuf, Box<Record>, Option<Events>)>,
    /// What the run before left to be done.
    recovery: Option<Recovery>,
    /// The session that is offered.
    offered: Option<(PathBuf, Box<Record>)>,
}

impl Desk {
    fn new(source: Source, outbox: Sender<Answer>) -> Desk {
        Desk {
            outbox,
            recovery: None,
            offered: None,
            prompter: open(&source),
            source,
            request: 0,
            session: None,
        }
    }

    fn serve(&mut self, job: Job) {
        match job {
            Job::WantLines {
                sequence,
                first,
                request,
            } => self.want_lines(sequence, first, request),
            Job::WantLine => self.line(),
            Job::LineDone(ticket) => {
                if let Ok(Some(prompter)) = &mut self.prompter {
                    let done = prompter.done(ticket);
                    self.tell(done.map_err(|error| error.to_string()));
                }
            }
            Job::Open(folder, record) => self.open(folder, record),
            Job::Note(frame, note) => {
                let utc = if self.source.dated {
                    rt::utc_now()
                } else {
                    None
                };
                if let Some((folder, _, Some(events))) = &mut self.session {
                    let done = events.append(frame, &note, utc);
                    let done = done.map_err(|e| format!("{}/events.jsonl: {e}", folder.display()));
                    self.tell(done);
                }
            }
            Job::Resume(folder) => self.resume(folder),
            Job::Decline => self.decline(),
            Job::Close(ended) => self.close(ended),
        }
    }

    fn tell(&self, done: Result<(), String>) {
        if let Err(reason) = done {
            self.answer(Answer::Failed(reason));
        }
    }

    fn answer(&self, answer: Answer) {
        // Without a listener the program is ending.
        let _ = self.outbox.send(answer);
    }

    fn want_lines(&mut self, sequence: Sequence, first: Option<u64>, request: u32) {
        self.request = request;
        // A corpus that was changed, or that could not be had, is opened anew.
        let current = |it: &Option<Prompter>| it.as_ref().is_some_and(Prompter::is_current);
        if !self.prompter.as_ref().is_ok_and(current) {
            self.prompter = open(&self.source);
        }
        if let Err(error) = &self.prompter {
            return self.answer(Answer::NoLine(error.to_string()));
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
            Ok(prompt) => Answer::Line(self.request, prompt),
            Err(error) => Answer::NoLine(error.to_string()),
        };
        self.answer(answer);
    }

    fn open(&mut self, folder: PathBuf, mut record: Box<Record>) {
        self.decline();
        let data = folder.ancestors().nth(2).unwrap_or(&folder);
        let made = folder::create(data, &record.session).and_then(|folder| Events::open(&folder));
        record.corpus.sha256 = self.corpus_sha256();
        let (events, done) = match made {
            Ok(events) => (Some(events), record.write(&folder)),
            Err(error) => (None, Err(error)),
        };
        self.tell(done.map_err(|error| format!("session folder: {error}")));
        self.session = Some((folder, record, events));
        self.answer(Answer::Name(draw_name()));
    }

    /// A piece of what the run before left to be done; false once all is.
    fn recover(&mut self) -> bool {
        if self.recovery.is_none() {
            match Recovery::of(&self.source.data) {
                Ok(recovery) => self.recovery = Some(recovery),
                Err(error) => {
                    self.tell(Err(format!("sessions of the run before: {error}")));
                    return false;
                }
            }
        }
        let Some(recovery) = &mut self.recovery else {
            return false;
        };
        match recovery.step() {
            Ok(true) => true,
            Ok(false) => {
                if recovery.recovered > 0 {
                    log::warn!("{} unfinished takes made whole", recovery.recovered);
                }
                self.offer();
                false
            }
            Err(reason) => {
                self.tell(Err(reason));
                true
            }
        }
    }

    /// Offers the session that the run before left without an end, the latest if there are several;
    /// the others ended with their crash.
    fn offer(&mut self) {
        let data = &self.source.data;
        let folders = takes::sessions(data).unwrap_or_default().into_iter();
        let folders = folders.map(|name| data.join("sessions").join(name));
        let written = |folder: &PathBuf| {
            let file = std::fs::metadata(folder.join("events.jsonl"));
            file.and_then(|file| file.modified()).ok()
        };
        let mut open: Vec<_> = folders
            .filter_map(|folder| Some((resume::unended(&folder)?, folder)))
            .filter(|(_, folder)| self.session.as_ref().is_none_or(|(own, ..)| own != folder))
            .map(|(record, folder)| (written(&folder), folder, Box::new(record)))
            .collect();
        open.sort_by_key(|(written, ..)| *written);
        let latest = open.pop();
        for (_, folder, record) in open {
            self.end_crashed(&folder, *record);
        }
        let Some((_, folder, record)) = latest else {
            return;
        };
        let Spec { rate, .. } = self.source.spec;
        let same = record.protocol.sha256 == self.source.protocol_sha256
            && (record.audio.rate, record.audio.channels.len())
                == (rate, self.source.spec.channels.into())
            && record.audio.format == self.source.spec.format.to_string();
        // A visitor who is here already is not asked about another.
        let stood = resume::stood(&folder, rate).filter(|_| same && self.session.is_none());
        match stood {
            Some(resumption) => {
                self.offered = Some((folder, record));
                self.answer(Answer::Offer(Box::new(resumption)));
            }
            None => self.end_crashed(&folder, *record),
        }
    }

    fn end_crashed(&self, folder: &Path, record: Record) {
        let done = resume::crashed(folder, record);
        self.tell(done.map_err(|error| format!("session.json of the run before: {error}")));
    }

    fn decline(&mut self) {
        if let Some((folder, record)) = self.offered.take() {
            self.end_crashed(&folder, *record);
        }
    }

    fn resume(&mut self, folder: PathBuf) {
        if let Some((_, record)) = self.offered.take_if(|(offered, _)| *offered == folder) {
            let events = Events::open(&folder);
            let done = events.as_ref().map(|_| ()).map_err(ToString::to_string);
            self.tell(done);
            self.session = Some((folder, record, events.ok()));
        }
    }

    fn close(&mut self, ended: Ended) {
        self.sync(Duration::ZERO);
        if let Some((folder, mut record, _)) = self.session.take() {
            record.ended = Some(ended);
            record.corpus.sha256 = self.corpus_sha256();
            let done = record.write(&folder);
            self.tell(done.map_err(|error| format!("{}/session.json: {error}", folder.display())));
        }
    }

    fn corpus_sha256(&self) -> Option<String> {
        let prompter = self.prompter.as_ref().ok()?.as_ref()?;
        Some(prompter.corpus_sha256().to_owned())
    }

    fn sync(&mut self, most: Duration) {
        if let Some((folder, _, Some(events))) = &mut self.session {
            let done = events.sync_if_due(most);
            let done = done.map_err(|e| format!("{}/events.jsonl: {e}", folder.display()));
            self.tell(done);
        }
    }
}
