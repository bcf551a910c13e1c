//! The device is gone: the running take goes on in silence for its grace, then ends. The step goes
//! on by itself once no fault is left.

use super::{Due, Facts, Paused, Press, Scene, Stage};
use crate::lang::Lang;
use crate::session::Session;
use crate::session::event::Action;
use crate::session::view::View;
use crate::words::{CaptureFrame, ScreenName, Verdict};

/// The device is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Interrupted {
    grace_until: CaptureFrame,
}

impl Interrupted {
    pub(super) fn from(session: &Session, frame: CaptureFrame) -> Interrupted {
        let grace = u64::from(session.rules.device_grace_s) * u64::from(session.rules.rate);
        Interrupted {
            grace_until: frame + grace,
        }
    }
}

impl Scene for Interrupted {
    fn name(&self, _: &Session) -> ScreenName {
        ScreenName::Paused
    }

    fn facts(&self, _: &Session) -> Facts {
        Facts {
            stage: Stage::Visiting,
            abandonable: true,
        }
    }

    fn view(&self, _: &Session, _: CaptureFrame, words: &Lang) -> View {
        View::message(&words.paused_title, &words.paused_text, &words.paused_hint)
    }

    /// The fault is on the screen: a press is met there.
    fn go(&self, _: &mut Session, _: CaptureFrame, _: &mut Vec<Action>) {}

    fn held_stop(&self, session: &mut Session, press: Press, actions: &mut Vec<Action>) {
        Paused::default().held_stop(session, press, actions);
    }

    fn deadlines(&self, session: &Session) -> [Option<Due>; 2] {
        let grace = session.takes.open.as_ref().map(|_| Due {
            at: self.grace_until,
            act: |session, frame, actions| {
                session.cut_take(Verdict::Aborted, frame, None, actions);
            },
        });
        [grace, None]
    }

    fn healed(&self, session: &mut Session, frame: CaptureFrame, actions: &mut Vec<Action>) {
        session.resume(None, frame, actions);
    }
}
