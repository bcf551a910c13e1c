//! The simulated sphere: knows every track, plays at 48 kHz, and fails when it is set to fail.
//!
//! A run on the simulated board (`sphere.host = "sim"`) shows what a visitor sees when the sphere
//! fails: while the file named by the environment variable `BOOTH_SIM_SPHERE` exists, its first
//! word says how it fails, see [`Trouble`].

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::clock::Clock;
use super::sound::Sound;
use super::{Peer, Position, SphereError};
use crate::rt::Nanos;

/// The value of `sphere.host` for it.
pub const HOST: &str = "sim";

const RATE: u32 = 48_000;
/// Loudspeakers.
const OUTPUTS: u32 = 2;
/// How long an unanswered call lasts: the same bound as for a real peer.
const HANG: Duration = Duration::from_millis(2000);
/// How long each call of a slow sphere takes.
const SLOW: Duration = Duration::from_millis(300);

/// How a sphere fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    /// Not at all.
    #[default]
    None,
    /// `away`: no connection, reported at once. What it plays goes on.
    Away,
    /// The next call fails, and no other.
    Broken,
    /// `hangs`: no answer to anything.
    Hangs,
    /// `dead`: no JACK; it starts again, stopped at frame 0.
    Dead,
    /// `stopped`: someone stops what plays.
    Stopped,
    /// `moved`: someone moves the transport ahead, once.
    Moved,
    /// `slow`: each call takes a while.
    Slow,
    /// `loads`: loading a track never ends.
    Loads,
    /// `unconnected`: its players are gone, and the transport rolls on.
    Unconnected,
    /// `silent`: its players are there, and play nothing.
    Silent,
}

impl Trouble {
    fn from_word(word: &str) -> Trouble {
        match word {
            "away" => Trouble::Away,
            "hangs" => Trouble::Hangs,
            "dead" => Trouble::Dead,
            "stopped" => Trouble::Stopped,
            "moved" => Trouble::Moved,
            "slow" => Trouble::Slow,
            "loads" => Trouble::Loads,
            "unconnected" => Trouble::Unconnected,
            "silent" => Trouble::Silent,
            _ => Trouble::None,
        }
    }
}

/// What the sphere shares with the code that makes trouble.
#[derive(Debug, Default)]
struct Transport {
    trouble: Trouble,
    track: String,
    frame: u64,
    playing_since: Option<Nanos>,
    moved: bool,
    /// Each verb that was carried out, for tests.
    done: Vec<&'static str>,
}

/// A sphere in memory.
#[derive(Clone, Debug, Default)]
pub struct Simulated {
    transport: Arc<Mutex<Transport>>,
    clock: Clock,
    /// A file that says how it fails.
    file: Option<PathBuf>,
    unknown: Vec<String>,
}

impl Simulated {
    /// A sphere that fails as the environment variable says.
    #[must_use]
    pub fn of_environment() -> Simulated {
        Simulated {
            file: std::env::var_os("BOOTH_SIM_SPHERE").map(PathBuf::from),
            ..Simulated::default()
        }
    }

    /// A sphere on `clock`.
    #[must_use]
    pub fn on(clock: Clock) -> Simulated {
        Simulated {
            clock,
            ..Simulated::default()
        }
    }

    /// The same sphere without this track.
    #[must_use]
    pub fn without(mut self, track: &str) -> Simulated {
        self.unknown.push(track.into());
        self
    }

    /// Makes trouble from now on.
    pub fn trouble(&self, trouble: Trouble) {
        self.lock().trouble = trouble;
    }

    /// Whether it plays, and each verb that it has carried out.
    #[must_use]
    pub fn seen(&self) -> (bool, Vec<&'static str>) {
        let transport = self.lock();
        (transport.playing_since.is_some(), transport.done.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Transport> {
        self.transport
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A call; it fails or takes time as the trouble says.
    fn call(&self) -> Result<std::sync::MutexGuard<'_, Transport>, SphereError> {
        let mut transport = self.lock();
        if let Some(file) = &self.file {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            transport.trouble = Trouble::from_word(text.trim());
        }
        let trouble = transport.trouble;
        let now = self.clock.now();
        match trouble {
            Trouble::Stopped => transport.stop(now),
            Trouble::Moved if !transport.moved => transport.frame += 100 * u64::from(RATE),
            Trouble::Dead => {
                transport.stop(now);
                transport.frame = 0;
                return Err(SphereError::Simulated("no JACK"));
            }
            Trouble::Broken => {
                transport.trouble = Trouble::None;
                return Err(SphereError::Simulated("connection lost"));
            }
            Trouble::Away => return Err(SphereError::Simulated("no connection")),
            Trouble::None
            | Trouble::Moved
            | Trouble::Hangs
            | Trouble::Slow
            | Trouble::Loads
            | Trouble::Unconnected
            | Trouble::Silent => {}
        }
        transport.moved = trouble == Trouble::Moved;
        let takes = match trouble {
            Trouble::Hangs => HANG,
            Trouble::Slow => SLOW,
            _ => return Ok(transport),
        };
        drop(transport);
        self.clock.pass(takes);
        if trouble == Trouble::Hangs {
            return Err(SphereError::Simulated("no answer"));
        }
        Ok(self.lock())
    }
}

impl Transport {
    fn frame_at(&self, now: Nanos) -> u64 {
        let rolled = self
            .playing_since
            .map_or(Duration::ZERO, |since| now.since(since));
        self.frame + (rolled.as_nanos() * u128::from(RATE) / 1_000_000_000) as u64
    }

    fn stop(&mut self, now: Nanos) {
        self.frame = self.frame_at(now);
        self.playing_since = None;
    }
}

impl Peer for Simulated {
    fn connect(&mut self) -> Result<(), SphereError> {
        let trouble = self.lock().trouble;
        match trouble {
            // Only a question for the position finds these.
            Trouble::Dead | Trouble::Hangs => Ok(()),
            _ => self.call().map(drop),
        }
    }

    fn load_further(&mut self, track: &str) -> Result<bool, SphereError> {
        let now = self.clock.now();
        let mut transport = self.call()?;
        if self.unknown.iter().any(|unknown| unknown == track) {
            let track = track.into();
            let known = Vec::new();
            return Err(SphereError::UnknownTrack { track, known });
        }
        if transport.track != track {
            transport.stop(now);
            track.clone_into(&mut transport.track);
            transport.frame = 0;
        }
        transport.done.push("track");
        Ok(transport.trouble != Trouble::Loads)
    }

    fn locate(&mut self, frame: u32) -> Result<(), SphereError> {
        let mut transport = self.call()?;
        transport.frame = u64::from(frame);
        if transport.playing_since.is_some() {
            transport.playing_since = Some(self.clock.now());
        }
        transport.done.push("locate");
        Ok(())
    }

    fn play(&mut self, _rest: Duration) -> Result<(), SphereError> {
        let mut transport = self.call()?;
        let now = self.clock.now();
        transport.playing_since.get_or_insert(now);
        transport.done.push("play");
        Ok(())
    }

    fn stop(&mut self) -> Result<(), SphereError> {
        let mut transport = self.call()?;
        transport.stop(self.clock.now());
        transport.done.push("stop");
        Ok(())
    }

    fn position(&mut self) -> Result<Position, SphereError> {
        let transport = self.call()?;
        let now = self.clock.now();
        Ok(Position {
            rolling: transport.playing_since.is_some(),
            frame: transport.frame_at(now),
            rate: RATE,
            at: now,
            uncertainty: Some(Duration::from_millis(1)),
        })
    }

    fn hear(&mut self) -> Result<Option<Sound>, SphereError> {
        let transport = self.call()?;
        let is_silent = transport.trouble == Trouble::Silent || transport.playing_since.is_none();
        let connections = if transport.trouble == Trouble::Unconnected {
            0
        } else {
            OUTPUTS
        };
        Ok(Some(Sound {
            connections,
            peak_dbfs: Some(if is_silent { -200.0 } else { -12.0 }),
            rms_dbfs: Vec::new(),
        }))
    }
}
