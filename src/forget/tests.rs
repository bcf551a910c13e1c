use std::fs;

use super::*;
use crate::dataset::exports::Export;
use crate::files::data::Data;
use crate::identity::participant::Participant;

fn recorded() -> (tempfile::TempDir, Participant) {
    let data = tempfile::tempdir().expect("a folder");
    let participant = Participant::draw().expect("random");
    keyring::keep(data.path(), &participant, &[]).expect("kept");
    let folder = Data(data.path()).session(&participant.session);
    fs::create_dir_all(&folder).expect("made");
    fs::write(folder.join("take-0001.rf64"), "voice").expect("written");
    (data, participant)
}

#[test]
fn a_recorded_person_does_not_expire() {
    let (data, participant) = recorded();
    let data = data.path();
    let folder = Data(data).session(&participant.session);
    fs::write(folder.join("session.json"), "{}").expect("written");
    let entry = pending::Pending {
        session: participant.session.clone(),
        token: "gAAAAAAAAAAAAAAA".into(),
        recipient: String::new(),
        answers: None,
    };
    fs::create_dir(Data(data).pending()).expect("made");
    let text = serde_json::to_vec(&entry).expect("a text");
    fs::write(Data(data).pending().join("012.json"), text).expect("put back");
    assert_eq!(apply(data, 0).expect("applied"), 0);
    assert!(folder.join("take-0001.rf64").exists());
    assert!(pending::numbers(data).expect("numbers").is_empty());
}

fn due_now(data: &Path, round: Round) -> usize {
    let due = order::due(&Survey::of(data), data, round);
    due.expect("listed").len()
}

fn states(tombstone: &Tombstone) -> Vec<(&str, State)> {
    let places = tombstone.places.iter();
    places
        .map(|look| (look.place.as_str(), look.state))
        .collect()
}

#[test]
fn every_place_is_cleaned_and_reported_and_doing_it_again_changes_nothing() {
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
    let folder = Data(data).session(session);
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
fn an_export_that_waits_for_its_keeper_is_not_searched_each_minute() {
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
fn an_export_that_was_cleaned_by_a_call_that_was_killed_is_reported() {
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
    let folder = Data(data).session(&participant.session);
    let record = format!(r#"{{"session":"{}"}}"#, participant.session);
    fs::write(folder.join("session.json"), record).expect("written");
    let renamed = data.join("sessions/amelie");
    fs::rename(&folder, &renamed).expect("renamed");
    let mut tombstone = announce(data, &participant.proof, By::Code).expect("written");
    carry_out(data, &mut tombstone).expect("carried out");
    assert!(
        tombstone
            .look("sessions")
            .is_some_and(|look| look.found.contains("amelie"))
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
    let folder = Data(data).session(&participant.session);
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
