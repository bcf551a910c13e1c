//! Enrolment: whole, or nobody.

use std::fs;

use crate::common::lab::{Lab, fed, said};
use crate::common::run;

#[test]
fn without_an_operator_no_name_is_taken() {
    let lab = Lab::new();
    let mut command = run::booth();
    command.args(["enroll", "--data"]).arg(lab.data());
    let output = fed(&mut command, "{\"name\":\"Quillfeather\"}");
    assert_eq!(output.status.code(), Some(2));
    let text = said(&output);
    assert!(
        text.contains("privacy.recipient") && text.contains("keygen"),
        "{text}"
    );
    assert!(!lab.data().exists());
}

#[test]
fn what_is_no_identity_is_refused_and_not_repeated() {
    let lab = Lab::new();
    for input in [
        "",
        "Quillfeather",
        "[\"Quillfeather\"]",
        "{\"name\":\"\"}",
        "{\"name\":\"Quillfeather\",\"age\":31}",
        "{\"name\":\"Quillfeather\",\"code\":\"ABC\"}",
        "{\"name\":\"Quillfeather\"",
        "{\"name\":\"Quillfeather\",\"name\":\"Zoe\"}",
    ] {
        let output = lab.booth(&["enroll"], input);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{input}: {text}");
        assert!(
            !text.contains("Quillfeather") && !text.contains("panicked"),
            "{text}"
        );
    }
    assert!(!lab.data().exists());
}

#[test]
fn people_have_numbers_of_their_own_and_logs_name_nobody() {
    let lab = Lab::new();
    let mut numbers: Vec<_> = (0..12).map(|_| lab.enroll().number).collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 12);
    let mut command = lab.command(&["enroll", "--json"]);
    command.env("RUST_LOG", "trace");
    let output = fed(&mut command, "{\"name\":\"Quillfeather\"}");
    assert!(output.status.success());
    let code: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let logged = said(&output);
    for secret in ["Quillfeather", code["code"].as_str().unwrap()] {
        assert!(!logged.contains(secret), "{logged}");
    }
}

#[test]
fn who_does_not_come_in_time_is_forgotten_by_the_next_command() {
    let lab = Lab::new();
    let person = lab.enroll();
    lab.done(&["takes", "--set", "privacy.pending_days=1"], "");
    let entry = lab.data().join(format!("pending/{}.json", person.number));
    assert!(entry.exists());
    lab.done(&["takes", "--set", "privacy.pending_days=0"], "");
    assert!(!entry.exists());
    let tombstone = lab
        .data()
        .join(format!("forgotten/{}.json", person.session));
    let text = fs::read_to_string(tombstone).unwrap();
    assert!(text.contains("\"by\":\"expired\""), "{text}");
    assert!(
        !lab.data()
            .join(format!("keys/{}.age", person.session))
            .exists()
    );
    lab.refused(
        &["identity", &person.session, "--key", &lab.key()],
        "",
        "forgotten",
    );
}
