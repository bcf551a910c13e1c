//! Starting to play, and playing.

use std::time::Duration;

use super::{Aim, BACK_OFF, Course, Outcome, ask};
use crate::rt::Nanos;
use crate::sphere::looks;
use crate::sphere::sound::Sound;
use crate::sphere::thread::{Play, Reply};
use crate::sphere::timeline::Fit;
use crate::sphere::{LOOK, Peer, Position, SphereError, Start, frame_of};
use crate::words::Heard;

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

/// Between two looks at what sounds.
const LISTEN: Duration = Duration::from_millis(2000);
/// Between two looks until it is heard for the first time.
const LISTEN_FIRST: Duration = Duration::from_millis(50);
/// A track that begins with sound is heard by then.
const AUDIBLE: Duration = Duration::from_secs(2);

/// A level is measured for this long before it is compared.
const STEADY: Duration = Duration::from_secs(5);

/// The next thing to do on the way to playing.
#[derive(Clone, Copy)]
pub(super) enum Ahead {
    Connect,
    Load,
    Locate,
    Play,
    Look,
    /// It rolls, as was read; does it sound?
    Hear(Position),
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
    /// When what sounds was looked at last.
    looked: Nanos,
    /// When it must have been heard; none once it was, or where that is not asked.
    audible_by: Option<Nanos>,
}

/// The next thing to do while it plays.
#[derive(Clone)]
enum Question {
    /// Ask where it is.
    Ask,
    /// Look at what sounds.
    Hear,
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
        next: Ahead,
        now: Nanos,
        peer: &mut dyn Peer,
    ) -> Result<Outcome, SphereError> {
        let next = match next {
            Ahead::Connect => {
                peer.connect()?;
                // What played before this command, if no stop came between.
                self.look_back(peer, now);
                Ahead::Load
            }
            Ahead::Load => {
                if !peer.load_further(&play.track)? {
                    return Ok(Outcome::reply(Reply::Loading, Some(LOOK)));
                }
                Ahead::Locate
            }
            Ahead::Locate => {
                let found = peer.position()?;
                if found.rolling {
                    // It was located while stopped, so this is exact.
                    peer.stop()?;
                }
                peer.locate(self.frame(play.start, found.rate)?)?;
                Ahead::Play
            }
            Ahead::Play => {
                peer.play(play.rest)?;
                Ahead::Look
            }
            Ahead::Look => {
                let reading = peer.position()?;
                if !reading.rolling {
                    return Err(SphereError::StoppedByItself);
                }
                Ahead::Hear(reading)
            }
            Ahead::Hear(reading) => return self.hear_first(play, reading, now, peer),
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

    /// It rolls: it plays once it is heard, or, where the track begins silent, once it is connected.
    fn hear_first(
        &mut self,
        play: Play,
        reading: Position,
        now: Nanos,
        peer: &mut dyn Peer,
    ) -> Result<Outcome, SphereError> {
        let Some(sound) = peer.hear()? else {
            return Ok(self.started(play, reading, now, None));
        };
        let Some(heard) = looks::heard(&sound) else {
            return Err(SphereError::Unconnected);
        };
        let awaits_level = sound.peak_dbfs.is_some() && heard != Heard::Level;
        if awaits_level && play.silent.is_zero() {
            if now.since(reading.at) > AUDIBLE {
                return Err(SphereError::Silent(AUDIBLE.as_secs()));
            }
            self.aim = Aim::Starting(play, Ahead::Hear(reading));
            return Ok(Outcome::quiet(Some(LISTEN_FIRST)));
        }
        self.sounds = true;
        self.known.looks.add(now, Some(heard));
        let audible_by = awaits_level.then(|| reading.at + play.silent + AUDIBLE);
        Ok(self.started(play, reading, now, audible_by))
    }

    fn started(
        &mut self,
        play: Play,
        reading: Position,
        now: Nanos,
        audible_by: Option<Nanos>,
    ) -> Outcome {
        self.known.line.begin(play.track.clone(), reading);
        self.known.rms_dbfs.clear();
        self.stood = None;
        self.owes = false;
        self.answered(&reading);
        let reply = Reply::Rolling(play.number, reading);
        self.aim = Aim::Playing(Playing {
            play,
            began: reading.at,
            questions: 0,
            next: Question::Ask,
            looked: now,
            audible_by,
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
            Question::Hear => match peer.hear() {
                Ok(Some(sound)) => return Ok(self.listened(playing, sound, now)),
                Ok(None) => Question::Ask,
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
        let listens = self.sounds && reading.at.since(playing.looked) >= LISTEN;
        let (next, pause) = if listens {
            (Question::Hear, Duration::ZERO)
        } else if questions < PROBES {
            (Question::Ask, ASK_PROBE)
        } else {
            (Question::Ask, ASK_PLAYING)
        };
        self.aim = Aim::Playing(Playing {
            questions,
            next,
            ..playing
        });
        Outcome::reply(Reply::Read(reading, fit), self.unasked(pause))
    }

    /// A further look at what sounds.
    fn listened(&mut self, playing: Playing, sound: Sound, now: Nanos) -> Outcome {
        let heard = looks::heard(&sound);
        self.known.looks.add(now, heard);
        if now.since(playing.began) >= STEADY {
            self.known.rms_dbfs = sound.rms_dbfs;
        }
        let audible_by = playing.audible_by.filter(|_| heard != Some(Heard::Level));
        let error = match audible_by {
            _ if heard.is_none() => Some(SphereError::Unconnected),
            Some(by) if now > by => Some(SphereError::Silent(
                (playing.play.silent + AUDIBLE).as_secs(),
            )),
            _ => None,
        };
        if let Some(error) = error {
            log::warn!("{error}");
            return self.lost(playing.play.number, error);
        }
        self.aim = Aim::Playing(Playing {
            next: Question::Ask,
            looked: now,
            audible_by,
            ..playing
        });
        Outcome::quiet(self.unasked(ASK_PLAYING))
    }

    /// The last look at what played: whatever still is connected was so until now.
    pub(super) fn look_back(&mut self, peer: &mut dyn Peer, now: Nanos) {
        if std::mem::take(&mut self.sounds) {
            let sound = peer.hear().ok().flatten();
            self.known
                .looks
                .add(now, sound.as_ref().and_then(looks::heard));
        }
    }

    /// Nothing is known of what sounds since the last look.
    pub(super) fn unknown(&mut self) {
        if std::mem::take(&mut self.sounds) && !self.known.looks.are_lost() {
            self.known.looks.add(self.heard, None);
        }
    }

    /// What played no longer plays: main decides what to do, and it should be silent until then.
    pub(super) fn lost(&mut self, number: u32, error: SphereError) -> Outcome {
        self.known.line.end();
        self.unknown();
        self.aim = Aim::Silencing { asked: false };
        self.back_off = BACK_OFF;
        Outcome::reply(Reply::Failed(number, error), Some(BACK_OFF))
    }
}
