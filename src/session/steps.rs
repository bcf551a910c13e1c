//! The protocol's steps: intro, run, pause, over, thanks; and what the sphere must do for them.

use std::sync::Arc;

use super::event::{Action, By};
use super::protocol::Locate;
use super::{Cue, OVER_MS, Session, State, Timer};
use crate::store::events::{FaultKind, Note};
use crate::store::folder::Ended;
use crate::store::row::{Kind, SphereAt, Verdict};

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
        self.sphere_at = None;
        self.last_press = self.last_press.max(frame);
        self.note_step("intro", frame, actions);
    }

    fn note_step(&self, state: &'static str, frame: u64, actions: &mut Vec<Action>) {
        let name: Arc<str> = self.plan().name.as_str().into();
        self.note(frame, Note::Step { name, state }, actions);
    }

    /// `go` on the intro: the sphere first, then the step.
    pub(super) fn start_step(&mut self, frame: u64, actions: &mut Vec<Action>) {
        if self.plan().kind == Kind::Read && self.lines.is_empty() {
            return;
        }
        let Some(cue) = self.plan().sphere.clone() else {
            return self.run_step(frame, Some(frame), actions);
        };
        let track: Arc<str> = cue.track.as_str().into();
        if !self.rules.sphere {
            let note = Note::Sphere {
                verb: "none",
                track,
                position: None,
            };
            self.note(frame, note, actions);
            return self.run_step(frame, Some(frame), actions);
        }
        let locate_s = match cue.locate {
            Locate::At(seconds) => seconds,
            Locate::Random => {
                let length_s = cue.length_s.unwrap_or_default();
                self.draw() * (length_s - f64::from(self.plan().seconds)).max(0.0)
            }
        };
        self.state = State::Intro(Cue::Preparing { pressed: frame });
        let note = Note::Sphere {
            verb: "play",
            track: track.clone(),
            position: Some(locate_s),
        };
        self.note(frame, note, actions);
        actions.push(Action::Play {
            track,
            locate_s: Some(locate_s),
            rest: self.timer.left_at(frame),
        });
    }

    /// Uniform in 0..1, drawn from the seed (splitmix64, Steele et al. 2014).
    fn draw(&mut self) -> f64 {
        self.sphere_draws += 1;
        let mut z = self
            .rules
            .seed
            .wrapping_add(self.sphere_draws.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(super) fn rolling(
        &mut self,
        result: Result<SphereAt, Arc<str>>,
        frame: u64,
        actions: &mut Vec<Action>,
    ) {
        let waits = matches!(
            self.state,
            State::Intro(Cue::Preparing { .. }) | State::Paused { resuming: true }
        );
        match result {
            Ok(_) if !waits || !self.faults.is_empty() => {
                self.silence(frame, actions);
                self.sphere_ready(frame, actions);
            }
            Ok(at) => {
                self.sphere_at = Some(SphereAt {
                    at_frame: self.in_session(at.at_frame),
                    ..at
                });
                self.sphere_ready(frame, actions);
            }
            Err(_) if !waits => {}
            Err(text) => self.fault(FaultKind::Sphere, text, frame, actions),
        }
    }

    fn sphere_ready(&mut self, frame: u64, actions: &mut Vec<Action>) {
        // Another fault came meanwhile: a press goes on once it is over.
        let faulty = !self.faults.is_empty();
        match self.state {
            State::Intro(_) if faulty => self.state = State::Intro(Cue::Idle),
            State::Paused { .. } if faulty => self.state = State::Paused { resuming: false },
            State::Intro(Cue::Preparing { pressed }) => {
                self.run_step(frame, Some(pressed), actions);
            }
            State::Paused { resuming: true } => self.go_on_after_pause(frame, actions),
            _ => {}
        }
    }

    /// The visitor goes on although the sphere cannot be had; recorded as such.
    pub(super) fn go_without_sphere(&mut self, frame: u64, actions: &mut Vec<Action>) {
        if let Some(cue) = &self.plan().sphere {
            let track = cue.track.as_str().into();
            self.note(
                frame,
                Note::Sphere {
                    verb: "none",
                    track,
                    position: None,
                },
                actions,
            );
        }
        self.sphere_at = None;
        self.sphere_ready(frame, actions);
    }

    pub(super) fn retry_sphere(&mut self, frame: u64, actions: &mut Vec<Action>) {
        match self.state {
            State::Intro(Cue::Preparing { .. }) => {
                self.state = State::Intro(Cue::Idle);
                self.start_step(frame, actions);
            }
            State::Paused { resuming: true } => self.resume(frame, actions),
            _ => {}
        }
    }

    fn run_step(&mut self, frame: u64, pressed: Option<u64>, actions: &mut Vec<Action>) {
        self.state = State::Running;
        self.last_press = self.last_press.max(frame);
        self.timer.run(frame);
        self.note_step("run", frame, actions);
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
        self.timer.pause(frame);
        self.state = State::Paused { resuming: false };
        self.note_step("pause", frame, actions);
        self.silence(frame, actions);
    }

    fn silence(&mut self, frame: u64, actions: &mut Vec<Action>) {
        let Some(cue) = self.plan().sphere.as_ref().filter(|_| self.rules.sphere) else {
            return;
        };
        let track = cue.track.as_str().into();
        self.note(
            frame,
            Note::Sphere {
                verb: "stop",
                track,
                position: None,
            },
            actions,
        );
        actions.push(Action::Silence);
    }

    pub(super) fn resume(&mut self, frame: u64, actions: &mut Vec<Action>) {
        let track = self.sphere_at.as_ref().map(|at| at.track.as_str().into());
        let Some(track) = track else {
            return self.go_on_after_pause(frame, actions);
        };
        self.state = State::Paused { resuming: true };
        let track: Arc<str> = track;
        let note = Note::Sphere {
            verb: "play",
            track: track.clone(),
            position: None,
        };
        self.note(frame, note, actions);
        actions.push(Action::Play {
            track,
            locate_s: None,
            rest: self.timer.left_at(frame),
        });
    }

    fn go_on_after_pause(&mut self, frame: u64, actions: &mut Vec<Action>) {
        self.state = State::Running;
        self.last_press = self.last_press.max(frame);
        self.timer.run(frame);
        self.note_step("resume", frame, actions);
        if self.open.is_some() {
            return;
        }
        if let Some(shown) = &mut self.shown {
            shown.frame = frame;
        }
        self.start_takes(frame, Some(frame), actions);
    }

    /// `redo` in a step without lines: its time begins anew.
    pub(super) fn restart_step(&mut self, frame: u64, actions: &mut Vec<Action>) {
        self.version += 1;
        self.timer.pause(frame);
        self.timer.reset();
        self.silence(frame, actions);
        self.note_step("reset", frame, actions);
        self.intro(frame, actions);
    }

    pub(super) fn step_over(&mut self, frame: u64, actions: &mut Vec<Action>) {
        self.timer.pause(frame);
        self.silence(frame, actions);
        self.note_step("over", frame, actions);
        self.held = None;
        let until = frame + self.frames(OVER_MS);
        self.state = State::Over { until };
    }

    /// The step's time stands, and so does what the sphere plays or is about to.
    pub(super) fn stop_cue(&mut self, frame: u64, actions: &mut Vec<Action>) {
        if self.timer.is_running() {
            self.timer.pause(frame);
            self.silence(frame, actions);
        } else {
            self.silence_cue(frame, actions);
        }
    }

    /// Silences a sphere that is about to play.
    pub(super) fn silence_cue(&mut self, frame: u64, actions: &mut Vec<Action>) {
        if matches!(
            self.state,
            State::Intro(Cue::Preparing { .. }) | State::Paused { resuming: true }
        ) {
            self.silence(frame, actions);
        }
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
