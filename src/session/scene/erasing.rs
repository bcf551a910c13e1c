//! Everything of the session is being erased.
//!
//! Guarantees: takes are ended, once, before the erasure is asked for; the booth waits for it and
//! takes no visitor meanwhile.

use super::{Erased, Facts, Scene, Stage, State};
use crate::lang::Lang;
use crate::session::Session;
use crate::session::event::Action;
use crate::session::view::View;
use crate::words::{By, CaptureFrame, ScreenName, Verdict};

/// The erasure is awaited; `unwatched`: no one is at the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Erasing {
    unwatched: bool,
}

impl Session {
    /// Ends what runs, and asks for everything of this session to be erased.
    pub(in crate::session) fn forget(
        &mut self,
        by: By,
        unwatched: bool,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        self.end_take(Verdict::Aborted, frame, None, actions);
        self.stop_cue(frame, actions);
        self.hands.held = None;
        self.clear_answerable(frame, actions);
        // The recorder drops them with the session.
        self.takes.unstored.clear();
        self.takes.hasty.clear();
        self.state = State::Erasing(Erasing { unwatched });
        actions.push(Action::Forget(by));
    }

    /// Somebody with the code, or the operator, had the session of this moment forgotten.
    pub(in crate::session) fn withdrawn(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        match self.facts().stage {
            Stage::Visiting | Stage::Parting => self.forget(By::Code, false, frame, actions),
            Stage::Waiting | Stage::Asking | Stage::Erasing => {}
        }
    }

    /// The erasure is certain.
    pub(in crate::session) fn forgotten(&mut self, frame: CaptureFrame) {
        let State::Erasing(Erasing { unwatched }) = self.state else {
            return;
        };
        let until = self.parting_until(unwatched, frame);
        self.state = State::Erased(Erased { until });
        self.leave();
    }
}

impl Scene for Erasing {
    fn name(&self, _: &Session) -> ScreenName {
        ScreenName::Thanks
    }

    fn facts(&self, _: &Session) -> Facts {
        Facts {
            stage: Stage::Erasing,
            abandonable: false,
        }
    }

    fn view(&self, session: &Session, _: CaptureFrame, words: &Lang) -> View {
        View::of(
            &words.erasing_title,
            session.beside_code(&words.erasing_text),
            "",
        )
    }

    fn go(&self, _: &mut Session, _: CaptureFrame, _: &mut Vec<Action>) {}

    fn shutdown(&self, session: &mut Session, _: CaptureFrame, _: &mut Vec<Action>) {
        session.state = State::Erasing(Erasing { unwatched: true });
    }

    fn disk_lost<'a>(&self, words: &'a Lang) -> &'a str {
        &words.erasing_waits
    }
}
