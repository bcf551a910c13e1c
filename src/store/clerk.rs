//! The clerk: every file that is not a take. It reads lines ahead, keeps the session's record and
//! its events, and advances the corpus.
//!
//! Guarantees: main only ever sends and polls; jobs are done in the order they were sent; a job
//! that fails becomes an answer and a log line, never a lost thread. It never opens a take that is
//! being recorded.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::events::{Events, Note};
use super::folder::{self, Ended, Record};
use crate::corpus::order::{Sequence, Shard};
use crate::corpus::prompter::{Drawable, Prompt, PromptError, Prompter};
use crate::identity::code::Code;
use crate::rt;

/// Lines sent ahead at once.
const LINES_AHEAD: usize = 16;
/// Longest that an event waits for its sync.
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
}

/// What the clerk is asked to do.
#[derive(Debug)]
pub enum Job {
    /// Hand out lines in this sequence, each marked with the number of the request.
    WantLines(Sequence, u32),
    /// Hand out one more.
    WantLine,
    /// The line with this ticket is on the disk.
    LineDone(u64),
    /// A session begins in this folder.
    Open(PathBuf, Box<Record>),
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
        let beat = Arc::new(rt::Beat::default());
        let alive = beat.clone();
        let thread = std::thread::Builder::new()
            .name("clerk".into())
            .spawn(move || {
                // The corpus is hashed once before its first line: no visitor waits for that.
                let mut desk = alive.on_disk(|| Desk::new(source, outbox));
                desk.answer(Answer::Name(draw_name()));
                loop {
                    alive.beat();
                    match inbox.recv_timeout(SYNC) {
                        Ok(job) => {
                            alive.on_disk(|| desk.serve(job));
                            count.fetch_add(1, Atomic::Release);
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

/// What lies on the clerk's desk.
struct Desk {
    outbox: Sender<Answer>,
    source: Source,
    prompter: Result<Option<Prompter>, PromptError>,
    /// Number of the request that is answered.
    request: u32,
    session: Option<(PathBuf, Box<Record>, Option<Events>)>,
}

impl Desk {
    fn new(source: Source, outbox: Sender<Answer>) -> Desk {
        Desk {
            outbox,
            prompter: open(&source),
            source,
            request: 0,
            session: None,
        }
    }

    fn serve(&mut self, job: Job) {
        match job {
            Job::WantLines(sequence, request) => self.want_lines(sequence, request),
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

    fn want_lines(&mut self, sequence: Sequence, request: u32) {
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
