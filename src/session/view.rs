//! The session as a screen: a pure function of its state and of the frame. Each scene has its words;
//! a fault is shown over any of them.

use std::sync::Arc;

use super::Session;
use super::protocol::{Step, in_language};
use crate::lang::Lang;
use crate::screen::{Progress, Screen};
use crate::words::{CaptureFrame, FaultKind, ScreenName};

/// What a scene shows in words.
pub(super) struct View {
    pub(super) title: Arc<str>,
    pub(super) text: Arc<str>,
    pub(super) hint: Arc<str>,
}

impl View {
    pub(super) fn of(title: &str, text: &str, hint: &str) -> View {
        View {
            title: title.into(),
            text: text.into(),
            hint: hint.into(),
        }
    }
}

impl Session {
    /// The name of the screen that is shown now.
    #[must_use]
    pub fn screen_name(&self) -> ScreenName {
        if self.faults.is_empty() {
            self.state.scene().name(self)
        } else {
            ScreenName::Fault
        }
    }

    /// The screen at `frame`, in the words of a language.
    #[must_use]
    pub fn screen(&self, frame: CaptureFrame, words: &Lang) -> Screen {
        let view = match self.faults.standing.keys().next() {
            Some(kind) => self.fault_view(*kind, words),
            None => self.state.scene().view(self, words),
        };
        Screen {
            name: self.screen_name(),
            title: view.title,
            text: view.text,
            hint: view.hint,
            progress: self.progress(frame),
            session_permille: self.session_permille(frame),
            recording: self.takes.open.is_some() && self.faults.is_empty(),
            level: None,
        }
    }

    fn fault_view(&self, kind: FaultKind, words: &Lang) -> View {
        let (text, hint) = match kind {
            FaultKind::Device => (&*words.device_lost, ""),
            FaultKind::Disk => (self.state.scene().disk_lost(words), ""),
            FaultKind::Storage => (&*words.storage_failed, &*words.storage_failed_hint),
            FaultKind::Corpus => (&*words.no_lines, ""),
            FaultKind::Full => (&*words.storage_full, ""),
            FaultKind::Slow => (&*words.storage_slow, ""),
            FaultKind::Sphere => (&*words.sphere_failed, &*words.sphere_failed_hint),
        };
        View::of(&words.fault_title, text, hint)
    }

    pub(super) fn step_text(&self) -> &str {
        let plan = self.plan();
        let text = in_language(&plan.text, &self.rules.language);
        text.map_or(&plan.name, |(_, text)| text)
    }

    fn session_permille(&self, frame: CaptureFrame) -> u16 {
        let seconds = |steps: &[Step]| steps.iter().map(|step| u64::from(step.seconds)).sum();
        let rate = u64::from(self.rules.rate);
        let all: u64 = seconds(&self.protocol.steps);
        let before: u64 = seconds(&self.protocol.steps[..self.steps.at]);
        let done = if self.is_vacant() {
            0
        } else {
            before * rate + self.steps.timer.used_at(frame)
        };
        (done * 1000 / (all * rate).max(1)) as u16
    }

    fn progress(&self, frame: CaptureFrame) -> Option<Progress> {
        if !self.state.scene().shows_time() {
            return None;
        }
        let budget = self.steps.timer.budget().max(1);
        let left = self.steps.timer.left_at(frame);
        Some(Progress {
            permille: ((budget - left) * 1000 / budget) as u16,
            seconds_left: left.div_ceil(u64::from(self.rules.rate)) as u32,
        })
    }
}
