//! Room on the disk: what fits is begun, and a session ends cleanly before the reserve is touched.

use std::sync::Arc;

use super::Session;
use super::event::Action;
use crate::words::{CaptureFrame, Ended, FaultKind, Verdict};

/// What takes need beyond the step's time, for they overlap: a quarter, and half a minute that is
/// reserved for the takes that are open.
fn needed_s(steps_s: u64) -> u64 {
    steps_s + steps_s / 4 + 30
}

impl Session {
    /// The disk has room for so many seconds of recording before the reserve.
    pub(super) fn room(&mut self, seconds: u64, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.room_s = seconds;
        let unattended = self.is_unattended();
        let full = if unattended {
            self.steps_that_fit() == 0
        } else {
            seconds == 0
        };
        if full {
            self.full(unattended, frame, actions);
        } else if self.steps_that_fit() > 0 {
            self.cleared(FaultKind::Full, frame, actions);
        }
    }

    fn full(&mut self, unattended: bool, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let reason: Arc<str> = "no room before the reserve".into();
        self.fault(FaultKind::Full, reason, frame, actions);
        if !unattended {
            self.end_take(Verdict::Aborted, frame, None, actions);
            self.end_session(Ended::Stopped, frame, actions);
        }
    }

    /// How many of the protocol's steps, from the first, the disk has room for.
    pub(super) fn steps_that_fit(&self) -> usize {
        let mut sum_s = 0;
        let mut longest_s = 0;
        let fits = |step: &super::protocol::Step| {
            sum_s += u64::from(step.seconds);
            longest_s = longest_s.max(self.longest_take_s(step));
            // While it is sealed, a take is on the disk twice.
            let twice_s = if self.rules.sealed { longest_s } else { 0 };
            needed_s(sum_s) + twice_s <= self.room_s
        };
        let steps = &self.protocol.steps;
        steps.iter().map(fits).take_while(|fits| *fits).count()
    }

    fn longest_take_s(&self, step: &super::protocol::Step) -> u64 {
        step.take_s(&self.rules.take).min(step.seconds).into()
    }

    /// Minutes of room, where the whole protocol does not fit.
    pub(super) fn minutes_left(&self) -> Option<u64> {
        let all = self.steps_that_fit() == self.protocol.steps.len();
        (!all).then_some(self.room_s / 60)
    }
}
