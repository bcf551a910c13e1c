//! A session that the program's end cut in two: offered again, taken up again, or ended.
//!
//! The question is put at once, to a visitor who still stands there, and again to the first who
//! presses `go` while the offer stands. No session goes on by itself.

use super::Session;
use super::clock::Clock;
use super::event::{Action, Ask};
use super::scene::{Attract, Resume, State};
use super::timer::Timer;
use crate::words::{CaptureFrame, Resumption, SessionFrame};

/// What is offered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Offer {
    session: Resumption,
    /// From this frame on it is not offered any more.
    pub(super) until: CaptureFrame,
}

impl Session {
    /// The clerk found a session without an end.
    pub(super) fn offer(
        &mut self,
        session: Resumption,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        let known = self.protocol.steps.iter().any(|it| it.name == session.step);
        let asks = self.rules.resume_min > 0;
        if self.state != State::Attract(Attract) || !known || !asks {
            return actions.push(Action::Ask(Ask::Decline));
        }
        let seconds = u64::from(self.rules.resume_min) * 60;
        // Frames count from the program's start.
        let until = CaptureFrame(seconds * u64::from(self.rules.rate));
        self.offer = Some(Offer { session, until });
        self.state = State::Resume(Resume::put(self, false, frame));
    }

    /// The offered session is forgotten: it does not go on, and has no end to be written.
    pub(super) fn retract(&mut self) {
        self.offer = None;
        if matches!(self.state, State::Resume(_)) {
            self.state = State::Attract(Attract);
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
    pub(super) fn take_up(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let Some(Offer { session, .. }) = self.offer.take() else {
            return;
        };
        actions.push(Action::Resume(session.folder));
        self.clock = Clock::going_on(frame, SessionFrame(session.next_frame));
        self.takes.number = session.takes;
        self.lines.begin();
        if let Some((line, times)) = session.line {
            self.lines.taken.insert(line, times);
            self.lines.first = Some(line);
        }
        self.steps.of = self.protocol.steps.len();
        self.visitor.comes_back();
        let mut steps = self.protocol.steps.iter();
        let step = steps.position(|it| it.name == session.step).unwrap_or(0);
        self.enter_step(step, frame, actions);
        self.steps.timer = Timer::used(self.steps.timer.budget(), session.used_frames);
        self.remember_cue(session.start_s);
    }
}
