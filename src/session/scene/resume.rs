//! Whether a session that a crash cut goes on: asked at once, of a visitor who still stands there,
//! and again of the first who presses `go` while the offer stands.

use super::{Attract, Due, Facts, Press, Scene, Stage, State};
use crate::lang::Lang;
use crate::session::Session;
use crate::session::event::Action;
use crate::session::view::View;
use crate::words::{CaptureFrame, ScreenName};

/// How long the question waits for an answer, milliseconds.
const ANSWER_MS: u32 = 30_000;

/// The question, asked by itself or because somebody `pressed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Resume {
    until: CaptureFrame,
    pressed: bool,
}

impl Resume {
    pub(in crate::session) fn put(session: &Session, pressed: bool, frame: CaptureFrame) -> Resume {
        Resume {
            until: frame + session.frames(ANSWER_MS),
            pressed,
        }
    }
}

impl Scene for Resume {
    fn name(&self, _: &Session) -> ScreenName {
        ScreenName::Resume
    }

    fn facts(&self, _: &Session) -> Facts {
        Facts {
            stage: Stage::Waiting,
            abandonable: false,
        }
    }

    fn view(&self, _: &Session, _: CaptureFrame, words: &Lang) -> View {
        View::message(&words.resume_title, &words.resume_text, &words.resume_hint)
    }

    fn go(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        session.take_up(frame, actions);
    }

    fn stop(&self, session: &mut Session, _: Press, actions: &mut Vec<Action>) {
        session.decline(actions);
    }

    /// Not answered. The first time its visitor may still come.
    fn deadlines(&self, _: &Session) -> [Option<Due>; 2] {
        let due = Due {
            at: self.until,
            act: if self.pressed { decline } else { wait },
        };
        [Some(due), None]
    }
}

fn decline(session: &mut Session, _: CaptureFrame, actions: &mut Vec<Action>) {
    session.state = State::Attract(Attract);
    session.decline(actions);
}

fn wait(session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
    if session.hands.hurry {
        return decline(session, frame, actions);
    }
    session.state = State::Attract(Attract);
}
