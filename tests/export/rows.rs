//! Rows that cannot be read, rows without a recording, and recordings without a row: named by every
//! command that reads takes, and the rest is done all the same.

use std::collections::BTreeSet;
use std::fs;

use booth::store::lock;
use serde_json::Value;

use super::setup::{export, exported, record, session_folder, table};
use crate::common::lab::{Lab, said};
use crate::common::run;

/// Every command says `words` of the session; the export has these takes of it.
#[track_caller]
fn assert_named(lab: &Lab, session: &str, words: &str, takes: &[&str]) {
    let _ = fs::remove_dir_all(lab.path("out"));
    let output = export(lab, "out", &["--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let failed = told["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 1, "{told}");
    assert!(
        failed[0].as_str().unwrap().contains(words),
        "{words}: {told}"
    );
    assert!(said(&output).contains(words));
    let rows = table(&lab.path("out"));
    let mut found: Vec<&str> = rows.iter().map(|row| row["take"].as_str()).collect();
    found.dedup();
    assert_eq!(found, takes, "{words}");
    for args in [vec!["takes"], vec!["takes", session]] {
        let output = lab.booth(&args, "");
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(words) && !output.stdout.is_empty(), "{text}");
    }
    let output = lab.booth(&["check", "--json"], "");
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text
        .lines()
        .find(|line| line.contains("\"check\":\"takes\""));
    let line: Value = serde_json::from_str(line.unwrap()).unwrap();
    assert_eq!(line["state"], "fail", "{line}");
    assert!(line["text"].as_str().unwrap().contains(words), "{line}");
}

#[test]
fn what_rows_and_recordings_lack_is_named_and_the_rest_is_exported() {
    let lab = Lab::new();
    let session = record(&lab);
    let folder = session_folder(&lab, &session);
    let path = folder.join("takes.jsonl");
    let good = fs::read_to_string(&path).unwrap();
    let count = run::rows(&folder).len();
    let all: Vec<String> = (1..=count).map(|take| take.to_string()).collect();
    let but_first: Vec<&str> = all[1..].iter().map(String::as_str).collect();
    assert!(!but_first.is_empty());
    exported(&lab, "whole", &[]);

    let line = good.lines().next().unwrap();
    let damaged = good.replacen("\"frames\":", "\"frames\";", 1);
    let lost = good.replacen(&format!("{line}\n"), "", 1);
    for (text, words) in [
        (&damaged, "takes.jsonl:1: the row of take 1 cannot be read"),
        (&lost, "take-0001.rf64: has no row"),
    ] {
        fs::write(&path, text).unwrap();
        assert_named(&lab, &session, words, &but_first);
        // The export of before keeps its row.
        let sorted = || {
            table(&lab.path("whole"))
                .into_iter()
                .collect::<BTreeSet<_>>()
        };
        let before = sorted();
        assert_eq!(export(&lab, "whole", &[]).status.code(), Some(1));
        assert!(sorted() == before, "{words}");
    }
    fs::write(&path, &good).unwrap();
    fs::rename(folder.join("take-0001.rf64"), lab.path("taken")).unwrap();
    assert_named(&lab, &session, "take-0001.rf64: is not there", &but_first);
}

#[test]
fn the_session_of_a_running_box_is_not_judged() {
    let lab = Lab::new();
    let session = record(&lab);
    let folder = session_folder(&lab, &session);
    fs::copy(folder.join("take-0001.rf64"), folder.join("take-0099.rf64")).unwrap();
    assert_eq!(lab.booth(&["takes"], "").status.code(), Some(1));
    let path = folder.join("session.json");
    let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    record["ended"] = Value::Null;
    fs::write(&path, record.to_string()).unwrap();
    let _held = lock::lock(&lab.data()).unwrap().unwrap();
    lab.done(&["takes"], "");
    exported(&lab, "out", &[]);
}
