//! The remote loudspeakers: commands are sent without waiting, verified replies come back as values.
//!
//! One thread owns the peer and sends it questions; no verb counts as done until its effect was
//! read back. The main loop never waits for it. Whatever ends a step, or the thread itself, sends a
//! STOP.

pub mod clock;
mod error;
pub mod helper;
pub mod jack;
pub mod known_hosts;
pub mod ladish;
pub mod levels;
pub mod looks;
pub mod plain;
pub mod private_key;
pub mod remote;
mod said;
pub mod settings;
pub mod shell;
pub mod sim;
pub mod sound;
pub mod ssh;
mod start;
pub mod studio;
mod thread;
pub mod timeline;

pub use error::SphereError;
pub use remote::remote;
pub use start::Start;

use std::time::Duration;

use crate::rt::Nanos;
use sound::Sound;
pub use thread::{Command, Play, Reply, Snapshot, Sphere};

/// Where the transport is, and whether it plays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Whether it plays.
    pub rolling: bool,
    /// Transport frame.
    pub frame: u64,
    /// Frames per second.
    pub rate: u32,
    /// When the transport was there, on this machine's clock.
    pub at: Nanos,
    /// How far the true frame at `at` may be from `frame`, as a time: half the round trip of the
    /// question, plus what the answer itself leaves open. `None`: it is not known how far.
    pub uncertainty: Option<Duration>,
}

/// Between two checks of a track that is being loaded.
pub const LOOK: Duration = Duration::from_millis(150);

/// A sphere as its thread sees it. Each implementation bounds the time of its calls, and takes no
/// call for done before its effect was read back.
pub trait Peer: Send {
    /// Makes sure that the sphere can be asked; returns at once where it can.
    ///
    /// # Errors
    /// Why it cannot be: unreachable, not trusted, no JACK.
    fn connect(&mut self) -> Result<(), SphereError>;
    /// Loads `track`, unless it is loaded, or looks how far it has got. Returns whether the track is
    /// there, and the transport with it; the transport is stopped if the track had to be loaded.
    /// Until it is there, this is called again after each [`LOOK`].
    ///
    /// # Errors
    /// An unknown track; the peer's.
    fn load_further(&mut self, track: &str) -> Result<bool, SphereError>;
    /// Loads `track` and waits until it is there.
    ///
    /// # Errors
    /// Those of [`Peer::load_further`].
    fn load(&mut self, track: &str) -> Result<(), SphereError> {
        while !self.load_further(track)? {
            std::thread::sleep(LOOK);
        }
        Ok(())
    }
    /// Goes to a transport frame.
    ///
    /// # Errors
    /// The peer's.
    fn locate(&mut self, frame: u32) -> Result<(), SphereError>;
    /// Plays, and arms the job that stops the sphere without us a few seconds after `rest` is over.
    /// A sphere may also stop after 5 s without a question, so a caller that lets it play asks for
    /// the position every second or two. A transport that already rolls goes on, armed.
    ///
    /// # Errors
    /// The peer's; still stopped.
    fn play(&mut self, rest: Duration) -> Result<(), SphereError>;
    /// Stops.
    ///
    /// # Errors
    /// The peer's; still rolling.
    fn stop(&mut self) -> Result<(), SphereError>;
    /// One question: where the transport is. While it plays, an error means that the job which
    /// stops it without us may be gone.
    ///
    /// # Errors
    /// The peer's.
    fn position(&mut self) -> Result<Position, SphereError>;
    /// One look at what sounds, as far as that is wanted: `None` if it is not, no level where only
    /// connections count.
    ///
    /// # Errors
    /// The peer's; no way to read what is wanted.
    fn hear(&mut self) -> Result<Option<Sound>, SphereError>;
}

/// The transport frame nearest to `seconds`; JACK counts them in 32 bits.
///
/// # Errors
/// A position that is not a frame.
pub fn frame_of(seconds: f64, rate: u32) -> Result<u32, SphereError> {
    let frame = (seconds * f64::from(rate)).round();
    if (0.0..=f64::from(u32::MAX)).contains(&frame) {
        Ok(frame as u32)
    } else {
        Err(SphereError::BadPosition(format!("{seconds:?}")))
    }
}
