//! Loading a track, believed only once its name was read back.
//!
//! ladish takes an order and says nothing of its end; loading a studio stops the JACK server, and an
//! unknown name would leave the sphere without any. So: the list of studios, the order, the name
//! polled, JACK polled. A project's name cannot be read back with ladish_control; it is believed once
//! ladish took the order and JACK is there.

use std::time::{Duration, Instant};

use super::SphereError;
use super::ladish::{self, Track, Verb};
use super::ssh::Answer;

/// A studio with its clients is loaded by then.
const STUDIO: Duration = Duration::from_secs(20);
/// JACK is back by then.
const JACK: Duration = Duration::from_secs(15);
/// How long JACK may take before the studio is started by an order of its own: ladish does not start
/// what was saved while it stood.
const START: Duration = Duration::from_secs(2);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(150);

/// What loading needs of a sphere.
pub trait Desk {
    /// Runs ladish_control.
    ///
    /// # Errors
    /// The connection's.
    fn ladish(&mut self, verb: Verb<'_>) -> Result<Answer, SphereError>;
    /// Whether JACK answers.
    ///
    /// # Errors
    /// [`SphereError::NoJack`] while it does not; the connection's.
    fn jack(&mut self) -> Result<(), SphereError>;
    /// The project that was loaded last over this connection.
    fn project(&mut self) -> &mut Option<String>;
}

/// Loads the track `name`, unless it is loaded; whether it had to be.
///
/// # Errors
/// An unknown track, ladish's refusals, time-outs.
pub fn load(desk: &mut dyn Desk, name: &str) -> Result<bool, SphereError> {
    let track = Track::read(name)?;
    let verb = Verb::Load { track, name };
    match track {
        Track::Studio(studio) => {
            let all = ladish::names(&desk.ladish(Verb::List)?)?;
            if !all.iter().any(|known| known == studio) {
                return Err(SphereError::UnknownTrack(name.into()));
            }
            if loaded(desk)?.as_deref() == Ok(studio) {
                wait_for_jack(desk)?;
                return Ok(false);
            }
            verb.done(&desk.ladish(verb)?)?;
            *desk.project() = None;
            wait_for_name(desk, name, studio)?;
        }
        Track::Project { .. } => {
            if desk.project().as_deref() == Some(name) {
                return Ok(false);
            }
            verb.done(&desk.ladish(verb)?)?;
            *desk.project() = Some(name.into());
        }
    }
    wait_for_jack(desk)?;
    Ok(true)
}

/// The studio that is loaded, or ladish's words for none.
///
/// # Errors
/// No D-Bus, an answer that is not understood, the connection's.
pub fn loaded(desk: &mut dyn Desk) -> Result<Result<String, String>, SphereError> {
    match ladish::name(&desk.ladish(Verb::Name)?) {
        Ok(name) => Ok(Ok(name)),
        // Without a studio there is nothing on the bus that could be asked for its name.
        Err(SphereError::Ladish(said)) => Ok(Err(said)),
        Err(error) => Err(error),
    }
}

fn wait_for_name(desk: &mut dyn Desk, name: &str, studio: &str) -> Result<(), SphereError> {
    let start = Instant::now();
    loop {
        let found = match loaded(desk) {
            // It may be busy with the loading itself.
            Err(error @ SphereError::Hangs(_)) => error.to_string(),
            Err(error) => return Err(error),
            Ok(Ok(found)) if found == studio => return Ok(()),
            Ok(Ok(found)) => format!("`{}` is", SphereError::quoted(found.as_bytes())),
            Ok(Err(said)) => said,
        };
        if start.elapsed() > STUDIO {
            return Err(SphereError::TrackNotThere {
                track: name.into(),
                waited_ms: STUDIO.as_millis() as u64,
                found,
            });
        }
        std::thread::sleep(PAUSE);
    }
}

fn wait_for_jack(desk: &mut dyn Desk) -> Result<(), SphereError> {
    let start = Instant::now();
    let mut has_started = false;
    loop {
        match desk.jack() {
            Err(SphereError::NoJack) if start.elapsed() < JACK => {}
            result => return result,
        }
        if !has_started && start.elapsed() > START {
            has_started = true;
            // It may be starting already and refuse; JACK itself tells.
            if let Err(error) = Verb::Start.done(&desk.ladish(Verb::Start)?) {
                log::debug!("{error}");
            }
        }
        std::thread::sleep(PAUSE);
    }
}
