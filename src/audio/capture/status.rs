//! What capture reports to main, and the flag that stops it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::audio::source::Card;
use crate::rt;

/// What capture is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Not opened yet.
    Starting,
    /// A device delivers.
    Running,
    /// No device, or one that delivers nothing; capture looks for it every 500 ms.
    Closed,
    /// The thread has ended.
    Stopped,
}

/// What main may read at any time. Only `reason` and `card` take a lock, and capture takes it only
/// while no device runs.
#[derive(Debug, Default)]
pub struct Status {
    state: AtomicU8,
    pub(super) overruns: AtomicU64,
    pub(super) lost_frames: AtomicU64,
    pub(super) reached: AtomicU64,
    pub(super) unclocked: AtomicBool,
    stop: AtomicBool,
    /// A sign of life at each read, and every 100 ms without a device.
    pub beat: rt::Beat,
    reason: Mutex<Option<String>>,
    card: Mutex<Option<Card>>,
}

impl Status {
    /// What capture is doing.
    #[must_use]
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Starting,
            1 => State::Running,
            2 => State::Closed,
            _ => State::Stopped,
        }
    }

    /// How often the device's buffer overran.
    #[must_use]
    pub fn overruns(&self) -> u64 {
        self.overruns.load(Ordering::Relaxed)
    }

    /// Frames lost, whatever the cause.
    #[must_use]
    pub fn lost_frames(&self) -> u64 {
        self.lost_frames.load(Ordering::Relaxed)
    }

    /// The frame after the last one that the device delivered before it was gone.
    #[must_use]
    pub fn reached(&self) -> u64 {
        self.reached.load(Ordering::Acquire)
    }

    /// The source has no clock of its own; main logs this once.
    #[must_use]
    pub fn unclocked(&self) -> bool {
        self.unclocked.load(Ordering::Relaxed)
    }

    /// Why there is no device; while one runs, why there was none before.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        reason.clone()
    }

    /// The card that was opened last; `None` for an ALSA plug-in or the simulated source.
    #[must_use]
    pub fn card(&self) -> Option<Card> {
        let card = self.card.lock().unwrap_or_else(PoisonError::into_inner);
        card.clone()
    }

    /// Asks the thread to hand over what it has and to end; it does so within 300 ms.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    pub(super) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    pub(super) fn set(&self, state: State) {
        self.state.store(state as u8, Ordering::Release);
    }

    pub(super) fn explain(&self, reason: Option<String>) {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    pub(super) fn opened(&self, card: Option<Card>) {
        *self.card.lock().unwrap_or_else(PoisonError::into_inner) = card;
    }
}
