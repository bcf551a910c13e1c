//! Where frames come from: a sound card through ALSA, or a simulated one.
//!
//! A source is opened in the thread that reads it. Everything that can happen to it is a value of
//! [`Read`]. Reading allocates nothing, locks nothing (except in a simulation in lockstep) and
//! never panics.

pub mod alsa;
pub mod offer;
pub mod sim;

use std::time::Duration;

use crate::rt::Nanos;
use crate::words::{Cause, Spec};
use offer::Offer;

/// The result of one read.
#[derive(Debug, PartialEq)]
pub enum Read {
    /// There are whole frames at the start of the buffer.
    Frames {
        /// How many; at least one.
        frames: u32,
        /// Frames that are captured too, but still in the device's buffer.
        waiting: u64,
        /// When the last of the waiting frames had been captured.
        at: Nanos,
    },
    /// Nothing arrived within the time-out.
    Nothing,
    /// Frames were lost; the source runs again.
    Overrun {
        /// How many, by the time stamps before and after.
        lost_frames: u64,
        /// Why.
        cause: Cause,
    },
    /// The device is gone: close it and open it again.
    Gone(Gone),
}

/// Why a device is gone; its text is made outside the running loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gone {
    /// An ALSA error, by its number.
    #[error("the device stopped: {}", std::io::Error::from_raw_os_error(*.0))]
    Errno(i32),
    /// It is there but delivers nothing.
    #[error("the device delivers no frames")]
    Silent,
}

/// The sound card behind a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its name, for example `ZOOM F8n`.
    pub name: String,
    /// Its driver, for example `USB-Audio`.
    pub driver: String,
}

/// A stream of interleaved frames.
pub trait Source: Send {
    /// What it delivers, as read back from the device.
    fn spec(&self) -> Spec;

    /// The time between two arrivals of frames, as the device has set it.
    fn period(&self) -> Duration;

    /// Waits for frames, 200 ms at most, and copies those that are there, up to the size of `buf`.
    fn read(&mut self, buf: &mut [u8]) -> Read;

    /// The card behind it, if there is one.
    fn card(&self) -> Option<Card> {
        None
    }

    /// True if it has no clock of its own, so that the reader may let it wait for a free block.
    fn waits(&self) -> bool {
        false
    }
}

/// Opens a source, at the start and whenever it was gone; called in the capture thread.
pub type Opener = Box<dyn FnMut() -> Result<Box<dyn Source>, Error> + Send>;

/// The name of the built-in simulated source.
pub const SIMULATED: &str = "sim";

/// Opens `device`, an ALSA PCM or the simulated source.
#[must_use]
pub fn opener(device: &str, spec: Spec, period_frames: u32) -> Opener {
    if device == SIMULATED {
        return Box::new(move || Ok(Box::new(sim::SimSource::paced(spec, period_frames, 1))));
    }
    let device = device.to_owned();
    Box::new(move || {
        Ok(Box::new(alsa::AlsaSource::open(
            &device,
            spec,
            period_frames,
        )?))
    })
}

/// Why a device could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No device of that name.
    #[error("audio device `{device}`: not there; `booth devices` lists those that are")]
    Missing {
        /// The PCM's name.
        device: String,
    },
    /// Another program has it open.
    #[error("audio device `{device}`: busy; stop the program that uses it (`fuser -v /dev/snd/*`)")]
    Busy {
        /// The PCM's name.
        device: String,
    },
    /// This user may not open it.
    #[error("audio device `{device}`: no permission; add this user to the group `audio`")]
    Permission {
        /// The PCM's name.
        device: String,
    },
    /// It exists but cannot deliver what was asked for.
    #[error("audio device `{device}`: refuses {what}; it offers {offer}")]
    Refused {
        /// The PCM's name.
        device: String,
        /// The one thing it refuses.
        what: String,
        /// What to ask for instead.
        offer: Box<Offer>,
    },
    /// Anything else ALSA reports.
    #[error("audio device `{device}`: {doing}: {reason}")]
    Failed {
        /// The PCM's name.
        device: String,
        /// The step that failed.
        doing: &'static str,
        /// In ALSA's words.
        reason: String,
    },
}
