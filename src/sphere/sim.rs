//! The simulated sphere: knows every track but those it was told not to, plays at 48 kHz.

use std::time::Duration;

use super::{Peer, Position, SphereError};
use crate::rt::Nanos;

const RATE: u32 = 48_000;

/// A sphere in memory.
#[derive(Debug, Default)]
pub struct Simulated {
    track: String,
    frame: u64,
    playing_since: Option<Nanos>,
    still_at: Option<Nanos>,
    unknown: Vec<String>,
}

impl Simulated {
    /// A sphere whose clock stands, so that a fast run is the same each time.
    #[must_use]
    pub fn standing(at: Nanos) -> Simulated {
        Simulated {
            still_at: Some(at),
            ..Simulated::default()
        }
    }

    /// The same sphere without this track.
    #[must_use]
    pub fn without(mut self, track: &str) -> Simulated {
        self.unknown.push(track.into());
        self
    }

    fn now(&self) -> Nanos {
        self.still_at.unwrap_or_else(Nanos::now)
    }

    fn frame_now(&self) -> u64 {
        let rolled = self
            .playing_since
            .map_or(Duration::ZERO, |since| self.now().since(since));
        self.frame + (rolled.as_secs_f64() * f64::from(RATE)) as u64
    }
}

impl Peer for Simulated {
    fn connect(&mut self) -> Result<(), SphereError> {
        Ok(())
    }

    fn track(&mut self, track: &str) -> Result<(), SphereError> {
        if self.unknown.iter().any(|unknown| unknown == track) {
            return Err(SphereError::UnknownTrack(track.into()));
        }
        if self.track != track {
            self.stop()?;
            track.clone_into(&mut self.track);
            self.frame = 0;
        }
        Ok(())
    }

    fn locate(&mut self, frame: u32) -> Result<(), SphereError> {
        self.frame = u64::from(frame);
        if self.playing_since.is_some() {
            self.playing_since = Some(self.now());
        }
        Ok(())
    }

    fn play(&mut self, _rest: Duration) -> Result<(), SphereError> {
        let now = self.now();
        self.playing_since.get_or_insert(now);
        Ok(())
    }

    fn stop(&mut self) -> Result<(), SphereError> {
        self.frame = self.frame_now();
        self.playing_since = None;
        Ok(())
    }

    fn position(&mut self) -> Result<Position, SphereError> {
        Ok(Position {
            rolling: self.playing_since.is_some(),
            frame: self.frame_now(),
            rate: RATE,
            at: self.now(),
            uncertainty: Duration::from_millis(1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sphere::{Command, Reply, Sphere};

    fn answer(sphere: &mut Sphere) -> Reply {
        loop {
            if let Some(reply) = sphere.replies().pop() {
                return reply;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn playing_is_believed_once_it_was_read_back() {
        let peer = Simulated::standing(Nanos(5));
        let mut sphere = Sphere::start(Box::new(peer)).expect("a thread");
        sphere.ask(Command::Play {
            track: "noise".into(),
            locate_s: Some(2.0),
            rest: Duration::ZERO,
        });
        let Reply::Played(Ok(position)) = answer(&mut sphere) else {
            panic!("does not play")
        };
        assert!(position.rolling);
        assert_eq!(position.frame, 96_000);
        assert!(sphere.is_settled());
    }

    #[test]
    fn an_unknown_track_and_a_bad_position_are_errors_that_name_them() {
        let peer = Simulated::default().without("nothing");
        let mut sphere = Sphere::start(Box::new(peer)).expect("a thread");
        sphere.ask(Command::Play {
            track: "nothing".into(),
            locate_s: None,
            rest: Duration::ZERO,
        });
        let Reply::Played(Err(error)) = answer(&mut sphere) else {
            panic!("it plays")
        };
        assert_eq!(error, SphereError::UnknownTrack("nothing".into()));
        sphere.ask(Command::Play {
            track: "noise".into(),
            locate_s: Some(1e9),
            rest: Duration::ZERO,
        });
        let Reply::Played(Err(SphereError::BadPosition(_))) = answer(&mut sphere) else {
            panic!("it plays")
        };
    }
}
