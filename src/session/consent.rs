//! Before anything of a visitor is kept: the consent text page by page, then the withdrawal code.
//!
//! Guarantees: until `go` is held on the last page nothing is opened, and what is recorded later
//! reaches no further back than that; a code that was shown and not confirmed keeps nobody's voice.

use super::event::Action;
use super::{Session, State};
use crate::words::Button;

impl Session {
    /// `go` on the booth that waits: the consent text, or the session where nobody is asked.
    pub(super) fn receive(&mut self, frame: u64, actions: &mut Vec<Action>) {
        if self.rules.pages.is_empty() {
            self.open_session(frame, actions);
        } else {
            self.state = State::Consent { page: 0 };
        }
    }

    /// `go` went down on a page: the next one, or on the last the beginning of consent.
    pub(super) fn turn_or_consent(&mut self, page: usize, frame: u64, actions: &mut Vec<Action>) {
        if self.is_last(page) {
            self.hold(Button::Go, frame, actions);
        } else {
            self.state = State::Consent { page: page + 1 };
        }
    }

    /// A button on a page was released, or held long enough at `frame`.
    pub(super) fn consent_acted(
        &mut self,
        page: usize,
        (button, long): (Button, bool),
        frame: u64,
        actions: &mut Vec<Action>,
    ) {
        match button {
            Button::Go if long && self.is_last(page) => self.open_session(frame, actions),
            Button::Redo => {
                self.state = State::Consent {
                    page: page.saturating_sub(1),
                };
            }
            Button::Stop => self.state = State::Attract,
            Button::Go | Button::Pause => {}
        }
    }

    pub(super) fn is_last(&self, page: usize) -> bool {
        page + 1 >= self.rules.pages.len()
    }

    /// The session begins with its code, or, where none is to be confirmed, with its first step.
    pub(super) fn begin(&mut self, frame: u64, actions: &mut Vec<Action>) {
        if self.rules.pages.is_empty() || self.visitor.is_enrolled {
            return self.enter_step(0, frame, actions);
        }
        self.visitor.is_unconfirmed = true;
        self.steps.at = 0;
        self.steps.timer.reset();
        self.hands.wait_from(frame);
        self.state = State::Code;
    }

    /// `go` on the code: it was taken down.
    pub(super) fn code_taken(&mut self, frame: u64, actions: &mut Vec<Action>) {
        self.visitor.is_unconfirmed = false;
        self.enter_step(0, frame, actions);
    }
}
