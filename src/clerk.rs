//! The clerk handles every file that is not a take. It reads prompts ahead, keeps the session's
//! record and its events, advances the corpus, and holds the mixer's controls.
//!
//! Guarantees: main only sends and polls. Jobs are done in the order they were sent. A job that
//! fails becomes an answer and a log line; the thread goes on. The clerk never opens a take that is
//! being recorded.

mod arrival;
mod forgetting;
mod gains;
mod journal;
mod losses;
pub mod messages;
mod recovery;
mod resumption;
mod space;
mod tombstones;
mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering as Atomic};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::audio::mixer::Mixer;
use crate::corpus::order::Shard;
use crate::corpus::prompter::Look;
use crate::identity::kept::Kept;
use crate::identity::operator::Recipient;
use crate::rt::{self, Thread};
use crate::words::Spec;
pub use arrival::{Arrival, Enrolled};
pub use messages::{Answer, Ask, Job, News, NoLine};
use recovery::Recovery;
use space::Space;
use work::Work;

/// Lines sent ahead at once.
const LINES_AHEAD: usize = 16;
/// The longest time an event waits for its sync.
const SYNC: Duration = Duration::from_secs(1);

/// Where prompts come from.
pub struct Source {
    /// The corpus; a protocol without a step that reads needs none.
    pub path: Option<PathBuf>,
    /// The data folder, which holds the progress.
    pub data: PathBuf,
    /// Days after which an enrolled person who never came is forgotten.
    pub pending_days: u32,
    /// Draws the order.
    pub seed: u64,
    /// Which lines are this booth's.
    pub shard: Shard,
    /// Says why a text is not to be shown.
    pub look: Look,
    /// The operator's recipients; if empty, nothing is sealed.
    pub recipients: Vec<Recipient>,
    /// Whether rows carry the wall clock's time; a fast run has none.
    pub dated: bool,
    /// A session is resumed only if it has this protocol, by the SHA-256 of its text.
    pub protocol_sha256: String,
    /// A session is resumed only if it has this audio shape.
    pub spec: Spec,
    /// A session is resumed only if its takes are sealed as they are now.
    pub seals: bool,
    /// Where the clerk says whose key is on the disk.
    pub kept: Kept,
    /// The controls to hold; after this only the clerk touches them.
    pub mixer: Option<Mixer>,
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
    /// Called for each job, and each second without one.
    beat: Arc<rt::Beat>,
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
        let recovered_here = recovered.clone();
        let free_bytes = Arc::new(AtomicU64::new(u64::MAX));
        let mut space = Space::of(&source.data, free_bytes.clone());
        let found = space.look();
        let recovery = Recovery::of(&source.data);
        let beat = Arc::new(rt::Beat::default());
        let alive = beat.clone();
        let thread = std::thread::Builder::new()
            .name("clerk".into())
            .spawn(move || {
                // The corpus is hashed once before its first prompt, so that no visitor waits for
                // it.
                let mut work = alive.on_disk(|| Work::new(source, recovery, outbox));
                work.draw();
                found.into_iter().for_each(|found| work.answer(found));
                let mut recovery_waits = Some(Duration::ZERO);
                loop {
                    let found = alive.on_disk(|| space.look());
                    found.into_iter().for_each(|found| work.answer(found));
                    alive.on_disk(|| work.serve_tombstones());
                    work.hold_gains();
                    let job = inbox.recv_timeout(recovery_waits.unwrap_or(SYNC));
                    match job {
                        Ok(job) => {
                            alive.on_disk(|| work.serve(job));
                            count.fetch_add(1, Atomic::Release);
                        }
                        Err(RecvTimeoutError::Timeout) if recovery_waits.is_some() => {
                            recovery_waits = alive.on_disk(|| work.recover());
                            recovered_here.store(recovery_waits.is_none(), Atomic::Release);
                        }
                        Err(RecvTimeoutError::Timeout) => alive.on_disk(|| work.write(SYNC)),
                        Err(RecvTimeoutError::Disconnected) => break,
                    }
                }
                work.write(Duration::ZERO);
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

    /// Sends a job, and never waits.
    pub fn ask(&mut self, job: impl Into<Job>) {
        if let Some(jobs) = &self.jobs
            && jobs.send(job.into()).is_ok()
        {
            self.sent += 1;
        }
    }

    /// The answers that have arrived.
    #[must_use]
    pub fn answers(&self) -> Vec<Answer> {
        self.answers.try_iter().collect()
    }

    /// The free bytes on the data folder's disk, at most a second old.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        self.free_bytes.load(Atomic::Relaxed)
    }

    /// Whether everything that the previous run left is repaired.
    #[must_use]
    pub fn is_recovered(&self) -> bool {
        self.recovered.load(Atomic::Acquire)
    }

    /// Whether every job is done.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.done.load(Atomic::Acquire) >= self.sent
    }

    /// Its thread.
    #[must_use]
    pub fn thread(&self) -> Thread<'_> {
        Thread {
            name: "clerk",
            is_ended: self.thread.as_ref().is_none_or(JoinHandle::is_finished),
            beat: Some(&self.beat),
        }
    }

    /// Whether the thread has ended although it should be running.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.thread().is_ended
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
