//! The protocol's steps: entered, run, stopped, gone on with, over.

use std::sync::Arc;

use super::Session;
use super::clock::Clock;
use super::event::Action;
use super::scene::{Code, Intro, Over, Paused, Running, State};
use super::timer::Timer;
use crate::config::Mode;
use crate::words::{CaptureFrame, Note, StepState};

/// Where the session stands in the protocol.
#[derive(Debug)]
pub(super) struct Steps {
    /// The step it is in.
    pub(super) at: usize,
    /// How many it has: those of the protocol's that the disk has room for.
    pub(super) of: usize,
    /// The time of the step it is in.
    pub(super) timer: Timer,
}

impl Default for Steps {
    fn default() -> Steps {
        Steps {
            at: 0,
            of: 0,
            timer: Timer::new(0),
        }
    }
}

impl Session {
    pub(super) fn open_session(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.clock = Clock::at(frame);
        self.lines.begin();
        self.steps.of = self.steps_that_fit();
        self.takes.number = 0;
        self.visitor.comes();
        actions.push(Action::Open);
        if self.rules.pages.is_empty() || self.visitor.is_enrolled {
            self.enter_step(0, frame, actions);
        } else {
            Code::show(self, frame);
        }
    }

    pub(super) fn enter_step(
        &mut self,
        step: usize,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        self.steps.at = step;
        self.takes.version = 1;
        let frames = u64::from(self.plan().seconds) * u64::from(self.rules.rate);
        self.steps.timer = Timer::new(frames);
        self.intro(frame, actions);
    }

    fn intro(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.state = State::Intro(Intro::default());
        self.lines.restart();
        self.forget_cue();
        self.hands.wait_from(frame);
        self.note_step(StepState::Intro, frame, actions);
    }

    fn note_step(&self, state: StepState, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let name: Arc<str> = self.plan().name.as_str().into();
        self.note(frame, Note::Step { name, state }, actions);
    }

    pub(super) fn run_step(
        &mut self,
        frame: CaptureFrame,
        pressed: Option<CaptureFrame>,
        actions: &mut Vec<Action>,
    ) {
        self.run(StepState::Run, frame, actions);
        self.start_takes(frame, pressed, actions);
    }

    /// The step's time runs, for the first time or again.
    fn run(&mut self, state: StepState, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.state = State::Running(Running);
        self.hands.wait_from(frame);
        self.steps.timer.run(frame);
        self.note_step(state, frame, actions);
    }

    fn start_takes(
        &mut self,
        frame: CaptureFrame,
        pressed: Option<CaptureFrame>,
        actions: &mut Vec<Action>,
    ) {
        let read = self.plan().kind.reads();
        if read && (self.lines.shown.is_none() || self.lines.are_taken()) {
            self.show_next(frame, actions);
        }
        if !read || self.rules.take.mode == Mode::Auto {
            self.begin_take(frame, pressed, actions);
        }
    }

    /// Timer and sphere stand; the screen is `paused` until a press.
    pub(super) fn stand_still(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.halt(false, frame, actions);
        self.silence(frame, actions);
    }

    /// The step's time stands, until a press or, `resuming`, until the sphere plays.
    pub(super) fn halt(&mut self, resuming: bool, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.steps.timer.pause(frame);
        self.stood(frame);
        self.state = State::Paused(Paused { resuming });
        self.note_step(StepState::Pause, frame, actions);
    }

    pub(super) fn go_on_after_pause(
        &mut self,
        frame: CaptureFrame,
        pressed: Option<CaptureFrame>,
        actions: &mut Vec<Action>,
    ) {
        self.run(StepState::Resume, frame, actions);
        if self.takes.open.is_some() {
            return;
        }
        self.lines.show_at(frame);
        self.start_takes(frame, pressed, actions);
    }

    /// `redo` in a step without lines: its time begins anew.
    pub(super) fn restart_step(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.takes.version += 1;
        self.steps.timer.pause(frame);
        self.steps.timer.reset();
        self.silence(frame, actions);
        self.note_step(StepState::Reset, frame, actions);
        self.intro(frame, actions);
    }

    pub(super) fn step_over(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.steps.timer.pause(frame);
        self.silence(frame, actions);
        self.note_step(StepState::Over, frame, actions);
        self.hands.held = None;
        Over::show(self, frame);
    }
}
