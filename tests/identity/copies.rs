//! Wherever copies went: backups, and exports.

use std::fs;
use std::path::Path;

use booth::dataset::exports;
use booth::dataset::exports::Export;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::common::lab::{Lab, copy, said};
use crate::common::tools::tool;
use crate::common::{run, tree};

fn sha256(path: &Path) -> String {
    let digest = Sha256::digest(fs::read(path).unwrap());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An export by hand: a folder a session, one file beside them, a table, sums and a report.
fn export(folder: &Path, sessions: &[&str]) {
    let mut table = "file_name,session,text\n".to_owned();
    let mut names = vec!["metadata.csv".to_owned(), "README.md".to_owned()];
    for session in sessions {
        let own = [
            format!("{session}/take-0001.wav"),
            format!("flat-{session}.wav"),
        ];
        fs::create_dir_all(folder.join(session)).unwrap();
        for name in own {
            fs::write(folder.join(&name), session).unwrap();
            table += &format!("{name},{session},\"a \"\"line\"\", and\nmore\"\n");
            names.push(name);
        }
    }
    fs::write(folder.join("metadata.csv"), table).unwrap();
    fs::write(folder.join("README.md"), "An export.\n").unwrap();
    fs::write(folder.join("report.html"), sessions.concat()).unwrap();
    let sum = |name: &String| format!("{}  {name}\n", sha256(&folder.join(name)));
    let sums: String = names.iter().map(sum).collect();
    fs::write(folder.join("SHA256SUMS"), sums).unwrap();
}

#[track_caller]
fn assert_export_without(folder: &Path, gone: &str, kept: &str) {
    for (path, bytes) in tree(folder) {
        let name = path.strip_prefix(folder).unwrap().display().to_string();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(
            !name.contains(gone) && !text.contains(gone),
            "{name}: {text}"
        );
    }
    assert!(!folder.join("report.html").exists());
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 4, "{sums}");
    for line in sums.lines() {
        let (hash, name) = line.split_once("  ").unwrap();
        assert_eq!(hash, sha256(&folder.join(name)), "{name}");
    }
    let table = fs::read_to_string(folder.join("metadata.csv")).unwrap();
    assert_eq!(table.matches(&format!(",{kept},")).count(), 2, "{table}");
}

#[test]
fn a_backup_put_back_does_not_open_even_with_the_operators_key() {
    let lab = Lab::new();
    let session = lab.record();
    let backup = lab.path("backup");
    copy(&lab.data().join("sessions"), &backup);
    lab.done(&["forget", "--session", &session], "");
    let take = backup.join(&session).join("take-0001.rf64.age");
    let args = ["-d", "-i", &lab.key(), take.to_str().unwrap()];
    let opened = tool("age", "age", &args);
    assert!(!opened.status.success() && opened.stdout.is_empty());
    assert!(
        said(&opened).contains("no identity matched"),
        "{}",
        said(&opened)
    );
}

#[test]
fn a_backup_put_back_disappears_at_the_next_start_and_is_not_repaired_meanwhile() {
    let lab = Lab::new();
    let session = lab.record_with(&["--set", "privacy.seal_audio=false"]);
    let backup = lab.path("backup");
    copy(&lab.data().join("sessions"), &backup);
    lab.done(&["forget", "--session", &session], "");
    copy(&backup.join(&session), &lab.data().join("sessions"));
    let folder = lab.data().join("sessions").join(&session);
    let take = folder.join("take-0001.rf64").display().to_string();
    let repaired = run::booth().args(["repair", &take]).output().unwrap();
    assert!(!folder.exists(), "what is forgotten is not repaired");
    assert_eq!(repaired.status.code(), Some(1));
    copy(&backup.join(&session), &lab.data().join("sessions"));
    assert!(!lab.done(&["takes"], "").contains(&session));
    assert!(!folder.exists());
    copy(&backup.join(&session), &lab.data().join("sessions"));
    lab.record();
    assert!(!folder.exists());
}

#[test]
fn beside_a_running_box_a_forgotten_session_is_left_out() {
    let lab = Lab::new();
    let session = lab.record();
    let backup = lab.path("backup");
    copy(&lab.data().join("sessions"), &backup);
    lab.done(&["forget", "--session", &session], "");
    let _held = booth::store::lock::lock(&lab.data()).unwrap().unwrap();
    copy(&backup.join(&session), &lab.data().join("sessions"));
    assert!(!lab.done(&["takes", "--json"], "").contains(&session));
    lab.refused(&["takes", &session], "", "forgotten");
}

#[test]
fn tombstones_are_applied_to_copies_of_every_shape() {
    let lab = Lab::new();
    let (gone, kept) = (lab.record(), lab.record());
    let person = lab.enroll();
    for (from, to) in [
        ("data", "whole"),
        ("data/sessions", "sessions"),
        ("data/keys", "keys"),
        ("data/pending", "pending"),
    ] {
        copy(&lab.path(from), &lab.path(to));
    }
    fs::create_dir_all(lab.path("deep/er")).unwrap();
    copy(&lab.path("whole"), &lab.path("deep/er/backup"));
    export(&lab.path("export"), &[&gone, &kept]);
    lab.done(&["forget", "--session", &gone], "");
    lab.done(&["forget", "--session", &person.session], "");
    for folder in ["whole", "sessions", "keys", "pending", "deep", "export"] {
        let path = lab.path(folder).display().to_string();
        let text = lab.done(&["forget", "--apply-to", &path, "--json"], "");
        for line in text.lines() {
            let object: Value = serde_json::from_str(line).unwrap();
            assert_eq!(object["complete"], true, "{line}");
        }
        assert!(text.lines().count() >= 1, "{folder}");
        for path in tree(&lab.path(folder)).into_keys() {
            let name = path.display().to_string();
            let is_tombstone = name.contains("/forgotten/");
            let names_person = name.contains(&gone) || name.contains(&person.session);
            assert!(is_tombstone || !names_person, "{name}");
            assert!(
                !name.ends_with(&format!("{}.json", person.number)),
                "{name}"
            );
        }
        let again = lab.done(&["forget", "--apply-to", &path, "--json"], "");
        assert_eq!(again, "", "{folder}");
    }
    assert!(
        lab.path("whole/sessions")
            .join(&kept)
            .join("session.json")
            .exists()
    );
    assert!(lab.path("keys").join(format!("{kept}.proof")).exists());
    assert_export_without(&lab.path("export"), &gone, &kept);
    lab.refused(
        &["forget", "--apply-to", "/nonexistent"],
        "",
        "/nonexistent",
    );
}

#[test]
fn exports_made_here_are_cleaned_and_one_out_of_reach_is_waited_for() {
    let lab = Lab::new();
    let (gone, kept) = (lab.record(), lab.record());
    for name in ["export", "stick"] {
        export(&lab.path(name), &[&gone, &kept]);
        let row = Export {
            path: lab.path(name),
            sessions: vec![gone.clone(), kept.clone()],
        };
        exports::remember(&lab.data(), &row).unwrap();
    }
    fs::rename(lab.path("stick"), lab.path("pulled")).unwrap();
    let output = lab.booth(&["forget", "--session", &gone, "--json"], "");
    assert_eq!(output.status.code(), Some(3));
    let receipt: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(receipt["complete"], false);
    let stick = lab.path("stick").display().to_string();
    assert_eq!(receipt["waiting_for"], serde_json::json!([stick]));
    assert_export_without(&lab.path("export"), &gone, &kept);

    fs::rename(lab.path("pulled"), lab.path("stick")).unwrap();
    let receipt = lab.done(&["forget", "--session", &gone, "--json"], "");
    assert!(receipt.contains("\"complete\":true"), "{receipt}");
    assert_export_without(&lab.path("stick"), &gone, &kept);
}
