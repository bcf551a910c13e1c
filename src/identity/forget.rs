//! Forgetting a person: tombstone first, then every place where something of them may lie.
//!
//! Guarantees: once the tombstone is there, whatever happens ends in "forgotten": the next start, or
//! the next command that reads DATA, carries it out again; carrying it out twice changes nothing.
//! Each place that was looked at is told, those out of reach too. Whoever calls this holds DATA's
//! lock, but for [`announce`] and [`receipt`].

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Map, Value};

use super::code::Proof;
use super::place::Place;
use super::receipt::{BoxKey, ReceiptError};
use super::sweep::is_left;
use super::tombstone::{self, By, State, Tombstone};
use super::{erase, exports, keyring, pending, sweep};
use crate::store::folder::{self, Record};
use crate::store::small;

/// Why somebody is not forgotten yet.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}; nothing else was changed", path.display())]
pub struct ForgetError {
    path: PathBuf,
    source: io::Error,
}

impl ForgetError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> ForgetError {
        move |source| ForgetError {
            path: path.to_owned(),
            source,
        }
    }
}

/// Whether DATA holds anything of `session`, its tombstone included.
///
/// # Errors
/// The file system's.
pub fn is_here(data: &Path, session: &str) -> Result<bool, ForgetError> {
    let failed = || ForgetError::at(data);
    Ok(tombstone::read(data, session).map_err(failed())?.is_some()
        || is_left(data, session).map_err(failed())?
        || !exports::of(data, session).map_err(failed())?.is_empty())
}

/// Writes the tombstone of the session that `proof` gives, synced, if it has no valid one yet. From
/// here on it will be forgotten, whatever happens.
///
/// # Errors
/// The file system's.
pub fn announce(data: &Path, proof: &Proof, by: By) -> Result<Tombstone, ForgetError> {
    let session = proof.session();
    let folder = tombstone::folder(data);
    let failed = || ForgetError::at(&folder);
    if let Some(known) = tombstone::read(data, &session).map_err(failed())? {
        return Ok(known);
    }
    let mut tombstone = Tombstone::of(proof, by);
    let record = small::read(&sweep::session_folder(data, &session).join("session.json"));
    let record = record.ok().flatten();
    let record = record.and_then(|text| serde_json::from_slice::<Record>(&text).ok());
    tombstone.places = sweep::found(data, &session).map_err(failed())?;
    let keys = Place::Keys.word();
    let has_key = tombstone.places.iter().any(|looked| looked.place == keys);
    // Only an operator's key makes a token.
    if record.as_ref().is_some_and(|it| it.participant.is_some()) && !has_key {
        let why = "its key is not here; put the keys folder back";
        tombstone.places.push(sweep::is_awaited(keys, why));
    }
    if let Some(consent) = record.and_then(|record| record.consent) {
        tombstone.consent_sha256 = Some(consent.sha256);
        tombstone.consent_version = Some(consent.version);
    }
    let exports = exports::of(data, &session).map_err(failed())?.into_iter();
    let why = "nothing of the session was found there yet; put its medium back";
    tombstone
        .places
        .extend(exports.map(|path| sweep::is_awaited(path.display(), why)));
    tombstone.write(data).map_err(failed())?;
    Ok(tombstone)
}

/// Removes all that DATA and the exports within reach hold of the tombstone's session, and writes
/// into it what was found. A place that cannot be cleaned stays waiting.
///
/// # Errors
/// The tombstone cannot be written.
pub fn carry_out(data: &Path, tombstone: &mut Tombstone) -> Result<(), ForgetError> {
    let session = tombstone.session.clone();
    let places = Place::OF_PERSONS.into_iter();
    let looks = places.flat_map(|place| sweep::clean(data, &session, place));
    let before = tombstone.clone();
    tombstone.update(looks.collect());
    if *tombstone != before {
        let path = tombstone::folder(data);
        tombstone.write(data).map_err(ForgetError::at(&path))?;
    }
    Ok(())
}

/// The tombstones that something is left to be done for: that were never carried out, whose session
/// was copied back, or that wait for an export.
///
/// # Errors
/// The file system's.
pub fn due(data: &Path) -> Result<Vec<Tombstone>, ForgetError> {
    let failed = || ForgetError::at(data);
    let mut due = Vec::new();
    for tombstone in tombstone::all(data).map_err(failed())? {
        let is_over = tombstone.is_carried_out() && !is_awaited(&tombstone);
        if !is_over || is_left(data, &tombstone.session).map_err(failed())? {
            due.push(tombstone);
        }
    }
    Ok(due)
}

fn is_awaited(tombstone: &Tombstone) -> bool {
    let mut places = tombstone.places.iter();
    places.any(|looked| looked.state == State::Waiting)
}

/// Carries out every tombstone that is due, after those of enrolled people who never came; how many
/// sessions something was removed of. To be called before DATA is read.
///
/// # Errors
/// The file system's.
pub fn apply(data: &Path, pending_days: u32) -> Result<u32, ForgetError> {
    let failed = || ForgetError::at(data);
    pending::clear_unfinished(data).map_err(failed())?;
    for old in pending::expired(data, pending_days, SystemTime::now()).map_err(failed())? {
        match keyring::proof(data, &old.session) {
            Ok(Some(proof)) => {
                announce(data, &proof, By::Expired)?;
            }
            _ => log::warn!(
                "a pending person is overdue and has no proof; use `booth forget` with their code"
            ),
        }
    }
    carry_out_due(data)
}

/// Carries out every tombstone that is due; how many sessions something was removed of.
///
/// # Errors
/// The file system's.
pub fn carry_out_due(data: &Path) -> Result<u32, ForgetError> {
    let mut removed = 0;
    for mut tombstone in due(data)? {
        let left = is_left(data, &tombstone.session).map_err(ForgetError::at(data))?;
        carry_out(data, &mut tombstone)?;
        removed += u32::from(left);
    }
    if removed > 0 {
        erase::trim(data);
    }
    Ok(removed)
}

/// Applies the tombstones before a command reads DATA, and says which sessions it must leave out:
/// beside a running box, or on a medium that cannot be written, they may be there still. A folder
/// that is not there is not made.
///
/// # Errors
/// The file system's.
pub fn open_data(data: &Path, pending_days: u32) -> Result<BTreeSet<String>, ForgetError> {
    let held = if data.is_dir() {
        folder::lock(data).unwrap_or_default()
    } else {
        None
    };
    if held.is_some()
        && let Err(error) = apply(data, pending_days)
    {
        log::warn!("tombstones are not carried out: {error}");
    }
    tombstone::sessions(data).map_err(ForgetError::at(data))
}

/// The receipt of a tombstone, one line of JSON signed by this box.
///
/// # Errors
/// The box's key cannot be had.
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
mod tests {
    use std::fs;

    use super::*;
    use crate::identity::exports::Export;
    use crate::identity::participant::Participant;

    fn recorded() -> (tempfile::TempDir, Participant) {
        let data = tempfile::tempdir().expect("a folder");
        let participant = Participant::draw().expect("random");
        keyring::keep(data.path(), &participant, &[]).expect("kept");
        let folder = sweep::session_folder(data.path(), &participant.session);
        fs::create_dir_all(&folder).expect("made");
        fs::write(folder.join("take-0001.rf64"), "voice").expect("written");
        (data, participant)
    }

    fn states(tombstone: &Tombstone) -> Vec<(&str, State)> {
        let places = tombstone.places.iter();
        places
            .map(|look| (look.place.as_str(), look.state))
            .collect()
    }

    #[test]
    fn every_place_is_cleaned_and_told_and_doing_it_again_changes_nothing() {
        let (data, participant) = recorded();
        let data = data.path();
        let mut tombstone = announce(data, &participant.proof, By::Code).expect("written");
        assert!(!tombstone.is_complete());
        carry_out(data, &mut tombstone).expect("carried out");
        let expected = [
            ("keys", State::Removed),
            ("sessions", State::Removed),
            ("pending", State::Nothing),
        ];
        assert_eq!(states(&tombstone), expected);
        assert!(!is_left(data, &participant.session).expect("looked"));
        assert!(due(data).expect("listed").is_empty());
        carry_out(data, &mut tombstone).expect("again");
        assert_eq!(states(&tombstone), expected);
        let known = announce(data, &participant.proof, By::Operator).expect("known");
        assert_eq!(known, tombstone);
    }

    #[test]
    fn a_folder_that_is_copied_back_goes_at_the_next_start() {
        let (data, participant) = recorded();
        let data = data.path();
        let session = &participant.session;
        announce(data, &participant.proof, By::Code).expect("written");
        assert_eq!(apply(data, 30).expect("applied"), 1);
        fs::create_dir(sweep::session_folder(data, session)).expect("copied back");
        assert_eq!(apply(data, 30).expect("applied"), 1);
        assert_eq!(apply(data, 30).expect("applied"), 0);
        assert!(!sweep::session_folder(data, session).exists());
    }

    #[test]
    fn an_export_out_of_reach_is_waited_for_and_cleaned_when_it_comes() {
        let (data, participant) = recorded();
        let (data, session) = (data.path(), participant.session.as_str());
        let stick = tempfile::tempdir().expect("a folder");
        let export = Export {
            path: stick.path().join("export"),
            sessions: vec![session.to_owned()],
        };
        exports::remember(data, &export).expect("written");
        let mut tombstone = announce(data, &participant.proof, By::Code).expect("written");
        carry_out(data, &mut tombstone).expect("carried out");
        let place = export.path.display().to_string();
        assert_eq!(tombstone.waiting_for(), [place]);
        fs::create_dir_all(export.path.join(session)).expect("made");
        fs::write(export.path.join(session).join("a.wav"), "voice").expect("written");
        apply(data, 30).expect("applied");
        assert!(!export.path.join(session).exists());
        let tombstone = tombstone::read(data, session)
            .expect("read")
            .expect("there");
        assert!(tombstone.is_complete());
    }

    #[test]
    fn a_forged_tombstone_forgets_nobody() {
        let (data, participant) = recorded();
        let other = Participant::draw().expect("random");
        let mut forged = Tombstone::of(&other.proof, By::Code);
        forged.session.clone_from(&participant.session);
        forged.write(data.path()).expect("written");
        assert_eq!(apply(data.path(), 30).expect("applied"), 0);
        assert!(is_left(data.path(), &participant.session).expect("looked"));
    }

    #[test]
    fn a_link_to_a_folder_of_another_name_costs_nothing_there_and_is_waited_for() {
        let (data, participant) = recorded();
        let data = data.path();
        let folder = sweep::session_folder(data, &participant.session);
        let precious = data.join("precious");
        fs::rename(&folder, &precious).expect("moved");
        std::os::unix::fs::symlink(&precious, &folder).expect("linked");
        let mut tombstone = announce(data, &participant.proof, By::Code).expect("written");
        carry_out(data, &mut tombstone).expect("carried out");
        assert!(precious.join("take-0001.rf64").exists());
        assert!(!tombstone.is_complete());
    }

    #[test]
    fn what_is_no_file_among_the_tombstones_stops_nothing() {
        let (data, participant) = recorded();
        let data = data.path();
        let odd = tombstone::path(data, "ANY20CHARSSESSIONAAA");
        fs::create_dir_all(odd).expect("made");
        let mut tombstone = announce(data, &participant.proof, By::Code).expect("written");
        carry_out(data, &mut tombstone).expect("carried out");
        assert!(tombstone.is_complete());
        assert_eq!(apply(data, 30).expect("applied"), 0);
    }
}
