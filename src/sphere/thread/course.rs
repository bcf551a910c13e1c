//! What the sphere is to do, and whether it does: one attempt or one question after the other.
//!
//! Reads no clock and waits for no command: time is an argument, and each step says how long a command
//! may be waited for before the next one. A step is what is done without looking whether something
//! else is wanted by now. The course alone holds what is wanted of the sphere, how far it is on the
//! way there, and what is known of the transport.

mod playing;

use std::time::Duration;

use super::{Asked, Command, Play, Reply, Snapshot};
use crate::rt::Nanos;
use crate::sphere::{Peer, Position, SphereError};
use playing::{Playing, Starting};

/// Between two questions while it is silent.
const ASK_SILENT: Duration = Duration::from_millis(2000);
/// Before the first repetition of what failed; doubled up to the last.
const BACK_OFF: Duration = Duration::from_millis(100);
const BACK_OFF_MOST: Duration = Duration::from_secs(5);

/// What is wanted, and how far it is.
#[derive(Clone)]
enum Aim {
    /// To be silent; `asked` for by main, or because what played was lost or nothing was asked yet.
    Silencing { asked: bool },
    /// It was seen to be silent.
    Silent,
    /// To play.
    Starting(Play, Starting),
    /// It was seen to play.
    Playing(Playing),
}

/// What a step comes to.
#[derive(Debug)]
pub(super) struct Outcome {
    /// An answer for main.
    pub(super) reply: Option<Reply>,
    /// How long a command may be waited for before the next step; `None`: without end.
    pub(super) pause: Option<Duration>,
}

impl Outcome {
    fn quiet(pause: Option<Duration>) -> Outcome {
        Outcome { reply: None, pause }
    }

    /// The next step comes at once, unless something else is wanted by now.
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
    /// Whether it asks of its own accord.
    asks: bool,
    aim: Aim,
    /// Number of the command that is carried out.
    command: u64,
    /// Main is owed an answer to it.
    owes: bool,
    known: Snapshot,
    /// The frame at which it was stopped.
    stood: Option<u64>,
    /// When the peer answered last.
    heard: Nanos,
    /// It does not do as it is asked, which was logged.
    away: bool,
    back_off: Duration,
}

impl Course {
    /// What ran before may still play: silence is wanted first.
    pub(super) fn new(now: Nanos, asks: bool) -> Course {
        Course {
            asks,
            aim: Aim::Silencing { asked: false },
            command: 0,
            owes: false,
            known: Snapshot::default(),
            stood: None,
            heard: now,
            away: false,
            back_off: BACK_OFF,
        }
    }

    /// Number of the newest command, and whether it was answered.
    pub(super) fn command(&self) -> (u64, bool) {
        (self.command, !self.owes)
    }

    /// What is known now.
    pub(super) fn known(&self) -> Snapshot {
        self.known.clone()
    }

    /// Something else is wanted.
    pub(super) fn take_up(&mut self, asked: Asked) {
        self.aim = match asked.command {
            Command::Play(play) => {
                self.known.track = play.track.clone();
                Aim::Starting(play, Starting::Connect)
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
            Aim::Silencing { asked } => self.silence(asked, peer),
            Aim::Silent => self.ask_silent(peer),
            Aim::Starting(play, next) => self.start(play, next, peer),
            Aim::Playing(playing) => self.ask_playing(playing, now, peer),
        };
        outcome.unwrap_or_else(|error| self.failed(error))
    }

    fn silence(&mut self, asked: bool, peer: &mut dyn Peer) -> Result<Outcome, SphereError> {
        peer.connect()?;
        peer.stop()?;
        let reading = peer.position()?;
        // A JACK that was started anew, or somebody, may have put it elsewhere.
        if asked && self.stood.is_none() && self.known.line.may_have_stopped(&reading) {
            self.stood = Some(reading.frame);
        }
        self.known.line.end();
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
                self.known.line.end();
                let number = play.number;
                self.aim = Aim::Starting(play, Starting::Connect);
                owes.then_some(Reply::Failed(number, error))
            }
            Aim::Silencing { .. } | Aim::Silent => owes.then_some(Reply::Stopped(Err(error))),
        };
        let pause = Some(self.back_off);
        Outcome { reply, pause }
    }

    /// It does as it is asked, as this reading shows.
    fn answered(&mut self, reading: &Position) {
        if std::mem::take(&mut self.away) {
            log::info!("sphere: does as it is asked again");
        }
        // The answer was there by then.
        self.heard = reading.at + reading.uncertainty;
        self.back_off = BACK_OFF;
    }

    /// Until the next question that nobody asked for.
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
