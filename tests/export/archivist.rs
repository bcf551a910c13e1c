//! The section for archivists of deploy/doc/privacy.md does what it says, as it stands there.

use std::fs;
use std::process::Command;

use booth::files::data::Data;
use booth::identity::participant::Identity;
use booth::identity::{keyring, operator};
use serde_json::Value;

use super::setup::{record, seal_takes, session_folder};
use crate::common::lab::{Lab, NAME, said};

/// The code block of a language in a section of that page.
fn block(section: &str, language: &str) -> String {
    let page = include_str!("../../deploy/doc/privacy.md");
    let heading = format!("\n## {section}\n");
    let (_, from) = page.split_once(&*heading).unwrap();
    let own = from.split_once("\n## ").map_or(from, |(own, _)| own);
    let (_, from) = own.split_once(&*format!("```{language}\n")).unwrap();
    from.split_once("```").unwrap().0.to_owned()
}

#[test]
fn stock_age_and_ten_lines_of_python_open_a_session() {
    let lab = Lab::new();
    let session = record(&lab);
    let folder = session_folder(&lab, &session);
    let voice = fs::read(folder.join("take-0001.rf64")).unwrap();
    seal_takes(&lab, &session);
    let key = operator::read_keys(&lab.path("operator.key")).unwrap();
    let keys = keyring::open(&Data(&lab.data()).keys(), &session, &key).unwrap();
    let identity = Identity {
        name: NAME.into(),
        contact: String::new(),
        code: "ABCD".into(),
        consent: Value::Null,
        fields: [].into(),
    };
    let path = folder.join("session.json");
    let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    record["participant"] = keys.token(&identity).unwrap().into();
    fs::write(&path, record.to_string()).unwrap();

    let run = |program: &str, option: &str, language: &str| {
        let mut command = Command::new(program);
        command.args([option, &block("For archivists", language)]);
        command.current_dir(lab.dir.path()).env("SESSION", &session);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        output.stdout
    };
    run("sh", "-ec", "sh");
    assert!(fs::read(lab.path("take-0001.rf64")).unwrap() == voice);
    // Debian's Python, which has the package python3-cryptography.
    let shown: Value = serde_json::from_slice(&run("/usr/bin/python3", "-c", "python")).unwrap();
    assert_eq!(shown["name"], NAME);
    assert!(block("For archivists", "python").lines().count() <= 11);
}
