//! The sphere with nothing of ours installed: each verb runs JACK's own tools, and its effect is
//! read back through jack_showtime.
//!
//! A command line prints one word of ours or a line of the tool, so that a wrapper, a shell profile
//! or a missing program is never taken for success. Every play leaves one detached job on the
//! sphere, which stops the transport when its time is over. The job is bound to a token in a
//! private folder and ends by itself when the token changes or is gone, so no process is ever
//! killed by number.
//!
//! Bounds: 3 s for a command line; for a verb that of a call, mostly 0.3 s.

mod lines;
mod loader;
mod rooms;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use self::lines::{ARM, DISARM, FOLDER, PORTS, SHAPE, STATE, VERB};
use self::loader::PlainLoader;
use super::jack::{self, Shown, State};
use super::said::{self, accepted};
use super::sound::Sound;
use super::ssh::{Answer, Link};
use super::studio::Loader;
use super::{Position, SphereError, shell};
use crate::rt::Nanos;

/// One command line: opening a JACK client takes 85 ms, ladish_control 40 ms, and each is killed
/// there after 2 s.
const LINE: Duration = Duration::from_secs(3);
/// JACK waits 2 s for slow clients before it rolls.
const CONFIRM: Duration = Duration::from_secs(3);
/// JACK refuses a client within this time; one that hangs is killed there after 2 s.
const REFUSED: Duration = Duration::from_secs(1);
/// Seconds that the sphere plays on without us after the end of a step.
const GRACE_S: u64 = 10;

/// What is known about such a sphere.
#[derive(Debug, Default)]
pub struct Plain {
    /// Rate and frames per period; JACK may come back with others.
    shape: Option<(u32, u32)>,
}

impl Plain {
    /// JACK was started anew, and may have another rate.
    pub(super) fn forget_shape(&mut self) {
        self.shape = None;
    }

    /// Commands for tracks use the same connection.
    pub(super) fn loader<'a>(&'a mut self, link: &'a mut Link) -> impl Loader + 'a {
        PlainLoader { link, plain: self }
    }

    /// Goes to `frame`, and reads it back.
    ///
    /// # Errors
    /// No JACK, the transport is elsewhere, the connection's.
    pub fn locate(&mut self, link: &mut Link, frame: u32) -> Result<(), SphereError> {
        let rate = self.shape(link)?.0;
        verb(link, "locate", &jack::locate(frame))?;
        let start = Instant::now();
        loop {
            let found = shown(link)?;
            let since = start.elapsed();
            if is_at(found.frame, frame, found.state, since + LINE, rate) {
                return Ok(());
            }
            if since > CONFIRM {
                return Err(SphereError::NotLocated {
                    wanted: frame,
                    found: found.frame,
                    waited_ms: millis(since),
                });
            }
        }
    }

    /// Leaves the job that stops after `rest` and ten seconds, plays, and reads it back.
    ///
    /// # Errors
    /// No job could be left, no JACK, still stopped, the connection's.
    pub fn play(&mut self, link: &mut Link, rest: Duration) -> Result<(), SphereError> {
        let token = token()?;
        let seconds = (rest.as_secs() + GRACE_S).to_string();
        let arm = shell::script(&[FOLDER, ARM].concat(), &[&token, &seconds]);
        let answer = link.run("leave the job that stops it", &arm, LINE)?;
        said::done(&answer, "leave the job that stops it")?;
        verb(link, "play", "play")?;
        let start = Instant::now();
        while shown(link)?.state != State::Rolling {
            if start.elapsed() > CONFIRM {
                return Err(SphereError::NotRolling(millis(start.elapsed())));
            }
        }
        Ok(())
    }

    /// Stops, reads it back, and removes the job.
    ///
    /// # Errors
    /// No JACK, still rolling, the connection's.
    pub fn stop(&mut self, link: &mut Link) -> Result<(), SphereError> {
        verb(link, "stop", "stop")?;
        let start = Instant::now();
        while shown(link)?.state != State::Stopped {
            if start.elapsed() > CONFIRM {
                return Err(SphereError::StillRolling(millis(start.elapsed())));
            }
        }
        // Also a job of another connection: a program that was killed leaves its job behind.
        let disarm = shell::script(&[FOLDER, DISARM].concat(), &[]);
        let answer = link.run("take the job away", &disarm, LINE)?;
        said::done(&answer, "take the job away")
    }

    /// Where the transport is: jack_showtime gives the beginning of JACK's period, and a count that
    /// goes on within the period and is sometimes one period off. That period is within the bound,
    /// and so is its late beginning: JACK loses a period that begins later than the next.
    ///
    /// # Errors
    /// No JACK, the connection's.
    pub fn position(&mut self, link: &mut Link) -> Result<Position, SphereError> {
        let (rate, period) = self.shape(link)?;
        let asked = Nanos::now();
        let found = match shown(link) {
            Err(SphereError::NoJack) => {
                self.shape = None;
                Err(SphereError::NoJack)
            }
            found => found,
        }?;
        let half = Nanos::now().since(asked) / 2;
        let rolling = found.state == State::Rolling;
        let within = found.frame_time % u64::from(period);
        let one_period = Duration::from_secs_f64(f64::from(period) / f64::from(rate));
        Ok(Position {
            rolling,
            frame: found.frame + if rolling { within } else { 0 },
            rate,
            at: Nanos(asked.0 + half.as_nanos() as u64),
            uncertainty: Some(half + one_period),
        })
    }

    /// What the card plays from: the connections that jack_lsp lists.
    ///
    /// # Errors
    /// No JACK, the connection's.
    pub fn sound(&mut self, link: &mut Link) -> Result<Sound, SphereError> {
        let doing = "jack_lsp";
        let answer = asked(link, doing, &shell::script(PORTS, &[]))?;
        let connections = jack::connections(said::under(&answer, "ports", doing)?);
        Ok(Sound {
            connections: connections.ok_or_else(|| answer.unclear(doing))?,
            ..Sound::default()
        })
    }

    fn shape(&mut self, link: &mut Link) -> Result<(u32, u32), SphereError> {
        if let Some(shape) = self.shape {
            return Ok(shape);
        }
        let doing = "ask JACK for its rate";
        let answer = asked(link, doing, &shell::script(SHAPE, &[]))?;
        let line = said::line(&answer, doing)?;
        let number = |text| {
            u32::try_from(jack::number(text)?)
                .ok()
                .filter(|number| *number > 0)
        };
        let shape = line
            .split_once(' ')
            .and_then(|(a, b)| Some((number(a)?, number(b)?)));
        self.shape = shape;
        shape.ok_or_else(|| answer.unclear(doing))
    }
}

/// Whether a transport that was sent to `wanted` is there, or as far past it as it may have rolled.
/// A transport that was rolling stays at its new place for a period or two, as `Starting`, before
/// it goes on.
pub(super) fn is_at(found: u64, wanted: u32, state: State, since: Duration, rate: u32) -> bool {
    let wanted = u64::from(wanted);
    let rolled = match state {
        State::Starting => return false,
        State::Stopped => 0,
        State::Rolling => (since.as_secs_f64() * f64::from(rate)) as u64,
    };
    (wanted..=wanted + rolled).contains(&found)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A token that no other play has.
fn token() -> Result<String, SphereError> {
    let mut bytes = [0; 8];
    let drawn = getrandom::fill(&mut bytes);
    drawn.map_err(|error| SphereError::NoDeadMan(format!("no randomness: {error}")))?;
    let mut token = String::new();
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}

/// Asks JACK, and once more if it refuses: a busy machine sometimes refuses a client (1 of 1500
/// while a compiler ran), and a dead server refuses in 20 ms. One that hangs is not asked again.
/// Every verb may be repeated.
fn asked(link: &mut Link, doing: &'static str, line: &str) -> Result<Answer, SphereError> {
    let start = Instant::now();
    let answer = link.run(doing, line, LINE)?;
    match accepted(&answer) {
        Err(SphereError::NoJack) if start.elapsed() < REFUSED => link.run(doing, line, LINE),
        _ => Ok(answer),
    }
}

fn verb(link: &mut Link, doing: &'static str, verb: &str) -> Result<(), SphereError> {
    let answer = asked(link, doing, &shell::script(VERB, &[verb]))?;
    said::done(&answer, doing)
}

fn shown(link: &mut Link) -> Result<Shown, SphereError> {
    let doing = "jack_showtime";
    let answer = asked(link, doing, &shell::script(STATE, &[]))?;
    jack::shown(said::line(&answer, doing)?).ok_or_else(|| answer.unclear(doing))
}
