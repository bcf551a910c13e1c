//! The menu: which of the people who were enrolled comes next. A keeper opens it, by all buttons at
//! once; nothing says so to a visitor.
//!
//! Guarantees: it shows numbers, never who they are; it closes by itself, and the one who was chosen
//! and does not come is waited for no more.

use std::sync::Arc;

use super::{Attract, Due, Facts, Press, Scene, Stage, State};
use crate::lang::Lang;
use crate::session::Session;
use crate::session::event::{Action, Ask};
use crate::session::view::View;
use crate::session::visitor::Expected;
use crate::words::{CaptureFrame, ScreenName};

/// How long it stays without a press, milliseconds.
const ANSWER_MS: u32 = 30_000;
/// How long all buttons are held to open it, and the only button of a box that has one, milliseconds.
const HOLD_MS: u32 = 10_000;
const HOLD_ONE_MS: u32 = 20_000;

/// The people who were enrolled, one of them on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Menu {
    pub(in crate::session) at: usize,
    /// By number; empty until the clerk has answered.
    people: Vec<Arc<str>>,
}

impl Session {
    /// When all buttons were held long enough to open it, if they are down.
    pub(in crate::session) fn menu_due(&self) -> Option<Due> {
        let buttons = &self.rules.buttons;
        let hold_ms = if buttons.len() > 1 {
            HOLD_MS
        } else {
            HOLD_ONE_MS
        };
        let since = self.hands.all_down_since(buttons)?;
        Some(Due {
            at: since + self.frames(hold_ms),
            act: Session::open_menu,
        })
    }

    fn open_menu(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let (at, people) = (0, Vec::new());
        self.hands.held = None;
        self.hands.wait_from(frame);
        self.state = State::Menu(Menu { at, people });
        actions.push(Action::Ask(Ask::ListPending));
    }

    /// The people who are enrolled and have not come, by number.
    pub(in crate::session) fn list(&mut self, numbers: Vec<Arc<str>>) {
        if let State::Menu(menu) = &mut self.state {
            menu.people = numbers;
        }
    }
}

impl Scene for Menu {
    fn name(&self, _: &Session) -> ScreenName {
        ScreenName::Menu
    }

    fn facts(&self, _: &Session) -> Facts {
        Facts {
            stage: Stage::Waiting,
            abandonable: false,
        }
    }

    fn view(&self, _: &Session, _: CaptureFrame, words: &Lang) -> View {
        let Some(number) = self.people.get(self.at) else {
            return View::message(&words.menu_title, &words.menu_nobody, &words.menu_hint);
        };
        let (at, of) = (self.at + 1, self.people.len());
        let title = format!("{}  {at}/{of}", words.menu_title);
        View::message(&title, number, &words.menu_hint)
    }

    /// This one comes next.
    fn go(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let Some(number) = self.people.get(self.at).cloned() else {
            return;
        };
        actions.push(Action::Expect(Some(number.clone())));
        session.visitor.expected = Some(Expected {
            number,
            until: Some(frame + session.idle()),
        });
        session.state = State::Attract(Attract);
    }

    fn redo(&self, session: &mut Session, _: Press, _: &mut Vec<Action>) {
        let at = (self.at + 1) % self.people.len().max(1);
        let people = self.people.clone();
        session.state = State::Menu(Menu { at, people });
    }

    fn stop(&self, session: &mut Session, _: Press, _: &mut Vec<Action>) {
        session.state = State::Attract(Attract);
    }

    fn deadlines(&self, session: &Session) -> [Option<Due>; 2] {
        let due = Due {
            at: session.hands.last_press + session.frames(ANSWER_MS),
            act: |session, _, _| session.state = State::Attract(Attract),
        };
        [Some(due), None]
    }

    fn hurry(&self, session: &mut Session, _: CaptureFrame) {
        if session.hands.held.is_none() {
            session.state = State::Attract(Attract);
        }
    }
}
