//! Loading a track; it counts as loaded only when its name was read back.
//!
//! ladish accepts an order and does not report its end. Loading a studio stops the JACK server, and
//! an unknown name would leave the sphere without one. So the steps are: read the list of studios,
//! send the order, poll the name, poll JACK; one check per call, so that no caller has to wait for
//! the end. A project's name cannot be read back with ladish_control. A project counts as loaded
//! once ladish took the order and JACK is there, as long as the studio is the one it was loaded
//! into. Loading it each time would restart its programs at the end of every pause.

use std::time::{Duration, Instant};

use super::SphereError;
use super::ladish::{self, Order, Track};
use super::sound::Sound;
use super::ssh::Answer;

/// A studio with its clients is loaded by then.
const STUDIO: Duration = Duration::from_secs(20);
/// JACK is back by then.
const JACK: Duration = Duration::from_secs(15);
/// How long JACK may take before the studio is started by an extra order: ladish does not start
/// a studio that was saved while stopped.
const START: Duration = Duration::from_secs(2);

/// A room of the studio that is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its name.
    pub name: String,
    /// The folder of the project that runs in it.
    pub project: Option<String>,
}

/// What loading needs from a sphere.
pub trait Loader {
    /// Runs ladish_control. An order to load leaves the mark first.
    ///
    /// # Errors
    /// The connection's.
    fn ladish(&mut self, order: Order<'_>) -> Result<Answer, SphereError>;
    /// Whether JACK answers.
    ///
    /// # Errors
    /// [`SphereError::NoJack`] while it does not; the connection's.
    fn jack(&mut self) -> Result<(), SphereError>;
    /// What the card plays from.
    ///
    /// # Errors
    /// [`SphereError::NoJack`]; the connection's.
    fn sound(&mut self) -> Result<Sound, SphereError>;
    /// The rooms of the studio that is loaded; `None` where nothing there can ask for them.
    ///
    /// # Errors
    /// ladish's, the connection's.
    fn rooms(&mut self) -> Result<Option<Vec<Room>>, SphereError>;
    /// The load that was ordered and whose end no booth has seen: how old the order is, and the
    /// track's name as it was given.
    ///
    /// # Errors
    /// The connection's.
    fn outstanding(&mut self) -> Result<Option<(Duration, String)>, SphereError>;
    /// Takes the mark of an order away.
    ///
    /// # Errors
    /// The connection's.
    fn ended(&mut self) -> Result<(), SphereError>;
    /// Whether a `jackd` runs there that is not ladish's.
    ///
    /// # Errors
    /// The connection's.
    fn has_stray(&mut self) -> Result<bool, SphereError>;
    /// What was loaded over this connection.
    fn tracks(&mut self) -> &mut Tracks;
}

/// What was loaded over one connection.
#[derive(Debug, Default)]
pub struct Tracks {
    /// The project that was loaded last.
    project: Option<Project>,
    loading: Option<Loading>,
}

impl Tracks {
    /// Whether a track was ordered and its end was not seen.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.loading.is_some()
    }
}

/// A project, and the studio that it was loaded into.
#[derive(Debug, PartialEq, Eq)]
struct Project {
    track: String,
    studio: String,
}

/// A track that is being loaded.
#[derive(Debug)]
struct Loading {
    track: String,
    /// It was not there before.
    is_new: bool,
    since: Instant,
    /// Its name is there since then; JACK is polled.
    named: Option<Instant>,
    has_started: bool,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is being loaded.
    Underway,
    /// It is there; it was loaded before.
    Kept,
    /// It is there, loaded now.
    Loaded,
}

/// Loads the track `name`, unless it is loaded, or checks the progress.
///
/// # Errors
/// An unknown track, ladish's refusals, time-outs.
pub fn load(loader: &mut dyn Loader, name: &str) -> Result<Step, SphereError> {
    let track = Track::read(name)?;
    let is_begun = |it: &Loading| it.track == name && it.since.elapsed() < STUDIO + JACK;
    let begun = loader.tracks().loading.take().filter(is_begun);
    let Some(mut loading) =
        begun.map_or_else(|| ordered(loader, track, name), |it| Ok(Some(it)))?
    else {
        return Ok(Step::Kept);
    };
    if !loading.is_there(loader, track)? {
        loader.tracks().loading = Some(loading);
        return Ok(Step::Underway);
    }
    Ok(if loading.is_new {
        Step::Loaded
    } else {
        Step::Kept
    })
}

/// The studio that is loaded, or ladish's words if there is none.
///
/// # Errors
/// No D-Bus, an answer that is not understood, the connection's.
pub fn loaded(loader: &mut dyn Loader) -> Result<Result<String, String>, SphereError> {
    match ladish::name(&loader.ladish(Order::Name)?) {
        Ok(name) => Ok(Ok(name)),
        // Without a studio, nothing on the bus could be asked for its name.
        Err(SphereError::Ladish(said)) => Ok(Err(said)),
        Err(error) => Err(error),
    }
}

/// Orders a track; `None` if there is nothing to wait for.
fn ordered(
    loader: &mut dyn Loader,
    track: Track<'_>,
    name: &str,
) -> Result<Option<Loading>, SphereError> {
    let order = Order::Load { track, name };
    let mut is_new = true;
    match track {
        Track::Studio(studio) => {
            let all = ladish::names(&loader.ladish(Order::List)?)?;
            if !all.iter().any(|known| known == studio) {
                return Err(SphereError::UnknownTrack(name.into()));
            }
            is_new = loaded(loader)?.as_deref() != Ok(studio);
            if is_new {
                order.done(&loader.ladish(order)?)?;
                loader.tracks().project = None;
            }
        }
        Track::Project { .. } => {
            let project = Project {
                track: name.into(),
                studio: loaded(loader)?.unwrap_or_default(),
            };
            if loader.tracks().project.as_ref() == Some(&project) {
                return Ok(None);
            }
            order.done(&loader.ladish(order)?)?;
            loader.tracks().project = Some(project);
        }
    }
    Ok(Some(Loading {
        track: name.into(),
        is_new,
        since: Instant::now(),
        named: None,
        has_started: false,
    }))
}

impl Loading {
    fn is_there(&mut self, loader: &mut dyn Loader, track: Track<'_>) -> Result<bool, SphereError> {
        if let Track::Studio(studio) = track
            && self.named.is_none()
            && !self.has_name(loader, studio)?
        {
            return Ok(false);
        }
        let named = *self.named.get_or_insert_with(Instant::now);
        match loader.jack() {
            Err(SphereError::NoJack) if named.elapsed() < JACK => {}
            result => return result.map(|()| true),
        }
        if !self.has_started && named.elapsed() > START {
            self.has_started = true;
            // It may already be starting and refuse; JACK's own answer decides.
            if let Err(error) = Order::Start.done(&loader.ladish(Order::Start)?) {
                log::debug!("{error}");
            }
        }
        Ok(false)
    }

    fn has_name(&self, loader: &mut dyn Loader, studio: &str) -> Result<bool, SphereError> {
        let found = match loaded(loader) {
            // It may be busy with the loading itself.
            Err(error @ SphereError::Hangs(_)) => error.to_string(),
            Err(error) => return Err(error),
            Ok(Ok(found)) if found == studio => return Ok(true),
            Ok(Ok(found)) => format!("`{}` is", SphereError::quoted(found.as_bytes())),
            Ok(Err(said)) => said,
        };
        if self.since.elapsed() > STUDIO {
            return Err(SphereError::TrackNotThere {
                track: self.track.clone(),
                waited_ms: STUDIO.as_millis() as u64,
                found,
            });
        }
        Ok(false)
    }
}
