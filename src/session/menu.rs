//! The menu: which of the people who were enrolled comes next. A keeper opens it; nothing says so
//! to a visitor.
//!
//! Guarantees: it shows numbers, never who they are; it closes by itself, and who was chosen and
//! does not come is waited for no more.

use std::sync::Arc;

use super::event::{Action, Ask};
use super::visitor::Expected;
use super::{Session, State};
use crate::words::Button;

/// How long it stays without a press, and for how many times `hold_ms` `stop` is held to open it.
const ANSWER_MS: u32 = 30_000;
const HOLDS: u32 = 3;

impl Session {
    /// How long a button is held until that means something, milliseconds.
    pub(super) fn hold_ms(&self) -> u32 {
        match self.state {
            State::Attract => HOLDS * self.rules.take.hold_ms,
            _ => self.rules.take.hold_ms,
        }
    }

    /// `stop` was held on the booth that waits.
    pub(super) fn open_menu(&mut self, actions: &mut Vec<Action>) {
        self.pending.clear();
        self.state = State::Menu { at: 0 };
        actions.push(Action::Ask(Ask::ListPending));
    }

    /// The people who are pending, by number.
    pub(super) fn list(&mut self, numbers: Vec<Arc<str>>) {
        self.pending = numbers;
    }

    /// When the menu closes.
    pub(super) fn menu_until(&self) -> u64 {
        self.hands.last_press + self.frames(ANSWER_MS)
    }

    /// `go` went down in the menu: this one comes next.
    pub(super) fn choose(&mut self, at: usize, frame: u64, actions: &mut Vec<Action>) {
        let Some(number) = self.pending.get(at).cloned() else {
            return;
        };
        actions.push(Action::Expect(Some(number.clone())));
        let idle = u64::from(self.protocol.idle_s) * u64::from(self.rules.rate);
        self.visitor.expected = Some(Expected {
            number,
            until: Some(frame + idle),
        });
        self.state = State::Attract;
    }

    /// A button in the menu was released or held.
    pub(super) fn menu_acted(&mut self, at: usize, button: Button) {
        match button {
            Button::Redo => {
                let at = (at + 1) % self.pending.len().max(1);
                self.state = State::Menu { at };
            }
            Button::Stop => self.state = State::Attract,
            Button::Go | Button::Pause => {}
        }
    }

    /// Until when somebody is waited for who was chosen.
    pub(super) fn expected_until(&self) -> Option<u64> {
        self.visitor
            .expected
            .as_ref()
            .and_then(|expected| expected.until)
    }

    /// Who was chosen did not come.
    pub(super) fn expect_nobody(&mut self, actions: &mut Vec<Action>) {
        self.visitor.expected = None;
        actions.push(Action::Expect(None));
    }
}
