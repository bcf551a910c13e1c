//! The session is over: thanks, and the code once more for its owner.

use super::{Attract, Due, Facts, Press, Scene, Stage, State};
use crate::lang::Lang;
use crate::session::Session;
use crate::session::event::{Action, Ask};
use crate::session::protocol::Abandoned;
use crate::session::view::View;
use crate::words::{By, CaptureFrame, Ended, ScreenName};

/// How long it is shown to a visitor, when no press will come any more, and with a code that was not
/// shown before to somebody who may have left; milliseconds.
const THANKS_MS: u32 = 30_000;
const BRIEF_MS: u32 = 3000;
const UNSEEN_MS: u32 = 60_000;

/// The session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Thanks {
    until: CaptureFrame,
    ended: Ended,
}

impl Session {
    /// The visit is over; not kept, if its code was not confirmed or the protocol says so.
    pub(in crate::session) fn end_session(
        &mut self,
        ended: Ended,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        let erases = self.protocol.abandoned == Abandoned::Erase;
        let is_idle = ended == Ended::Idle;
        // Nothing of them was kept yet: they may come again.
        let comes_again = self.visitor.is_enrolled && self.takes.number == 0;
        if self.visitor.is_unconfirmed || (is_idle && erases && !comes_again) {
            return self.forget(By::Abandoned, is_idle, frame, actions);
        }
        self.trust_hasty(actions);
        self.stop_cue(frame, actions);
        self.hands.held = None;
        let has_code_to_show = self.visitor.shows_code && !self.visitor.has_seen_code;
        let until = if is_idle && has_code_to_show && !self.hands.hurry {
            frame + self.frames(UNSEEN_MS)
        } else {
            self.parting_until(is_idle, frame)
        };
        self.state = State::Thanks(Thanks { until, ended });
        self.clear_answerable(frame, actions);
    }

    /// Until when the last screen stands; not at all where it is `unwatched`.
    pub(super) fn parting_until(&self, unwatched: bool, frame: CaptureFrame) -> CaptureFrame {
        let millis = match (unwatched, self.hands.hurry) {
            (true, _) => 0,
            (false, true) => BRIEF_MS,
            (false, false) => THANKS_MS,
        };
        frame + self.frames(millis)
    }

    /// What was on the screen goes with its visitor.
    pub(super) fn leave(&mut self) {
        self.lines.clear();
        self.visitor.leaves();
    }
}

impl Thanks {
    fn close(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if session.takes.unstored.is_empty() {
            actions.push(Action::Ask(Ask::Close(self.ended)));
            session.state = State::Attract(Attract);
            session.leave();
            session.clear_answerable(frame, actions);
        }
    }

    fn stands_until(&self, until: CaptureFrame) -> State {
        let ended = self.ended;
        State::Thanks(Thanks { until, ended })
    }
}

impl Scene for Thanks {
    fn name(&self, _: &Session) -> ScreenName {
        ScreenName::Thanks
    }

    fn facts(&self, _: &Session) -> Facts {
        Facts {
            stage: Stage::Parting,
            abandonable: false,
        }
    }

    fn view(&self, session: &Session, _: CaptureFrame, words: &Lang) -> View {
        let text = if session.visitor.shows_code {
            &words.thanks_code
        } else {
            &words.thanks_text
        };
        View::of(
            &words.thanks_title,
            session.beside_code(text),
            &words.thanks_hint,
        )
    }

    fn go(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.close(session, frame, actions);
    }

    fn stop(&self, session: &mut Session, press: Press, actions: &mut Vec<Action>) {
        self.close(session, press.at, actions);
    }

    fn held_stop(&self, session: &mut Session, press: Press, _: &mut Vec<Action>) {
        session.ask_to_erase(State::Thanks(self.clone()), press.at);
    }

    /// Not from under a button that is held to erase everything.
    fn deadlines(&self, session: &Session) -> [Option<Due>; 2] {
        let may_close = session.takes.unstored.is_empty() && session.hands.held.is_none();
        let due = Due {
            at: self.until,
            act: |session, frame, actions| {
                session.act(|scene, session| scene.go(session, frame, actions));
            },
        };
        [may_close.then_some(due), None]
    }

    fn hurry(&self, session: &mut Session, frame: CaptureFrame) {
        let until = self.until.min(session.parting_until(false, frame));
        session.state = self.stands_until(until);
    }

    fn shutdown(&self, session: &mut Session, frame: CaptureFrame, _: &mut Vec<Action>) {
        session.state = self.stands_until(frame);
    }

    fn shown_again(&self, session: &mut Session, frame: CaptureFrame) {
        session.state = self.stands_until(session.parting_until(false, frame));
    }
}
