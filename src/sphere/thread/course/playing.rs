//! Starting to play, and playing.

use std::time::Duration;

use super::{Aim, BACK_OFF, Course, Outcome, ask};
use crate::rt::Nanos;
use crate::sphere::thread::{Play, Reply};
use crate::sphere::timeline::Fit;
use crate::sphere::{LOOK, Peer, Position, SphereError, Start, frame_of};

/// Between two questions while it plays: with 2 s for the answer and 2 s for a new connection, a
/// sphere that does not answer is found within 5 s. It also keeps a dead man's switch of 5 s on the
/// sphere from firing.
const ASK_PLAYING: Duration = Duration::from_millis(1000);
/// This many questions follow a start at once, to get the best of them.
const PROBES: u32 = 5;
const ASK_PROBE: Duration = Duration::from_millis(50);
/// A connection that broke this soon after an answer is renewed before the failure is reported,
const QUICK: Duration = Duration::from_millis(1500);
/// and asked again if that took no longer than this: two seconds more stay below 5 s.
const QUICK_MOST: Duration = Duration::from_millis(2500);

/// The next thing to do on the way to playing.
#[derive(Clone, Copy)]
pub(super) enum Starting {
    Connect,
    Load,
    Locate,
    Play,
    Look,
}

/// What plays.
#[derive(Clone)]
pub(super) struct Playing {
    pub(super) play: Play,
    /// When it was first seen to play.
    began: Nanos,
    /// Questions since then.
    questions: u32,
    next: Question,
}

/// The next thing to do while it plays.
#[derive(Clone)]
enum Question {
    /// Ask where it is.
    Ask,
    /// Make a new connection, if there is time for it, because the question failed.
    Connect(SphereError),
    /// Ask once more, over the new connection.
    AskAgain(SphereError),
}

impl Course {
    /// Track, locate, play, and then where it rolls.
    pub(super) fn start(
        &mut self,
        play: Play,
        next: Starting,
        peer: &mut dyn Peer,
    ) -> Result<Outcome, SphereError> {
        let next = match next {
            Starting::Connect => {
                peer.connect()?;
                Starting::Load
            }
            Starting::Load => {
                if !peer.track(&play.track)? {
                    return Ok(Outcome::reply(Reply::Loading, Some(LOOK)));
                }
                Starting::Locate
            }
            Starting::Locate => {
                let found = peer.position()?;
                if found.rolling {
                    // It was located while stopped, so this is exact.
                    peer.stop()?;
                }
                peer.locate(self.frame(play.start, found.rate)?)?;
                Starting::Play
            }
            Starting::Play => {
                peer.play(play.rest)?;
                Starting::Look
            }
            Starting::Look => {
                let reading = peer.position()?;
                if !reading.rolling {
                    return Err(SphereError::StoppedByItself);
                }
                return Ok(self.started(play, reading));
            }
        };
        self.aim = Aim::Starting(play, next);
        Ok(Outcome::at_once())
    }

    /// The frame at which to begin.
    fn frame(&self, start: Start<Nanos>, rate: u32) -> Result<u32, SphereError> {
        let frame = match start {
            Start::Second(seconds) => return frame_of(seconds, rate),
            Start::Stood(at) => self.stood.or_else(|| self.known.line.extrapolate(at)),
        };
        let frame = frame.unwrap_or_default();
        u32::try_from(frame)
            .map_err(|_| SphereError::BadPosition(format!("{}", frame / u64::from(rate.max(1)))))
    }

    fn started(&mut self, play: Play, reading: Position) -> Outcome {
        self.known.line.begin(play.track.clone(), reading);
        self.stood = None;
        self.owes = false;
        self.answered(&reading);
        let reply = Reply::Rolling(play.number, reading);
        self.aim = Aim::Playing(Playing {
            play,
            began: reading.at,
            questions: 0,
            next: Question::Ask,
        });
        Outcome::reply(reply, self.unasked(ASK_PROBE))
    }

    /// One question; once more over a new connection, if there is time for it. What rolls there is
    /// armed again.
    pub(super) fn ask_playing(
        &mut self,
        playing: Playing,
        now: Nanos,
        peer: &mut dyn Peer,
    ) -> Result<Outcome, SphereError> {
        let silent = now.since(self.heard);
        let next = match playing.next.clone() {
            Question::Ask => match ask(peer) {
                Ok(reading) => return Ok(self.read(playing, reading)),
                Err(error) => Question::Connect(error),
            },
            Question::Connect(error) if silent > QUICK => return Err(error),
            Question::Connect(error) => {
                peer.connect()?;
                Question::AskAgain(error)
            }
            Question::AskAgain(error) if silent > QUICK_MOST => return Err(error),
            Question::AskAgain(error) => {
                let reading = peer.position()?;
                if reading.rolling {
                    peer.play(playing.play.rest.saturating_sub(now.since(playing.began)))?;
                }
                log::warn!("{error}; the connection was made anew");
                return Ok(self.read(playing, reading));
            }
        };
        self.aim = Aim::Playing(Playing { next, ..playing });
        Ok(Outcome::at_once())
    }

    /// A further reading of what plays.
    fn read(&mut self, playing: Playing, reading: Position) -> Outcome {
        self.answered(&reading);
        let fit = self.known.line.read(reading);
        if fit == Fit::Stopped {
            let error = SphereError::StoppedByItself;
            log::warn!("{error}");
            return self.lost(playing.play.number, error);
        }
        let questions = playing.questions + 1;
        self.aim = Aim::Playing(Playing {
            questions,
            next: Question::Ask,
            ..playing
        });
        let pause = if questions < PROBES {
            ASK_PROBE
        } else {
            ASK_PLAYING
        };
        Outcome::reply(Reply::Read(reading, fit), self.unasked(pause))
    }

    /// What played no longer plays: main decides what to do, and it should be silent until then.
    pub(super) fn lost(&mut self, number: u32, error: SphereError) -> Outcome {
        self.known.line.end();
        self.aim = Aim::Silencing { asked: false };
        self.back_off = BACK_OFF;
        Outcome::reply(Reply::Failed(number, error), Some(BACK_OFF))
    }
}
