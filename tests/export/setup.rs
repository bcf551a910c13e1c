//! Exports of a laboratory, and what is in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use booth::files::data::Data;
use booth::identity::keyring;
use booth::identity::operator::{self, Recipient};
use booth::identity::participant::Participant;

use crate::common::lab::{Lab, said, seal};
use crate::common::tools::tool;
use crate::common::{run, tree};

/// A row of metadata.csv by column.
pub type Row = BTreeMap<String, String>;

/// Runs `booth export` into the folder `name` beside DATA.
pub fn export(lab: &Lab, name: &str, options: &[&str]) -> Output {
    let out = lab.path(name).display().to_string();
    let mut args = vec!["export", &out];
    args.extend(options);
    lab.booth(&args, "")
}

/// As `export`, which must do its work; where it went.
#[track_caller]
pub fn exported(lab: &Lab, name: &str, options: &[&str]) -> PathBuf {
    let output = export(lab, name, options);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    lab.path(name)
}

/// The files of an export with their bytes, by their names in it.
pub fn files(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let name = |path: &Path| path.strip_prefix(out).unwrap().display().to_string();
    let files = tree(out).into_iter();
    files.map(|(path, bytes)| (name(&path), bytes)).collect()
}

/// The rows of its table; no cell of these tests holds a comma.
pub fn table(out: &Path) -> Vec<Row> {
    let text = fs::read_to_string(out.join("metadata.csv")).unwrap();
    let mut lines = text.lines();
    let cells = |line: &str| -> Vec<String> {
        let mut quoted = false;
        let split = |letter| {
            quoted ^= letter == '"';
            letter == ',' && !quoted
        };
        line.split(split)
            .map(|cell| cell.trim_matches('"').to_owned())
            .collect()
    };
    let columns = cells(lines.next().unwrap());
    let row = |line| columns.iter().cloned().zip(cells(line)).collect();
    lines.map(row).collect()
}

/// A table, its files and the sums are those of each other.
#[track_caller]
pub fn assert_whole(out: &Path) {
    let sound = files(out).into_keys().filter(|name| name.ends_with(".wav"));
    let mut named: Vec<String> = table(out)
        .iter()
        .map(|row| row["file_name"].clone())
        .collect();
    named.sort();
    assert_eq!(sound.collect::<Vec<_>>(), named);
    let sums = fs::read_to_string(out.join("SHA256SUMS")).unwrap();
    assert!(
        named
            .iter()
            .all(|name| sums.contains(&format!("  {name}\n"))),
        "{sums}"
    );
    let script = "cd \"$0\" && sha256sum --check --strict --quiet SHA256SUMS";
    let checked = tool("coreutils", "sh", &["-c", script, out.to_str().unwrap()]);
    assert!(checked.status.success(), "{}", said(&checked));
}

pub fn session_folder(lab: &Lab, session: &str) -> PathBuf {
    lab.data().join("sessions").join(session)
}

/// A session whose takes are plain; its name.
#[track_caller]
pub fn record(lab: &Lab) -> String {
    lab.record_with(&["--set", "privacy.seal_audio=false"])
}

/// What a session's files are sealed to; it gets a key for the operator if it has none.
pub fn recipient(lab: &Lab, session: &str) -> Recipient {
    let operator = operator::read_keys(&lab.path("operator.key")).unwrap();
    let keys = Data(&lab.data()).keys();
    if let Ok(opened) = keyring::open(&keys, session, &operator) {
        return opened.private().to_public();
    }
    let participant = Participant::draw().unwrap();
    let sealed = participant.keys.seal(&[operator[0].to_public()]).unwrap();
    fs::create_dir_all(&keys).unwrap();
    fs::write(keys.join(format!("{session}.age")), sealed).unwrap();
    participant.recipient
}

/// Seals every take of a session to it.
pub fn seal_takes(lab: &Lab, session: &str) {
    let (folder, recipient) = (session_folder(lab, session), recipient(lab, session));
    for row in run::rows(&folder) {
        seal(&folder.join(&row.file), &recipient);
    }
}
