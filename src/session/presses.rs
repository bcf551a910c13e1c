//! What each button means in each state. `go` and `pause` act on the edge; `redo` and `stop` on
//! release, or once they were held long enough; so does `go` where it consents or erases.

use super::event::{Action, Begin};
use super::{Cue, Session, State};
use crate::words::{Button, Ended, Note, Verdict};

/// A button that is down and acts on release or when it was held long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) button: Button,
    pub(super) since: u64,
}

/// What the buttons are doing.
#[derive(Debug, Default)]
pub(super) struct Hands {
    pub(super) held: Option<Held>,
    down_since: [Option<u64>; Button::ALL.len()],
    /// The last press, or what else gives a visitor time.
    pub(super) last_press: u64,
    /// No button will be pressed any more.
    pub(super) hurry: bool,
}

impl Hands {
    /// Waiting for a press counts from `frame` on.
    pub(super) fn wait_from(&mut self, frame: u64) {
        self.last_press = self.last_press.max(frame);
    }
}

impl Session {
    pub(super) fn down(&mut self, button: Button, frame: u64, actions: &mut Vec<Action>) {
        self.hands.down_since[button as usize] = Some(frame);
        // Waiting counts from the last press, whether it meant something or not.
        self.hands.wait_from(frame);
        if !self.faults.is_empty() {
            return self.dismiss(button, frame, actions);
        }
        if self
            .takes
            .open
            .as_ref()
            .is_some_and(|take| frame < take.start_mark + self.frames(self.rules.take.min_ms))
        {
            return;
        }
        match button {
            Button::Go => self.go(frame, actions),
            Button::Pause => self.pause_or_resume(frame, actions),
            Button::Redo | Button::Stop => self.hold(button, frame, actions),
        }
    }

    /// A button went down that means something when it is released or held long enough.
    pub(super) fn hold(&mut self, button: Button, frame: u64, actions: &mut Vec<Action>) {
        let since = frame;
        self.hands.held = Some(Held { button, since });
        if let Some(take) = &self.takes.open {
            let end_frame = frame + self.frames(self.rules.take.post_roll_ms);
            actions.push(Action::MayEnd(take.of.take, end_frame));
        }
    }

    pub(super) fn up(&mut self, button: Button, frame: u64, actions: &mut Vec<Action>) {
        let Some(since) = self.hands.down_since[button as usize].take() else {
            return;
        };
        if !self.is_vacant() {
            let held_ms = frame.saturating_sub(since) * 1000 / u64::from(self.rules.rate);
            self.note(since, Note::Press { button, held_ms }, actions);
        }
        if let Some(held) = self.hands.held.take_if(|held| held.button == button) {
            self.acted(held, false, frame, actions);
        }
    }

    /// A button was released, or held long enough at `frame`.
    pub(super) fn acted(&mut self, held: Held, long: bool, frame: u64, actions: &mut Vec<Action>) {
        // A fault, the step's end or a take cut by its limit may have come between: the press then
        // meant what is gone.
        let replaced = |take: &Begin| held.since < take.start_mark;
        if !self.faults.is_empty() || self.takes.open.as_ref().is_some_and(replaced) {
            return;
        }
        let press = (held.button, long);
        match (&self.state, press) {
            (State::Attract, (Button::Stop, true)) => self.open_menu(actions),
            (State::Menu { at }, (button, _)) => self.menu_acted(*at, button),
            (State::Consent { page }, _) => self.consent_acted(*page, press, frame, actions),
            (State::Withdraw { .. }, _) => self.withdraw_acted(press, frame, actions),
            (_, (Button::Redo, false)) => self.redo(held.since, actions),
            (_, (Button::Redo, true)) => self.skip(held.since, frame, actions),
            (state, (Button::Stop, true))
                if matches!(state, State::Thanks { .. }) || !self.is_unattended() =>
            {
                self.ask_to_erase(held.since, frame, actions);
            }
            (_, (Button::Stop, _)) => self.stop(held.since, frame, actions),
            (_, (Button::Go | Button::Pause, _)) => {}
        }
    }

    pub(super) fn go(&mut self, frame: u64, actions: &mut Vec<Action>) {
        match self.state {
            State::Attract if self.offer.is_some() => self.ask(true, frame),
            State::Attract => self.receive(frame, actions),
            State::Menu { at } => self.choose(at, frame, actions),
            State::Consent { page } => self.turn_or_consent(page, frame, actions),
            State::Code => self.code_taken(frame, actions),
            State::Withdraw { .. } => self.hold(Button::Go, frame, actions),
            State::Erased { .. } => self.move_on(frame, actions),
            State::Asked { .. } => self.take_up(frame, actions),
            State::Intro(Cue::Idle) => self.start_step(frame, actions),
            State::Running => self.go_on(frame, actions),
            State::Paused { resuming: false } => self.resume(Some(frame), frame, actions),
            State::Over { .. } => self.move_on(frame, actions),
            State::Thanks { .. } if self.takes.unstored.is_empty() => self.move_on(frame, actions),
            _ => {}
        }
    }

    fn pause_or_resume(&mut self, frame: u64, actions: &mut Vec<Action>) {
        match self.state {
            State::Running => self.pause(frame, actions),
            State::Paused { resuming: false } => self.resume(Some(frame), frame, actions),
            _ => {}
        }
    }

    pub(super) fn stop(&mut self, pressed: u64, frame: u64, actions: &mut Vec<Action>) {
        match self.state {
            State::Attract | State::Menu { .. } | State::Erasing { .. } => {}
            State::Asked { .. } => self.decline(actions),
            State::Erased { .. } => self.move_on(frame, actions),
            State::Thanks { .. } if self.takes.unstored.is_empty() => self.move_on(frame, actions),
            State::Thanks { .. } => {}
            _ => {
                self.end_take(Verdict::Aborted, pressed, Some(pressed), actions);
                self.end_session(Ended::Stopped, frame, actions);
            }
        }
    }
}
