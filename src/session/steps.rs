//! The protocol's steps: intro, run, pause, over, thanks.

use std::sync::Arc;

use super::event::Action;
use super::{Cue, OVER_MS, Session, State, Timer};
use crate::words::{By, Ended, Kind, Note, StepState, Verdict};

impl Session {
    pub(super) fn open_session(&mut self, frame: u64, actions: &mut Vec<Action>) {
        self.frame0 = frame as i64;
        self.earliest = frame;
        self.retaken = None;
        self.steps = self.steps_that_fit();
        self.takes = 0;
        self.version = 1;
        self.is_enrolled = self.expected.take().is_some();
        self.shows_code = !self.is_enrolled;
        actions.push(Action::Open);
        self.begin(frame, actions);
    }

    pub(super) fn enter_step(&mut self, step: usize, frame: u64, actions: &mut Vec<Action>) {
        self.step = step;
        self.version = 1;
        let frames = u64::from(self.plan().seconds) * u64::from(self.rules.rate);
        self.timer = Timer::new(frames);
        self.intro(frame, actions);
    }

    fn intro(&mut self, frame: u64, actions: &mut Vec<Action>) {
        self.state = State::Intro(Cue::Idle);
        // The step may want its lines in another sequence: what was read ahead is of no use.
        self.lines.clear();
        self.request += 1;
        self.wanted = false;
        self.shown = None;
        self.previous = None;
        self.forget_cue();
        self.last_press = self.last_press.max(frame);
        self.note_step(StepState::Intro, frame, actions);
    }

    fn note_step(&self, state: StepState, frame: u64, actions: &mut Vec<Action>) {
        let name: Arc<str> = self.plan().name.as_str().into();
        self.note(frame, Note::Step { name, state }, actions);
    }

    pub(super) fn run_step(&mut self, frame: u64, pressed: Option<u64>, actions: &mut Vec<Action>) {
        self.state = State::Running;
        self.last_press = self.last_press.max(frame);
        self.timer.run(frame);
        self.note_step(StepState::Run, frame, actions);
        self.start_takes(frame, pressed, actions);
    }

    fn start_takes(&mut self, frame: u64, pressed: Option<u64>, actions: &mut Vec<Action>) {
        let read = self.plan().kind == Kind::Read;
        if read && (self.shown.is_none() || self.taken()) {
            self.show_next(frame, actions);
        }
        if !read || self.rules.take.mode == crate::config::Mode::Auto {
            self.begin_take(frame, pressed, actions);
        }
    }

    pub(super) fn pause(&mut self, frame: u64, actions: &mut Vec<Action>) {
        self.cut_take(Verdict::Paused, frame, Some(frame), actions);
        self.stand_still(frame, actions);
    }

    /// Timer and sphere stand; the screen is `paused` until a press.
    pub(super) fn stand_still(&mut self, frame: u64, actions: &mut Vec<Action>) {
        self.halt(false, frame, actions);
        self.silence(frame, actions);
    }

    /// The step's time stands, until a press or, `resuming`, until the sphere plays.
    pub(super) fn halt(&mut self, resuming: bool, frame: u64, actions: &mut Vec<Action>) {
        self.timer.pause(frame);
        self.stood(frame);
        self.state = State::Paused { resuming };
        self.note_step(StepState::Pause, frame, actions);
    }

    pub(super) fn go_on_after_pause(
        &mut self,
        frame: u64,
        pressed: Option<u64>,
        actions: &mut Vec<Action>,
    ) {
        self.state = State::Running;
        self.last_press = self.last_press.max(frame);
        self.timer.run(frame);
        self.note_step(StepState::Resume, frame, actions);
        if self.open.is_some() {
            return;
        }
        if let Some(shown) = &mut self.shown {
            shown.frame = frame;
        }
        self.start_takes(frame, pressed, actions);
    }

    /// `redo` in a step without lines: its time begins anew.
    pub(super) fn restart_step(&mut self, frame: u64, actions: &mut Vec<Action>) {
        self.version += 1;
        self.timer.pause(frame);
        self.timer.reset();
        self.silence(frame, actions);
        self.note_step(StepState::Reset, frame, actions);
        self.intro(frame, actions);
    }

    pub(super) fn step_over(&mut self, frame: u64, actions: &mut Vec<Action>) {
        self.timer.pause(frame);
        self.silence(frame, actions);
        self.note_step(StepState::Over, frame, actions);
        self.held = None;
        let until = frame + self.frames(OVER_MS);
        self.state = State::Over { until };
    }

    pub(super) fn end_session(&mut self, ended: Ended, frame: u64, actions: &mut Vec<Action>) {
        if self.is_erased(ended) {
            let unwatched = ended == Ended::Idle;
            return self.forget(By::Abandoned, unwatched, frame, actions);
        }
        self.stop_cue(frame, actions);
        self.held = None;
        let millis = match ended {
            Ended::Idle => 0,
            _ => self.thanks_ms(),
        };
        let until = frame + self.frames(millis);
        self.state = State::Thanks { until, ended };
        self.clear_answerable(frame, actions);
    }

    /// From `over` to the next step or to `thanks`, from `thanks` to `attract`.
    pub(super) fn move_on(&mut self, frame: u64, actions: &mut Vec<Action>) {
        match self.state {
            State::Over { .. } if self.step + 1 < self.steps => {
                self.enter_step(self.step + 1, frame, actions);
            }
            State::Over { .. } => self.end_session(Ended::Completed, frame, actions),
            State::Thanks { ended, .. } => {
                actions.push(Action::Close(ended));
                self.state = State::Attract;
                self.leave();
                self.clear_answerable(frame, actions);
            }
            State::Erased { .. } => self.state = State::Attract,
            _ => {}
        }
    }
}
