//! The state of the box, taken once a second.

use super::FaultKind;
use crate::rt::Nanos;

/// A snapshot. A new value is a field here and a line where it is taken, in `booth::health`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// Frames lost since the program's start, whatever the cause.
    pub frames_lost: u64,
    /// How often the card's buffer ran over since.
    pub overruns: u64,
    /// How far the recorder is behind the sound card, milliseconds.
    pub backlog_ms: u64,
    /// Seconds of recording that the disk has room for before the reserve.
    pub room_s: u64,
    /// Level of the loudest channel as it was drawn last, 0 to 100; `None` while no take runs.
    pub level: Option<u8>,
    /// What is wrong now.
    pub faults: Vec<FaultKind>,
    /// The signs of life of every thread that gives any.
    pub beats: Vec<LastBeat>,
}

/// When a thread gave its last sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastBeat {
    /// The thread.
    pub thread: &'static str,
    /// CLOCK_MONOTONIC.
    pub at: Nanos,
    /// Whether it waits for the disk since.
    pub on_disk: bool,
}
