//! Sealed takes, and what does not open.

use std::fs;

use super::setup::{export, exported, files, recipient, record, seal_takes, session_folder, table};
use crate::common::lab::{Lab, copy, said, seal};
use crate::common::run;

#[test]
fn a_sealed_session_gives_the_export_of_the_plain_one_byte_for_byte() {
    let lab = Lab::new();
    let session = record(&lab);
    let key = lab.key();
    for layout in ["channels", "multichannel"] {
        exported(&lab, &format!("plain-{layout}"), &["--layout", layout]);
    }
    seal_takes(&lab, &session);
    copy(&lab.data().join("keys"), &lab.path("fetched"));
    for layout in ["channels", "multichannel"] {
        let plain = files(&lab.path(&format!("plain-{layout}")));
        let options = ["--layout", layout, "--key", &key];
        assert!(files(&exported(&lab, &format!("sealed-{layout}"), &options)) == plain);
    }
    fs::remove_dir_all(lab.data().join("keys")).unwrap();
    let fetched = lab.path("fetched").display().to_string();
    let out = exported(&lab, "fetched-keys", &["--key", &key, "--keys", &fetched]);
    assert!(files(&out) == files(&lab.path("plain-channels")));
}

#[test]
fn without_a_key_the_sealed_are_left_out_and_counted_and_a_key_adds_them() {
    let lab = Lab::new();
    let (sealed, plain) = (record(&lab), record(&lab));
    let whole = files(&exported(&lab, "whole", &[]));
    seal_takes(&lab, &sealed);
    let output = export(&lab, "out", &[]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        told.contains("1 sealed sessions") && told.contains("--key"),
        "{told}"
    );
    let out = lab.path("out");
    assert!(!out.join(&sealed).exists());
    assert!(table(&out).iter().all(|row| row["session"] == plain));
    exported(&lab, "out", &["--key", &lab.key()]);
    assert!(files(&out) == whole);
}

#[test]
fn sealed_answers_are_columns_for_whoever_has_the_key() {
    let lab = Lab::new();
    let session = record(&lab);
    let folder = session_folder(&lab, &session);
    fs::write(folder.join("answers.json"), "{\"age\":\"25-44\"}").unwrap();
    let plain = exported(&lab, "plain", &[]);
    assert!(table(&plain).iter().all(|row| row["answer_age"] == "25-44"));
    let recipient = recipient(&lab, &session);
    seal(&folder.join("answers.json"), &recipient);
    let output = export(&lab, "without", &[]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(!table(&lab.path("without"))[0].contains_key("answer_age"));
    assert!(files(&exported(&lab, "with", &["--key", &lab.key()])) == files(&plain));
}

#[test]
fn a_key_that_opens_nothing_is_told_and_nothing_is_written() {
    let lab = Lab::new();
    seal_takes(&lab, &record(&lab));
    let other = lab.path("other.key").display().to_string();
    assert!(
        run::booth()
            .args(["keygen", &other])
            .status()
            .unwrap()
            .success()
    );
    let nowhere = lab.path("nowhere").display().to_string();
    fs::create_dir(lab.path("empty")).unwrap();
    let empty = lab.path("empty").display().to_string();
    let key = lab.key();
    for (options, words) in [
        (vec!["--key", &other], "none of these keys opens it"),
        (vec!["--key", &nowhere], "nowhere"),
        (vec!["--key", &key, "--keys", &empty], "not in"),
        (vec!["--key", &key, "--keys", &nowhere], "is no folder"),
    ] {
        let output = export(&lab, "out", &options);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(words) && !text.contains("panicked"), "{text}");
        assert!(!lab.path("out").exists());
        assert!(!lab.data().join("exports.jsonl").exists());
    }
}

/// Changes one byte of the second take's file, near its end.
fn damage(lab: &Lab, session: &str, ending: &str) {
    let path = session_folder(lab, session).join(format!("take-0002.rf64{ending}"));
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - 5000;
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_take_is_named_and_never_exported_and_the_others_are() {
    for (is_sealed, ending) in [(false, ""), (true, ".age")] {
        let lab = Lab::new();
        let session = record(&lab);
        let whole = files(&exported(&lab, "whole", &[]));
        if is_sealed {
            seal_takes(&lab, &session);
        }
        copy(&session_folder(&lab, &session), &lab.path("backup"));
        damage(&lab, &session, ending);
        let key = lab.key();
        let output = export(&lab, "out", &["--key", &key]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        let name = format!("take-0002.rf64{ending}");
        assert!(text.contains(&name) && text.contains("damaged"), "{text}");
        let out = lab.path("out");
        let found = files(&out);
        let is_of_take = |name: &str| name.contains("-0002-") || name.contains(".new");
        assert!(
            found.keys().all(|name| !is_of_take(name)),
            "{:?}",
            found.keys()
        );
        assert!(found.keys().any(|name| name.contains("-0001-")));
        assert!(table(&out).iter().all(|row| row["take"] != "2"));

        fs::remove_dir_all(session_folder(&lab, &session)).unwrap();
        copy(&lab.path("backup"), &session_folder(&lab, &session));
        exported(&lab, "out", &["--key", &key]);
        assert!(files(&out) == whole);
        let take = format!("take-0001.rf64{ending}");
        fs::remove_file(session_folder(&lab, &session).join(take)).unwrap();
        let output = export(&lab, "anew", &["--key", &key]);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            said(&output).contains("take-0001.rf64: is not there"),
            "{}",
            said(&output)
        );
    }
}
