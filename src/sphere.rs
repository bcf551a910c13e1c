//! The remote loudspeakers: commands go in without waiting, verified replies come back as values.
//!
//! One thread owns the peer and asks it; each verb is believed only once it was read back. The main
//! loop never waits for it. Every way out of a step, and the end of the thread itself, is a STOP.

pub mod sim;
mod thread;
pub mod timeline;

use std::time::Duration;

use crate::rt::Nanos;
pub use thread::{Command, Play, Reply, Sphere, Start};

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
    /// Somebody stopped it, or its JACK was started anew.
    #[error(
        "sphere: the transport stopped by itself; somebody at the sphere, or JACK started anew"
    )]
    StoppedByItself,
    /// The simulated one was told to fail.
    #[error("sphere: simulated: {0}")]
    Simulated(&'static str),
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
