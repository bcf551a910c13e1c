//! A take's file while it is written.
//!
//! Guarantees of each sink: what it took in is kept until it is synced, and is written again after a
//! disk that was away; after any kill its file opens and holds all that was synced.

mod plain;

pub use plain::PlainSink;

use super::memory::Buffer;
use crate::audio::rf64::Error;
use crate::words::Gap;

/// What a file holds at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whole frames.
    pub frames: u64,
    /// SHA-256 of its samples.
    pub samples_sha256: String,
}

/// Where the bytes of a take go. Whatever refuses may be called again.
pub trait Sink: Send {
    /// Takes in whole frames as stored.
    ///
    /// # Errors
    /// The system's; `samples` is left in place then, and not taken in.
    fn append(&mut self, samples: &mut Option<Buffer>) -> Result<(), Error>;

    /// Makes all that was taken in durable.
    ///
    /// # Errors
    /// The system's.
    fn checkpoint(&mut self) -> Result<(), Error>;

    /// Opens the file again after the disk was away, and writes again what may be lost.
    ///
    /// # Errors
    /// The system's, or the file is not the one that was being written.
    fn reopen(&mut self) -> Result<(), Error>;

    /// Writes and syncs all that the file will hold, but for what closes it. The row follows.
    ///
    /// # Errors
    /// The system's.
    fn finish(&mut self, gaps: &[Gap]) -> Result<Held, Error>;

    /// Closes the file, once its row is synced.
    ///
    /// # Errors
    /// The system's.
    fn close(&mut self) -> Result<(), Error>;

    /// Ends the file where the disk let it come to: nothing is taken in any more.
    ///
    /// # Errors
    /// The system's: what is there is left for the next start.
    fn cut(&mut self) -> Result<(), Error>;
}

/// The part of `gaps` that lies in the first `frames`.
#[must_use]
pub fn within(gaps: &[Gap], frames: u64) -> Vec<Gap> {
    let cut = gaps.iter().map(|gap| Gap {
        frames: gap.frames.min(frames.saturating_sub(gap.frame)),
        ..*gap
    });
    cut.filter(|gap| gap.frames > 0).collect()
}
