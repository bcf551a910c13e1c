//! The time of the sphere's thread and of a simulated sphere: the real clock, or one that is set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::rt::Nanos;

/// A clock. Clones of one that is set are the same clock.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// CLOCK_MONOTONIC.
    #[default]
    Real,
    /// The time of a fast run or of a test: nanoseconds, which stay until they are set.
    Given(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that is set, at 0.
    #[must_use]
    pub fn given() -> Clock {
        Clock::Given(Arc::default())
    }

    /// Whether time passes by itself.
    #[must_use]
    pub fn is_real(&self) -> bool {
        matches!(self, Clock::Real)
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Nanos {
        match self {
            Clock::Real => Nanos::now(),
            Clock::Given(at) => Nanos(at.load(Ordering::Acquire)),
        }
    }

    /// Sets the time; the real clock ignores it.
    pub fn set(&self, now: Nanos) {
        match self {
            Clock::Real => {}
            Clock::Given(at) => at.store(now.0, Ordering::Release),
        }
    }

    /// Lets `time` pass.
    pub fn pass(&self, time: Duration) {
        match self {
            Clock::Real => std::thread::sleep(time),
            Clock::Given(_) => self.set(self.now() + time),
        }
    }
}
