//! Who takes their voice back leaves the exports made here and those to come.

use std::fs;

use booth::store::lock;

use super::setup::{exported, files, record, seal_takes, session_folder, table};
use crate::common::lab::{Lab, copy};

#[test]
fn forgetting_reaches_an_export_and_the_next_one_is_without_them() {
    let lab = Lab::new();
    let (gone, kept) = (record(&lab), record(&lab));
    seal_takes(&lab, &gone);
    let key = lab.key();
    for layout in ["channels", "multichannel"] {
        let out = exported(&lab, layout, &["--key", &key, "--layout", layout]);
        assert!(out.join(&gone).exists());
    }
    let receipt = lab.done(&["forget", "--session", &gone, "--json"], "");
    assert!(receipt.contains("\"complete\":true"), "{receipt}");
    for layout in ["channels", "multichannel"] {
        let out = lab.path(layout);
        let place = out.canonicalize().unwrap().display().to_string();
        assert!(receipt.contains(&place), "{receipt}");
        for (name, bytes) in files(&out) {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert!(!name.contains(&gone) && !text.contains(&gone), "{name}");
        }
        assert!(table(&out).iter().all(|row| row["session"] == kept));
        let again = exported(&lab, &format!("{layout}-again"), &["--layout", layout]);
        assert!(files(&again) == files(&out), "{layout}");
    }
}

#[test]
fn a_killed_exports_part_of_a_person_goes_too() {
    let lab = Lab::new();
    let session = record(&lab);
    let out = exported(&lab, "out", &[]);
    for name in ["SHA256SUMS", "metadata.csv"] {
        fs::remove_file(out.join(name)).unwrap();
    }
    let rest = format!("{session}/{session}-0009-01-headset.wav.new");
    fs::write(out.join(rest), "voice").unwrap();
    lab.done(&["forget", "--session", &session], "");
    assert_eq!(files(&out).into_keys().collect::<Vec<_>>(), ["README.md"]);
}

#[test]
fn beside_a_running_box_whoever_is_forgotten_is_left_out() {
    let lab = Lab::new();
    let (gone, kept) = (record(&lab), record(&lab));
    let backup = lab.path("backup");
    copy(&session_folder(&lab, &gone), &backup);
    lab.done(&["forget", "--session", &gone], "");
    let _held = lock::lock(&lab.data()).unwrap().unwrap();
    copy(&backup, &session_folder(&lab, &gone));
    let out = exported(&lab, "out", &[]);
    assert!(session_folder(&lab, &gone).exists() && !out.join(&gone).exists());
    assert!(table(&out).iter().all(|row| row["session"] == kept));
    let list = fs::read_to_string(lab.data().join("exports.jsonl")).unwrap();
    assert!(!list.contains(&gone), "{list}");
}
