//! A visitor who takes their voice back at the box: whether everything is to be erased.
//!
//! Guarantees: the session stands while the question is put; one that is not answered erases nothing.

use super::{Due, Facts, Press, Scene, Stage, State};
use crate::lang::Lang;
use crate::session::Session;
use crate::session::event::Action;
use crate::session::view::View;
use crate::words::{Button, By, CaptureFrame, ScreenName};

/// How long the question waits for a press, milliseconds.
const ANSWER_MS: u32 = 30_000;

/// The question; `back` is where the session stands meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Withdraw {
    since: CaptureFrame,
    back: Box<State>,
}

impl Withdraw {
    /// Nothing is erased: the session stands where it stood.
    fn keep_on(&self, session: &mut Session, frame: CaptureFrame) {
        session.hands.held = None;
        session.hands.wait_from(frame);
        session.state = (*self.back).clone();
        session.act(|scene, session| scene.shown_again(session, frame));
    }
}

impl Session {
    /// `stop` was held long enough and everything stands: the question is put, over `back`.
    pub(in crate::session) fn ask_to_erase(&mut self, back: State, frame: CaptureFrame) {
        self.state = State::Withdraw(Withdraw {
            since: frame,
            back: Box::new(back),
        });
    }
}

impl Scene for Withdraw {
    fn name(&self, _: &Session) -> ScreenName {
        ScreenName::Withdraw
    }

    fn facts(&self, _: &Session) -> Facts {
        Facts {
            stage: Stage::Visiting,
            abandonable: false,
        }
    }

    fn view(&self, _: &Session, _: CaptureFrame, words: &Lang) -> View {
        View::message(
            &words.withdraw_title,
            &words.withdraw_text,
            &words.withdraw_hint,
        )
    }

    fn go(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        session.hold(Button::Go, frame, actions);
    }

    fn held_go(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        session.forget(By::Visitor, false, frame, actions);
    }

    fn redo(&self, session: &mut Session, press: Press, _: &mut Vec<Action>) {
        self.keep_on(session, press.at);
    }

    fn stop(&self, session: &mut Session, press: Press, _: &mut Vec<Action>) {
        self.keep_on(session, press.at);
    }

    fn deadlines(&self, session: &Session) -> [Option<Due>; 2] {
        let due = Due {
            at: session.hands.last_press.max(self.since) + session.frames(ANSWER_MS),
            act: |session, frame, actions| {
                session.act(|scene, session| scene.stop(session, Press::short(frame), actions));
            },
        };
        [Some(due), None]
    }

    fn shutdown(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.keep_on(session, frame);
        session.act(|scene, session| scene.shutdown(session, frame, actions));
    }
}
