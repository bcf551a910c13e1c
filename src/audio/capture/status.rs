//! What capture tells main, and how it is told to stop.

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
    /// No device, or one that delivers nothing; looked for each 500 ms.
    Closed,
    /// The thread has ended.
    Stopped,
}

/// What main may ask at any time; only `reason` and `card` take a lock, and capture does only
/// without a running device.
#[derive(Debug, Default)]
pub struct Status {
    state: AtomicU8,
    pub(super) overruns: AtomicU64,
    pub(super) lost_frames: AtomicU64,
    pub(super) reached: AtomicU64,
    pub(super) unclocked: AtomicBool,
    stop: AtomicBool,
    /// Each read, and each 100 ms without a device.
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

    /// Times that the device's buffer ran over.
    #[must_use]
    pub fn overruns(&self) -> u64 {
        self.overruns.load(Ordering::Relaxed)
    }

    /// Frames lost, whatever the cause.
    #[must_use]
    pub fn lost_frames(&self) -> u64 {
        self.lost_frames.load(Ordering::Relaxed)
    }

    /// The frame after the last that the device gave before it was gone.
    #[must_use]
    pub fn reached(&self) -> u64 {
        self.reached.load(Ordering::Acquire)
    }

    /// The source keeps no time; main says so once.
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

    /// The card that was opened last; `None` for a plug-in or the simulated source.
    #[must_use]
    pub fn card(&self) -> Option<Card> {
        let card = self.card.lock().unwrap_or_else(PoisonError::into_inner);
        card.clone()
    }

    /// Asks the thread to hand over what it has and to end, within 300 ms.
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
