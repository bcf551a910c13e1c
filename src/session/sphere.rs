//! What a step asks of the sphere: play before the take, silence after it, and what is done without.
//!
//! Guarantees: no take of a step with a cue runs before the sphere is known to roll, none of a step
//! without one before it is known to be silent, unless a visitor goes on without; every way out of a
//! step silences it. What fails is tried again by the sphere's thread: the step goes on as soon as it
//! answers, from where it stood.

use std::sync::Arc;

use super::Session;
use super::event::Action;
use super::protocol::Locate;
use super::scene::{Intro, Paused, State};
use crate::sphere::Start;
use crate::words::{CaptureFrame, FaultKind, Note, SphereVerb};

/// What the session asked of the sphere, and where in its track the step stands.
#[derive(Debug, Default)]
pub(super) struct Sounds {
    /// How often it was asked to play: the number of the last request.
    plays: u32,
    asked: Asked,
    /// The step's takes are made while its track plays.
    with_track: bool,
    /// The step's start in its track, seconds.
    start_s: Option<f64>,
    /// The press that goes on after a pause, if one does.
    resumed_by: Option<CaptureFrame>,
    /// When the step stood still last.
    stood_at: CaptureFrame,
    /// Positions drawn.
    draws: u64,
}

/// What was asked of the sphere last, for which a take waits.
#[derive(Debug, Default)]
enum Asked {
    /// To be silent, which it is; or nothing ever.
    #[default]
    Silent,
    /// To be silent, by whatever ran here before too: not known yet, and why if that was said.
    Silencing(Option<Arc<str>>),
    /// To play, by the last request.
    Playing,
}

impl Sounds {
    /// At the program's start. What played before it may play on, if this box ever plays.
    pub(super) fn new(plays: bool) -> Sounds {
        let asked = if plays {
            Asked::Silencing(None)
        } else {
            Asked::Silent
        };
        Sounds {
            asked,
            ..Sounds::default()
        }
    }

    fn is_playing(&self) -> bool {
        matches!(self.asked, Asked::Playing)
    }

    /// Whether an answer is one to what was asked last.
    fn answers(&self, play: u32) -> bool {
        self.is_playing() && play == self.plays
    }
}

impl Session {
    /// The track that the step asks for, whether it plays or not.
    pub(super) fn track_wanted(&self) -> Option<Arc<str>> {
        let cue = self.plan().sphere.as_ref();
        cue.map(|cue| cue.track.as_str().into())
    }

    /// The track that a take is made with.
    pub(super) fn track_playing(&self) -> Option<Arc<str>> {
        self.track_wanted().filter(|_| self.sounds.with_track)
    }

    /// A step is entered: nothing plays for it yet.
    pub(super) fn forget_cue(&mut self) {
        self.sounds.start_s = None;
        self.sounds.with_track = false;
    }

    /// The step that a crash cut began at this second of its track, if it had begun.
    pub(super) fn remember_cue(&mut self, start_s: Option<f64>) {
        self.sounds.start_s = start_s;
    }

    /// `go` on the intro, down at `pressed`: the sphere first, then the step.
    pub(super) fn start_step(
        &mut self,
        pressed: CaptureFrame,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        let Some(cue) = self.plan().sphere.clone() else {
            return self.start_in_silence(pressed, frame, actions);
        };
        if !self.rules.sphere {
            self.note_sphere(SphereVerb::Without, None, frame, actions);
            return self.run_step(frame, Some(pressed), actions);
        }
        let used_s = self.steps.timer.used_at(frame) as f64 / f64::from(self.rules.rate);
        let drawn = self.sounds.start_s;
        let start_s = drawn.unwrap_or_else(|| match cue.locate {
            Locate::At(seconds) => seconds,
            Locate::Random => {
                let length_s = cue.length_s.unwrap_or_default();
                self.draw() * (length_s - f64::from(self.plan().seconds)).max(0.0)
            }
        });
        self.sounds.start_s = Some(start_s);
        self.prepare(pressed);
        // A step that a crash cut goes on in its track as in its time.
        self.play(Start::Second(start_s + used_s), frame, actions);
    }

    /// A step without a cue: what was stopped must be silent.
    fn start_in_silence(
        &mut self,
        pressed: CaptureFrame,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        let reason = match &self.sounds.asked {
            Asked::Silent => return self.run_step(frame, Some(pressed), actions),
            Asked::Silencing(reason) => reason.clone(),
            Asked::Playing => None,
        };
        self.prepare(pressed);
        if let Some(reason) = reason {
            self.fault(FaultKind::Sphere, reason, frame, actions);
        }
    }

    fn play(&mut self, start: Start<CaptureFrame>, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let Some(cue) = self.plan().sphere.as_ref() else {
            return;
        };
        let (track, silent_s) = (cue.track.as_str().into(), cue.silent_start_s);
        let position = match start {
            Start::Second(seconds) => Some(seconds),
            Start::Stood(_) => None,
        };
        self.note_sphere(SphereVerb::Play, position, frame, actions);
        let sounds = &mut self.sounds;
        sounds.plays += 1;
        sounds.asked = Asked::Playing;
        actions.push(Action::Play {
            play: sounds.plays,
            track,
            start,
            rest: self.steps.timer.left_at(frame),
            silent_s,
        });
    }

    fn note_sphere(
        &self,
        verb: SphereVerb,
        position: Option<f64>,
        frame: CaptureFrame,
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

    /// The step begins, by the press at this frame, once the sphere is as it needs it.
    fn prepare(&mut self, pressed: CaptureFrame) {
        let pressed = Some(pressed);
        self.state = State::Intro(Intro {
            pressed,
            ..Intro::default()
        });
    }

    pub(super) fn waits_for_sphere(&self) -> bool {
        self.state.scene().awaits_sphere()
    }

    /// It rolls, as the request of this number asked.
    pub(super) fn rolling(&mut self, play: u32, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if self.sounds.answers(play) && self.waits_for_sphere() {
            self.sounds.with_track = true;
            self.cleared(FaultKind::Sphere, frame, actions);
            self.sphere_ready(frame, actions);
        }
    }

    /// It cannot do as the request of this number asked, or does so no more.
    pub(super) fn sphere_failed(
        &mut self,
        play: u32,
        reason: Arc<str>,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        if !self.sounds.answers(play) {
            return;
        }
        if self.waits_for_sphere() {
            self.fault(FaultKind::Sphere, reason, frame, actions);
        } else {
            self.act(|scene, session| scene.sphere_failed(session, &reason, frame, actions));
        }
    }

    /// It was asked to be silent, and is; or why that is not known.
    pub(super) fn silenced(
        &mut self,
        result: Result<(), Arc<str>>,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        if self.sounds.is_playing() {
            return;
        }
        self.sounds.asked = match &result {
            Ok(()) => Asked::Silent,
            Err(reason) => Asked::Silencing(Some(reason.clone())),
        };
        if !self.waits_for_sphere() || self.plan().sphere.is_some() {
            return;
        }
        match result {
            Err(reason) => self.fault(FaultKind::Sphere, reason, frame, actions),
            Ok(()) => {
                self.cleared(FaultKind::Sphere, frame, actions);
                self.sphere_ready(frame, actions);
            }
        }
    }

    fn sphere_ready(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        // Another fault came meanwhile: a press goes on once it is over.
        let faulty = !self.faults.is_empty();
        if faulty {
            self.silence(frame, actions);
        }
        self.act(|scene, session| scene.sphere_ready(session, faulty, frame, actions));
    }

    /// The visitor goes on although the sphere cannot be had; recorded as such.
    pub(super) fn go_without_sphere(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if !self.waits_for_sphere() {
            return;
        }
        self.note_sphere(SphereVerb::Without, None, frame, actions);
        self.sounds.with_track = false;
        self.sounds.resumed_by = Some(frame);
        if self.sounds.is_playing() {
            // It must not begin in the middle of a take when it comes back.
            self.sounds.asked = Asked::Silencing(None);
            actions.push(Action::Silence);
        }
        self.sphere_ready(frame, actions);
    }

    /// The press that goes on after a pause, if one does.
    pub(super) fn resumed_by(&self) -> Option<CaptureFrame> {
        self.sounds.resumed_by
    }

    /// The step stands from `frame` on; that is where its track goes on.
    pub(super) fn stood(&mut self, frame: CaptureFrame) {
        self.sounds.stood_at = frame;
    }

    /// Whatever plays, or is about to, falls silent.
    pub(super) fn silence(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if self.sounds.is_playing() {
            self.sounds.asked = Asked::Silencing(None);
            self.note_sphere(SphereVerb::Stop, None, frame, actions);
            actions.push(Action::Silence);
        }
    }

    /// After a pause, by the press at `pressed` if there was one: the sphere first, then the step.
    pub(super) fn resume(
        &mut self,
        pressed: Option<CaptureFrame>,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        if !self.sounds.with_track {
            return self.go_on_after_pause(frame, pressed, actions);
        }
        self.state = State::Paused(Paused { resuming: true });
        self.play_on(pressed, frame, actions);
    }

    pub(super) fn play_on(
        &mut self,
        pressed: Option<CaptureFrame>,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        self.sounds.resumed_by = pressed;
        self.play(Start::Stood(self.sounds.stood_at), frame, actions);
    }

    /// The step's time stands, and so does what the sphere plays or is about to.
    pub(super) fn stop_cue(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if self.steps.timer.is_running() {
            self.steps.timer.pause(frame);
        }
        self.silence(frame, actions);
    }
}
