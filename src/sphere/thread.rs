//! The sphere's thread: makes the peer do what main wants last, and keeps asking whether it does.
//!
//! Guarantees: `main` never waits for it; the newest command wins, also over one that is under way
//! or tried again; what cannot be done is told once and tried again without end; a sphere that falls
//! silent or away while it should play is told within 5 s; the thread's end is a STOP, which `Drop`
//! awaits for at most [`END`]. It must never play what was not asked for last.

mod course;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Peer, Position, SphereError, Start};
use crate::rt::Nanos;
use course::Course;

/// How long the thread's end is awaited: a STOP, bounded by the peer.
const END: Duration = Duration::from_secs(5);

/// What the thread is asked to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Load the track, go to its start and play.
    Play(Play),
    /// Fall silent.
    Stop,
}

/// What is to be played.
#[derive(Clone, Debug, PartialEq)]
pub struct Play {
    /// Marks the answers; rising.
    pub number: u32,
    /// Track by its exact name.
    pub track: Arc<str>,
    /// From where.
    pub start: Start<Nanos>,
    /// What is left of the step, after which the sphere falls silent by itself if it must.
    pub rest: Duration,
}

/// What the thread answers. Numbers are those of [`Play`].
#[derive(Clone, Debug)]
pub enum Reply {
    /// The track is being loaded, which may take its time; the sphere has said so just now.
    Loading,
    /// It rolls, read back.
    Rolling(u32, Position),
    /// It cannot be played, and is tried again until it can; or it played and does so no more, and
    /// is left to whoever asked.
    Failed(u32, SphereError),
    /// A further reading of what plays.
    Read(Position),
    /// The answer to [`Command::Stop`]: where it stands; or why it is not known to be silent, which
    /// is tried again.
    Stopped(Result<Position, SphereError>),
}

/// The thread, as main holds it.
#[derive(Debug)]
pub struct Sphere {
    commands: Option<Sender<Command>>,
    replies: Receiver<Reply>,
    sent: u64,
    answered: Arc<AtomicU64>,
    /// Never sends; closed when the thread has ended.
    alive: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Sphere {
    /// Starts the thread around `peer`.
    ///
    /// # Errors
    /// The system's, if it has no thread left.
    pub fn start(peer: Box<dyn Peer>) -> std::io::Result<Sphere> {
        Sphere::spawn(peer, true)
    }

    /// One that asks nothing of its own accord, so that a fast run is the same each time.
    ///
    /// # Errors
    /// The system's, if it has no thread left.
    pub fn start_lockstep(peer: Box<dyn Peer>) -> std::io::Result<Sphere> {
        Sphere::spawn(peer, false)
    }

    fn spawn(peer: Box<dyn Peer>, asks: bool) -> std::io::Result<Sphere> {
        let (commands, inbox) = channel();
        let (outbox, replies) = channel();
        let (living, alive) = channel();
        let answered = Arc::new(AtomicU64::new(0));
        let mailbox = Mailbox::new(inbox, outbox, answered.clone());
        let thread = std::thread::Builder::new()
            .name("sphere".into())
            .spawn(move || {
                let _living: Sender<()> = living;
                Course::new(peer, mailbox, asks).run();
            })?;
        Ok(Sphere {
            commands: Some(commands),
            replies,
            sent: 0,
            answered,
            alive,
            thread: Some(thread),
        })
    }

    /// Asks, and never waits.
    pub fn ask(&mut self, command: Command) {
        if let Some(commands) = &self.commands
            && commands.send(command).is_ok()
        {
            self.sent += 1;
        }
    }

    /// The answers that are there.
    #[must_use]
    pub fn replies(&self) -> Vec<Reply> {
        self.replies.try_iter().collect()
    }

    /// Whether every command was answered, so that a simulated run may go on.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.answered.load(Ordering::Acquire) >= self.sent || self.is_ended()
    }

    /// Whether the thread is gone although nobody stopped it.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Sphere {
    fn drop(&mut self) {
        self.commands = None;
        if self.alive.recv_timeout(END) == Err(RecvTimeoutError::Timeout) {
            return log::error!("sphere: no answer to STOP within {END:?}; it stops by itself");
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the sphere's thread panicked");
        }
    }
}

/// The thread's end of the channels.
struct Mailbox {
    inbox: Receiver<Command>,
    outbox: Sender<Reply>,
    answered: Arc<AtomicU64>,
    /// The newest command, if it was not taken up yet.
    newest: Option<Command>,
    /// Commands that came and are not settled.
    unanswered: u64,
    /// Main is gone.
    closed: bool,
}

impl Mailbox {
    fn new(inbox: Receiver<Command>, outbox: Sender<Reply>, answered: Arc<AtomicU64>) -> Mailbox {
        Mailbox {
            inbox,
            outbox,
            answered,
            newest: None,
            unanswered: 0,
            closed: false,
        }
    }

    /// Waits for a command, for at most `most` where given; whatever else waits makes it old.
    fn wait(&mut self, most: Option<Duration>) -> Option<Command> {
        self.is_called(most);
        self.newest.take()
    }

    /// Waits until something else is wanted, for at most `most` where given; whether it is.
    fn is_called(&mut self, most: Option<Duration>) -> bool {
        if !self.has_newer() {
            let came = match most {
                Some(most) => self.inbox.recv_timeout(most),
                None => self.inbox.recv().map_err(RecvTimeoutError::from),
            };
            match came {
                Ok(command) => self.came(command),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.closed = true,
            }
        }
        self.has_newer()
    }

    /// Whether what is under way is not wanted any more.
    fn has_newer(&mut self) -> bool {
        loop {
            match self.inbox.try_recv() {
                Ok(command) => self.came(command),
                Err(std::sync::mpsc::TryRecvError::Empty) => break,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                    self.closed = true;
                    break;
                }
            }
        }
        self.closed || self.newest.is_some()
    }

    fn came(&mut self, command: Command) {
        self.unanswered += 1;
        self.newest = Some(command);
    }

    fn tell(&mut self, reply: Reply) {
        self.closed |= self.outbox.send(reply).is_err();
    }

    /// Whatever came before the newest command is settled.
    fn settle(&mut self) {
        let waiting = u64::from(self.newest.is_some());
        let settled = self.unanswered.saturating_sub(waiting);
        self.unanswered -= settled;
        self.answered.fetch_add(settled, Ordering::Release);
    }
}

#[cfg(test)]
mod tests;
