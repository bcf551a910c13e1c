//! The remote loudspeakers: commands go in without waiting, verified replies come back as values.
//!
//! One thread owns the peer and asks it; each verb is believed only once it was read back. The main
//! loop never waits for it. Every way out of a step, and the end of the thread itself, is a STOP.

pub mod sim;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::rt::Nanos;

/// What the thread is asked to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Load the track, go to its start position (`None`: where it stopped) and play.
    Play {
        /// Track by its exact name.
        track: Arc<str>,
        /// Seconds from the track's beginning.
        locate_s: Option<f64>,
    },
    /// Fall silent.
    Stop,
}

/// Where the transport stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// The track loaded.
    pub track: String,
    /// Whether it plays.
    pub rolling: bool,
    /// Transport frame.
    pub frame: u64,
    /// When the transport stood there, on this machine's clock.
    pub at: Nanos,
    /// Half the round trip of the question.
    pub uncertainty: Duration,
}

/// What the thread answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The answer to [`Command::Play`]: rolling, read back, or why not.
    Played(Result<Position, SphereError>),
    /// The answer to [`Command::Stop`].
    Stopped(Result<(), SphereError>),
}

/// Why the sphere does not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SphereError {
    /// It has no such track.
    #[error("sphere: unknown track `{0}`; `booth sphere track` takes the exact name")]
    UnknownTrack(String),
    /// It was asked to go where no frame is.
    #[error("sphere: {0} s is no position in 0 .. 2^32 frames")]
    BadPosition(String),
    /// It says that it plays but does not.
    #[error("sphere: still stopped {0} ms after play")]
    NotRolling(u64),
}

/// A sphere as the thread sees it; each call is bounded in time by its implementation.
pub trait Peer: Send {
    /// Loads `track`.
    ///
    /// # Errors
    /// An unknown track.
    fn track(&mut self, track: &str) -> Result<(), SphereError>;
    /// Goes to `seconds` from the track's beginning.
    ///
    /// # Errors
    /// A position beyond the transport's 2^32 frames.
    fn locate(&mut self, seconds: f64) -> Result<(), SphereError>;
    /// Plays.
    ///
    /// # Errors
    /// The peer's.
    fn play(&mut self) -> Result<(), SphereError>;
    /// Stops.
    ///
    /// # Errors
    /// The peer's.
    fn stop(&mut self) -> Result<(), SphereError>;
    /// Reads back where it stands.
    ///
    /// # Errors
    /// The peer's.
    fn position(&mut self) -> Result<Position, SphereError>;
}

/// The thread, as main holds it.
#[derive(Debug)]
pub struct Sphere {
    commands: Option<Sender<Command>>,
    replies: Receiver<Reply>,
    sent: u64,
    answered: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Sphere {
    /// Starts the thread around `peer`.
    ///
    /// # Errors
    /// The system's, if it has no thread left.
    pub fn start(peer: Box<dyn Peer>) -> std::io::Result<Sphere> {
        let (commands, inbox) = channel();
        let (outbox, replies) = channel();
        let answered = Arc::new(AtomicU64::new(0));
        let count = answered.clone();
        let thread = std::thread::Builder::new()
            .name("sphere".into())
            .spawn(move || serve(peer, &inbox, &outbox, &count))?;
        Ok(Sphere {
            commands: Some(commands),
            replies,
            sent: 0,
            answered,
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
        self.answered.load(Ordering::Acquire) >= self.sent
    }
}

impl Drop for Sphere {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the sphere's thread panicked");
        }
    }
}

fn serve(
    mut peer: Box<dyn Peer>,
    inbox: &Receiver<Command>,
    outbox: &Sender<Reply>,
    answered: &AtomicU64,
) {
    while let Ok(command) = inbox.recv() {
        let reply = match command {
            Command::Play { track, locate_s } => {
                Reply::Played(play(peer.as_mut(), &track, locate_s))
            }
            Command::Stop => Reply::Stopped(peer.stop()),
        };
        if outbox.send(reply).is_err() {
            break;
        }
        answered.fetch_add(1, Ordering::Release);
    }
    if let Err(error) = peer.stop() {
        log::warn!("{error}");
    }
}

/// Track, locate, play; done once the transport was seen rolling on that track.
fn play(peer: &mut dyn Peer, track: &str, locate_s: Option<f64>) -> Result<Position, SphereError> {
    const MOST_MS: u64 = 2000;
    const PAUSE_MS: u64 = 20;
    if peer.position()?.track != track {
        peer.track(track)?;
    }
    if let Some(seconds) = locate_s {
        peer.locate(seconds)?;
    }
    peer.play()?;
    for _ in 0..MOST_MS / PAUSE_MS {
        let position = peer.position()?;
        if position.rolling && position.track == track {
            return Ok(position);
        }
        std::thread::sleep(Duration::from_millis(PAUSE_MS));
    }
    Err(SphereError::NotRolling(MOST_MS))
}
