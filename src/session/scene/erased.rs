//! Everything of the session is erased, and its visitor may read so.

use super::{Attract, Due, Facts, Press, Scene, Stage, State};
use crate::lang::Lang;
use crate::session::Session;
use crate::session::event::Action;
use crate::session::view::View;
use crate::words::{CaptureFrame, ScreenName};

/// Everything is erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Erased {
    pub(super) until: CaptureFrame,
}

impl Scene for Erased {
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
        let body = session.beside_code(&words.erased_text);
        View::of(&words.erased_title, body, &words.erased_hint)
    }

    fn go(&self, session: &mut Session, _: CaptureFrame, _: &mut Vec<Action>) {
        session.state = State::Attract(Attract);
    }

    fn stop(&self, session: &mut Session, _: Press, _: &mut Vec<Action>) {
        session.state = State::Attract(Attract);
    }

    fn deadlines(&self, _: &Session) -> [Option<Due>; 2] {
        let due = Due {
            at: self.until,
            act: |session, _, _| session.state = State::Attract(Attract),
        };
        [Some(due), None]
    }

    fn hurry(&self, session: &mut Session, frame: CaptureFrame) {
        let until = self.until.min(session.parting_until(false, frame));
        session.state = State::Erased(Erased { until });
    }

    fn shutdown(&self, session: &mut Session, frame: CaptureFrame, _: &mut Vec<Action>) {
        session.state = State::Erased(Erased { until: frame });
    }
}
