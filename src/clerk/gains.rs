//! The mixer's controls, checked once a second and set back if something moved them.

use std::time::{Duration, Instant};

use super::Answer;
use crate::audio::mixer::{Held, Mixer};
use crate::words::Settings;

/// Between two checks.
const LOOK: Duration = Duration::from_secs(1);

/// The controls that are held, if there are any.
pub(super) struct Gains {
    mixer: Option<Mixer>,
    looked: Option<Instant>,
    /// The failure that was reported last; each is reported once.
    reported: Option<String>,
}

impl Gains {
    pub(super) fn of(mixer: Option<Mixer>) -> Gains {
        Gains {
            mixer,
            looked: None,
            reported: None,
        }
    }

    /// Their values at the last check.
    pub(super) fn found(&self) -> Settings {
        let mixer = self.mixer.as_ref();
        mixer.map_or_else(Settings::new, |mixer| mixer.found().clone())
    }

    /// Whether a session recorded with these values can continue with the current ones.
    pub(super) fn hold(&self, settings: &Settings) -> bool {
        let mixer = self.mixer.as_ref();
        mixer.map_or(settings.is_empty(), |mixer| mixer.holds(settings))
    }

    /// What there is to report, if a check is due.
    pub(super) fn look(&mut self) -> Vec<Answer> {
        let Some(mixer) = &mut self.mixer else {
            return Vec::new();
        };
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return Vec::new();
        }
        self.looked = Some(Instant::now());
        let Held { moved, failed } = mixer.hold();
        let mut answers: Vec<Answer> = moved.into_iter().map(Answer::Moved).collect();
        let failed = failed.map(|error| error.to_string());
        if failed != self.reported {
            match &failed {
                Some(reason) => answers.push(Answer::Failed(reason.clone())),
                None => log::info!("mixer: all controls are held again"),
            }
            self.reported = failed;
        }
        answers
    }
}
