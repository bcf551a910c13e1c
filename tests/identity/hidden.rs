//! What hides somebody from forgetting: damage, links, other boxes. No receipt says that all is gone
//! while something is readable, each says what to do, and nothing of somebody else goes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use booth::dataset::exports;
use booth::dataset::exports::Export;
use booth::forget;
use booth::identity::code::Proof;
use booth::words::By;
use serde_json::Value;

use crate::common::lab::{Lab, copy, said};

/// The receipt of a person who is not wholly gone.
#[track_caller]
fn incomplete(lab: &Lab, session: &str) -> Value {
    let output = lab.booth(&["forget", "--session", session, "--json"], "");
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let receipt: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(receipt["complete"], false, "{receipt}");
    receipt
}

#[track_caller]
fn complete(lab: &Lab, session: &str) {
    let receipt = lab.done(&["forget", "--session", session, "--json"], "");
    assert!(receipt.contains("\"complete\":true"), "{receipt}");
}

#[track_caller]
fn assert_waits(receipt: &Value, place: &str, words: &[&str]) {
    assert_eq!(
        receipt["waiting_for"],
        serde_json::json!([place]),
        "{receipt}"
    );
    let mut places = receipt["places"].as_array().unwrap().iter();
    let found = places.find(|looked| looked["place"] == place).unwrap();
    let found = found["found"].as_str().unwrap();
    for word in words {
        assert!(found.contains(word), "{word} in {found}");
    }
}

/// Without a recipient: everything is stored plain.
fn plain(lab: &Lab) -> String {
    lab.record_with(&["--set", "privacy.seal_audio=false"])
}

fn take(lab: &Lab, session: &str) -> std::path::PathBuf {
    lab.data()
        .join("sessions")
        .join(session)
        .join("take-0001.rf64")
}

/// The export of `sessions` that stands in DATA's list, with `table` below its header.
fn export(lab: &Lab, name: &str, sessions: &[&str], table: &str) -> std::path::PathBuf {
    let folder = lab.path(name);
    for session in sessions {
        fs::create_dir_all(folder.join(session)).unwrap();
        fs::write(folder.join(session).join("a.wav"), "voice").unwrap();
    }
    fs::write(folder.join("report.html"), "<audio>").unwrap();
    let header = "file_name,session,profile,text\n";
    fs::write(folder.join("metadata.csv"), format!("{header}{table}")).unwrap();
    let row = Export {
        path: folder.clone(),
        sessions: sessions.iter().map(|&one| one.to_owned()).collect(),
    };
    exports::remember(&lab.data(), &row).unwrap();
    folder
}

#[test]
fn a_damaged_entry_of_a_pending_person_is_waited_for_until_the_keeper_looked() {
    let lab = Lab::new();
    let (gone, kept) = (lab.enroll(), lab.enroll());
    let entry = |number: &str| lab.data().join(format!("pending/{number}.json"));
    fs::write(entry(&gone.number), "{\0\0\0").unwrap();
    let receipt = incomplete(&lab, &gone.session);
    let name = format!("{}.json cannot be read", gone.number);
    assert_waits(&receipt, "pending", &[&name, "remove it"]);
    assert!(entry(&gone.number).exists() && entry(&kept.number).exists());
    fs::remove_file(entry(&gone.number)).unwrap();
    // The next look, whoever looks, sees that it was done.
    lab.done(&["takes"], "");
    complete(&lab, &gone.session);
    assert!(entry(&kept.number).exists());
}

#[test]
fn a_link_in_the_place_of_a_key_or_a_take_is_followed_to_what_is_theirs_and_told_otherwise() {
    let lab = Lab::new();
    let session = plain(&lab);
    let disk = lab.path("disk");
    fs::create_dir(&disk).unwrap();
    let moved = |file: &Path, name: &str| {
        let to = disk.join(name);
        fs::rename(file, &to).unwrap();
        symlink(&to, file).unwrap();
        to
    };
    let own_take = moved(&take(&lab, &session), "take-0001.rf64");
    let key = lab.data().join(format!("keys/{session}.age"));
    let odd_key = moved(&key, "box key");
    let receipt = incomplete(&lab, &session);
    let words = [
        key.to_str().unwrap(),
        odd_key.to_str().unwrap(),
        "remove by hand",
    ];
    assert_waits(&receipt, "keys", &words);
    assert!(!own_take.exists() && odd_key.exists() && key.is_symlink());
    fs::remove_file(&odd_key).unwrap();
    // Its medium may be away.
    assert_waits(&incomplete(&lab, &session), "keys", &["not there"]);
    fs::remove_file(&key).unwrap();
    complete(&lab, &session);
}

#[test]
fn a_copy_of_a_session_under_another_name_in_data_is_told() {
    let lab = Lab::new();
    let session = plain(&lab);
    let bak = lab.data().join(format!("sessions/{session}.bak"));
    copy(&lab.data().join("sessions").join(&session), &bak);
    let receipt = incomplete(&lab, &session);
    assert_waits(&receipt, "sessions", &[bak.to_str().unwrap(), "by hand"]);
    fs::remove_dir_all(&bak).unwrap();
    complete(&lab, &session);
}

#[test]
fn a_take_with_a_further_name_goes_here_and_the_receipt_says_that_its_bytes_do_not() {
    let lab = Lab::new();
    let session = plain(&lab);
    fs::hard_link(take(&lab, &session), lab.path("snapshot")).unwrap();
    let place = "further names of sessions";
    let receipt = incomplete(&lab, &session);
    assert_waits(
        &receipt,
        place,
        &["take-0001.rf64", "a further name", "-inum"],
    );
    assert!(!take(&lab, &session).exists());
    assert!(!fs::read(lab.path("snapshot")).unwrap().is_empty());
    // That it is not here any more makes it no less readable.
    assert_waits(&incomplete(&lab, &session), place, &["-inum"]);
}

#[test]
fn a_tombstone_that_another_box_carried_out_is_carried_out_here_too() {
    let lab = Lab::new();
    let session = lab.record();
    copy(&lab.data(), &lab.path("other"));
    let out = lab.path("out");
    lab.done(&["export", out.to_str().unwrap(), "--key", &lab.key()], "");
    assert!(out.join(&session).exists());
    let other = lab.path("other").display().to_string();
    lab.done(&["forget", "--data", &other, "--session", &session], "");
    // Here the session was pruned; the export is all there is.
    fs::remove_dir_all(lab.data().join("sessions").join(&session)).unwrap();
    for ending in ["age", "proof"] {
        fs::remove_file(lab.data().join(format!("keys/{session}.{ending}"))).unwrap();
    }
    copy(&lab.path("other/forgotten"), &lab.data());
    lab.done(&["takes"], "");
    assert!(!out.join(&session).exists());
    let table = fs::read_to_string(out.join("metadata.csv")).unwrap();
    assert!(!table.contains(&session), "{table}");
    complete(&lab, &session);

    // Cleaned, it is not looked through again, nor waited for when its medium is away; but one that
    // was put back from a backup is.
    let tombstone = lab.data().join(format!("forgotten/{session}.json"));
    copy(
        &lab.path(&format!("other/forgotten/{session}.json")),
        &tombstone,
    );
    fs::rename(&out, lab.path("away")).unwrap();
    complete(&lab, &session);
    fs::rename(lab.path("away"), &out).unwrap();
    fs::create_dir(out.join(&session)).unwrap();
    fs::write(out.join(&session).join("a.wav"), "voice").unwrap();
    lab.done(&["takes"], "");
    assert!(!out.join(&session).exists());
}

#[test]
fn a_damaged_row_in_the_list_of_exports_hides_no_other_and_keeps_the_receipt_open() {
    let lab = Lab::new();
    let session = lab.record();
    let row = format!("{session}/a.wav,{session},,x\n");
    let first = export(&lab, "first", &[&session], &row);
    let list = lab.data().join("exports.jsonl");
    let mut text = fs::read_to_string(&list).unwrap();
    text += "{\"path\":\"/somewhere\",\"sessi\n";
    fs::write(&list, &text).unwrap();
    let second = export(&lab, "second", &[&session], &row);
    let receipt = incomplete(&lab, &session);
    assert_waits(
        &receipt,
        "exports.jsonl",
        &["exports.jsonl:2: ", "remove the row"],
    );
    for folder in [&first, &second] {
        assert!(!folder.join(&session).exists());
    }
    let lines = fs::read_to_string(&list).unwrap();
    let kept: Vec<&str> = lines
        .lines()
        .filter(|line| !line.contains("somewhere"))
        .collect();
    fs::write(&list, kept.join("\n")).unwrap();
    complete(&lab, &session);
}

#[test]
fn a_stray_quote_in_an_exports_table_hides_no_row() {
    let lab = Lab::new();
    let (gone, kept) = (plain(&lab), plain(&lab));
    let stray = format!("{kept}/a.wav,{kept},,\"so he said\n");
    let own = format!("{gone}/a.wav,{gone},,\"x, y\"\n");
    let folder = export(&lab, "export", &[&gone, &kept], &format!("{stray}{own}"));
    complete(&lab, &gone);
    let table = fs::read_to_string(folder.join("metadata.csv")).unwrap();
    assert!(table.ends_with(&stray) && !table.contains(&gone), "{table}");
    assert!(!folder.join("report.html").exists() && folder.join(&kept).join("a.wav").exists());

    fs::write(folder.join("metadata.csv"), table.replace('"', "")).unwrap();

    // In their own row: whatever is named after them goes, and the row is told.
    let damaged = format!("{kept}/a.wav,{kept},,\"so he said\n");
    let folder = export(&lab, "again", &[&kept], &damaged);
    let receipt = incomplete(&lab, &kept);
    let place = folder.display().to_string();
    assert_waits(&receipt, &place, &["metadata.csv: line 2: ", "mend it"]);
    assert!(!folder.join(&kept).exists() && !folder.join("report.html").exists());
    fs::write(
        folder.join("metadata.csv"),
        "file_name,session,profile,text\n",
    )
    .unwrap();
    complete(&lab, &kept);
}

#[test]
fn no_row_of_an_exports_table_costs_somebody_else_a_file() {
    let lab = Lab::new();
    let (gone, kept) = (plain(&lab), plain(&lab));
    let theirs = format!("{kept}/a.wav");
    let rows =
        format!("{gone}/a.wav,{gone},{theirs},x\n{theirs},{gone},,x\n{theirs},{kept},{theirs},x\n");
    let folder = export(&lab, "export", &[&gone, &kept], &rows);
    complete(&lab, &gone);
    assert_eq!(fs::read_to_string(folder.join(&theirs)).unwrap(), "voice");
    assert!(!folder.join(&gone).exists());
}

#[test]
fn what_a_copy_holds_that_was_not_looked_into_is_named() {
    let lab = Lab::new();
    let session = plain(&lab);
    let backup = lab.path("backup");
    copy(&lab.data(), &backup);
    let folder = |name: String| backup.join("sessions").join(name);
    copy(&folder(session.clone()), &folder(session.to_lowercase()));
    copy(&folder(session.clone()), &folder(format!("old-{session}")));
    fs::write(backup.join("card.zip"), "PK").unwrap();
    copy(&lab.data().join("sessions"), &lab.path("disk"));
    symlink(lab.path("disk"), backup.join("more")).unwrap();
    lab.done(&["forget", "--session", &session], "");
    let path = backup.display().to_string();
    let output = lab.booth(&["forget", "--apply-to", &path], "");
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let told = String::from_utf8(output.stdout).unwrap();
    for name in ["card.zip", "more: NOT", &format!("old-{session}: NOT")] {
        assert!(told.contains(name), "{name} in {told}");
    }
    assert!(!folder(session.clone()).exists() && !folder(session.to_lowercase()).exists());
    assert!(folder(format!("old-{session}")).exists());

    let own = lab.path("disk").join(&session);
    lab.done(&["forget", "--apply-to", own.to_str().unwrap()], "");
    assert!(!own.exists());
}

#[test]
fn the_data_folder_of_a_running_booth_is_no_copy() {
    let (lab, other) = (Lab::new(), Lab::new());
    let session = lab.record();
    copy(&lab.data(), &other.data());
    other.done(&["forget", "--session", &session], "");
    let _held = booth::store::lock::lock(&lab.data()).unwrap().unwrap();
    for path in [
        lab.data(),
        lab.data().join("sessions"),
        lab.data().join("sessions").join(&session),
    ] {
        let path = path.display().to_string();
        other.refused(&["forget", "--apply-to", &path], "", "a booth is running");
    }
    assert!(lab.data().join("sessions").join(&session).exists());
}

#[test]
fn recordings_or_keys_whose_medium_is_away_are_waited_for() {
    for (place, words) in [("sessions", "holds sessions"), ("keys", "keys folder")] {
        let lab = Lab::new();
        let session = plain(&lab);
        let (folder, away) = (lab.data().join(place), lab.path("away"));
        if place == "keys" {
            let record = lab.data().join(format!("sessions/{session}/session.json"));
            fs::write(record, "{").unwrap();
        }
        fs::rename(&folder, &away).unwrap();
        fs::create_dir(&folder).unwrap();
        if place == "keys" {
            let proof = fs::read_to_string(away.join(format!("{session}.proof"))).unwrap();
            let proof: Proof = proof.parse().unwrap();
            forget::announce(&lab.data(), &proof, By::Code).unwrap();
        }
        let receipt = incomplete(&lab, &session);
        assert_waits(&receipt, place, &[words]);
        assert_waits(&incomplete(&lab, &session), place, &[words]);
        fs::remove_dir(&folder).unwrap();
        fs::rename(&away, &folder).unwrap();
        complete(&lab, &session);
        assert!(!take(&lab, &session).exists());
    }
}

#[test]
fn a_pending_person_whose_keys_are_away_is_waited_for() {
    let lab = Lab::new();
    let person = lab.enroll();
    let (keys, away) = (lab.data().join("keys"), lab.path("away"));
    fs::rename(&keys, &away).unwrap();
    fs::create_dir(&keys).unwrap();
    let output = lab.booth(&["forget", "--json"], &person.code);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let receipt: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_waits(&receipt, "keys", &["put the keys folder back"]);
    fs::remove_dir(&keys).unwrap();
    fs::rename(&away, &keys).unwrap();
    lab.done(&["takes"], "");
    complete(&lab, &person.session);
}

#[test]
fn what_another_box_found_is_not_signed_as_removed_here() {
    let (lab, other) = (Lab::new(), Lab::new());
    let session = lab.record();
    let proof = lab.data().join(format!("keys/{session}.proof"));
    let proof: Proof = fs::read_to_string(proof).unwrap().parse().unwrap();
    forget::announce(&lab.data(), &proof, By::Code).unwrap();
    fs::create_dir_all(other.data()).unwrap();
    copy(&lab.data().join("forgotten"), &other.data());
    other.done(&["takes"], "");
    let receipt = incomplete(&other, &session);
    assert!(!receipt.to_string().contains("removed"), "{receipt}");
    complete(&lab, &session);
    // Put back here it says what this box saw, and the other one's word takes nothing from it.
    copy(&lab.data().join("forgotten"), &other.data());
    complete(&other, &session);
}
