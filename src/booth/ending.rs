//! How a run ends: by a signal or a key, by its script, by a thread that is gone, by an error.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Booth, Error};
use crate::board::sim::script::Player;
use crate::rt::Nanos;
use crate::session::Event;

/// Whether the run ends, and what its exit code will say.
pub(super) struct Ending {
    /// Set by a signal.
    pub(super) stop: Arc<AtomicBool>,
    pub(super) stopping: bool,
    /// Faults were recorded.
    pub(super) faulty: bool,
    pub(super) failure: Option<Error>,
}

impl Ending {
    /// No end in sight, but for `stop`.
    pub(super) fn on(stop: Arc<AtomicBool>) -> Ending {
        Ending {
            stop,
            stopping: false,
            faulty: false,
            failure: None,
        }
    }
}

impl Booth {
    /// Nothing is under way and nothing will begin, or a thread is gone that everything waits for.
    pub(super) fn is_over(&self) -> bool {
        let done =
            self.ending.stopping || self.hands.player.as_ref().is_some_and(Player::pressed_out);
        let kept = self.threads.clerk.is_settled() || self.threads.clerk.is_ended();
        // What the end leaves plain is sealed at the next start.
        let sealed = self.ending.stopping || self.threads.clerk.is_recovered();
        let idle = self.session.is_idle() && kept && sealed;
        let given_up = self.disk.is_given_up(self.ending.stopping, Nanos::now());
        done && (idle || given_up || self.threads.chain.is_ended())
    }

    /// Ends the run as soon as every take is closed; the first failure is the one reported.
    pub(super) fn fail(&mut self, error: Error) {
        self.ending.failure.get_or_insert(error);
        self.ending.stop.store(true, Ordering::Release);
    }

    pub(super) fn serve_stop(&mut self) {
        let dead = self.threads.all().find(|thread| thread.is_ended);
        if let Some(thread) = dead.map(|thread| thread.name) {
            self.fail(Error::Died(thread));
        }
        if self.hands.player.as_ref().is_some_and(Player::pressed_out) {
            self.disk.wait_no_longer(Nanos::now());
        }
        let quit = self.hands.buttons.quit() || self.ending.stop.load(Ordering::Acquire);
        if quit && !self.ending.stopping {
            self.ending.stopping = true;
            self.disk.wait_no_longer(Nanos::now());
            self.watch.stopping();
            self.event(self.time.now(), Event::Shutdown);
        }
    }
}
