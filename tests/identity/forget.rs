//! One code, one command: the person is gone from every place here.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use booth::dataset::exports;
use booth::forget;
use booth::identity::code::Code;
use booth::identity::place::Place;
use booth::identity::tombstone::Tombstone;
use booth::store::lock;
use booth::words::By;
use serde_json::Value;

use crate::common::lab::{Lab, Person, copy, said};
use crate::common::tree;

/// All of DATA but what stays of a forgotten person: tombstone, box key, corpus.
fn left(data: &Path, session: &str) -> Vec<String> {
    let names = tree(data).into_keys();
    let names = names.map(|path| path.strip_prefix(data).unwrap().display().to_string());
    names
        .filter(|name| name.contains(session) && !name.starts_with("forgotten/"))
        .collect()
}

#[track_caller]
fn assert_gone(lab: &Lab, session: &str, code: &str) {
    let data = lab.data();
    assert_eq!(left(&data, session), [""; 0]);
    let tombstone = fs::read_to_string(data.join(format!("forgotten/{session}.json"))).unwrap();
    assert!(
        !tombstone.contains(code) && !tombstone.contains("Quill"),
        "{tombstone}"
    );
    let takes = lab.done(&["takes"], "");
    assert!(!takes.contains(session), "{takes}");
}

#[test]
fn a_code_is_read_as_people_write_it_and_its_person_is_gone() {
    let lab = Lab::new();
    let spelled = |person: &Person| {
        let code = person.code.to_lowercase().replace('0', "o");
        code.replace('1', "i").replace('-', " ")
    };
    let person = lab.enroll();
    let receipt = lab.done(&["forget", "--json"], &format!("{}\n", spelled(&person)));
    let receipt: Value = serde_json::from_str(&receipt).unwrap();
    assert_eq!(receipt["session"], person.session.as_str());
    assert_eq!(receipt["complete"], true);
    assert_eq!(receipt["waiting_for"], serde_json::json!([]));
    assert_eq!(receipt["by"], "code");
    assert_gone(&lab, &person.session, &person.code);

    let person = lab.enroll();
    let told = lab.done(&["forget", &spelled(&person)], "");
    assert!(
        told.contains("keys: removed: 2 files") && told.contains("forgotten"),
        "{told}"
    );
    assert_gone(&lab, &person.session, &person.code);
    let again = lab.done(&["forget", &person.code, "--json"], "");
    assert!(again.contains("\"complete\":true"), "{again}");
}

#[test]
fn a_recorded_session_is_forgotten_by_its_name_and_each_kind_of_file_is_known() {
    let lab = Lab::new();
    let (gone, kept) = (lab.record(), lab.record());
    let person = lab.enroll();
    lab.done(&["forget"], &person.code);
    assert!(lab.data().join(format!("keys/{gone}.proof")).exists());
    let rest = |lab: &Lab| {
        let mut files = tree(&lab.data().join("sessions"));
        files.retain(|path, _| path.display().to_string().contains(&kept));
        files
    };
    let before = rest(&lab);
    let export = exports::Export {
        path: lab.path("nowhere"),
        sessions: vec![kept.clone()],
    };
    exports::remember(&lab.data(), &export).unwrap();
    let receipt = lab.done(&["forget", "--session", &gone, "--json"], "");
    assert!(
        receipt.contains("\"complete\":true") && receipt.contains("operator"),
        "{receipt}"
    );
    assert_gone(&lab, &gone, "no code of theirs was shown");
    assert_eq!(rest(&lab), before);
    lab.done(&["takes", &kept], "");
    lab.refused(&["takes", &gone], "", "forgotten");

    for path in tree(&lab.data()).into_keys() {
        let file = path.strip_prefix(lab.data()).unwrap();
        assert!(
            Place::of(file).is_some(),
            "{}: a kind of file that forgetting does not know",
            file.display()
        );
    }
}

#[test]
fn what_gives_no_right_to_forget_changes_nothing() {
    let lab = Lab::new();
    let person = lab.enroll();
    let stranger = Code::draw().unwrap();
    lab.done(&["takes"], "");
    lab.refused(&["forget"], "", "13 letters");
    lab.refused(&["forget", "ABCD"], "", "13 letters");
    lab.refused(&["forget", "ABCDEFGHJKMNU"], "", "13 letters");
    let mut wrong: Vec<char> = person.code.chars().collect();
    wrong[0] = if wrong[0] == 'A' { 'B' } else { 'A' };
    let wrong: String = wrong.into_iter().collect();
    lab.refused(&["forget", &wrong], "", "check character");
    lab.refused(&["forget", &stranger.grouped()], "", "--elsewhere");
    lab.refused(
        &["forget", "--session", "00000000000000000000"],
        "",
        "not in",
    );
    lab.refused(&["forget", "--session", "../keys"], "", "no session's name");

    let mut forged = Tombstone::of(&stranger.proof(), By::Code);
    forged.session.clone_from(&person.session);
    forged.write(&lab.data()).unwrap();
    let before = tree(&lab.data());
    let output = lab.booth(&["takes"], "");
    assert!(
        said(&output).contains("proof does not fit"),
        "{}",
        said(&output)
    );
    assert_eq!(tree(&lab.data()), before);
    lab.done(&["identity", &person.session, "--key", &lab.key()], "");
    lab.done(&["forget"], &person.code);
    assert_gone(&lab, &person.session, &person.code);
}

#[test]
fn a_code_of_another_booth_becomes_a_tombstone_that_travels() {
    let (here, there) = (Lab::new(), Lab::new());
    let person = there.enroll();
    here.enroll();
    let text = here.done(&["forget", &person.code, "--elsewhere", "--json"], "");
    let receipt: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(receipt["complete"], false);
    assert_eq!(receipt["waiting_for"], serde_json::json!(["another booth"]));
    copy(&here.data().join("forgotten"), &there.data());
    there.done(&["takes"], "");
    assert_gone(&there, &person.session, &person.code);
    let text = there.done(&["forget", &person.code, "--json"], "");
    assert!(text.contains("\"complete\":true"), "{text}");
}

#[test]
fn a_receipt_is_good_as_it_stands_and_an_altered_one_is_refused() {
    let (lab, other) = (Lab::new(), Lab::new());
    let person = lab.enroll();
    let text = lab.done(&["forget", "--json"], &person.code);
    let receipt: Value = serde_json::from_str(&text).unwrap();
    let signer = receipt["signer"].as_str().unwrap();
    fs::write(lab.path("receipt"), &text).unwrap();
    let path = lab.path("receipt").display().to_string();
    // Any machine: the other one has no box.key of this one.
    let told = other.done(&["forget", "--verify", &path], "");
    assert!(
        told.contains("good") && told.contains(&person.session),
        "{told}"
    );
    other.done(&["forget", "--verify", &path, "--signer", signer], "");
    other.done(&["forget", "--verify", "-"], &text);
    let stranger = "11".repeat(32);
    other.refused(
        &["forget", "--verify", &path, "--signer", &stranger],
        "",
        "sign",
    );
    for (from, to) in [
        (person.session.as_str(), "00000000000000000000"),
        ("\"complete\":true", "\"complete\":false"),
        ("removed", "nothing"),
        ("{", "{ "),
    ] {
        fs::write(lab.path("altered"), text.replacen(from, to, 1)).unwrap();
        let altered = lab.path("altered").display().to_string();
        other.refused(&["forget", "--verify", &altered], "", "altered");
    }
    other.refused(&["forget", "--verify", "-"], "{}", "receipt");
    other.refused(&["forget", "--verify", "/nonexistent"], "", "/nonexistent");
    assert!(!other.data().exists());
}

#[test]
fn beside_a_running_box_the_tombstone_is_carried_out_by_it() {
    let lab = Lab::new();
    let person = lab.enroll();
    let held = lock::lock(&lab.data()).unwrap().expect("nobody has it");
    let data = lab.data();
    let session = person.session.clone();
    let running = std::thread::spawn(move || {
        let tombstone = data.join(format!("forgotten/{session}.json"));
        while !tombstone.exists() {
            std::thread::yield_now();
        }
        assert_eq!(forget::apply(&data, 30).unwrap(), 1);
    });
    let receipt = lab.done(&["forget", "--json"], &person.code);
    running.join().unwrap();
    drop(held);
    assert!(receipt.contains("\"complete\":true"), "{receipt}");
    assert_gone(&lab, &person.session, &person.code);
}

#[test]
fn logs_hold_neither_code_nor_name_nor_session() {
    let lab = Lab::new();
    let person = lab.enroll();
    let mut command = lab.command(&["forget", &person.code]);
    let output = command.env("RUST_LOG", "trace").output().unwrap();
    assert!(output.status.success());
    let logged = said(&output);
    for secret in [&person.code, &person.session, &person.code.replace('-', "")] {
        assert!(!logged.contains(secret.as_str()), "{logged}");
    }
}

#[test]
fn a_code_among_the_arguments_is_seen_by_no_list_of_processes() {
    let lab = Lab::new();
    let person = lab.enroll();
    let tombstone = lab
        .data()
        .join(format!("forgotten/{}.json", person.session));
    // As beside a running box, so that it waits.
    let held = lock::lock(&lab.data()).unwrap().expect("nobody has it");
    let mut command = lab.command(&["forget", &person.code]);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    while !tombstone.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended early");
        std::thread::yield_now();
    }
    let arguments = fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    drop(held);
    let arguments = String::from_utf8(arguments).unwrap();
    assert!(arguments.contains("forget"), "{arguments}");
    assert!(!arguments.contains(&person.code), "{arguments}");
    assert!(child.wait().unwrap().success());
    assert_gone(&lab, &person.session, &person.code);
}

#[test]
fn a_damaged_box_key_hinders_no_forgetting_and_says_so() {
    let lab = Lab::new();
    let people = [lab.enroll(), lab.enroll()];
    fs::write(lab.data().join("box.key"), "x").unwrap();
    let told = lab.done(&["forget"], &people[0].code);
    assert!(told.ends_with("forgotten\n"), "{told}");
    let output = lab.booth(&["forget", "--json"], &people[1].code);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let reason = "the person is forgotten, but the receipt cannot be signed: box key";
    assert!(told.contains(reason), "{told}");
    for person in people {
        assert_gone(&lab, &person.session, &person.code);
    }
}
