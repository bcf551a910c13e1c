//! A laboratory's day: two boxes, one person who comes three times, one who takes a visit back after
//! the export, one damaged card, and one dataset of all of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::setup::{assert_whole, files, record, seal_takes, session_folder, table};
use crate::common::lab::{Lab, copy, said};
use crate::common::run;

/// What a session must have in the dataset: per take its text, verdict and frames.
type Takes = BTreeMap<u32, (String, String, u64)>;

/// Two boxes of one laboratory, with one operator's key.
fn boxes() -> (Lab, Lab) {
    let one = Lab::new();
    let two = Lab {
        dir: tempfile::tempdir().unwrap(),
        recipient: one.recipient.clone(),
    };
    copy(Path::new(&one.key()), &two.path("operator.key"));
    (one, two)
}

/// A visit whose takes are sealed; its session.
fn visit(lab: &Lab) -> String {
    let session = record(lab);
    seal_takes(lab, &session);
    session
}

fn takes(lab: &Lab, session: &str) -> Takes {
    let rows = run::rows(&session_folder(lab, session)).into_iter();
    rows.map(|row| {
        let verdict = serde_json::to_value(row.verdict).unwrap();
        let verdict = verdict.as_str().unwrap().to_owned();
        (
            row.take,
            (row.text.unwrap_or_default(), verdict, row.frames),
        )
    })
    .collect()
}

/// One dataset of both boxes' data.
fn export(one: &Lab, two: &Lab, out: &Path) -> Output {
    let mut command = run::booth();
    command.arg("export").arg(out);
    for lab in [one, two] {
        command.arg("--data").arg(lab.data());
    }
    command.args(["--key", &one.key()]).output().unwrap()
}

/// Whether the dataset has exactly these rows, a file for each, and sums that fit.
#[track_caller]
fn holds(out: &Path, wanted: &BTreeMap<String, Takes>) {
    let rows = table(out);
    let mut found: BTreeMap<String, Takes> = BTreeMap::new();
    for row in &rows {
        assert!(out.join(&row["file_name"]).is_file(), "{row:?}");
        let take = row["take"].parse().unwrap();
        let text = |column: &str| row[column].clone();
        let entry = (
            text("text"),
            text("verdict"),
            row["frames"].parse().unwrap(),
        );
        found
            .entry(text("session"))
            .or_default()
            .insert(take, entry);
    }
    assert_eq!(&found, wanted);
    let count: usize = wanted.values().map(|takes| takes.len() * 6).sum();
    assert_eq!(rows.len(), count, "a row for each channel");
    assert_whole(out);
}

/// The damaged card: one row is no JSON any more.
fn damage(folder: &Path, take: u32) {
    let path = folder.join("takes.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let row = format!("{{\"take\":{take},");
    assert!(text.contains(&row), "{text}");
    fs::write(&path, text.replace(&row, "{\"ta\u{0}e\":")).unwrap();
}

#[test]
fn two_boxes_three_visits_a_withdrawal_and_a_damaged_card_are_one_right_dataset() {
    let (one, two) = boxes();
    let visits = [visit(&one), visit(&two), visit(&one)];
    let (other, unlucky) = (visit(&two), visit(&two));
    let out: PathBuf = one.path("dataset");
    let mut wanted: BTreeMap<String, Takes> = BTreeMap::new();
    for (lab, sessions) in [
        (&one, vec![&visits[0], &visits[2]]),
        (&two, vec![&visits[1], &other, &unlucky]),
    ] {
        wanted.extend(sessions.into_iter().map(|it| (it.clone(), takes(lab, it))));
    }
    let output = export(&one, &two, &out);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    holds(&out, &wanted);

    // The second visit is taken back where it was made.
    let receipt = two.done(&["forget", "--session", &visits[1], "--json"], "");
    assert!(receipt.contains("\"complete\":true"), "{receipt}");
    wanted.remove(&visits[1]);
    holds(&out, &wanted);

    // A later visit, and a card with a damaged row: what it had before stays, and is named.
    let late = visit(&one);
    wanted.insert(late.clone(), takes(&one, &late));
    damage(&session_folder(&two, &unlucky), 1);
    let output = export(&one, &two, &out);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains(&unlucky) && text.contains("take-0001"),
        "{text}"
    );
    holds(&out, &wanted);

    // In a new dataset the damaged take is missing, and nothing else.
    let anew = one.path("anew");
    let output = export(&one, &two, &anew);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    wanted.get_mut(&unlucky).unwrap().remove(&1);
    holds(&anew, &wanted);
    let everything = files(&anew).into_values();
    let mentions = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).contains(&visits[1]);
    assert!(
        !everything.into_iter().any(mentions),
        "the visit taken back"
    );
}
