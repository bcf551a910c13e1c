//! What travels by hand: through another system's editor, under another name, from a box whose clock
//! was wrong, and onto somebody's terminal.

use std::fs;

use serde_json::Value;

use crate::common::lab::{Lab, NAME, copy, python, said};
use crate::common::run;

const MARK: &str = "\u{feff}";

/// As an editor of another system saves it.
fn saved(text: &str) -> String {
    format!("{MARK}{}", text.replace('\n', "\r\n"))
}

#[test]
fn a_mark_and_other_ends_of_lines_change_nothing() {
    let lab = Lab::new();
    let key = fs::read_to_string(lab.key()).unwrap();
    fs::write(lab.key(), saved(&key)).unwrap();
    let said = saved("{\"name\":\"Zoe\",\n\"contact\":\"z\"}\n");
    let text = lab.done(&["enroll", "--json"], &said);
    let person: Value = serde_json::from_str(&text).unwrap();
    let number = person["number"].as_str().unwrap();
    let entry = lab.data().join(format!("pending/{number}.json"));
    let text = fs::read_to_string(&entry).unwrap();
    fs::write(&entry, saved(&text)).unwrap();
    assert!(
        lab.done(&["identity", "--all", "--key", &lab.key()], "")
            .contains("Zoe")
    );
    let code = person["code"].as_str().unwrap();
    let receipt = lab.done(&["forget", "--json"], &saved(&format!("{code}\n")));
    assert!(!entry.exists());
    let file = lab.path("receipt.json");
    fs::write(&file, saved(&receipt)).unwrap();
    let file = file.display().to_string();
    assert!(
        lab.done(&["forget", "--verify", &file], "")
            .contains("good")
    );
    assert!(
        lab.done(&["forget", "--verify", "-"], &saved(&receipt))
            .contains("good")
    );
}

#[test]
fn a_tombstone_forgets_under_any_name_and_stays_in_a_copy() {
    let lab = Lab::new();
    let session = lab.record();
    let backup = lab.path("backup");
    copy(&lab.data(), &backup);
    lab.done(&["forget", "--session", &session], "");
    let tombstone = lab.data().join(format!("forgotten/{session}.json"));
    let text = saved(&fs::read_to_string(tombstone).unwrap());
    let names = [
        format!("{session} (1).json"),
        "from the museum.txt".to_owned(),
    ];
    for name in &names {
        let put_back = lab.path("back");
        let _ = fs::remove_dir_all(&put_back);
        copy(&backup, &put_back);
        fs::create_dir_all(put_back.join("forgotten")).unwrap();
        fs::write(put_back.join("forgotten").join(name), &text).unwrap();
        let data = put_back.display().to_string();
        let listed = run::booth()
            .args(["--data", &data, "takes"])
            .output()
            .unwrap();
        assert!(listed.status.success(), "{}", said(&listed));
        assert!(!String::from_utf8_lossy(&listed.stdout).contains(&session));
        assert!(!put_back.join("sessions").join(&session).exists());
    }
    // In a copy it is no file of theirs.
    names
        .iter()
        .for_each(|name| fs::write(backup.join(name), &text).unwrap());
    let folder = backup.display().to_string();
    let output = lab.booth(&["forget", "--apply-to", &folder], "");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(names.iter().all(|name| backup.join(name).exists()));
    assert!(!backup.join("sessions").join(&session).exists());
}

#[test]
fn a_token_made_while_a_clock_was_ahead_opens() {
    let lab = Lab::new();
    let person = lab.enroll();
    let sealed = lab.data().join(format!("keys/{}.age", person.session));
    let keys = crate::common::lab::age_decrypt(&lab.key(), &sealed);
    let keys = String::from_utf8(keys).unwrap();
    let entry = lab.data().join(format!("pending/{}.json", person.number));
    for ahead_s in ["120", "31536000"] {
        python(
            "import json, sys, time\n\
             from cryptography.fernet import Fernet\n\
             f = Fernet(sys.argv[1]); e = json.load(open(sys.argv[2]))\n\
             text = f.decrypt(e['token'].encode()); at = int(time.time()) + int(sys.argv[3])\n\
             e['token'] = f.encrypt_at_time(text, at).decode(); json.dump(e, open(sys.argv[2], 'w'))",
            &[
                keys.lines().next().unwrap(),
                entry.to_str().unwrap(),
                ahead_s,
            ],
        );
        let shown = lab.done(&["identity", &person.session, "--key", &lab.key()], "");
        assert!(shown.contains(NAME), "{shown}");
    }
}

#[test]
fn nothing_out_of_a_file_steers_a_terminal() {
    let lab = Lab::new();
    let said = r#"{"name":"Zoe\u001b[2J\ncode XXXX","note":"\u009b1m\u0007"}"#;
    lab.done(&["enroll", "--json"], said);
    let of_terminal = |command: &str| {
        let args = format!("--data {} {command}", lab.data().display());
        let output = run::on_terminal(&args).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let shown = of_terminal(&format!("identity --all --key {}", lab.key()));
    assert!(shown.contains("Zoe\\u{1b}[2J\\ncode XXXX"), "{shown}");
    // An error and its reason too.
    let failed = of_terminal("takes \"$(printf 'SESS\\033[2JION')\"");
    for text in [shown, failed] {
        let control = |c: char| c.is_control() && !matches!(c, '\r' | '\n');
        assert!(!text.contains(control), "{text:?}");
    }
}
