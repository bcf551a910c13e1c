//! The step is over; the next one, or the end, follows by itself.

use super::{Due, Facts, Press, Scene, Stage, State};
use crate::lang::Lang;
use crate::session::Session;
use crate::session::event::Action;
use crate::session::view::View;
use crate::words::{CaptureFrame, Ended, ScreenName};

/// How long it is shown, milliseconds.
const OVER_MS: u32 = 2500;

/// The step is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Over {
    until: CaptureFrame,
}

impl Over {
    pub(in crate::session) fn show(session: &mut Session, frame: CaptureFrame) {
        let until = frame + session.frames(OVER_MS);
        session.state = State::Over(Over { until });
    }
}

impl Scene for Over {
    fn name(&self, _: &Session) -> ScreenName {
        ScreenName::Over
    }

    fn facts(&self, _: &Session) -> Facts {
        Facts {
            stage: Stage::Visiting,
            abandonable: false,
        }
    }

    fn view(&self, _: &Session, _: CaptureFrame, words: &Lang) -> View {
        View::message(&words.over_title, &words.over_text, "")
    }

    fn go(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        move_on(session, frame, actions);
    }

    fn held_stop(&self, session: &mut Session, press: Press, _: &mut Vec<Action>) {
        session.ask_to_erase(State::Over(self.clone()), press.at);
    }

    fn deadlines(&self, _: &Session) -> [Option<Due>; 2] {
        let due = Due {
            at: self.until,
            act: move_on,
        };
        [Some(due), None]
    }

    fn shown_again(&self, session: &mut Session, frame: CaptureFrame) {
        Over::show(session, frame);
    }
}

fn move_on(session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
    if session.steps.at + 1 < session.steps.of {
        session.enter_step(session.steps.at + 1, frame, actions);
    } else {
        session.end_session(Ended::Completed, frame, actions);
    }
}
