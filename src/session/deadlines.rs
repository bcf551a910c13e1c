//! What happens by itself, each at its exact frame and in order of time.

use super::Session;
use super::event::Action;
use super::scene::{Attract, Due, State};
use crate::words::{CaptureFrame, Ended};

impl Session {
    /// The frame at which something will happen by itself; until then a tick changes nothing.
    #[must_use]
    pub fn next_due(&self) -> Option<CaptureFrame> {
        self.earliest().map(|due| due.at)
    }

    /// Serves every deadline up to `now`, the earliest first.
    pub(super) fn pass(&mut self, now: CaptureFrame, actions: &mut Vec<Action>) {
        while let Some(due) = self.earliest().filter(|due| due.at <= now) {
            (due.act)(self, due.at, actions);
        }
    }

    /// Of two at once: a held button first, being abandoned last.
    fn earliest(&self) -> Option<Due> {
        let scene = self.state.scene();
        let hold = self.frames(self.rules.take.hold_ms);
        let held = self.hands.held.map(|held| Due {
            at: held.since + hold,
            act: Session::held,
        });
        let [first, second] = scene.deadlines(self);
        let abandoned = scene.facts(self).abandonable.then(|| Due {
            at: self.hands.last_press + scene.patience(self),
            act: Session::abandon,
        });
        let menu = self.menu_due().filter(|_| scene.opens_menu());
        let all = [held, first, second, menu, abandoned].into_iter().flatten();
        all.min_by_key(|due| due.at)
    }

    /// After so long without a press the visitor must have left.
    pub(super) fn idle(&self) -> u64 {
        u64::from(self.protocol.idle_s) * u64::from(self.rules.rate)
    }

    fn abandon(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if self.is_vacant() {
            self.hands.held = None;
            self.state = State::Attract(Attract);
        } else {
            self.end_left(frame, actions);
            self.end_session(Ended::Idle, frame, actions);
        }
    }
}
