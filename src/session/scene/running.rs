//! The step runs: lines are read, the visitor keeps silent or speaks freely.

use std::sync::Arc;

use super::{Due, Facts, Interrupted, Paused, Press, Scene, Stage, State};
use crate::config::Mode;
use crate::lang::Lang;
use crate::session::Session;
use crate::session::event::{Action, Ask, NoLine};
use crate::session::lines::Previous;
use crate::session::protocol::StepKind;
use crate::session::view::View;
use crate::words::{CaptureFrame, FaultKind, ScreenName, Verdict};

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

    fn view(&self, session: &Session, frame: CaptureFrame, words: &Lang) -> View {
        let (text, mut hint) = match session.plan().kind {
            StepKind::Quiet => (words.quiet_text.as_str().into(), &*words.quiet_hint),
            StepKind::Free => (session.step_text().into(), &*words.reading_free),
            StepKind::Read => line(session, words),
        };
        // Nothing is lost yet, so the reading goes on.
        if session.faults.is_slow {
            hint = &words.storage_slow;
        }
        View::of("", session.timed(text, frame), hint)
    }

    fn go(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        match session.plan().kind {
            StepKind::Quiet => {}
            StepKind::Free => {
                session.end_take(Verdict::Kept, frame, Some(frame), actions);
                session.step_over(frame, actions);
            }
            StepKind::Read => session.next_line_or_take(frame, actions),
        }
    }

    fn pause(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        session.cut_take(Verdict::Paused, frame, Some(frame), actions);
        session.stand_still(frame, actions);
    }

    fn redo(&self, session: &mut Session, press: Press, actions: &mut Vec<Action>) {
        session.redo(press.since, actions);
    }

    fn held_redo(&self, session: &mut Session, press: Press, actions: &mut Vec<Action>) {
        session.skip(press, actions);
    }

    fn held_stop(&self, session: &mut Session, press: Press, actions: &mut Vec<Action>) {
        session.cut_take(Verdict::Aborted, press.since, Some(press.since), actions);
        session.stand_still(press.at, actions);
        session.ask_to_erase(State::Paused(Paused::default()), press.at);
    }

    /// The step's time is up; a read take is too long, or a free one is cut.
    fn deadlines(&self, session: &Session) -> [Option<Due>; 2] {
        let end = session.steps.timer.ends_at().map(|at| Due {
            at,
            act: Session::time_is_up,
        });
        let limit = session.take_limit().map(|at| Due {
            at,
            act: Session::limit_reached,
        });
        [end, limit]
    }

    fn fault(
        &self,
        session: &mut Session,
        kind: FaultKind,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
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

    /// The step has no more lines: it is over, as at the end of its time.
    fn text_replaced(
        &self,
        session: &mut Session,
        _: &NoLine,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        session.step_over(frame, actions);
    }

    fn line_came(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
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
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        session.cut_take(Verdict::Aborted, frame, None, actions);
        session.halt(true, frame, actions);
        session.fault(FaultKind::Sphere, reason.clone(), frame, actions);
        session.play_on(None, frame, actions);
    }
}

/// The line to read, and what the buttons do.
fn line<'a>(session: &Session, words: &'a Lang) -> (Arc<str>, &'a str) {
    let Some(shown) = &session.lines.shown else {
        return (words.lines_coming.as_str().into(), "");
    };
    let hint = match (session.rules.take.mode, session.takes.open.is_some()) {
        (_, false) if session.hands.slowed_until.is_some() => &words.reading_slowly,
        (_, false) if session.lines.are_taken() => &words.reading_next,
        (Mode::Auto, true) => &words.reading_auto,
        (Mode::Manual, true) => &words.reading_manual,
        (Mode::Auto | Mode::Manual, false) => &words.reading_waiting,
    };
    (shown.line.text.clone(), hint)
}

impl Session {
    /// A line that is being read is cut, and comes first in the next step that reads.
    fn time_is_up(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let cut = self
            .lines
            .shown
            .clone()
            .filter(|_| self.takes.open.is_some());
        self.end_at_limit(frame, actions);
        if let Some(shown) = cut.filter(|shown| !shown.was_cut) {
            self.lines.first = Some(shown.line.number);
            self.lines.taken.insert(shown.line.number, shown.version);
        }
        self.step_over(frame, actions);
    }

    /// A read take is cut, and its line stays until the next press, which reads it once more; a free
    /// one goes on in the next file.
    fn limit_reached(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        match self.plan().kind {
            StepKind::Read => self.cut_reading(frame, actions),
            StepKind::Free => {
                self.end_at_limit(frame, actions);
                self.begin_take(frame, None, actions);
            }
            StepKind::Quiet => {}
        }
    }

    /// The line is read once more; one that is cut for a second time is done with here, and left for
    /// somebody else.
    fn cut_reading(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let take = self.takes.number;
        self.end_at_limit(frame, actions);
        let Some(shown) = self.lines.shown.clone() else {
            return;
        };
        if shown.was_cut {
            self.lines.previous = Some(Previous { take, shown });
        } else {
            self.lines.show_again(frame);
            if let Some(shown) = &mut self.lines.shown {
                shown.was_cut = true;
            }
        }
    }

    /// `go` in a step that reads.
    fn next_line_or_take(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let auto = self.rules.take.mode == Mode::Auto;
        if self.takes.open.is_some() {
            if !self.end_reading(frame, actions) {
                return;
            }
            self.show_next(frame, actions);
        } else if self.lines.are_taken() {
            self.show_next(frame, actions);
        }
        // In auto a press begins the next take; in manual only one on a line still to be read.
        if auto
            || (self.takes.open.is_none()
                && self.lines.shown.as_ref().is_some_and(|s| s.frame < frame))
        {
            self.begin_take(frame, Some(frame), actions);
        }
    }

    /// A short `redo`, pressed at `pressed`: the same line again, the old take kept on the disk.
    fn redo(&mut self, pressed: CaptureFrame, actions: &mut Vec<Action>) {
        self.trust_hasty(actions);
        if !self.plan().kind.reads() {
            self.end_take(Verdict::Redone, pressed, Some(pressed), actions);
            return self.restart_step(pressed, actions);
        }
        if self.takes.open.is_some() {
            self.end_take(Verdict::Redone, pressed, Some(pressed), actions);
            self.lines.show_again(pressed);
        } else if let Some(previous) = self.lines.previous.take() {
            actions.push(Action::Amend(previous.take, Verdict::Redone.into()));
            if let Some(fresh) = self.lines.shown.take()
                && fresh.line.ticket != previous.shown.line.ticket
            {
                self.lines.comes_again(fresh.line, fresh.version - 1);
            }
            self.lines.shown = Some(previous.shown);
            self.lines.show_again(pressed);
        } else if !self.lines.waits_to_be_read_again() {
            return;
        }
        if self.rules.take.mode == Mode::Auto {
            self.begin_take(pressed, Some(pressed), actions);
        }
    }

    /// A held `redo`: the next line, or the next step.
    fn skip(&mut self, press: Press, actions: &mut Vec<Action>) {
        let (pressed, frame) = (press.since, press.at);
        let had_take = self.takes.open.is_some();
        self.end_take(Verdict::Skipped, pressed, Some(pressed), actions);
        if !self.plan().kind.reads() {
            return self.step_over(frame, actions);
        }
        if let Some(shown) = &self.lines.shown
            && !had_take
            && !self.lines.are_taken()
        {
            actions.push(Action::Ask(Ask::LineDone(shown.line.ticket)));
        }
        self.lines.previous = None;
        self.show_next(frame, actions);
        if self.rules.take.mode == Mode::Auto {
            self.begin_take(frame, Some(pressed), actions);
        }
    }
}
