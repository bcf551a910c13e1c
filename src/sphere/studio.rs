//! Loading a track, from the first question to the first connection: one look per call, so that no
//! caller waits for the end, and one end for the whole change.
//!
//! ladish takes an order and does not report its end; it has one thread, which gives no answer while
//! it starts or stops JACK or waits for a player to end. Two loads at once leave it stuck. So:
//!
//! - An order leaves a mark on the sphere, and is not given where there is one: of two at once, by
//!   whichever booth or hand-made command, one is ordered. What was ordered is waited for.
//! - It is ordered again only if ladish answers and names neither the track from before nor the one
//!   that was ordered, and goes on to do so; while it names the one from before, never, however long
//!   that takes. A name that is in no list was invented by a ladish that
//!   was started anew: that one has no order.
//! - A name without JACK is a track whose JACK has ended, and its players with it: it is loaded anew,
//!   never merely started.
//! - A track is there once ladish names it, JACK answers, ladish names it still, and something is
//!   connected to the ports that the card plays from.

mod change;

use std::time::Duration;

use super::SphereError;
use super::ladish::{self, Order};
use super::sound::Sound;
use super::ssh::Answer;
use crate::rt::Nanos;
use change::Change;

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
    /// [`SphereError::AnotherLoad`], and nothing is ordered, where there is a mark; the connection's.
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
    /// Takes the mark of an order of this track away; that of another stays.
    ///
    /// # Errors
    /// The connection's.
    fn ended(&mut self, track: &str) -> Result<(), SphereError>;
    /// Whether a `jackd` runs there that is not ladish's.
    ///
    /// # Errors
    /// The connection's.
    fn has_stray(&mut self) -> Result<bool, SphereError>;
}

/// How long a change may take, and when it is over.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// From the first question to the first connection.
    pub limit: Duration,
    /// A track is there without a connection too.
    pub unheard: bool,
}

/// The change that is under way, and the project that was loaded last.
#[derive(Debug, Default)]
pub struct Tracks {
    change: Option<Change>,
    /// Where rooms cannot be asked for, a project is believed for as long as its studio stays.
    believed: Option<Believed>,
}

/// A project, and the studio that it was loaded into.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Believed {
    track: String,
    studio: String,
}

impl Tracks {
    /// Whether a track was ordered and its end was not seen.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.change.as_ref().is_some_and(|it| it.is_ordered)
    }
}

/// The result of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is being loaded.
    Underway,
    /// It is there; it was loaded before.
    Kept,
    /// It is there, loaded now.
    Loaded,
}

/// Loads the track `name`, unless it is loaded, or looks how far it has got.
///
/// # Errors
/// An unknown track, ladish's refusals, the end of the time that a change has.
pub fn load(
    loader: &mut dyn Loader,
    tracks: &mut Tracks,
    rules: Rules,
    name: &str,
    now: Nanos,
) -> Result<Step, SphereError> {
    let same = |change: &Change| change.track == name;
    let mut change = match tracks.change.take().filter(same) {
        Some(change) => change,
        None => Change::new(name, rules, now)?,
    };
    let step = change.look(loader, &mut tracks.believed, now)?;
    if step == Step::Underway {
        tracks.change = Some(change);
    }
    Ok(step)
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

#[cfg(test)]
mod tests;
