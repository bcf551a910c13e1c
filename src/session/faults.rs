//! Faults: what begins, what ends by itself, what a press on the fault screen means.
//!
//! Guarantees: time never runs without a device; a take whose device is gone goes on in silence for
//! its grace, then ends; what a visitor must answer does not outlive the visitor.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Session;
use super::event::Action;
use super::scene::Press;
use crate::words::{Button, CaptureFrame, FaultKind, FaultState, Note};

/// What is wrong now.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Each with its reason.
    pub(super) standing: BTreeMap<FaultKind, Arc<str>>,
    /// The disk is behind; nothing is lost yet.
    pub(super) is_slow: bool,
}

impl Faults {
    pub(super) fn is_empty(&self) -> bool {
        self.standing.is_empty()
    }
}

impl Session {
    /// What is wrong now.
    pub fn faults(&self) -> impl Iterator<Item = FaultKind> {
        self.faults.standing.keys().copied()
    }

    pub(super) fn fault(
        &mut self,
        kind: FaultKind,
        text: Arc<str>,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        if self.faults.standing.insert(kind, text.clone()).is_some() {
            return;
        }
        self.note_fault(kind, FaultState::On, text, frame, actions);
        self.hands.held = None;
        self.act(|scene, session| scene.fault(session, kind, frame, actions));
    }

    fn note_fault(
        &self,
        kind: FaultKind,
        state: FaultState,
        text: Arc<str>,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        self.note(frame, Note::Fault { kind, state, text }, actions);
    }

    /// Blocks wait for the disk: said on the screen and in events.jsonl, and nothing else.
    pub(super) fn slow(&mut self, slow: bool, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if self.faults.is_slow != slow {
            self.faults.is_slow = slow;
            let state = if slow {
                FaultState::On
            } else {
                FaultState::Off
            };
            self.note_fault(FaultKind::Slow, state, "".into(), frame, actions);
        }
    }

    pub(super) fn cleared(
        &mut self,
        kind: FaultKind,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        if self.faults.standing.remove(&kind).is_some() {
            self.hands.wait_from(frame);
            self.note_fault(kind, FaultState::Off, "".into(), frame, actions);
            if self.faults.is_empty() {
                self.act(|scene, session| scene.healed(session, frame, actions));
            }
        }
    }

    /// What a visitor must answer does not outlive the visitor; the next one meets a fault that
    /// still holds anew.
    pub(super) fn clear_answerable(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.lines.dry = None;
        for kind in [FaultKind::Sphere, FaultKind::Storage, FaultKind::Corpus] {
            self.cleared(kind, frame, actions);
        }
    }

    /// A press on the fault screen: `go` goes on without the sphere or tries the disk again.
    pub(super) fn dismiss(
        &mut self,
        button: Button,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        match button {
            Button::Stop => self.stop(Press::short(frame), actions),
            Button::Pause => {}
            Button::Go | Button::Redo => {
                self.cleared(FaultKind::Storage, frame, actions);
                if !self.faults.standing.contains_key(&FaultKind::Sphere) {
                    return;
                }
                self.cleared(FaultKind::Sphere, frame, actions);
                if button == Button::Go {
                    self.go_without_sphere(frame, actions);
                } else if self.waits_for_sphere() {
                    self.act(|scene, session| scene.retry_sphere(session, frame, actions));
                }
            }
        }
    }
}
