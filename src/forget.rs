//! Forgetting a person: first the tombstone, then every place where data of them may be.
//!
//! Guarantees: once the tombstone is there, the end is always "forgotten": the next start, or the
//! next command that reads DATA, carries it out again; carrying it out twice changes nothing. Each
//! place that was searched is reported, also those out of reach. What is left to do here is decided
//! by what is here: a tombstone's places may be another box's. The caller holds DATA's lock, except
//! for [`announce`] and [`receipt`].

pub mod copies;
mod order;
pub mod survey;
pub mod sweep;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Map, Value};

use crate::dataset::exports;
use crate::files::data::Data;
use crate::files::small;
use crate::identity::code::Proof;
use crate::identity::place::Place;
use crate::identity::receipt::{BoxKey, ReceiptError};
use crate::identity::tombstone::{Looked, State, Tombstone};
use crate::identity::{keyring, pending, tombstone};
use crate::rt;
use crate::store::lock;
use crate::store::session::{self, Record};
use crate::words::By;
use survey::{Round, Survey};

pub use order::{CarriedOut, carry_out, carry_out_due};

/// Why a person is not forgotten yet.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}; {rest}", path.display())]
pub struct ForgetError {
    path: PathBuf,
    source: io::Error,
    rest: &'static str,
}

impl ForgetError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> ForgetError {
        move |source| ForgetError {
            path: path.to_owned(),
            source,
            rest: "nothing else was changed",
        }
    }

    /// The result for a tombstone's places could not be written.
    fn unrecorded(path: &Path) -> impl FnOnce(io::Error) -> ForgetError {
        move |source| ForgetError {
            path: path.to_owned(),
            source,
            rest: "what was removed is not written down, and is looked for again",
        }
    }
}

/// Whether DATA holds anything of `session`, its tombstone included, or has exported it.
///
/// # Errors
/// The file system's.
pub fn is_here(data: &Path, session: &str) -> Result<bool, ForgetError> {
    let failed = || ForgetError::at(data);
    Ok(tombstone::read(data, session).map_err(failed())?.is_some()
        || survey::is_in_data(data, session)
        || !exports::of(data, session).map_err(failed())?.is_empty())
}

/// Writes the tombstone of the session that `proof` gives, synced, if it has no valid one yet. From
/// then on the session will be forgotten in any case.
///
/// # Errors
/// The file system's.
pub fn announce(data: &Path, proof: &Proof, by: By) -> Result<Tombstone, ForgetError> {
    let session = proof.session();
    let folder = Data(data).forgotten();
    let failed = || ForgetError::at(&folder);
    if let Some(known) = tombstone::read(data, &session).map_err(failed())? {
        return Ok(known);
    }
    let mut tombstone = Tombstone::of(proof, by);
    tombstone.box_key = own_key(data);
    let folder = Data(data).session(&session);
    let record: Option<Record> = session::record_as(&folder);
    let survey = Survey::of(data);
    let there = survey.in_data(&session);
    tombstone.places = there.iter().map(|place| is_there(place.word())).collect();
    let own = pending::of(data, &session).unwrap_or_default();
    let away = away(&there, &own, &folder, record.as_ref()).into_iter();
    let away = away.map(|(place, why)| Looked::new(place.word(), State::Away, why));
    tombstone.places.extend(away);
    if let Some(consent) = record.and_then(|record| record.consent) {
        tombstone.consent_sha256 = Some(consent.sha256);
        tombstone.consent_version = Some(consent.version);
    }
    let exports = survey.exports_with(&session).into_iter();
    tombstone.places.extend(exports.map(|path| {
        let place = path.display();
        if survey::holds(path, &session) {
            is_there(place)
        } else {
            sweep::unseen_yet(place)
        }
    }));
    tombstone.write(data).map_err(failed())?;
    Ok(tombstone)
}

/// The public half of this box's key; none if it is not available.
fn own_key(data: &Path) -> Option<String> {
    BoxKey::of(data).ok().map(|key| key.public())
}

/// What is not in DATA and must therefore be on a medium that is away, judged by what is `there` of
/// the session.
fn away(
    there: &[Place],
    entries: &pending::Entries,
    folder: &Path,
    record: Option<&Record>,
) -> Option<(Place, &'static str)> {
    let has = |place| there.contains(&place);
    if has(Place::Keys) {
        let why = "its recordings are not here; put the disk back that holds sessions/";
        // This may be a person of whom there is only an entry.
        let is_all = has(Place::Sessions) || *entries != pending::Entries::default();
        return (!is_all).then_some((Place::Sessions, why));
    }
    let names = small::names(folder).unwrap_or_default();
    let is_sealed = names.iter().any(|name| name.ends_with(".age"));
    let is_recorded = has(Place::Sessions)
        // Only an operator's key makes a token.
        && (is_sealed || record.is_none_or(|record| record.participant.is_some()));
    let why = "its key is not here; put the keys folder back";
    (is_recorded || !entries.paths.is_empty()).then_some((Place::Keys, why))
}

/// A place with data that will be removed.
fn is_there(place: impl fmt::Display) -> Looked {
    Looked::new(place, State::Found, "")
}

/// Carries out every tombstone that is due, after those of enrolled people who never came; returns
/// how many sessions had something removed. Call it before DATA is read.
///
/// # Errors
/// The file system's.
pub fn apply(data: &Path, pending_days: u32) -> Result<u32, ForgetError> {
    pending::clear_unfinished(data).map_err(ForgetError::at(data))?;
    expire(data, pending_days, None)?;
    let done = carry_out_due(data, None, Round::Full)?;
    for failure in &done.failures {
        log::warn!("a tombstone is not carried out: {failure}");
    }
    Ok(done.sessions)
}

/// Writes the tombstones of enrolled people who did not come in time; [`carry_out_due`] obeys them.
/// Whoever is here now, in the session `live`, did come.
///
/// # Errors
/// The file system's.
pub fn expire(data: &Path, pending_days: u32, live: Option<&str>) -> Result<(), ForgetError> {
    let failed = || ForgetError::at(data);
    // Before any entry expires: a person who was recorded did come.
    pending::clear_settled(data).map_err(failed())?;
    let now = rt::utc_now().map(|_| SystemTime::now());
    let overdue = pending::expired(data, pending_days, now).map_err(failed())?;
    let absent = |old: &pending::Pending| live != Some(old.session.as_str());
    for old in overdue.into_iter().filter(absent) {
        match keyring::proof(data, &old.session) {
            Ok(Some(proof)) => {
                announce(data, &proof, By::Expired)?;
            }
            _ => log::warn!(
                "a pending person is overdue and has no proof; use `booth forget` with their code"
            ),
        }
    }
    Ok(())
}

/// Applies the tombstones before a command reads DATA, and returns the sessions that the command
/// must leave out: while a box is running, or on a medium that cannot be written, they may still be
/// there. A folder that is not there is not made.
///
/// # Errors
/// The file system's.
pub fn open_data(data: &Path, pending_days: u32) -> Result<BTreeSet<String>, ForgetError> {
    let held = if data.is_dir() {
        lock::lock(data).unwrap_or_default()
    } else {
        None
    };
    if held.is_some()
        && let Err(error) = apply(data, pending_days)
    {
        log::warn!("tombstones are not carried out: {error}");
    }
    tombstone::sessions(data).map_err(ForgetError::at(&Data(data).forgotten()))
}

/// The receipt of a tombstone, one line of JSON signed by this box.
///
/// # Errors
/// The box's key is not available.
pub fn receipt(data: &Path, tombstone: &Tombstone) -> Result<String, ReceiptError> {
    let mut object = Map::new();
    if let Ok(Value::Object(fields)) = serde_json::to_value(tombstone) {
        object = fields;
    }
    // The proof is for boxes, not for paper.
    object.remove("proof");
    object.insert("complete".into(), tombstone.is_complete().into());
    object.insert("waiting_for".into(), tombstone.waiting_for().into());
    Ok(BoxKey::of(data)?.sign(object))
}

#[cfg(test)]
mod tests;
