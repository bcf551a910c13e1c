//! What a step asks of the sphere: play before the take, silence after it, and what is done without.
//!
//! Guarantees: no take of a step with a cue runs before the sphere is known to roll, none of a step
//! without one before it is known to be silent, unless a visitor goes on without; every way out of a
//! step silences it. What fails is tried again by the sphere's thread: the step goes on as soon as it
//! answers, from where it stood.

use std::sync::Arc;

use super::event::Action;
use super::protocol::Locate;
use super::{Cue, Session, State};
use crate::sphere::Start;
use crate::store::events::{FaultKind, Note};
use crate::store::row::Verdict;

/// What is known of the sphere, and wanted of it.
#[derive(Debug, Default)]
pub(super) struct Sounds {
    /// Number of the last request to play.
    play: u32,
    /// Whether it is to play now.
    wanted: bool,
    /// It was asked to play, by whatever ran here before too, and is not known to be silent since.
    sounding: bool,
    /// Why it cannot be silenced.
    unsilent: Option<Arc<str>>,
    /// The step's start in its track, seconds.
    start_s: Option<f64>,
    /// The track that plays during the step's takes.
    track: Option<Arc<str>>,
    /// The press that goes on after a pause, if one does.
    resumed_by: Option<u64>,
    /// When the step stood still last.
    stood_at: u64,
    /// Positions drawn.
    draws: u64,
}

impl Sounds {
    /// At the program's start. What played before it may play on, if this box ever plays.
    pub(super) fn new(plays: bool) -> Sounds {
        Sounds {
            sounding: plays,
            ..Sounds::default()
        }
    }
}

impl Session {
    /// The track that a take is made with.
    pub(super) fn track_playing(&self) -> Option<Arc<str>> {
        self.sounds.track.clone()
    }

    /// A step is entered: nothing plays for it yet.
    pub(super) fn forget_cue(&mut self) {
        self.sounds.start_s = None;
        self.sounds.track = None;
    }

    /// The step that a crash cut began at this second of its track, if it had begun.
    pub(super) fn remember_cue(&mut self, start_s: Option<f64>) {
        self.sounds.start_s = start_s;
    }

    /// `go` on the intro: the sphere first, then the step.
    pub(super) fn start_step(&mut self, frame: u64, actions: &mut Vec<Action>) {
        if self.plan().kind == crate::store::row::Kind::Read && self.lines.is_empty() {
            return;
        }
        let Some(cue) = self.plan().sphere.clone() else {
            return self.start_in_silence(frame, actions);
        };
        if !self.rules.sphere {
            self.note_sphere("none", None, frame, actions);
            return self.run_step(frame, Some(frame), actions);
        }
        let used_s = self.timer.used_at(frame) as f64 / f64::from(self.rules.rate);
        let drawn = self.sounds.start_s;
        let start_s = drawn.unwrap_or_else(|| match cue.locate {
            Locate::At(seconds) => seconds,
            Locate::Random => {
                let length_s = cue.length_s.unwrap_or_default();
                self.draw() * (length_s - f64::from(self.plan().seconds)).max(0.0)
            }
        });
        self.sounds.start_s = Some(start_s);
        self.state = State::Intro(Cue::Preparing { pressed: frame });
        // A step that a crash cut goes on in its track as in its time.
        self.play(Start::Second(start_s + used_s), frame, actions);
    }

    /// A step without a cue: what was stopped must be silent.
    fn start_in_silence(&mut self, frame: u64, actions: &mut Vec<Action>) {
        if !self.sounds.sounding {
            return self.run_step(frame, Some(frame), actions);
        }
        self.state = State::Intro(Cue::Preparing { pressed: frame });
        if let Some(reason) = self.sounds.unsilent.clone() {
            self.fault(FaultKind::Sphere, reason, frame, actions);
        }
    }

    fn play(&mut self, start: Start<u64>, frame: u64, actions: &mut Vec<Action>) {
        let Some(track) = self.plan().sphere.as_ref().map(|cue| cue.track.as_str()) else {
            return;
        };
        let track: Arc<str> = track.into();
        let position = match start {
            Start::Second(seconds) => Some(seconds),
            Start::Stood(_) => None,
        };
        self.note_sphere("play", position, frame, actions);
        let sounds = &mut self.sounds;
        sounds.play += 1;
        (sounds.wanted, sounds.sounding) = (true, true);
        actions.push(Action::Play {
            play: sounds.play,
            track,
            start,
            rest: self.timer.left_at(frame),
        });
    }

    fn note_sphere(
        &self,
        verb: &'static str,
        position: Option<f64>,
        frame: u64,
        actions: &mut Vec<Action>,
    ) {
        let cue = self.plan().sphere.as_ref();
        let note = Note::Sphere {
            verb,
            track: cue.map_or("", |cue| cue.track.as_str()).into(),
            position,
            uncertainty_frames: None,
        };
        self.note(frame, note, actions);
    }

    /// Uniform in 0..1, drawn from the seed (splitmix64, Steele et al. 2014).
    fn draw(&mut self) -> f64 {
        self.sounds.draws += 1;
        let step = self.sounds.draws.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut z = self.rules.seed.wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn waits_for_sphere(&self) -> bool {
        matches!(
            self.state,
            State::Intro(Cue::Preparing { .. }) | State::Paused { resuming: true }
        )
    }

    /// It rolls, as the request of this number asked.
    pub(super) fn rolling(&mut self, play: u32, frame: u64, actions: &mut Vec<Action>) {
        let is_wanted = self.sounds.wanted && play == self.sounds.play;
        if is_wanted && self.waits_for_sphere() {
            let cue = self.plan().sphere.as_ref();
            self.sounds.track = cue.map(|cue| cue.track.as_str().into());
            self.cleared(FaultKind::Sphere, frame, actions);
            self.sphere_ready(frame, actions);
        }
    }

    /// It cannot do as the request of this number asked, or does so no more.
    pub(super) fn sphere_failed(
        &mut self,
        play: u32,
        reason: Arc<str>,
        frame: u64,
        actions: &mut Vec<Action>,
    ) {
        if !self.sounds.wanted || play != self.sounds.play {
            return;
        }
        if self.state == State::Running {
            self.cut_take(Verdict::Aborted, frame, None, actions);
            self.halt(true, frame, actions);
            self.fault(FaultKind::Sphere, reason, frame, actions);
            self.play_on(None, frame, actions);
        } else if self.waits_for_sphere() {
            self.fault(FaultKind::Sphere, reason, frame, actions);
        }
    }

    /// It was asked to be silent, and is; or why that is not known.
    pub(super) fn silenced(
        &mut self,
        result: Result<(), Arc<str>>,
        frame: u64,
        actions: &mut Vec<Action>,
    ) {
        if self.sounds.wanted {
            return;
        }
        self.sounds.sounding = result.is_err();
        self.sounds.unsilent = result.err();
        let in_silence = self.waits_for_sphere() && self.plan().sphere.is_none();
        match self.sounds.unsilent.clone() {
            Some(reason) if in_silence => self.fault(FaultKind::Sphere, reason, frame, actions),
            None if in_silence => {
                self.cleared(FaultKind::Sphere, frame, actions);
                self.sphere_ready(frame, actions);
            }
            _ => {}
        }
    }

    fn sphere_ready(&mut self, frame: u64, actions: &mut Vec<Action>) {
        // Another fault came meanwhile: a press goes on once it is over.
        let faulty = !self.faults.is_empty();
        if faulty && self.waits_for_sphere() {
            self.silence(frame, actions);
        }
        match self.state {
            State::Intro(_) if faulty => self.state = State::Intro(Cue::Idle),
            State::Paused { .. } if faulty => self.state = State::Paused { resuming: false },
            State::Intro(Cue::Preparing { pressed }) => {
                self.run_step(frame, Some(pressed), actions);
            }
            State::Paused { resuming: true } => {
                let pressed = self.sounds.resumed_by;
                self.go_on_after_pause(frame, pressed, actions);
            }
            _ => {}
        }
    }

    /// The visitor goes on although the sphere cannot be had; recorded as such.
    pub(super) fn go_without_sphere(&mut self, frame: u64, actions: &mut Vec<Action>) {
        if !self.waits_for_sphere() {
            return;
        }
        self.note_sphere("none", None, frame, actions);
        self.sounds.track = None;
        self.sounds.resumed_by = Some(frame);
        if self.sounds.wanted {
            // It must not begin in the middle of a take when it comes back.
            self.sounds.wanted = false;
            actions.push(Action::Silence);
        }
        self.sphere_ready(frame, actions);
    }

    pub(super) fn retry_sphere(&mut self, frame: u64, actions: &mut Vec<Action>) {
        match self.state {
            State::Intro(Cue::Preparing { .. }) => self.start_step(frame, actions),
            State::Paused { resuming: true } => {
                let pressed = self.sounds.resumed_by;
                self.play_on(pressed, frame, actions);
            }
            _ => {}
        }
    }

    /// The step stands from `frame` on; that is where its track goes on.
    pub(super) fn stood(&mut self, frame: u64) {
        self.sounds.stood_at = frame;
    }

    /// Whatever plays, or is about to, falls silent.
    pub(super) fn silence(&mut self, frame: u64, actions: &mut Vec<Action>) {
        if std::mem::take(&mut self.sounds.wanted) {
            self.note_sphere("stop", None, frame, actions);
            actions.push(Action::Silence);
        }
    }

    /// After a pause, by the press at `pressed` if there was one: the sphere first, then the step.
    pub(super) fn resume(&mut self, pressed: Option<u64>, frame: u64, actions: &mut Vec<Action>) {
        if self.sounds.track.is_none() {
            return self.go_on_after_pause(frame, pressed, actions);
        }
        self.state = State::Paused { resuming: true };
        self.play_on(pressed, frame, actions);
    }

    fn play_on(&mut self, pressed: Option<u64>, frame: u64, actions: &mut Vec<Action>) {
        self.sounds.resumed_by = pressed;
        self.play(Start::Stood(self.sounds.stood_at), frame, actions);
    }

    /// The step's time stands, and so does what the sphere plays or is about to.
    pub(super) fn stop_cue(&mut self, frame: u64, actions: &mut Vec<Action>) {
        if self.timer.is_running() {
            self.timer.pause(frame);
        }
        self.silence(frame, actions);
    }
}
