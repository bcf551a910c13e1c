//! The session as a screen: a pure function of its state and of the frame. Each scene has its view;
//! a fault is shown over any of them.

use std::sync::Arc;

use super::Session;
use super::protocol::Step;
use crate::lang::{Lang, Locale};
use crate::screen::{Body, Line, Progress, Screen};
use crate::words::{CaptureFrame, FaultKind, ScreenName};

/// What a scene shows.
pub(super) struct View {
    pub(super) title: Arc<str>,
    pub(super) body: Body,
    pub(super) hint: Arc<str>,
}

impl View {
    pub(super) fn of(title: &str, body: Body, hint: &str) -> View {
        View {
            title: title.into(),
            body,
            hint: hint.into(),
        }
    }

    /// A few words.
    pub(super) fn message(title: &str, text: &str, hint: &str) -> View {
        View::of(title, Body::Message { text: text.into() }, hint)
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

    /// The session's language, and what is chosen by it.
    #[must_use]
    pub fn locale(&self) -> &Locale {
        &self.rules.locale
    }

    /// The screen at `frame`.
    #[must_use]
    pub fn screen(&self, frame: CaptureFrame) -> Screen {
        let words = &self.rules.locale.words;
        let mut view = self.state.scene().view(self, frame, words);
        if let Some(kind) = self.faults.standing.keys().next() {
            view = self.fault_view(*kind, view.body, words);
        }
        Screen {
            name: self.screen_name(),
            title: view.title,
            body: view.body,
            hint: view.hint,
            session_permille: self.session_permille(frame),
        }
    }

    /// A fault over what is shown; the step's time stays in sight.
    fn fault_view(&self, kind: FaultKind, below: Body, words: &Lang) -> View {
        let (text, hint) = match kind {
            FaultKind::Device => (&*words.device_lost, ""),
            FaultKind::Disk => (self.state.scene().disk_lost(words), ""),
            FaultKind::Storage => (&*words.storage_failed, &*words.storage_failed_hint),
            FaultKind::Corpus => (&*words.no_lines, ""),
            FaultKind::Full => (&*words.storage_full, ""),
            FaultKind::Slow => (&*words.storage_slow, ""),
            FaultKind::Sphere => (&*words.sphere_failed, &*words.sphere_failed_hint),
        };
        let text = text.into();
        let body = match below {
            Body::Line(line) => Body::Line(Line {
                text,
                recording: false,
                ..line
            }),
            Body::Message { .. } | Body::Page { .. } | Body::Card { .. } => Body::Message { text },
        };
        View::of(&words.fault_title, body, hint)
    }

    /// A text while the step's time counts.
    pub(super) fn timed(&self, text: Arc<str>, frame: CaptureFrame) -> Body {
        let budget = self.steps.timer.budget().max(1);
        let left = self.steps.timer.left_at(frame);
        Body::Line(Line {
            text,
            progress: Progress {
                permille: ((budget - left) * 1000 / budget) as u16,
                seconds_left: left.div_ceil(u64::from(self.rules.rate)) as u32,
            },
            recording: self.takes.open.is_some(),
            level: None,
        })
    }

    /// A text beside the code, where that may be shown.
    pub(super) fn beside_code(&self, text: &str) -> Body {
        let text = text.into();
        if self.visitor.shows_code {
            Body::Card { text }
        } else {
            Body::Message { text }
        }
    }

    pub(super) fn step_text(&self) -> &str {
        self.plan().text_in(&self.rules.locale)
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
}
