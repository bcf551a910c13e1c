//! The step's time stands, until a press; then until the sphere plays, where it did before.

use super::{Facts, Interrupted, Press, Scene, Stage, State};
use crate::lang::Lang;
use crate::session::Session;
use crate::session::event::Action;
use crate::session::view::View;
use crate::words::{CaptureFrame, FaultKind, ScreenName, Verdict};

/// The step stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::session) struct Paused {
    /// The sphere is asked to go on first.
    pub(in crate::session) resuming: bool,
}

impl Scene for Paused {
    fn name(&self, _: &Session) -> ScreenName {
        ScreenName::Paused
    }

    fn facts(&self, _: &Session) -> Facts {
        Facts {
            stage: Stage::Visiting,
            abandonable: true,
        }
    }

    fn view(&self, session: &Session, frame: CaptureFrame, words: &Lang) -> View {
        let body = session.timed(words.paused_text.as_str().into(), frame);
        View::of(&words.paused_title, body, &words.paused_hint)
    }

    fn go(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if !self.resuming {
            session.resume(Some(frame), frame, actions);
        }
    }

    fn pause(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.go(session, frame, actions);
    }

    fn held_stop(&self, session: &mut Session, press: Press, actions: &mut Vec<Action>) {
        session.cut_take(Verdict::Aborted, press.since, Some(press.since), actions);
        session.silence(press.at, actions);
        session.ask_to_erase(State::Paused(Paused::default()), press.at);
    }

    fn fault(
        &self,
        session: &mut Session,
        kind: FaultKind,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        match kind {
            FaultKind::Device if self.resuming => {
                session.silence(frame, actions);
                session.state = State::Interrupted(Interrupted::from(session, frame));
                // It is met anew once the device is back and the sphere is asked again.
                session.cleared(FaultKind::Sphere, frame, actions);
            }
            FaultKind::Device
            | FaultKind::Disk
            | FaultKind::Storage
            | FaultKind::Full
            | FaultKind::Slow
            | FaultKind::Corpus
            | FaultKind::Sphere => {}
        }
    }

    fn awaits_sphere(&self) -> bool {
        self.resuming
    }

    fn sphere_ready(
        &self,
        session: &mut Session,
        faulty: bool,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        if faulty {
            session.state = State::Paused(Paused::default());
        } else {
            let pressed = session.resumed_by();
            session.go_on_after_pause(frame, pressed, actions);
        }
    }

    fn retry_sphere(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let pressed = session.resumed_by();
        session.play_on(pressed, frame, actions);
    }
}
