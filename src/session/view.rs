//! The session as a screen: a pure function of its state and of the frame.

use std::sync::Arc;

use super::protocol::Step;
use super::{Cue, Session, State};
use crate::config::Mode;
use crate::lang::{Lang, Locale};
use crate::screen::{Body, Line, Progress, Screen};
use crate::words::{FaultKind, Kind, ScreenName};

/// Title, text, hint.
type Words = (Arc<str>, Arc<str>, Arc<str>);

fn fixed(title: &str, text: &str, hint: &str) -> Words {
    (title.into(), text.into(), hint.into())
}

impl Session {
    /// The name of the screen that is shown now.
    #[must_use]
    pub fn screen_name(&self) -> ScreenName {
        if !self.faults.is_empty() {
            return ScreenName::Fault;
        }
        match self.state {
            State::Attract => ScreenName::Attract,
            State::Menu { .. } => ScreenName::Menu,
            State::Consent { .. } => ScreenName::Consent,
            State::Code => ScreenName::Code,
            State::Withdraw { .. } => ScreenName::Withdraw,
            State::Asked { .. } => ScreenName::Question,
            State::Intro(_) => ScreenName::Intro,
            State::Running if self.plan().kind == Kind::Quiet => ScreenName::Quiet,
            State::Running => ScreenName::Reading,
            State::Paused { .. } | State::Interrupted { .. } => ScreenName::Paused,
            State::Over { .. } => ScreenName::Over,
            State::Thanks { .. } | State::Erasing { .. } | State::Erased { .. } => {
                ScreenName::Thanks
            }
        }
    }

    /// The session's language, and what is chosen by it.
    #[must_use]
    pub fn locale(&self) -> &Locale {
        &self.rules.locale
    }

    /// The screen at `frame`.
    #[must_use]
    pub fn screen(&self, frame: u64) -> Screen {
        let words = &self.rules.locale.words;
        let name = self.screen_name();
        let (title, text, hint) = match name {
            ScreenName::Attract => self.attract_words(words),
            ScreenName::Question => {
                fixed(&words.resume_title, &words.resume_text, &words.resume_hint)
            }
            ScreenName::Menu => self.menu_words(words),
            ScreenName::Consent => self.consent_words(words),
            ScreenName::Code => fixed(&words.code_title, &words.code_text, &words.code_hint),
            ScreenName::Withdraw => fixed(
                &words.withdraw_title,
                &words.withdraw_text,
                &words.withdraw_hint,
            ),
            ScreenName::Intro => self.intro_words(words),
            ScreenName::Reading | ScreenName::Quiet => self.running_words(words),
            ScreenName::Paused => {
                fixed(&words.paused_title, &words.paused_text, &words.paused_hint)
            }
            ScreenName::Over => fixed(&words.over_title, &words.over_text, ""),
            ScreenName::Thanks => self.thanks_words(words),
            ScreenName::Fault => self.fault_words(words),
        };
        // Nothing is lost yet, so the reading goes on.
        let behind = self.slow && matches!(name, ScreenName::Reading | ScreenName::Quiet);
        let hint = if behind {
            words.storage_slow.as_str().into()
        } else {
            hint
        };
        Screen {
            name,
            title,
            body: self.body(name, text, frame),
            hint,
            session_permille: self.session_permille(frame),
        }
    }

    fn body(&self, name: ScreenName, text: Arc<str>, frame: u64) -> Body {
        match (name, self.progress(frame)) {
            (ScreenName::Consent, _) => Body::Page { text },
            (ScreenName::Code | ScreenName::Thanks, _) if self.shows_code => Body::Card { text },
            // The time that a pause or a fault has stopped stays in sight.
            (
                ScreenName::Reading | ScreenName::Quiet | ScreenName::Paused | ScreenName::Fault,
                Some(progress),
            ) => Body::Line(Line {
                text,
                progress,
                recording: self.open.is_some() && name != ScreenName::Fault,
                level: None,
            }),
            (
                ScreenName::Attract
                | ScreenName::Code
                | ScreenName::Question
                | ScreenName::Intro
                | ScreenName::Reading
                | ScreenName::Quiet
                | ScreenName::Paused
                | ScreenName::Withdraw
                | ScreenName::Over
                | ScreenName::Thanks
                | ScreenName::Menu
                | ScreenName::Fault,
                _,
            ) => Body::Message { text },
        }
    }

    fn fault_words(&self, words: &Lang) -> Words {
        let erasing = matches!(self.state, State::Erasing { .. });
        let (text, hint) = match self.faults.keys().next() {
            Some(FaultKind::Disk) if erasing => (&words.erasing_waits, ""),
            Some(FaultKind::Device) => (&words.device_lost, ""),
            Some(FaultKind::Disk) => (&words.disk_lost, ""),
            Some(FaultKind::Storage) => (&words.storage_failed, &*words.storage_failed_hint),
            Some(FaultKind::Corpus) => (&words.no_lines, ""),
            Some(FaultKind::Full) => (&words.storage_full, ""),
            Some(FaultKind::Slow) => (&words.storage_slow, ""),
            Some(FaultKind::Sphere) => (&words.sphere_failed, &*words.sphere_failed_hint),
            None => (&words.fault_text, ""),
        };
        fixed(&words.fault_title, text, hint)
    }

    fn running_words(&self, words: &Lang) -> Words {
        match (self.plan().kind, &self.shown) {
            (Kind::Quiet, _) => fixed("", &words.quiet_text, &words.quiet_hint),
            (Kind::Free, _) => fixed("", self.step_text(), &words.reading_free),
            (Kind::Read, None) => fixed("", &words.lines_coming, ""),
            (Kind::Read, Some(shown)) => {
                let hint = match (self.rules.take.mode, self.open.is_some()) {
                    (_, false) if self.taken() => &words.reading_next,
                    (Mode::Auto, _) => &words.reading_auto,
                    (Mode::Manual, true) => &words.reading_manual,
                    (Mode::Manual, false) => &words.reading_waiting,
                };
                ("".into(), shown.line.text.clone(), hint.as_str().into())
            }
        }
    }

    fn consent_words(&self, words: &Lang) -> Words {
        let State::Consent { page } = self.state else {
            return fixed("", "", "");
        };
        let pages = &self.rules.pages;
        let title = format!("{}  {}/{}", words.consent_title, page + 1, pages.len());
        let hint = if self.is_last(page) {
            &words.consent_hold
        } else {
            &words.consent_next
        };
        (title.into(), pages[page].clone(), hint.as_str().into())
    }

    fn thanks_words(&self, words: &Lang) -> Words {
        match self.state {
            State::Erasing { .. } => fixed(&words.erasing_title, &words.erasing_text, ""),
            State::Erased { .. } => {
                fixed(&words.erased_title, &words.erased_text, &words.erased_hint)
            }
            _ if self.shows_code => {
                fixed(&words.thanks_title, &words.thanks_code, &words.thanks_hint)
            }
            _ => fixed(&words.thanks_title, &words.thanks_text, &words.thanks_hint),
        }
    }

    fn menu_words(&self, words: &Lang) -> Words {
        let State::Menu { at } = self.state else {
            return fixed("", "", "");
        };
        let Some(number) = self.pending.get(at) else {
            return fixed(&words.menu_title, &words.menu_nobody, &words.menu_hint);
        };
        let title = format!("{}  {}/{}", words.menu_title, at + 1, self.pending.len());
        (
            title.into(),
            number.clone(),
            words.menu_hint.as_str().into(),
        )
    }

    fn attract_words(&self, words: &Lang) -> Words {
        if let Some(expected) = &self.expected {
            let title = words.expected_title.replace("{number}", &expected.number);
            return fixed(&title, &words.attract_text, &words.attract_hint);
        }
        let left = self.minutes_left().map(|minutes| {
            let minutes = minutes.to_string();
            words.room_left.replace("{minutes}", &minutes)
        });
        let text = left.as_deref().unwrap_or(&words.attract_text);
        fixed(&words.attract_title, text, &words.attract_hint)
    }

    fn intro_words(&self, words: &Lang) -> Words {
        let waits_for_lines = self.plan().kind == Kind::Read && self.lines.is_empty();
        let hint = match self.state {
            State::Intro(Cue::Preparing { .. }) => &words.sphere_preparing,
            _ if waits_for_lines => &words.lines_coming,
            _ => &words.intro_go,
        };
        let title = format!("{} / {}", self.step + 1, self.steps);
        fixed(&title, self.step_text(), hint)
    }

    fn step_text(&self) -> &str {
        let plan = self.plan();
        let text = self.rules.locale.choose(&plan.text);
        text.map_or(&plan.name, |(_, text)| text)
    }

    fn session_permille(&self, frame: u64) -> u16 {
        let seconds = |steps: &[Step]| steps.iter().map(|step| u64::from(step.seconds)).sum();
        let rate = u64::from(self.rules.rate);
        let all: u64 = seconds(&self.protocol.steps);
        let before: u64 = seconds(&self.protocol.steps[..self.step]);
        let done = match self.state {
            _ if self.is_vacant() => 0,
            _ => before * rate + self.timer.used_at(frame),
        };
        (done * 1000 / (all * rate).max(1)) as u16
    }

    fn progress(&self, frame: u64) -> Option<Progress> {
        if !matches!(self.state, State::Running | State::Paused { .. }) {
            return None;
        }
        let budget = self.timer.budget().max(1);
        let left = self.timer.left_at(frame);
        Some(Progress {
            permille: ((budget - left) * 1000 / budget) as u16,
            seconds_left: left.div_ceil(u64::from(self.rules.rate)) as u32,
        })
    }
}
