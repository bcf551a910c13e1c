//! The sealer: replaces finished takes by sealed ones, in parallel to the recorder and never in its
//! way.
//!
//! Guarantees: a take is sealed to the recipient that its session's record names, if it says so; its
//! plain bytes go only once the sealed file is whole on the disk; what cannot be sealed now is tried
//! again. It never touches a take without a row: that one is being recorded, or is made whole first.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::files::data::Data;
use crate::identity::operator::{self, Recipient};
use crate::identity::{erase, keyring, seal, tombstone};
use crate::rt::{self, Thread};
use crate::store::session::Record;
use crate::store::takes;

/// Niceness of the thread.
const NICE: i32 = 10;
/// Between two tries of a take that could not be sealed.
const AGAIN: Duration = Duration::from_secs(2);
/// Between two looks whether the recorder has caught up.
const BEHIND: Duration = Duration::from_millis(20);
/// The pause after each chunk of 64 KiB while a take is open: 32 MB/s at most.
const BESIDE: Duration = Duration::from_millis(2);

/// How much of the disk the recorder needs now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Nothing is recorded.
    Idle,
    /// A take is open.
    Recording,
    /// The recorder is more than a second behind.
    Behind,
}

/// Returns the load; called for every chunk.
pub type Loads = Box<dyn Fn() -> Load + Send>;

/// What the sealer is asked to do.
enum Job {
    /// A finished take: its session's folder, its file's name.
    Take(PathBuf, String),
    /// All takes that have a row and are not sealed yet.
    Rest(PathBuf),
}

/// The sealer, as main holds it.
pub struct Sealer {
    jobs: Option<Sender<Job>>,
    /// Why a take could not be sealed, once for each; it is tried again.
    pub failures: Receiver<String>,
    sent: u64,
    done: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    /// Each job, each chunk, and each 2 s without one.
    beat: Arc<rt::Beat>,
    thread: Option<JoinHandle<()>>,
}

impl Sealer {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system's, if it has no thread left.
    pub fn start(loads: Loads) -> std::io::Result<Sealer> {
        let (jobs, inbox) = channel();
        let (outbox, failures) = channel();
        let (done, stop) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let beat = Arc::new(rt::Beat::default());
        let work = Work {
            beat: beat.clone(),
            loads,
            stop: stop.clone(),
            done: done.clone(),
            failures: outbox,
            waiting: VecDeque::new(),
        };
        let thread = std::thread::Builder::new()
            .name("sealer".into())
            .spawn(move || work.run(&inbox))?;
        Ok(Sealer {
            jobs: Some(jobs),
            failures,
            sent: 0,
            done,
            stop,
            beat,
            thread: Some(thread),
        })
    }

    /// A take is finished and has its row.
    pub fn take(&mut self, session: PathBuf, file: String) {
        self.ask(Job::Take(session, file));
    }

    /// Seals what the runs before left, once their takes are whole.
    pub fn rest(&mut self, data: PathBuf) {
        self.ask(Job::Rest(data));
    }

    fn ask(&mut self, job: Job) {
        if let Some(jobs) = &self.jobs
            && jobs.send(job).is_ok()
        {
            self.sent += 1;
        }
    }

    /// Its thread.
    #[must_use]
    pub fn thread(&self) -> Thread<'_> {
        Thread {
            name: "sealer",
            is_ended: self.thread.as_ref().is_none_or(JoinHandle::is_finished),
            beat: Some(&self.beat),
        }
    }

    /// Whether everything that was asked for is sealed.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.done.load(Ordering::Acquire) >= self.sent
    }
}

impl Drop for Sealer {
    /// Ends the thread at once; what it leaves is sealed at the next start.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the sealer panicked");
        }
    }
}

/// A take that is to be sealed.
struct Waiting {
    session: PathBuf,
    file: String,
    /// Whether its failure was reported.
    reported: bool,
    /// Whether it is one that main asked for.
    counts: bool,
}

struct Work {
    beat: Arc<rt::Beat>,
    loads: Loads,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    failures: Sender<String>,
    waiting: VecDeque<Waiting>,
}

impl Work {
    fn run(mut self, inbox: &Receiver<Job>) {
        rt::be_nice(NICE);
        let mut again = Duration::ZERO;
        while !self.stop.load(Ordering::Acquire) {
            let wait = if self.waiting.is_empty() {
                AGAIN
            } else {
                again
            };
            match inbox.recv_timeout(wait) {
                Ok(job) => self.take_in(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let beat = self.beat.clone();
            again = beat.on_disk(|| self.seal_one());
        }
    }

    fn take_in(&mut self, job: Job) {
        match job {
            Job::Take(session, file) => self.waiting.push_back(Waiting {
                session,
                file,
                reported: false,
                counts: true,
            }),
            Job::Rest(data) => {
                for session in takes::sessions(&data).unwrap_or_default() {
                    self.rest_of(&Data(&data).session(session));
                }
                self.done.fetch_add(1, Ordering::Release);
            }
        }
    }

    fn rest_of(&mut self, session: &Path) {
        let rows = takes::read(session).unwrap_or_default();
        for row in rows
            .into_iter()
            .filter(|row| session.join(&row.file).exists())
        {
            self.waiting.push_back(Waiting {
                session: session.to_owned(),
                file: row.file,
                reported: false,
                counts: false,
            });
        }
    }

    /// Seals the take that waits longest; how long to wait before the next.
    fn seal_one(&mut self) -> Duration {
        let Some(mut take) = self.waiting.pop_front() else {
            return Duration::ZERO;
        };
        let sealed = self.seal(&take.session.join(&take.file), &take.session);
        // Of a forgotten session nothing stays plain: what is missing then is no failure.
        match sealed.or_else(|reason| {
            if is_forgotten(&take.session) {
                Ok(())
            } else {
                Err(reason)
            }
        }) {
            Ok(()) => {
                self.done
                    .fetch_add(u64::from(take.counts), Ordering::Release);
                Duration::ZERO
            }
            Err(reason) => {
                if !take.reported {
                    let _ = self.failures.send(unnamed(&take, &reason));
                    take.reported = true;
                }
                self.waiting.push_back(take);
                AGAIN
            }
        }
    }

    fn seal(&self, take: &Path, session: &Path) -> Result<(), String> {
        let Some(recipient) = recipient(session)? else {
            return Ok(());
        };
        if !take.exists() && seal::sealed_name(take).exists() {
            return Ok(());
        }
        has_key(session)?;
        let mut pace = || self.pace();
        seal::seal(take, &recipient, erase::discards(session), &mut pace)
            .map(drop)
            .map_err(|error| error.to_string())
    }

    /// Leaves the disk to the recorder.
    fn pace(&self) {
        loop {
            self.beat.beat();
            let stop = self.stop.load(Ordering::Acquire);
            match (self.loads)() {
                Load::Behind if !stop => std::thread::sleep(BEHIND),
                Load::Recording if !stop => return std::thread::sleep(BESIDE),
                _ => return,
            }
        }
    }
}

/// The file and why, without the session's name: logs never have it.
fn unnamed(take: &Waiting, reason: &str) -> String {
    let session = take.session.file_name().unwrap_or_default();
    let reason = reason.replace(&*session.to_string_lossy(), "SESSION");
    format!("{}: {reason}", take.file)
}

/// A take that is sealed to a lost key can never be opened.
fn has_key(session: &Path) -> Result<(), String> {
    let (data, name) = data_and_name(session);
    let keys = Data(data).keys();
    let [sealed, _] = keyring::files(&keys, &name);
    if sealed.exists() {
        return Ok(());
    }
    Err(format!(
        "the session's key is not in {}, and without it no one could open what is sealed; put the \
         keys folder back",
        keys.display()
    ))
}

/// Whether the session is gone, or about to be: its tombstone is there before anything of it goes.
fn is_forgotten(session: &Path) -> bool {
    let (data, name) = data_and_name(session);
    !session.exists() || tombstone::path(data, &name).exists()
}

/// The data folder of a session's folder, and its name.
fn data_and_name(session: &Path) -> (&Path, Cow<'_, str>) {
    let name = session.file_name().unwrap_or_default().to_string_lossy();
    (session.ancestors().nth(2).unwrap_or(session), name)
}

/// The recipient of a session's takes; `None` if they stay plain.
fn recipient(session: &Path) -> Result<Option<Recipient>, String> {
    let record = Record::read(session).map_err(|error| format!("session.json: {error}"))?;
    match record.recipient.filter(|_| record.sealed) {
        Some(text) => operator::recipient(&text)
            .map(Some)
            .map_err(|error| error.to_string()),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::identity::operator::PrivateKey;
    use crate::identity::participant::Participant;

    #[test]
    fn without_the_key_that_opens_it_no_take_is_sealed_and_no_session_is_named() {
        let data = tempfile::tempdir().expect("a folder");
        let person = Participant::draw().expect("random");
        let session = data.path().join("sessions").join(&person.session);
        fs::create_dir_all(&session).expect("made");
        let record = serde_json::json!({
            "session": person.session, "box": "b", "site": {}, "language": "fr",
            "protocol": {"name": "p", "sha256": ""},
            "corpus": {"name": "c", "sha256": null, "seed": 1, "shard": "1/1"},
            "audio": {
                "device": "sim", "card": null, "driver": null, "rate": 48000,
                "format": "S32_LE", "channels": [], "reference": "",
            },
            "consent": null, "recipient": person.recipient.to_string(), "sealed": true,
            "software": "booth", "ended": null,
        });
        fs::write(session.join("session.json"), record.to_string()).expect("written");
        fs::write(session.join("take-0001.rf64"), "voice").expect("written");
        let mut sealer = Sealer::start(Box::new(|| Load::Idle)).expect("a thread");
        sealer.take(session.clone(), "take-0001.rf64".into());
        let failure = sealer.failures.recv().expect("a failure is reported");
        assert!(
            failure.contains("take-0001.rf64") && failure.contains("put the keys"),
            "{failure}"
        );
        assert!(!failure.contains(&person.session), "{failure}");
        assert!(session.join("take-0001.rf64").exists());
        let operator = PrivateKey::generate();
        keyring::keep(data.path(), &person, &[operator.to_public()]).expect("kept");
        while !sealer.is_settled() {
            std::thread::sleep(BEHIND);
        }
        assert!(!session.join("take-0001.rf64").exists());
        assert!(session.join("take-0001.rf64.age").exists());
    }

    #[test]
    fn a_sealer_that_dies_is_seen() {
        let data = tempfile::tempdir().expect("a folder");
        let session = data.path().join("sessions/0123456789ABCDEFGHJK");
        fs::create_dir_all(&session).expect("made");
        let mut sealer = Sealer::start(Box::new(|| Load::Idle)).expect("a thread");
        assert!(!sealer.thread().is_ended);
        // No one receives failures any more: the thread ends when main drops it.
        sealer.jobs = None;
        while !sealer.thread().is_ended {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_take_of_a_session_that_is_being_forgotten_is_no_failure() {
        let data = tempfile::tempdir().expect("a folder");
        let session = data.path().join("sessions/0123456789ABCDEFGHJK");
        fs::create_dir_all(&session).expect("made");
        assert!(!is_forgotten(&session));
        let tombstone = tombstone::path(data.path(), "0123456789ABCDEFGHJK");
        fs::create_dir_all(tombstone.parent().expect("a folder")).expect("made");
        fs::write(&tombstone, "{}").expect("written");
        assert!(is_forgotten(&session));
        fs::remove_file(tombstone).expect("removed");
        fs::remove_dir(&session).expect("removed");
        assert!(is_forgotten(&session));
    }
}
