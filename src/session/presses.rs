//! What a press is, in every scene. `go` and `pause` act on the edge; `redo` and `stop` on release,
//! or once they were held long enough; so does `go` where the scene asks for that.
//!
//! Guarantees: a fault is answered first; a press sooner than `min_ms` after a take's start means
//! nothing; one that began before the take that runs now meant what is gone.

use super::Session;
use super::event::{Action, Begin};
use super::scene::Press;
use crate::words::{Button, CaptureFrame, Ended, Note, Verdict};

/// A button that is down and acts on release or when it was held long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    button: Button,
    pub(super) since: CaptureFrame,
}

/// What the buttons are doing.
#[derive(Debug, Default)]
pub(super) struct Hands {
    pub(super) held: Option<Held>,
    down_since: [Option<CaptureFrame>; Button::ALL.len()],
    /// The last press, or what else gives a visitor time.
    pub(super) last_press: CaptureFrame,
    /// No button will be pressed any more.
    pub(super) hurry: bool,
    /// Presses came too fast: until then they mean nothing. It stands until the next take begins.
    pub(super) slowed_until: Option<CaptureFrame>,
}

impl Hands {
    /// Since when all of these have been down, if they are.
    pub(super) fn all_down_since(&self, buttons: &[Button]) -> Option<CaptureFrame> {
        let since = buttons
            .iter()
            .map(|button| self.down_since[*button as usize]);
        since.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Whether any other button is down.
    pub(super) fn has_other_down(&self, button: Button) -> bool {
        let others = Button::ALL.into_iter().filter(|other| *other != button);
        others
            .into_iter()
            .any(|other| self.down_since[other as usize].is_some())
    }

    /// Waiting for a press counts from `frame` on.
    pub(super) fn wait_from(&mut self, frame: CaptureFrame) {
        self.last_press = self.last_press.max(frame);
    }
}

impl Session {
    pub(super) fn down(&mut self, button: Button, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.hands.down_since[button as usize] = Some(frame);
        // Waiting counts from the last press, whether it meant something or not.
        self.hands.wait_from(frame);
        if !self.faults.is_empty() {
            return self.dismiss(button, frame, actions);
        }
        if self.hands.slowed_until.is_some_and(|until| frame < until) {
            return;
        }
        let min = self.frames(self.rules.take.min_ms);
        let too_soon = |take: &Begin| frame < take.start_mark + min;
        if self.takes.open.as_ref().is_some_and(too_soon) {
            return;
        }
        match button {
            Button::Go => self.act(|scene, session| scene.go(session, frame, actions)),
            Button::Pause => self.act(|scene, session| scene.pause(session, frame, actions)),
            Button::Redo | Button::Stop => self.hold(button, frame, actions),
        }
    }

    /// A button went down that means something when it is released or held long enough.
    pub(super) fn hold(&mut self, button: Button, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let since = frame;
        self.hands.held = Some(Held { button, since });
        if let Some(take) = &self.takes.open {
            let end_frame = frame + self.frames(self.rules.take.post_roll_ms);
            actions.push(Action::MayEnd(take.of.take, end_frame));
        }
    }

    pub(super) fn up(&mut self, button: Button, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let Some(since) = self.hands.down_since[button as usize].take() else {
            return;
        };
        if !self.is_vacant() {
            let held_ms = frame.since(since) * 1000 / u64::from(self.rules.rate);
            self.note(since, Note::Press { button, held_ms }, actions);
        }
        if let Some(held) = self.hands.held.take_if(|held| held.button == button) {
            self.released(held, false, frame, actions);
        }
    }

    /// The button that is down was held long enough at `frame`.
    pub(super) fn held(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if let Some(held) = self.hands.held.take() {
            self.released(held, true, frame, actions);
        }
    }

    fn released(&mut self, held: Held, long: bool, frame: CaptureFrame, actions: &mut Vec<Action>) {
        // A fault, the step's end or a take cut by its limit may have come between.
        let replaced = |take: &Begin| held.since < take.start_mark;
        if !self.faults.is_empty() || self.takes.open.as_ref().is_some_and(replaced) {
            return;
        }
        let press = Press {
            since: held.since,
            at: frame,
        };
        self.act(|scene, session| match (held.button, long) {
            (Button::Redo, false) => scene.redo(session, press, actions),
            (Button::Redo, true) => scene.held_redo(session, press, actions),
            (Button::Stop, false) => scene.stop(session, press, actions),
            (Button::Stop, true) => scene.held_stop(session, press, actions),
            (Button::Go, true) => scene.held_go(session, frame, actions),
            (Button::Go, false) | (Button::Pause, _) => {}
        });
    }

    /// `stop`: a visitor's session ends, with its take at the press.
    pub(super) fn stop(&mut self, press: Press, actions: &mut Vec<Action>) {
        if !self.is_unattended() {
            self.end_take(Verdict::Aborted, press.since, Some(press.since), actions);
            self.end_session(Ended::Stopped, press.at, actions);
        }
    }
}
