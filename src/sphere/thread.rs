//! The sphere's thread: makes the peer do what main wanted last, and keeps checking that it does.
//!
//! Guarantees: `main` never waits for it. The newest command wins, also over one that is under way
//! or being retried, and an answer to an older command is not taken for an answer to the newest.
//! What cannot be done is reported once and retried without end. If the sphere stops answering or
//! is away while it should play, that is reported within 5 s, and so is a thread that hangs. When
//! the thread ends, it sends a STOP, which `Drop` awaits for at most [`END`]. It must never play
//! anything but what was asked for last.

mod course;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::clock::Clock;
use super::looks::Looks;
use super::timeline::{Fit, Timeline};
use super::{Peer, Position, SphereError, Start};
use crate::rt::{Nanos, Thread};
use course::Course;

/// How long the end of the thread is awaited: a STOP, which the peer bounds.
const END: Duration = Duration::from_secs(5);
/// If there is no answer for this long, the command counts as not done, whatever call the thread
/// hangs in. It is well before the 5 s within which the visitor is shown the failure.
const SILENT: Duration = Duration::from_millis(4500);

/// A command for the thread.
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
    /// Identifies the answers; rising.
    pub number: u32,
    /// Track by its exact name.
    pub track: Arc<str>,
    /// Where to start.
    pub start: Start<Nanos>,
    /// The rest of the step. If the connection is lost, the sphere stops by itself after that.
    pub rest: Duration,
    /// How long the track may be silent from here on before it counts as not heard.
    pub silent: Duration,
}

/// An answer of the thread. Numbers are those of [`Play`].
#[derive(Clone, Debug)]
pub enum Reply {
    /// The track is being loaded, which may take some time; the sphere has just confirmed it.
    Loading,
    /// It rolls, as was read back, and is heard, as far as that is asked.
    Rolling(u32, Position),
    /// It cannot be played, and is retried until it can. Or it played and no longer does; then main
    /// decides what to do.
    Failed(u32, SphereError),
    /// A further reading of what plays, and how it agrees with earlier ones.
    Read(Position, Fit),
    /// The answer to [`Command::Stop`]: where the transport is; or why it is not known to be
    /// stopped, which is retried.
    Stopped(Result<Position, SphereError>),
}

/// What the thread knows about the sphere; comes with each answer.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The track asked for last.
    pub track: Arc<str>,
    /// Which of its frames were played at which time.
    pub line: Timeline,
    /// What was heard of it.
    pub looks: Looks,
    /// RMS at each output while it has played, dBFS; empty where that is not read, or not for long
    /// enough.
    pub rms_dbfs: Vec<f32>,
}

/// A command on its way to the thread.
#[derive(Debug)]
struct Asked {
    /// Rising.
    number: u64,
    at: Nanos,
    command: Command,
}

/// An answer on its way to main.
#[derive(Debug)]
struct Answer {
    /// Number of the command.
    to: u64,
    reply: Reply,
    known: Snapshot,
}

/// An answer that main waits for.
#[derive(Clone, Copy, Debug)]
struct Awaited {
    /// The number of what is to play; none if main waits for silence.
    play: Option<u32>,
    /// When the thread last got a command or answered.
    since: Nanos,
}

/// The thread, as seen by main.
#[derive(Debug)]
pub struct Sphere {
    commands: Option<Sender<Asked>>,
    answers: Receiver<Answer>,
    /// Number of the newest command.
    sent: u64,
    /// Number of the newest command that was answered.
    answered: Arc<AtomicU64>,
    /// None while nothing is asked, or after main gave up waiting.
    awaited: Option<Awaited>,
    known: Snapshot,
    /// Whether it asks questions by itself, so that it is never silent for long.
    asks: bool,
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
        Sphere::start_on(Clock::Real, peer)
    }

    /// On a clock that each command sets, it asks nothing by itself, so that a fast run is the same
    /// each time. The peer uses the same clock.
    ///
    /// # Errors
    /// The system's, if it has no thread left.
    pub fn start_on(clock: Clock, peer: Box<dyn Peer>) -> std::io::Result<Sphere> {
        let (commands, inbox) = channel();
        let (outbox, answers) = channel();
        let (living, alive) = channel();
        let answered = Arc::new(AtomicU64::new(0));
        let done = answered.clone();
        let asks = clock.is_real();
        let thread = std::thread::Builder::new()
            .name("sphere".into())
            .spawn(move || {
                let _living: Sender<()> = living;
                run(&clock, peer, &inbox, &outbox, &done);
            })?;
        Ok(Sphere {
            commands: Some(commands),
            answers,
            sent: 0,
            answered,
            awaited: None,
            known: Snapshot::default(),
            asks,
            alive,
            thread: Some(thread),
        })
    }

    /// Sends a command at `now`, and never waits.
    pub fn ask(&mut self, command: Command, now: Nanos) {
        self.awaited = Some(Awaited {
            play: match &command {
                Command::Play(play) => Some(play.number),
                Command::Stop => None,
            },
            since: now,
        });
        let asked = Asked {
            number: self.sent + 1,
            at: now,
            command,
        };
        if let Some(commands) = &self.commands
            && commands.send(asked).is_ok()
        {
            self.sent += 1;
        }
    }

    /// The next answer, if there is one at `now`; from older commands only that the sphere stopped.
    /// A thread that hangs has failed, which is reported once.
    pub fn reply(&mut self, now: Nanos) -> Option<Reply> {
        while let Ok(Answer { to, reply, known }) = self.answers.try_recv() {
            self.known = known;
            if to == self.sent {
                self.heard(&reply, now);
                return Some(reply);
            }
            if matches!(reply, Reply::Stopped(_)) {
                return Some(reply);
            }
        }
        self.give_up(now)
    }

    /// Called when an answer to the newest command came.
    fn heard(&mut self, reply: &Reply, now: Nanos) {
        self.awaited = match reply {
            Reply::Rolling(number, _) => Some(Awaited {
                play: Some(*number),
                since: now,
            }),
            Reply::Loading | Reply::Read(..) => self.awaited.map(|awaited| Awaited {
                since: now,
                ..awaited
            }),
            Reply::Failed(..) | Reply::Stopped(_) => None,
        };
    }

    /// A command that is awaited for too long has failed.
    fn give_up(&mut self, now: Nanos) -> Option<Reply> {
        let silent = |it: &mut Awaited| now.since(it.since) > SILENT;
        let awaited = self.awaited.take_if(silent).filter(|_| self.asks)?;
        log::warn!("sphere: no answer for {SILENT:?}");
        Some(match awaited.play {
            Some(number) => {
                self.known.line.end();
                Reply::Failed(number, SphereError::NoAnswer)
            }
            None => Reply::Stopped(Err(SphereError::NoAnswer)),
        })
    }

    /// What the thread knew when it last answered.
    #[must_use]
    pub fn known(&self) -> &Snapshot {
        &self.known
    }

    /// Whether every command was answered, so that a simulated run may go on.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.answered.load(Ordering::Acquire) >= self.sent || self.is_ended()
    }

    /// The thread itself: each call to the sphere has a bound, and a missing answer is shown as a
    /// fault on the screen.
    #[must_use]
    pub fn thread(&self) -> Thread<'_> {
        Thread {
            name: "sphere",
            is_ended: self.thread.as_ref().is_none_or(JoinHandle::is_finished),
            beat: None,
        }
    }

    /// Whether the thread is gone although it was not stopped.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.thread().is_ended
    }

    /// Awaits the thread's end for at most `most`.
    fn end(&mut self, most: Duration) {
        self.commands = None;
        if self.alive.recv_timeout(most) == Err(RecvTimeoutError::Timeout) {
            return log::error!("sphere: no answer to STOP within {most:?}; it stops by itself");
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the sphere's thread panicked");
        }
    }
}

impl Drop for Sphere {
    fn drop(&mut self) {
        self.end(END);
    }
}

/// The thread: steps until main is gone, then a STOP.
fn run(
    clock: &Clock,
    mut peer: Box<dyn Peer>,
    inbox: &Receiver<Asked>,
    outbox: &Sender<Answer>,
    answered: &AtomicU64,
) {
    let mut course = Course::new(clock.now(), clock.is_real());
    loop {
        let outcome = course.step(clock.now(), &mut *peer);
        let (to, is_answered) = course.command();
        if let Some(reply) = outcome.reply {
            let known = course.known();
            if outbox.send(Answer { to, reply, known }).is_err() {
                break;
            }
        }
        if is_answered {
            answered.store(to, Ordering::Release);
        }
        match newest(inbox, outcome.pause) {
            Ok(Some(asked)) => {
                clock.set(asked.at);
                course.take_up(asked);
            }
            Ok(None) => {}
            Err(Closed) => break,
        }
    }
    if let Err(error) = peer.stop() {
        log::error!("at the end: {error}");
    }
}

/// Main is gone.
struct Closed;

/// The newest command, waited for as long as `pause` says; older ones are dropped.
fn newest(inbox: &Receiver<Asked>, pause: Option<Duration>) -> Result<Option<Asked>, Closed> {
    let first = match pause {
        Some(pause) => inbox.recv_timeout(pause),
        None => inbox.recv().map_err(RecvTimeoutError::from),
    };
    match first {
        Ok(first) => Ok(Some(inbox.try_iter().last().unwrap_or(first))),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => Err(Closed),
    }
}

#[cfg(test)]
mod tests;
