//! What the step is about; `go` begins it, with the sphere first where it has a cue.

use super::{Facts, Press, Scene, Stage, State};
use crate::lang::Lang;
use crate::session::Session;
use crate::session::event::Action;
use crate::session::view::View;
use crate::words::{CaptureFrame, ScreenName};

/// The step is explained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::session) struct Intro {
    /// The press that begins the step, while the sphere is awaited.
    pub(in crate::session) pressed: Option<CaptureFrame>,
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
        let waits_for_lines = session.plan().kind.reads() && session.lines.ahead.is_empty();
        let hint = match self.pressed {
            Some(_) => &words.sphere_preparing,
            None if waits_for_lines => &words.lines_coming,
            None => &words.intro_go,
        };
        let title = format!("{} / {}", session.steps.at + 1, session.steps.of);
        View::message(&title, session.step_text(), hint)
    }

    fn go(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if self.pressed.is_none() {
            session.start_step(frame, actions);
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
        session.start_step(frame, actions);
    }
}
