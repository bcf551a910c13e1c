//! A visitor who takes their voice back at the box, and sessions that nobody stands by: erased.
//!
//! Guarantees: takes are ended, once, before the erasure is asked for; the booth waits for it and
//! takes no visitor meanwhile; an unanswered question erases nothing.

use super::event::Action;
use super::protocol::Abandoned;
use super::{Cue, OVER_MS, Session, State, THANKS_BRIEF_MS, THANKS_MS};
use crate::words::{Button, By, Ended, Verdict};

/// How long the question waits for a press, milliseconds.
const ANSWER_MS: u32 = 30_000;

impl Session {
    /// `stop` was held since `pressed`, long enough at `frame`: everything stands, and the question
    /// is put.
    pub(super) fn ask_to_erase(&mut self, pressed: u64, frame: u64, actions: &mut Vec<Action>) {
        self.cut_take(Verdict::Aborted, pressed, Some(pressed), actions);
        let back = match self.state {
            State::Intro(_) => {
                self.silence(frame, actions);
                State::Intro(Cue::Idle)
            }
            State::Running => {
                self.stand_still(frame, actions);
                State::Paused { resuming: false }
            }
            State::Paused { .. } | State::Interrupted { .. } => {
                self.silence(frame, actions);
                State::Paused { resuming: false }
            }
            State::Over { .. } => State::Over { until: frame },
            State::Code => State::Code,
            State::Thanks { ended, .. } => State::Thanks {
                until: frame,
                ended,
            },
            _ => return,
        };
        self.state = State::Withdraw {
            since: frame,
            back: Box::new(back),
        };
    }

    /// When an unanswered question is given up.
    pub(super) fn withdraw_until(&self, since: u64) -> u64 {
        self.hands.last_press.max(since) + self.frames(ANSWER_MS)
    }

    /// A button on the question was released, or held long enough at `frame`.
    pub(super) fn withdraw_acted(
        &mut self,
        (button, long): (Button, bool),
        frame: u64,
        actions: &mut Vec<Action>,
    ) {
        match button {
            Button::Go if long => self.forget(By::Visitor, false, frame, actions),
            Button::Redo | Button::Stop => self.keep_on(frame),
            Button::Go | Button::Pause => {}
        }
    }

    /// How long the last screen stands, milliseconds.
    pub(super) fn thanks_ms(&self) -> u32 {
        if self.hands.hurry {
            THANKS_BRIEF_MS
        } else {
            THANKS_MS
        }
    }

    /// Nothing is erased: the session stands where it stood.
    pub(super) fn keep_on(&mut self, frame: u64) {
        let State::Withdraw { back, .. } = std::mem::replace(&mut self.state, State::Attract)
        else {
            return;
        };
        self.hands.held = None;
        self.hands.wait_from(frame);
        self.state = match *back {
            State::Over { .. } => State::Over {
                until: frame + self.frames(OVER_MS),
            },
            State::Thanks { ended, .. } => State::Thanks {
                until: frame + self.frames(self.thanks_ms()),
                ended,
            },
            back => back,
        };
    }

    /// Whether a session that ends like this is not kept.
    pub(super) fn is_erased(&self, ended: Ended) -> bool {
        let erases = self.protocol.abandoned == Abandoned::Erase;
        self.visitor.is_unconfirmed || (ended == Ended::Idle && erases)
    }

    /// Ends what runs, and asks for everything of this session to be erased; `unwatched` by anybody.
    pub(super) fn forget(
        &mut self,
        by: By,
        unwatched: bool,
        frame: u64,
        actions: &mut Vec<Action>,
    ) {
        self.end_take(Verdict::Aborted, frame, None, actions);
        self.stop_cue(frame, actions);
        self.hands.held = None;
        self.clear_answerable(frame, actions);
        // The recorder drops them with the session.
        self.takes.unstored.clear();
        self.state = State::Erasing { unwatched };
        actions.push(Action::Forget(by));
    }

    /// Somebody with the code, or the operator, had the session of this moment forgotten.
    pub(super) fn withdrawn(&mut self, frame: u64, actions: &mut Vec<Action>) {
        if !self.is_vacant() && !matches!(self.state, State::Erasing { .. } | State::Erased { .. })
        {
            self.forget(By::Code, false, frame, actions);
        }
    }

    /// The erasure is certain.
    pub(super) fn forgotten(&mut self, frame: u64) {
        let State::Erasing { unwatched } = self.state else {
            return;
        };
        let millis = if unwatched { 0 } else { self.thanks_ms() };
        let until = frame + self.frames(millis);
        self.state = State::Erased { until };
        self.leave();
    }

    /// What was on the screen goes with its visitor.
    pub(super) fn leave(&mut self) {
        self.lines.clear();
        self.visitor.leaves();
    }
}
