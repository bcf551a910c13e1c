//! The remote loudspeakers: commands go in without waiting, verified replies come back as values.
//!
//! One thread owns the peer and asks it; each verb is believed only once it was read back. The main
//! loop never waits for it. Every way out of a step, and the end of the thread itself, is a STOP.

pub mod sim;
pub mod timeline;

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
        /// What is left of the step, after which the sphere falls silent by itself if it must.
        rest: Duration,
    },
    /// Fall silent.
    Stop,
}

/// Where the transport stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Whether it plays.
    pub rolling: bool,
    /// Transport frame.
    pub frame: u64,
    /// Frames per second.
    pub rate: u32,
    /// When the transport stood there, on this machine's clock.
    pub at: Nanos,
    /// How far the true frame at `at` may lie from `frame`, as a time: half the round trip of the
    /// question, and what the answer itself leaves open.
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

/// A sphere as the thread sees it. Each call is bounded in time by its implementation, and believed
/// by it only once it was read back.
pub trait Peer: Send {
    /// Sees to it that the sphere can be asked; at once where it can.
    ///
    /// # Errors
    /// Why it cannot: unreachable, not trusted, no JACK.
    fn connect(&mut self) -> Result<(), SphereError>;
    /// Loads `track`, unless it is loaded, and waits for the transport to be there again, stopped.
    ///
    /// # Errors
    /// An unknown track; the peer's.
    fn track(&mut self, track: &str) -> Result<(), SphereError>;
    /// Goes to a transport frame.
    ///
    /// # Errors
    /// The peer's.
    fn locate(&mut self, frame: u32) -> Result<(), SphereError>;
    /// Plays, and arms what stops the sphere without us once `rest` is over and some seconds more.
    ///
    /// # Errors
    /// The peer's; still stopped.
    fn play(&mut self, rest: Duration) -> Result<(), SphereError>;
    /// Stops.
    ///
    /// # Errors
    /// The peer's; still rolling.
    fn stop(&mut self) -> Result<(), SphereError>;
    /// One question: where the transport stands.
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
            Command::Play {
                track,
                locate_s,
                rest,
            } => Reply::Played(play(peer.as_mut(), &track, locate_s, rest)),
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

/// Track, locate, play, and where it then rolls.
fn play(
    peer: &mut dyn Peer,
    track: &str,
    locate_s: Option<f64>,
    rest: Duration,
) -> Result<Position, SphereError> {
    peer.connect()?;
    peer.track(track)?;
    if let Some(seconds) = locate_s {
        let rate = peer.position()?.rate;
        peer.locate(frame_of(seconds, rate)?)?;
    }
    peer.play(rest)?;
    peer.position()
}

/// The transport frame nearest to `seconds`; JACK counts them in 32 bits.
///
/// # Errors
/// A position that no frame has.
pub fn frame_of(seconds: f64, rate: u32) -> Result<u32, SphereError> {
    let frame = (seconds * f64::from(rate)).round();
    if (0.0..=f64::from(u32::MAX)).contains(&frame) {
        Ok(frame as u32)
    } else {
        Err(SphereError::BadPosition(seconds.to_string()))
    }
}
