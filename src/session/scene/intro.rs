//! What the step is about; `go` begins it, with the sphere first where it has a cue.

use super::{Facts, Press, Scene, Stage, State};
use crate::lang::Lang;
use crate::session::Session;
use crate::session::event::Action;
use crate::session::view::View;
use crate::words::{CaptureFrame, FaultKind, ScreenName};

/// The step is explained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::session) struct Intro {
    /// The press that begins the step, while the sphere is awaited.
    pub(in crate::session) pressed: Option<CaptureFrame>,
    /// The press that came before the first line, with which the step begins.
    pub(in crate::session) early: Option<CaptureFrame>,
}

impl Scene for Intro {
    fn name(&self, _: &Session) -> ScreenName {
        ScreenName::Intro
    }

    fn facts(&self, _: &Session) -> Facts {
        Facts {
            stage: Stage::Visiting,
            abandonable: true,
        }
    }

    fn view(&self, session: &Session, _: CaptureFrame, words: &Lang) -> View {
        let title = format!("{} / {}", session.steps.at + 1, session.steps.of);
        if self.early.is_some() {
            return View::message(&title, &words.lines_coming, "");
        }
        let hint = match self.pressed {
            Some(_) => &words.sphere_preparing,
            None if waits_for_lines(session) => &words.lines_coming,
            None => &words.intro_go,
        };
        View::message(&title, session.step_text(), hint)
    }

    fn go(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if self.pressed.is_some() || self.early.is_some() {
            return;
        }
        if waits_for_lines(session) {
            session.state = State::Intro(Intro {
                early: Some(frame),
                ..Intro::default()
            });
        } else {
            session.start_step(frame, frame, actions);
        }
    }

    fn held_stop(&self, session: &mut Session, press: Press, actions: &mut Vec<Action>) {
        session.silence(press.at, actions);
        session.ask_to_erase(State::Intro(Intro::default()), press.at);
    }

    fn wants_lines(&self) -> bool {
        true
    }

    fn needs_line(&self, _: &Session) -> bool {
        true
    }

    fn line_came(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if let Some(pressed) = self.early {
            session.state = State::Intro(Intro::default());
            session.start_step(pressed, frame, actions);
        }
    }

    /// Who answers it presses anew.
    fn fault(&self, session: &mut Session, _: FaultKind, _: CaptureFrame, _: &mut Vec<Action>) {
        if self.early.is_some() {
            session.state = State::Intro(Intro::default());
        }
    }

    fn awaits_sphere(&self) -> bool {
        self.pressed.is_some()
    }

    fn sphere_ready(
        &self,
        session: &mut Session,
        faulty: bool,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        if faulty {
            session.state = State::Intro(Intro::default());
        } else {
            session.run_step(frame, self.pressed, actions);
        }
    }

    fn retry_sphere(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        session.start_step(frame, frame, actions);
    }
}

/// Whether the step reads, and has no line yet.
fn waits_for_lines(session: &Session) -> bool {
    session.plan().kind.reads() && session.lines.ahead.is_empty()
}
