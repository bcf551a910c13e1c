//! The scenes: what is on the screen, and what a press, a moment or a fault means there.
//!
//! Guarantees: what differs from scene to scene stands in the scene's own file; what holds for all
//! (faults first, what a press is) stands in `presses`, `deadlines` and `faults`. A new scene is a
//! file and its lines here; the compiler asks for the rest.

mod attract;
mod code;
mod consent;
mod erased;
mod erasing;
mod interrupted;
mod intro;
mod menu;
mod over;
mod paused;
mod resume;
mod running;
mod thanks;
mod withdraw;

pub(super) use attract::Attract;
pub(super) use code::Code;
pub(super) use consent::Consent;
pub(super) use erased::Erased;
pub(super) use erasing::Erasing;
pub(super) use interrupted::Interrupted;
pub(super) use intro::Intro;
pub(super) use menu::Menu;
pub(super) use over::Over;
pub(super) use paused::Paused;
pub(super) use resume::Resume;
pub(super) use running::Running;
pub(super) use thanks::Thanks;
pub(super) use withdraw::Withdraw;

use std::sync::Arc;

use super::Session;
use super::event::{Action, NoLine};
use super::view::View;
use crate::lang::Lang;
use crate::words::{CaptureFrame, FaultKind, ScreenName};

/// How long consent and code wait for a press at most, milliseconds.
const ASKING_MS: u32 = 60_000;

/// Where the session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Attract(Attract),
    Resume(Resume),
    Menu(Menu),
    Consent(Consent),
    Code(Code),
    Intro(Intro),
    Running(Running),
    Paused(Paused),
    Interrupted(Interrupted),
    Over(Over),
    Withdraw(Withdraw),
    Thanks(Thanks),
    Erasing(Erasing),
    Erased(Erased),
}

impl State {
    pub(super) fn scene(&self) -> &dyn Scene {
        match self {
            State::Attract(scene) => scene,
            State::Resume(scene) => scene,
            State::Menu(scene) => scene,
            State::Consent(scene) => scene,
            State::Code(scene) => scene,
            State::Intro(scene) => scene,
            State::Running(scene) => scene,
            State::Paused(scene) => scene,
            State::Interrupted(scene) => scene,
            State::Over(scene) => scene,
            State::Withdraw(scene) => scene,
            State::Thanks(scene) => scene,
            State::Erasing(scene) => scene,
            State::Erased(scene) => scene,
        }
    }
}

/// How far a visit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No visitor is here.
    Waiting,
    /// Somebody is asked for consent: no session is open yet.
    Asking,
    /// A visitor is in a session.
    Visiting,
    /// The session is over, and its last takes go to the disk.
    Parting,
    /// The session is erased, or about to be.
    Erasing,
}

impl Stage {
    /// Whether no session is open: no visitor is here, or none has consented yet.
    pub(super) fn is_vacant(self) -> bool {
        match self {
            Stage::Waiting | Stage::Asking => true,
            Stage::Visiting | Stage::Parting | Stage::Erasing => false,
        }
    }

    /// Whether no one is here who could answer a fault.
    pub(super) fn is_unattended(self) -> bool {
        match self {
            Stage::Visiting => false,
            Stage::Waiting | Stage::Asking | Stage::Parting | Stage::Erasing => true,
        }
    }
}

/// What the rules for all scenes go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) stage: Stage,
    /// The visitor may have left: it ends when no press comes for the scene's patience.
    pub(super) abandonable: bool,
}

/// Something that happens by itself.
pub(super) struct Due {
    /// When.
    pub(super) at: CaptureFrame,
    /// What; at that frame.
    pub(super) act: fn(&mut Session, CaptureFrame, &mut Vec<Action>),
}

/// A button that was released, or that is held long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Press {
    /// When it went down.
    pub(super) since: CaptureFrame,
    /// When it was released, or held long enough.
    pub(super) at: CaptureFrame,
}

impl Press {
    /// Down and up at once.
    pub(super) fn short(at: CaptureFrame) -> Press {
        Press { since: at, at }
    }
}

/// What a scene says. First what each has to say, then what only some do. All happens at `frame`.
pub(super) trait Scene {
    /// The screen's name, unless a fault is shown.
    fn name(&self, session: &Session) -> ScreenName;

    fn facts(&self, session: &Session) -> Facts;

    fn view(&self, session: &Session, frame: CaptureFrame, words: &Lang) -> View;

    /// After how many frames without a press the visitor must have left, where that can be.
    fn patience(&self, session: &Session) -> u64 {
        session.idle()
    }

    /// `go` went down.
    fn go(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>);

    /// What happens by itself; of two at once the first.
    fn deadlines(&self, _: &Session) -> [Option<Due>; 2] {
        [None, None]
    }

    /// `pause` went down.
    fn pause(&self, _: &mut Session, _frame: CaptureFrame, _: &mut Vec<Action>) {}

    /// `redo` was released.
    fn redo(&self, _: &mut Session, _: Press, _: &mut Vec<Action>) {}

    /// `redo` was held long enough.
    fn held_redo(&self, session: &mut Session, press: Press, actions: &mut Vec<Action>) {
        self.redo(session, press, actions);
    }

    /// `stop` was released: a visitor's session ends, with its take at the press.
    fn stop(&self, session: &mut Session, press: Press, actions: &mut Vec<Action>) {
        session.stop(press, actions);
    }

    /// `stop` was held long enough.
    fn held_stop(&self, session: &mut Session, press: Press, actions: &mut Vec<Action>) {
        self.stop(session, press, actions);
    }

    /// `go` was held long enough, where the scene asked for that.
    fn held_go(&self, _: &mut Session, _frame: CaptureFrame, _: &mut Vec<Action>) {}

    /// Whether all buttons, held long enough, open the keeper's menu.
    fn opens_menu(&self) -> bool {
        false
    }

    /// No press will come any more: what waits for one goes on.
    fn hurry(&self, _: &mut Session, _frame: CaptureFrame) {}

    /// The program ends.
    fn shutdown(&self, _: &mut Session, _frame: CaptureFrame, _: &mut Vec<Action>) {}

    /// It is entered again: nothing is to be erased.
    fn shown_again(&self, _: &mut Session, _frame: CaptureFrame) {}

    /// A fault began.
    fn fault(&self, _: &mut Session, _: FaultKind, _frame: CaptureFrame, _: &mut Vec<Action>) {}

    /// The last fault ended.
    fn healed(&self, _: &mut Session, _frame: CaptureFrame, _: &mut Vec<Action>) {}

    /// Whether it asks for lines ahead, in a step that reads.
    fn wants_lines(&self) -> bool {
        false
    }

    /// Whether it cannot do without a line, in a step that reads.
    fn needs_line(&self, _: &Session) -> bool {
        false
    }

    /// The text was replaced while it was read, and no line is left.
    fn text_replaced(
        &self,
        session: &mut Session,
        why: &NoLine,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        session.fault(FaultKind::Corpus, why.reason.clone(), frame, actions);
    }

    /// A line was read ahead, in a step that reads.
    fn line_came(&self, _: &mut Session, _frame: CaptureFrame, _: &mut Vec<Action>) {}

    /// Whether a take waits for the sphere to play or to fall silent.
    fn awaits_sphere(&self) -> bool {
        false
    }

    /// The sphere plays or is silent, as awaited; `faulty`: another fault came meanwhile.
    fn sphere_ready(
        &self,
        _: &mut Session,
        _faulty: bool,
        _frame: CaptureFrame,
        _: &mut Vec<Action>,
    ) {
    }

    /// The sphere is to be asked once more.
    fn retry_sphere(&self, _: &mut Session, _frame: CaptureFrame, _: &mut Vec<Action>) {}

    /// What was playing does so no more, and why.
    fn sphere_failed(
        &self,
        _: &mut Session,
        _: &Arc<str>,
        _frame: CaptureFrame,
        _: &mut Vec<Action>,
    ) {
    }

    /// What a visitor reads while the disk is away.
    fn disk_lost<'a>(&self, words: &'a Lang) -> &'a str {
        &words.disk_lost
    }
}

impl Session {
    /// Has the present scene do something.
    pub(super) fn act(&mut self, act: impl FnOnce(&dyn Scene, &mut Session)) {
        let state = self.state.clone();
        act(state.scene(), self);
    }

    pub(super) fn facts(&self) -> Facts {
        self.state.scene().facts(self)
    }
}
