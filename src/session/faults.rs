//! Faults: what begins, what ends by itself, what a press on the fault screen means.
//!
//! Guarantees: time never runs without a device; a take whose device is gone goes on in silence for
//! its grace, then ends; what a visitor must answer does not outlive the visitor.

use std::sync::Arc;

use super::event::Action;
use super::{Session, State};
use crate::words::{Button, Ended, FaultKind, FaultState, Kind, Note, Verdict};

impl Session {
    /// What is wrong now.
    pub fn faults(&self) -> impl Iterator<Item = FaultKind> {
        self.faults.keys().copied()
    }

    pub(super) fn fault(
        &mut self,
        kind: FaultKind,
        text: Arc<str>,
        frame: u64,
        actions: &mut Vec<Action>,
    ) {
        if self.faults.insert(kind, text.clone()).is_some() {
            return;
        }
        self.note_fault(kind, FaultState::On, text, frame, actions);
        self.held = None;
        match (&self.state, kind) {
            (State::Running, FaultKind::Device) => {
                self.stand_still(frame, actions);
                self.interrupt(frame);
            }
            (State::Paused { resuming: true }, FaultKind::Device) => {
                self.silence(frame, actions);
                self.interrupt(frame);
                // It is met anew once the device is back and the sphere is asked again.
                self.cleared(FaultKind::Sphere, frame, actions);
            }
            (State::Running, _) => {
                self.cut_take(Verdict::Aborted, frame, None, actions);
                self.stand_still(frame, actions);
            }
            _ => {}
        }
    }

    fn note_fault(
        &self,
        kind: FaultKind,
        state: FaultState,
        text: Arc<str>,
        frame: u64,
        actions: &mut Vec<Action>,
    ) {
        self.note(frame, Note::Fault { kind, state, text }, actions);
    }

    fn interrupt(&mut self, frame: u64) {
        let grace = u64::from(self.rules.device_grace_s) * u64::from(self.rules.rate);
        self.state = State::Interrupted {
            grace_until: frame + grace,
        };
    }

    /// Blocks wait for the disk: said on the screen and in events.jsonl, and nothing else.
    pub(super) fn slow(&mut self, slow: bool, frame: u64, actions: &mut Vec<Action>) {
        if self.slow != slow {
            self.slow = slow;
            let state = if slow {
                FaultState::On
            } else {
                FaultState::Off
            };
            self.note_fault(FaultKind::Slow, state, "".into(), frame, actions);
        }
    }

    /// No line can be read ahead; those that were come first.
    pub(super) fn no_line(&mut self, reason: Arc<str>, frame: u64, actions: &mut Vec<Action>) {
        self.dry = Some(reason);
        self.need_line(frame, actions);
    }

    /// Makes it a fault that no line is left where one is needed now.
    pub(super) fn need_line(&mut self, frame: u64, actions: &mut Vec<Action>) {
        let needed = match self.state {
            State::Intro(_) => true,
            State::Running => self.shown.is_none(),
            _ => false,
        };
        let needed = needed && self.plan().kind == Kind::Read && self.lines.is_empty();
        if let Some(reason) = self.dry.clone().filter(|_| needed) {
            self.fault(FaultKind::Corpus, reason, frame, actions);
        }
    }

    pub(super) fn cleared(&mut self, kind: FaultKind, frame: u64, actions: &mut Vec<Action>) {
        if self.faults.remove(&kind).is_some() {
            self.last_press = self.last_press.max(frame);
            self.note_fault(kind, FaultState::Off, "".into(), frame, actions);
            if self.faults.is_empty() && matches!(self.state, State::Interrupted { .. }) {
                self.resume(None, frame, actions);
            }
        }
    }

    /// What a visitor must answer does not outlive the visitor; the next one meets a fault that
    /// still holds anew.
    pub(super) fn clear_answerable(&mut self, frame: u64, actions: &mut Vec<Action>) {
        self.dry = None;
        for kind in [FaultKind::Sphere, FaultKind::Storage, FaultKind::Corpus] {
            self.cleared(kind, frame, actions);
        }
    }

    /// A press on the fault screen: `go` goes on without the sphere or tries the disk again.
    pub(super) fn dismiss(&mut self, button: Button, frame: u64, actions: &mut Vec<Action>) {
        if button == Button::Stop {
            if !self.is_unattended() {
                self.end_take(Verdict::Aborted, frame, Some(frame), actions);
                self.end_session(Ended::Stopped, frame, actions);
            }
            return;
        }
        if button != Button::Go && button != Button::Redo {
            return;
        }
        self.cleared(FaultKind::Storage, frame, actions);
        if self.faults.contains_key(&FaultKind::Sphere) {
            self.cleared(FaultKind::Sphere, frame, actions);
            if button == Button::Go {
                self.go_without_sphere(frame, actions);
            } else {
                self.retry_sphere(frame, actions);
            }
        }
    }
}
