//! Carrying tombstones out: one, or all that are due.

use std::path::Path;

use super::{ForgetError, is_there, own_key};
use crate::dataset::exports;
use crate::files::data::Data;
use crate::forget::survey::{Round, Survey};
use crate::forget::{survey, sweep};
use crate::identity::erase;
use crate::identity::place::Place;
use crate::identity::tombstone::{self, Looked, State, Tombstone};

/// Removes everything of the tombstone's session from DATA and from the exports within reach, and
/// writes the results into the tombstone. A place that cannot be cleaned stays waiting.
///
/// # Errors
/// The tombstone cannot be written.
pub fn carry_out(data: &Path, tombstone: &mut Tombstone) -> Result<(), ForgetError> {
    if remove(&Survey::of(data), data, tombstone, Round::Full)? {
        erase::trim(data);
    }
    Ok(())
}

/// Like [`carry_out`], without trimming the medium; returns whether something was removed.
fn remove(
    survey: &Survey,
    data: &Path,
    tombstone: &mut Tombstone,
    round: Round,
) -> Result<bool, ForgetError> {
    let before = tombstone.clone();
    tombstone.take_over(own_key(data));
    let mut looks = sweep::data(data, &tombstone.session);
    let list = tombstone.look(Place::ExportList.word());
    looks.extend(sweep::list(&survey.exports, list.is_some()));
    let removed = is_removed(&looks);
    tombstone.update(looks);
    let of_exports = remove_from_exports(survey, data, tombstone, round);
    if *tombstone != before {
        write(data, tombstone)?;
    }
    Ok(of_exports? || removed)
}

/// Cleans the exports that are due and marks them in DATA's own list before the tombstone: the
/// tombstone may be replaced by another box's.
fn remove_from_exports(
    survey: &Survey,
    data: &Path,
    tombstone: &mut Tombstone,
    round: Round,
) -> Result<bool, ForgetError> {
    let session = tombstone.session.clone();
    let without = survey.exports_without(tombstone).into_iter();
    let without = without.map(|path| Looked::new(path.display(), State::Removed, ""));
    tombstone.update(without.collect());
    let due = survey.exports_due(tombstone, round);
    // If a call is killed in the middle of an export, the next must find that something was there.
    let seen = due.iter().filter(|path| survey::holds(path, &session));
    let seen: Vec<Looked> = seen.map(|path| is_there(path.display())).collect();
    if !seen.is_empty() {
        tombstone.update(seen);
        write(data, tombstone)?;
    }
    let (mut removed, mut marked) = (false, Ok(()));
    for path in &due {
        let place = path.display().to_string();
        let looks = sweep::export(path, &session, tombstone.look(&place));
        removed |= is_removed(&looks);
        tombstone.update(looks);
        if tombstone.look(&place).is_some_and(|look| !look.is_left()) {
            marked = marked.and(exports::cleaned(data, path, &session));
        }
    }
    let list = data.join(Place::ExportList.word());
    marked.map_err(ForgetError::unrecorded(&list))?;
    Ok(removed)
}

fn is_removed(looks: &[Looked]) -> bool {
    looks.iter().any(|look| look.state == State::Removed)
}

fn write(data: &Path, tombstone: &Tombstone) -> Result<(), ForgetError> {
    let folder = Data(data).forgotten();
    tombstone
        .write(data)
        .map_err(ForgetError::unrecorded(&folder))
}

/// The tombstones with work left in this round.
///
/// # Errors
/// The file system's.
pub(super) fn due(
    survey: &Survey,
    data: &Path,
    round: Round,
) -> Result<Vec<Tombstone>, ForgetError> {
    let mut due = tombstone::all(data).map_err(ForgetError::at(&Data(data).forgotten()))?;
    due.retain(|tombstone| survey.is_due(tombstone, round));
    Ok(due)
}

/// The result of [`carry_out_due`].
#[derive(Debug, Default)]
pub struct CarriedOut {
    /// Sessions that had something removed.
    pub sessions: u32,
    /// The session that was left out is to be forgotten.
    pub live: bool,
    /// What could not be done.
    pub failures: Vec<ForgetError>,
}

/// Carries out every tombstone that is due, except that of the session `live`, which is being
/// recorded. A failure does not stop the others.
///
/// # Errors
/// The file system's: the tombstones cannot be listed.
pub fn carry_out_due(
    data: &Path,
    live: Option<&str>,
    round: Round,
) -> Result<CarriedOut, ForgetError> {
    let survey = Survey::of(data);
    let mut done = CarriedOut::default();
    for mut tombstone in due(&survey, data, round)? {
        if live == Some(tombstone.session.as_str()) {
            done.live = true;
            continue;
        }
        match remove(&survey, data, &mut tombstone, round) {
            Ok(removed) => done.sessions += u32::from(removed),
            Err(error) => done.failures.push(error),
        }
    }
    if done.sessions > 0 {
        erase::trim(data);
    }
    Ok(done)
}
