//! The mixer's controls, looked at once a second and put back where something moved them.

use std::time::{Duration, Instant};

use super::Answer;
use crate::audio::mixer::{Held, Mixer};
use crate::words::Settings;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// The controls that are held, if any are.
pub(super) struct Gains {
    mixer: Option<Mixer>,
    looked: Option<Instant>,
    /// The failure that was told last; each is told once.
    told: Option<String>,
}

impl Gains {
    pub(super) fn of(mixer: Option<Mixer>) -> Gains {
        Gains {
            mixer,
            looked: None,
            told: None,
        }
    }

    /// As they were last read.
    pub(super) fn found(&self) -> Settings {
        let mixer = self.mixer.as_ref();
        mixer.map_or_else(Settings::new, |mixer| mixer.found().clone())
    }

    /// Whether a session recorded with these goes on with the same.
    pub(super) fn hold(&self, settings: &Settings) -> bool {
        let mixer = self.mixer.as_ref();
        mixer.map_or(settings.is_empty(), |mixer| mixer.holds(settings))
    }

    /// What there is to tell, where a look is due.
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
        if failed != self.told {
            match &failed {
                Some(reason) => answers.push(Answer::Failed(reason.clone())),
                None => log::info!("mixer: all controls are held again"),
            }
            self.told = failed;
        }
        answers
    }
}
