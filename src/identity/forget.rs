//! Forgetting a person: tombstone first, then every place where something of them may lie.
//!
//! Guarantees: once the tombstone is there, whatever happens ends in "forgotten": the next start, or
//! the next command that reads DATA, carries it out again; carrying it out twice changes nothing.
//! Each place that was looked at is told, those out of reach too. Whether it is carried out here is
//! decided by what is here: a tombstone's places may be another box's. Whoever calls this holds
//! DATA's lock, but for [`announce`] and [`receipt`].

mod carry;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Map, Value};

use super::code::Proof;
use super::place::Place;
use super::receipt::{BoxKey, ReceiptError};
use super::survey::{self, Round, Survey};
use super::tombstone::{self, By, Looked, State, Tombstone};
use super::{exports, keyring, pending, sweep};
use crate::rt;
use crate::store::folder::{self, Record};
use crate::store::small;

pub use self::carry::{CarriedOut, carry_out, carry_out_due};

/// Why somebody is not forgotten yet.
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

    /// Of what became of a tombstone's places.
    fn untold(path: &Path) -> impl FnOnce(io::Error) -> ForgetError {
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
    tombstone.box_key = own_key(data);
    let folder = sweep::session_folder(data, &session);
    let record = small::read(&folder.join("session.json")).ok().flatten();
    let record = record.and_then(|text| serde_json::from_slice::<Record>(&text).ok());
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

/// The public half of this box's key; none if it cannot be had.
fn own_key(data: &Path) -> Option<String> {
    BoxKey::of(data).ok().map(|key| key.public())
}

/// Of what is not in DATA, what must be on a medium that is away: what is `there` of a session goes
/// with it.
fn away(
    there: &[Place],
    entries: &pending::Own,
    folder: &Path,
    record: Option<&Record>,
) -> Option<(Place, &'static str)> {
    let has = |place| there.contains(&place);
    if has(Place::Keys) {
        let why = "its recordings are not here; put the disk back that holds sessions/";
        // They may be somebody of whom there is an entry only.
        let is_all = has(Place::Sessions) || *entries != pending::Own::default();
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

/// A place where something is that will be removed.
fn is_there(place: impl fmt::Display) -> Looked {
    Looked::new(place, State::Found, "")
}

/// Carries out every tombstone that is due, after those of enrolled people who never came; how many
/// sessions something was removed of. To be called before DATA is read.
///
/// # Errors
/// The file system's.
pub fn apply(data: &Path, pending_days: u32) -> Result<u32, ForgetError> {
    let failed = || ForgetError::at(data);
    pending::clear_unfinished(data).map_err(failed())?;
    // Before anybody expires: who was recorded did come.
    pending::clear_settled(data).map_err(failed())?;
    let now = rt::utc_now().map(|_| SystemTime::now());
    for old in pending::expired(data, pending_days, now).map_err(failed())? {
        match keyring::proof(data, &old.session) {
            Ok(Some(proof)) => {
                announce(data, &proof, By::Expired)?;
            }
            _ => log::warn!(
                "a pending person is overdue and has no proof; use `booth forget` with their code"
            ),
        }
    }
    let done = carry_out_due(data, None, Round::Full)?;
    for failure in &done.failures {
        log::warn!("a tombstone is not carried out: {failure}");
    }
    Ok(done.sessions)
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
    tombstone::sessions(data).map_err(ForgetError::at(&tombstone::folder(data)))
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

    #[test]
    fn who_was_recorded_does_not_expire() {
        let (data, participant) = recorded();
        let data = data.path();
        let folder = sweep::session_folder(data, &participant.session);
        fs::write(folder.join("session.json"), "{}").expect("written");
        let entry = pending::Pending {
            session: participant.session.clone(),
            token: "gAAAAAAAAAAAAAAA".into(),
            recipient: String::new(),
            answers: None,
        };
        fs::create_dir(pending::folder(data)).expect("made");
        let text = serde_json::to_vec(&entry).expect("a text");
        fs::write(pending::folder(data).join("012.json"), text).expect("put back");
        assert_eq!(apply(data, 0).expect("applied"), 0);
        assert!(folder.join("take-0001.rf64").exists());
        assert!(pending::numbers(data).expect("numbers").is_empty());
    }

    fn due_now(data: &Path, round: Round) -> usize {
        let due = carry::due(&Survey::of(data), data, round);
        due.expect("listed").len()
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
        assert!(!survey::is_in_data(data, &participant.session));
        assert_eq!(due_now(data, Round::Full), 0);
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
        let folder = sweep::session_folder(data, session);
        fs::create_dir(&folder).expect("copied back");
        fs::write(folder.join("take-0001.rf64"), "voice").expect("copied back");
        assert_eq!(apply(data, 30).expect("applied"), 1);
        assert_eq!(apply(data, 30).expect("applied"), 0);
        assert!(!folder.exists());
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
    fn an_export_that_waits_for_its_keeper_is_not_looked_through_each_minute() {
        let (data, participant) = recorded();
        let (data, session) = (data.path(), participant.session.as_str());
        let stick = tempfile::tempdir().expect("a folder");
        let export = Export {
            path: stick.path().to_owned(),
            sessions: vec![session.to_owned()],
        };
        exports::remember(data, &export).expect("written");
        fs::write(stick.path().join("other"), "").expect("another medium");
        let mut tombstone = announce(data, &participant.proof, By::Code).expect("written");
        carry_out(data, &mut tombstone).expect("carried out");
        assert!(!tombstone.is_complete());
        let due_in = |round| due_now(data, round);
        assert_eq!((due_in(Round::Full), due_in(Round::Brief)), (1, 0));
        fs::create_dir(stick.path().join(session)).expect("seen");
        assert_eq!((due_in(Round::Full), due_in(Round::Brief)), (1, 1));
        carry_out(data, &mut tombstone).expect("carried out");
        assert!(tombstone.is_complete());
        assert_eq!((due_in(Round::Full), due_in(Round::Brief)), (0, 0));
        assert_eq!(exports::of(data, session).expect("read").len(), 1);
    }

    #[test]
    fn an_export_that_was_cleaned_by_a_call_that_was_killed_is_told() {
        let (data, participant) = recorded();
        let (data, session) = (data.path(), participant.session.as_str());
        let path = PathBuf::from("/nowhere/export");
        let export = Export {
            path: path.clone(),
            sessions: vec![session.to_owned()],
        };
        exports::remember(data, &export).expect("written");
        let mut tombstone = announce(data, &participant.proof, By::Code).expect("written");
        carry_out(data, &mut tombstone).expect("carried out");
        assert_eq!(tombstone.waiting_for(), ["/nowhere/export"]);
        exports::cleaned(data, &path, session).expect("written");
        assert_eq!(due_now(data, Round::Brief), 1);
        carry_out(data, &mut tombstone).expect("carried out");
        assert!(tombstone.is_complete());
        assert_eq!(due_now(data, Round::Full), 0);
    }

    #[test]
    fn a_session_whose_folder_was_renamed_is_not_called_gone() {
        let (data, participant) = recorded();
        let data = data.path();
        let folder = sweep::session_folder(data, &participant.session);
        let record = format!(r#"{{"session":"{}"}}"#, participant.session);
        fs::write(folder.join("session.json"), record).expect("written");
        let renamed = data.join("sessions/amelie");
        fs::rename(&folder, &renamed).expect("renamed");
        let mut tombstone = announce(data, &participant.proof, By::Code).expect("written");
        carry_out(data, &mut tombstone).expect("carried out");
        assert!(
            tombstone
                .told("sessions")
                .is_some_and(|told| told.found.contains("amelie"))
        );
        assert!(!tombstone.is_complete());
        fs::remove_dir_all(renamed).expect("removed by hand");
        carry_out(data, &mut tombstone).expect("carried out");
        assert!(tombstone.is_complete(), "{:?}", tombstone.places);
    }

    #[test]
    fn a_forged_tombstone_forgets_nobody() {
        let (data, participant) = recorded();
        let other = Participant::draw().expect("random");
        let mut forged = Tombstone::of(&other.proof, By::Code);
        forged.session.clone_from(&participant.session);
        forged.write(data.path()).expect("written");
        assert_eq!(apply(data.path(), 30).expect("applied"), 0);
        assert!(survey::is_in_data(data.path(), &participant.session));
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
