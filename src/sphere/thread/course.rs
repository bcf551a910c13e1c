//! What the sphere should do, and whether it does it: one attempt or one question after the other.
//!
//! It reads no clock and waits for no command: time is an argument, and each step says how long the
//! thread may wait for a command before the next one. During a step, a new command is not looked
//! for. Only the course knows what is wanted of the sphere, how far it has got, and what is known
//! about the transport.

mod playing;

use std::time::Duration;

use super::{Asked, Command, Play, Reply, Snapshot};
use crate::rt::Nanos;
use crate::sphere::{Peer, Position, SphereError};
use playing::{Ahead, Playing};

/// Between two questions while it is silent.
const ASK_SILENT: Duration = Duration::from_millis(2000);
/// The wait before the first retry; doubled up to the longest.
const BACK_OFF: Duration = Duration::from_millis(100);
const BACK_OFF_MOST: Duration = Duration::from_secs(5);

/// What is wanted, and how far it has got.
#[derive(Clone)]
enum Aim {
    /// It should be silent; `asked` for by main, or because what played was lost or nothing was
    /// asked yet.
    Silencing { asked: bool },
    /// It was seen to be silent.
    Silent,
    /// It should play.
    Starting(Play, Ahead),
    /// It was seen to play.
    Playing(Playing),
}

/// The result of a step.
#[derive(Debug)]
pub(super) struct Outcome {
    /// An answer for main.
    pub(super) reply: Option<Reply>,
    /// How long the thread may wait for a command before the next step; `None`: without end.
    pub(super) pause: Option<Duration>,
}

impl Outcome {
    fn quiet(pause: Option<Duration>) -> Outcome {
        Outcome { reply: None, pause }
    }

    /// The next step comes at once, unless a new command is there.
    fn at_once() -> Outcome {
        Outcome::quiet(Some(Duration::ZERO))
    }

    fn reply(reply: Reply, pause: Option<Duration>) -> Outcome {
        let reply = Some(reply);
        Outcome { reply, pause }
    }
}

/// The state of the sphere's thread.
pub(super) struct Course {
    /// Whether it asks questions by itself.
    asks: bool,
    aim: Aim,
    /// The number of the command that is being carried out.
    command: u64,
    /// Main has no answer to it yet.
    owes: bool,
    known: Snapshot,
    /// The frame at which it was stopped.
    stood: Option<u64>,
    /// When the peer last answered.
    heard: Nanos,
    /// It plays, as far as is known, and what sounds is looked at.
    sounds: bool,
    /// It does not do what it was asked to; this was logged.
    away: bool,
    back_off: Duration,
}

impl Course {
    /// What ran before may still play: it must be silent first.
    pub(super) fn new(now: Nanos, asks: bool) -> Course {
        Course {
            asks,
            aim: Aim::Silencing { asked: false },
            command: 0,
            owes: false,
            known: Snapshot::default(),
            stood: None,
            heard: now,
            sounds: false,
            away: false,
            back_off: BACK_OFF,
        }
    }

    /// The number of the newest command, and whether it was answered.
    pub(super) fn command(&self) -> (u64, bool) {
        (self.command, !self.owes)
    }

    /// What is known now.
    pub(super) fn known(&self) -> Snapshot {
        self.known.clone()
    }

    /// Takes a new command.
    pub(super) fn take_up(&mut self, asked: Asked) {
        self.aim = match asked.command {
            Command::Play(play) => {
                self.known.track = play.track.clone();
                Aim::Starting(play, Ahead::Connect)
            }
            Command::Stop => {
                self.known.line.end_at(asked.at);
                Aim::Silencing { asked: true }
            }
        };
        self.command = asked.number;
        self.owes = true;
        self.back_off = BACK_OFF;
    }

    /// The next step, at `now`.
    pub(super) fn step(&mut self, now: Nanos, peer: &mut dyn Peer) -> Outcome {
        let outcome = match self.aim.clone() {
            Aim::Silencing { asked } => self.silence(asked, now, peer),
            Aim::Silent => self.ask_silent(peer),
            Aim::Starting(play, next) => self.start(play, next, now, peer),
            Aim::Playing(playing) => self.ask_playing(playing, now, peer),
        };
        outcome.unwrap_or_else(|error| self.failed(error))
    }

    fn silence(
        &mut self,
        asked: bool,
        now: Nanos,
        peer: &mut dyn Peer,
    ) -> Result<Outcome, SphereError> {
        peer.connect()?;
        peer.stop()?;
        let reading = peer.position()?;
        // A JACK that was restarted, or a person, may have moved it.
        if asked && self.stood.is_none() && self.known.line.may_have_stopped(&reading) {
            self.stood = Some(reading.frame);
        }
        self.known.line.end();
        self.look_back(peer, now);
        self.aim = Aim::Silent;
        self.owes = false;
        self.answered(&reading);
        Ok(Outcome {
            reply: asked.then_some(Reply::Stopped(Ok(reading))),
            pause: self.unasked(ASK_SILENT),
        })
    }

    fn ask_silent(&mut self, peer: &mut dyn Peer) -> Result<Outcome, SphereError> {
        let reading = ask(peer)?;
        self.answered(&reading);
        Ok(Outcome::quiet(self.unasked(ASK_SILENT)))
    }

    fn failed(&mut self, error: SphereError) -> Outcome {
        if !std::mem::replace(&mut self.away, true) {
            log::warn!("{error}; tried again until it does as it is asked");
        }
        let owes = std::mem::take(&mut self.owes);
        self.back_off = if owes {
            BACK_OFF
        } else {
            (self.back_off * 2).min(BACK_OFF_MOST)
        };
        let reply = match self.aim.clone() {
            Aim::Playing(playing) => return self.lost(playing.play.number, error),
            Aim::Starting(play, _) => {
                self.unknown();
                self.known.line.end();
                let number = play.number;
                self.aim = Aim::Starting(play, Ahead::Connect);
                owes.then_some(Reply::Failed(number, error))
            }
            Aim::Silencing { .. } | Aim::Silent => owes.then_some(Reply::Stopped(Err(error))),
        };
        let pause = Some(self.back_off);
        Outcome { reply, pause }
    }

    /// It does what it was asked to, as this reading shows.
    fn answered(&mut self, reading: &Position) {
        if std::mem::take(&mut self.away) {
            log::info!("sphere: does as it is asked again");
        }
        // The answer was there by then.
        self.heard = reading.at + reading.uncertainty.unwrap_or_default();
        self.back_off = BACK_OFF;
    }

    /// The time until the next question that no command asked for.
    fn unasked(&self, pause: Duration) -> Option<Duration> {
        self.asks.then_some(pause)
    }
}

fn ask(peer: &mut dyn Peer) -> Result<Position, SphereError> {
    peer.connect()?;
    peer.position()
}

#[cfg(test)]
mod tests;
