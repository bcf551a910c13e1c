//! A session that the program's end cut in two: offered again, taken up again, or ended.
//!
//! The question is put at once, to a visitor who still stands there, and again to the first who
//! presses `go` while the offer stands. Nobody else's session goes on by itself.

use super::clock::Clock;
use super::event::{Action, Ask};
use super::timer::Timer;
use super::{Session, State};
use crate::words::Resumption;

/// How long the question waits for an answer, milliseconds.
const ANSWER_MS: u32 = 30_000;

/// What is offered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Offer {
    session: Resumption,
    /// From this frame on it is not offered any more.
    until: u64,
}

impl Session {
    /// The clerk found a session without an end.
    pub(super) fn offer(&mut self, session: Resumption, frame: u64, actions: &mut Vec<Action>) {
        let known = self.protocol.steps.iter().any(|it| it.name == session.step);
        if self.state != State::Attract || !known {
            return actions.push(Action::Ask(Ask::Decline));
        }
        let seconds = u64::from(self.rules.resume_min) * 60;
        // Frames count from the program's start.
        let until = seconds * u64::from(self.rules.rate);
        self.offer = Some(Offer { session, until });
        self.ask(false, frame);
    }

    /// Puts the question; `pressed` by somebody who came.
    pub(super) fn ask(&mut self, pressed: bool, frame: u64) {
        let until = frame + self.frames(ANSWER_MS);
        self.state = State::Asked { until, pressed };
    }

    /// From when on the offer does not stand any more.
    pub(super) fn offered_until(&self) -> Option<u64> {
        self.offer.as_ref().map(|offer| offer.until)
    }

    /// Nobody answered. The first time somebody may still come.
    pub(super) fn unanswered(&mut self, pressed: bool, actions: &mut Vec<Action>) {
        self.state = State::Attract;
        if pressed || self.hands.hurry {
            self.decline(actions);
        }
    }

    /// The offered session is forgotten: nobody goes on with it, and it has no end to be written.
    pub(super) fn retract(&mut self) {
        self.offer = None;
        if matches!(self.state, State::Asked { .. }) {
            self.state = State::Attract;
        }
    }

    /// The session ends with its crash.
    pub(super) fn decline(&mut self, actions: &mut Vec<Action>) {
        if self.offer.is_some() {
            actions.push(Action::Ask(Ask::Decline));
        }
        self.retract();
    }

    /// `go`: the same visitor reads on, in the same step, whose time goes on where it stopped.
    pub(super) fn take_up(&mut self, frame: u64, actions: &mut Vec<Action>) {
        let Some(Offer { session, .. }) = self.offer.take() else {
            return;
        };
        actions.push(Action::Resume(session.folder));
        self.clock = Clock::going_on(frame, session.next_frame);
        self.takes.number = session.takes;
        self.lines.retaken = session.line;
        self.steps.of = self.protocol.steps.len();
        self.visitor.comes_back();
        let mut steps = self.protocol.steps.iter();
        let step = steps.position(|it| it.name == session.step).unwrap_or(0);
        self.enter_step(step, frame, actions);
        self.steps.timer = Timer::used(self.steps.timer.budget(), session.used_frames);
        self.remember_cue(session.start_s);
    }
}
