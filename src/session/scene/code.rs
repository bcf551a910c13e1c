//! The withdrawal code, until its owner says that they have it.
//!
//! Guarantees: a code that was shown and not confirmed keeps no voice.

use super::{ASKING_MS, Facts, Press, Scene, Stage, State};
use crate::lang::Lang;
use crate::session::Session;
use crate::session::event::Action;
use crate::session::view::View;
use crate::words::{CaptureFrame, ScreenName};

/// The code is on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Code;

impl Code {
    /// The session begins with its code.
    pub(in crate::session) fn show(session: &mut Session, frame: CaptureFrame) {
        session.visitor.is_unconfirmed = true;
        session.visitor.has_seen_code = true;
        session.steps.at = 0;
        session.steps.timer.reset();
        session.hands.wait_from(frame);
        session.state = State::Code(Code);
    }
}

impl Scene for Code {
    fn name(&self, _: &Session) -> ScreenName {
        ScreenName::Code
    }

    fn facts(&self, _: &Session) -> Facts {
        Facts {
            stage: Stage::Visiting,
            abandonable: true,
        }
    }

    /// A code that nobody confirms has nobody who reads it.
    fn patience(&self, session: &Session) -> u64 {
        session.idle().min(session.frames(ASKING_MS))
    }

    fn view(&self, session: &Session, _: CaptureFrame, words: &Lang) -> View {
        let body = session.beside_code(&words.code_text);
        View::of(&words.code_title, body, &words.code_hint)
    }

    /// It was taken down.
    fn go(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        session.visitor.is_unconfirmed = false;
        session.enter_step(0, frame, actions);
    }

    fn held_stop(&self, session: &mut Session, press: Press, _: &mut Vec<Action>) {
        session.ask_to_erase(State::Code(Code), press.at);
    }
}
