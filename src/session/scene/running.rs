//! The step runs: lines are read, the visitor keeps silent or speaks freely.

use std::sync::Arc;

use super::{Facts, Interrupted, Paused, Press, Scene, Stage, State};
use crate::config::Mode;
use crate::lang::Lang;
use crate::session::Session;
use crate::session::deadlines::Due;
use crate::session::event::Action;
use crate::session::protocol::StepKind;
use crate::session::view::View;
use crate::words::{FaultKind, ScreenName, Verdict};

/// The step's time runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Running;

impl Scene for Running {
    fn name(&self, session: &Session) -> ScreenName {
        match session.plan().kind {
            StepKind::Quiet => ScreenName::Quiet,
            StepKind::Read | StepKind::Free => ScreenName::Reading,
        }
    }

    /// Quiet and free steps have no presses to wait for: their timer ends them.
    fn facts(&self, session: &Session) -> Facts {
        Facts {
            stage: Stage::Visiting,
            abandonable: session.plan().kind.reads(),
        }
    }

    fn view(&self, session: &Session, words: &Lang) -> View {
        let mut view = match session.plan().kind {
            StepKind::Quiet => View::of("", &words.quiet_text, &words.quiet_hint),
            StepKind::Free => View::of("", session.step_text(), &words.reading_free),
            StepKind::Read => line(session, words),
        };
        // Nothing is lost yet, so the reading goes on.
        if session.faults.is_slow {
            view.hint = words.storage_slow.as_str().into();
        }
        view
    }

    fn go(&self, session: &mut Session, frame: u64, actions: &mut Vec<Action>) {
        match session.plan().kind {
            StepKind::Quiet => {}
            StepKind::Free => {
                session.end_take(Verdict::Kept, frame, Some(frame), actions);
                session.step_over(frame, actions);
            }
            StepKind::Read => session.next_line_or_take(frame, actions),
        }
    }

    fn pause(&self, session: &mut Session, frame: u64, actions: &mut Vec<Action>) {
        session.cut_take(Verdict::Paused, frame, Some(frame), actions);
        session.stand_still(frame, actions);
    }

    fn redo(&self, session: &mut Session, press: Press, frame: u64, actions: &mut Vec<Action>) {
        if press.long {
            session.skip(press.since, frame, actions);
        } else {
            session.redo(press.since, actions);
        }
    }

    fn stop(&self, session: &mut Session, press: Press, frame: u64, actions: &mut Vec<Action>) {
        if press.long {
            session.cut_take(Verdict::Aborted, press.since, Some(press.since), actions);
            session.stand_still(frame, actions);
            session.ask_to_erase(State::Paused(Paused::default()), frame);
        } else {
            session.stop(press, frame, actions);
        }
    }

    /// The step's time is up; a read take is too long, or a free one is cut.
    fn deadlines(&self, session: &Session) -> [Option<Due>; 2] {
        let end = session.steps.timer.ends_at().map(|at| Due {
            at,
            act: |session, frame, actions| {
                session.end_take(Verdict::Kept, frame, None, actions);
                session.step_over(frame, actions);
            },
        });
        let limit = session.take_limit().map(|at| Due {
            at,
            act: Session::limit_reached,
        });
        [end, limit]
    }

    fn fault(&self, session: &mut Session, kind: FaultKind, frame: u64, actions: &mut Vec<Action>) {
        match kind {
            FaultKind::Device => {
                session.stand_still(frame, actions);
                session.state = State::Interrupted(Interrupted::from(session, frame));
            }
            FaultKind::Disk
            | FaultKind::Storage
            | FaultKind::Full
            | FaultKind::Slow
            | FaultKind::Corpus
            | FaultKind::Sphere => {
                session.cut_take(Verdict::Aborted, frame, None, actions);
                session.stand_still(frame, actions);
            }
        }
    }

    fn needs_line(&self, session: &Session) -> bool {
        session.lines.shown.is_none()
    }

    fn line_came(&self, session: &mut Session, frame: u64, actions: &mut Vec<Action>) {
        if session.lines.shown.is_none() && session.takes.open.is_none() {
            session.show_next(frame, actions);
            if session.rules.take.mode == Mode::Auto {
                session.begin_take(frame, None, actions);
            }
        }
    }

    fn sphere_failed(
        &self,
        session: &mut Session,
        reason: &Arc<str>,
        frame: u64,
        actions: &mut Vec<Action>,
    ) {
        session.cut_take(Verdict::Aborted, frame, None, actions);
        session.halt(true, frame, actions);
        session.fault(FaultKind::Sphere, reason.clone(), frame, actions);
        session.play_on(None, frame, actions);
    }

    fn shows_time(&self) -> bool {
        true
    }
}

fn line(session: &Session, words: &Lang) -> View {
    let Some(shown) = &session.lines.shown else {
        return View::of("", &words.lines_coming, "");
    };
    let hint = match (session.rules.take.mode, session.takes.open.is_some()) {
        (_, false) if session.lines.are_taken() => &words.reading_next,
        (Mode::Auto, _) => &words.reading_auto,
        (Mode::Manual, true) => &words.reading_manual,
        (Mode::Manual, false) => &words.reading_waiting,
    };
    View {
        title: "".into(),
        text: shown.line.text.clone(),
        hint: hint.as_str().into(),
    }
}
