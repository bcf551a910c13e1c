//! The consent text, page by page.
//!
//! Guarantees: until `go` is held on the last page nothing is opened, and what is recorded later
//! reaches no further back than that.

use super::{ASKING_MS, Attract, Facts, Press, Scene, Stage, State};
use crate::lang::Lang;
use crate::screen::Body;
use crate::session::Session;
use crate::session::event::Action;
use crate::session::view::View;
use crate::words::{Button, CaptureFrame, ScreenName};

/// A page of the consent text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Consent {
    pub(in crate::session) page: usize,
}

impl Consent {
    fn is_last(&self, session: &Session) -> bool {
        self.page + 1 >= session.rules.pages.len()
    }
}

impl Scene for Consent {
    fn name(&self, _: &Session) -> ScreenName {
        ScreenName::Consent
    }

    fn facts(&self, _: &Session) -> Facts {
        Facts {
            stage: Stage::Asking,
            abandonable: true,
        }
    }

    /// A text that nobody leafs through has no reader.
    fn patience(&self, session: &Session) -> u64 {
        session.idle().min(session.frames(ASKING_MS))
    }

    fn view(&self, session: &Session, _: CaptureFrame, words: &Lang) -> View {
        let pages = &session.rules.pages;
        let title = format!("{}  {}/{}", words.consent_title, self.page + 1, pages.len());
        let hint = if self.is_last(session) {
            &words.consent_hold
        } else {
            &words.consent_next
        };
        let text = pages[self.page].clone();
        View::of(&title, Body::Page { text }, hint)
    }

    /// The next page, or on the last the beginning of consent.
    fn go(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if self.is_last(session) {
            session.hold(Button::Go, frame, actions);
        } else {
            let page = self.page + 1;
            session.state = State::Consent(Consent { page });
        }
    }

    fn held_go(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if self.is_last(session) {
            session.open_session(frame, actions);
        }
    }

    /// A keeper's hand may come down with `go` first.
    fn opens_menu(&self) -> bool {
        self.page == 0
    }

    fn redo(&self, session: &mut Session, _: Press, _: &mut Vec<Action>) {
        let page = self.page.saturating_sub(1);
        session.state = State::Consent(Consent { page });
    }

    fn stop(&self, session: &mut Session, _: Press, _: &mut Vec<Action>) {
        session.state = State::Attract(Attract);
    }

    fn hurry(&self, session: &mut Session, _: CaptureFrame) {
        if session.hands.held.is_none() {
            session.state = State::Attract(Attract);
        }
    }

    fn shutdown(&self, session: &mut Session, _: CaptureFrame, _: &mut Vec<Action>) {
        session.state = State::Attract(Attract);
    }
}
