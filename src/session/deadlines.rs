//! What happens by itself, each at its exact frame and in order of time.

use super::event::Action;
use super::{Session, State};
use crate::words::{Ended, Kind, Verdict};

/// What happens by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deadline {
    /// A button was held long enough.
    Held,
    /// The step's time is up.
    StepEnd,
    /// A read take is too long, or a free one is cut.
    TakeLimit,
    /// The device has been gone for too long.
    Grace,
    /// Nobody said whether a session goes on.
    Unanswered { pressed: bool },
    /// A session is not offered any more.
    OfferEnd,
    /// Nobody chose anybody from the menu.
    MenuEnd,
    /// Who was chosen from it did not come.
    ExpectedGone,
    /// Nobody said whether to erase everything.
    KeptOn,
    /// Nobody is there any more.
    Idle,
    /// `over` or `thanks` has been shown long enough.
    Next,
}

impl Session {
    /// The frame at which something will happen by itself; until then a tick changes nothing.
    #[must_use]
    pub fn next_due(&self) -> Option<u64> {
        self.next_deadline().map(|(frame, _)| frame)
    }

    /// Serves every deadline up to `now`, the earliest first.
    pub(super) fn pass(&mut self, now: u64, actions: &mut Vec<Action>) {
        while let Some((frame, deadline)) = self.next_deadline() {
            if frame > now {
                break;
            }
            self.serve(deadline, frame, actions);
        }
    }

    fn next_deadline(&self) -> Option<(u64, Deadline)> {
        let mut all = [None; 4];
        all[0] = self.held.map(|held| {
            let frames = self.frames(self.hold_ms());
            (held.since + frames, Deadline::Held)
        });
        match self.state {
            State::Running => {
                all[1] = self.timer.ends_at().map(|frame| (frame, Deadline::StepEnd));
                all[2] = self.take_limit().map(|frame| (frame, Deadline::TakeLimit));
            }
            State::Interrupted { grace_until } if self.open.is_some() => {
                all[1] = Some((grace_until, Deadline::Grace));
            }
            State::Attract => {
                all[1] = self
                    .offered_until()
                    .map(|frame| (frame, Deadline::OfferEnd));
                all[2] = self
                    .expected_until()
                    .map(|frame| (frame, Deadline::ExpectedGone));
            }
            State::Menu { .. } => all[1] = Some((self.menu_until(), Deadline::MenuEnd)),
            State::Asked { until, pressed } => {
                all[1] = Some((until, Deadline::Unanswered { pressed }));
            }
            State::Over { until } | State::Erased { until } => {
                all[1] = Some((until, Deadline::Next));
            }
            State::Withdraw { since, .. } => {
                all[1] = Some((self.withdraw_until(since), Deadline::KeptOn));
            }
            // Not from under a button that is held to erase everything.
            State::Thanks { until, .. } if self.unstored.is_empty() && self.held.is_none() => {
                all[1] = Some((until, Deadline::Next));
            }
            _ => {}
        }
        if self.may_be_abandoned() {
            let idle = u64::from(self.protocol.idle_s) * u64::from(self.rules.rate);
            all[3] = Some((self.last_press + idle, Deadline::Idle));
        }
        all.into_iter().flatten().min_by_key(|(frame, _)| *frame)
    }

    /// Quiet and free steps have no presses to wait for: their timer ends them.
    fn may_be_abandoned(&self) -> bool {
        match self.state {
            State::Consent { .. } | State::Code => true,
            State::Intro(_) | State::Paused { .. } | State::Interrupted { .. } => true,
            State::Running => self.plan().kind == Kind::Read,
            _ => false,
        }
    }

    fn serve(&mut self, deadline: Deadline, frame: u64, actions: &mut Vec<Action>) {
        match deadline {
            Deadline::Held => {
                if let Some(held) = self.held.take() {
                    self.acted(held, true, frame, actions);
                }
            }
            Deadline::StepEnd => {
                self.end_take(Verdict::Kept, frame, None, actions);
                self.step_over(frame, actions);
            }
            Deadline::TakeLimit => self.limit_reached(frame, actions),
            Deadline::Unanswered { pressed } => self.unanswered(pressed, actions),
            Deadline::OfferEnd => self.decline(actions),
            Deadline::MenuEnd => self.state = State::Attract,
            Deadline::ExpectedGone => self.expect_nobody(actions),
            Deadline::Grace => self.cut_take(Verdict::Aborted, frame, None, actions),
            Deadline::KeptOn => self.keep_on(frame),
            Deadline::Idle if self.is_vacant() => {
                self.held = None;
                self.state = State::Attract;
            }
            Deadline::Idle => {
                self.end_take(Verdict::Aborted, frame, None, actions);
                self.end_session(Ended::Idle, frame, actions);
            }
            Deadline::Next => self.move_on(frame, actions),
        }
    }
}
