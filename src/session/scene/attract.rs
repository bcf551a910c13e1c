//! The booth waits: for anybody, for the enrolled person who is expected, or for the one whose
//! session a crash cut. All buttons held for long open the keeper's menu.

use super::{Consent, Due, Facts, Resume, Scene, Stage, State};
use crate::lang::Lang;
use crate::session::Session;
use crate::session::event::Action;
use crate::session::view::View;
use crate::words::{Button, CaptureFrame, ScreenName};

/// No visitor is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Attract;

impl Scene for Attract {
    fn name(&self, _: &Session) -> ScreenName {
        ScreenName::Attract
    }

    fn facts(&self, _: &Session) -> Facts {
        Facts {
            stage: Stage::Waiting,
            abandonable: false,
        }
    }

    fn view(&self, session: &Session, _: CaptureFrame, words: &Lang) -> View {
        if let Some(expected) = &session.visitor.expected {
            let title = words.expected_title.replace("{number}", &expected.number);
            return View::message(&title, &words.attract_text, &words.attract_hint);
        }
        let left = session.minutes_left().map(|minutes| {
            let minutes = minutes.to_string();
            words.room_left.replace("{minutes}", &minutes)
        });
        let text = left.as_deref().unwrap_or(&words.attract_text);
        View::message(&words.attract_title, text, &words.attract_hint)
    }

    /// The consent text, or the session where the protocol asks for no consent. Beside another button
    /// it is a keeper's.
    fn go(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if session.hands.has_other_down(Button::Go) {
            return;
        }
        if session.offer.is_some() {
            session.state = State::Resume(Resume::put(session, true, frame));
        } else if session.rules.pages.is_empty() {
            session.open_session(frame, actions);
        } else {
            session.state = State::Consent(Consent { page: 0 });
        }
    }

    fn opens_menu(&self) -> bool {
        true
    }

    /// A session is not offered any more; an enrolled person who was chosen did not come.
    fn deadlines(&self, session: &Session) -> [Option<Due>; 2] {
        let offer = session.offer.as_ref().map(|offer| Due {
            at: offer.until,
            act: |session, _, actions| session.decline(actions),
        });
        let expected = session.visitor.expected.as_ref();
        let gone = expected.and_then(|expected| expected.until).map(|at| Due {
            at,
            act: |session, _, actions| {
                session.visitor.expected = None;
                actions.push(Action::Expect(None));
            },
        });
        [offer, gone]
    }
}
