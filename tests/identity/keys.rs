//! Keys and tokens: stock tools open them with the operator's key, nobody does without.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use booth::identity::operator::recipient;
use serde_json::Value;

use crate::common::lab::{Lab, NAME, age_decrypt, fed, python, said, seal};
use crate::common::tools::tool;
use crate::common::{run, tree};

const OPEN_TOKEN: &str = "import sys\n\
    from cryptography.fernet import Fernet\n\
    sys.stdout.buffer.write(Fernet(sys.argv[1]).decrypt(sys.argv[2].encode()))";
const MAKE_TOKEN: &str = "import sys\n\
    from cryptography.fernet import Fernet\n\
    sys.stdout.buffer.write(Fernet(sys.argv[1]).encrypt(sys.argv[2].encode()))";

#[test]
fn a_key_pair_is_one_that_stock_age_uses_and_is_never_overwritten() {
    let lab = Lab::new();
    let key = lab.path("operator.key");
    let mode = fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(lab.recipient.starts_with("age1"), "{}", lab.recipient);
    let text = fs::read_to_string(&key).unwrap();
    assert!(text.starts_with(&format!(
        "# public key: {}\nAGE-SECRET-KEY-1",
        lab.recipient
    )));

    let mut age = std::process::Command::new("age");
    let sealed = fed(age.args(["-r", &lab.recipient]), "voice");
    assert!(sealed.status.success(), "{}", said(&sealed));
    fs::write(lab.path("sealed"), &sealed.stdout).unwrap();
    assert_eq!(age_decrypt(&lab.key(), &lab.path("sealed")), b"voice");

    let again = run::booth().arg("keygen").arg(&key).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(
        said(&again).contains("never overwritten"),
        "{}",
        said(&again)
    );
    assert_eq!(fs::read_to_string(&key).unwrap(), text);
}

#[test]
fn a_key_that_is_pasted_where_its_file_belongs_is_not_repeated() {
    let lab = Lab::new();
    let text = fs::read_to_string(lab.key()).unwrap();
    let key = text.lines().find(|line| line.starts_with("AGE-")).unwrap();
    let inside = format!("{}/{key}/new", lab.dir.path().display());
    for output in [
        lab.booth(&["identity", "--all", "--key", key], ""),
        lab.booth(&["identity", "--all", "--key", &inside], ""),
        run::booth().args(["keygen", &inside]).output().unwrap(),
    ] {
        assert_eq!(output.status.code(), Some(1));
        let told = said(&output);
        assert!(told.contains("key file"), "{told}");
        assert!(!told.contains(&key[20..]), "{told}");
    }
}

#[test]
fn stock_age_and_python_open_an_identity_and_the_other_way_round() {
    let lab = Lab::new();
    let person = lab.enroll();
    let sealed = lab.data().join(format!("keys/{}.age", person.session));
    let keys = String::from_utf8(age_decrypt(&lab.key(), &sealed)).unwrap();
    let (fernet, private) = keys.trim_end().split_once('\n').unwrap();
    assert!(private.starts_with("AGE-SECRET-KEY-1"));

    let entry = lab.data().join(format!("pending/{}.json", person.number));
    let mut pending: Value = serde_json::from_slice(&fs::read(&entry).unwrap()).unwrap();
    let opened = python(OPEN_TOKEN, &[fernet, pending["token"].as_str().unwrap()]);
    let opened: Value = serde_json::from_slice(&opened).unwrap();
    let expected = serde_json::json!({
        "name": NAME, "contact": "q@example.org", "code": person.code, "consent": null,
        "birth": "1931",
    });
    assert_eq!(opened, expected);
    let shown = lab.done(
        &["identity", &person.session, "--key", &lab.key(), "--json"],
        "",
    );
    let mut shown: Value = serde_json::from_str(&shown).unwrap();
    let session = shown.as_object_mut().unwrap().remove("session");
    assert_eq!(session, Some(Value::from(person.session.as_str())));
    assert_eq!(shown, expected);

    fs::write(lab.path("person.key"), private).unwrap();
    fs::write(
        lab.path("answers.age"),
        pending["answers"].as_str().unwrap(),
    )
    .unwrap();
    let key = lab.path("person.key").display().to_string();
    let answers = age_decrypt(&key, &lab.path("answers.age"));
    assert_eq!(answers, "{\"age\":\"65 et plus\"}".as_bytes());

    let text = r#"{"name": "Żółć", "contact": "", "code": "X", "consent": {"version": "1"}}"#;
    let token = String::from_utf8(python(MAKE_TOKEN, &[fernet, text])).unwrap();
    pending["token"] = token.into();
    fs::write(&entry, pending.to_string()).unwrap();
    let shown = lab.done(&["identity", "--all", "--key", &lab.key()], "");
    assert!(
        shown.contains("Żółć") && shown.contains("\"version\":\"1\""),
        "{shown}"
    );
}

#[test]
fn stock_age_opens_a_sealed_take() {
    let lab = Lab::new();
    let plain = lab.path("take-0001.rf64");
    let voice: Vec<u8> = (0..300_000_u32).map(|n| (n * 7 % 253) as u8).collect();
    fs::write(&plain, &voice).unwrap();
    let recipient = recipient(&lab.recipient).unwrap();
    let sealed = seal(&plain, &recipient);
    assert!(!plain.exists());
    assert!(age_decrypt(&lab.key(), &sealed) == voice);
}

#[test]
fn without_the_operators_key_nothing_of_a_person_is_readable() {
    let lab = Lab::new();
    let person = lab.enroll();
    let letters = person.code.replace('-', "");
    for (path, bytes) in tree(&lab.data()) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let name = path.display().to_string();
        for secret in [
            NAME,
            "Quillfeather",
            "example.org",
            "65 et plus",
            &person.code,
            &letters,
        ] {
            assert!(!text.contains(secret) && !name.contains(secret), "{name}");
        }
    }
}

#[test]
fn a_wrong_key_a_damaged_key_and_a_damaged_token_are_told_and_change_nothing() {
    let lab = Lab::new();
    let person = lab.enroll();
    let other = lab.path("other.key").display().to_string();
    assert!(
        run::booth()
            .args(["keygen", &other])
            .output()
            .unwrap()
            .status
            .success()
    );
    let session = person.session.as_str();
    lab.refused(
        &["identity", session, "--key", &other],
        "",
        "none of these keys",
    );
    let nowhere = lab.path("nowhere").display().to_string();
    lab.refused(&["identity", session, "--key", &nowhere], "", "nowhere");
    lab.refused(
        &["identity", "00000000000000000000", "--key", &lab.key()],
        "",
        "no identity",
    );
    fs::write(lab.path("bad.key"), "AGE-SECRET-KEY-1XXXX\n").unwrap();
    let bad = lab.path("bad.key").display().to_string();
    lab.refused(&["identity", session, "--key", &bad], "", "line 1");

    let entry = lab.data().join(format!("pending/{}.json", person.number));
    let text = fs::read_to_string(&entry).unwrap();
    let mut pending: Value = serde_json::from_str(&text).unwrap();
    let token = pending["token"].as_str().unwrap().to_owned();
    pending["token"] = format!("{}AAAA{}", &token[..40], &token[44..]).into();
    fs::write(&entry, pending.to_string()).unwrap();
    lab.refused(
        &["identity", session, "--key", &lab.key()],
        "",
        "identity token",
    );
    fs::write(&entry, text).unwrap();

    let sealed = lab.data().join(format!("keys/{session}.age"));
    let mut bytes = fs::read(&sealed).unwrap();
    bytes.truncate(bytes.len() - 5);
    fs::write(&sealed, bytes).unwrap();
    lab.refused(
        &["identity", session, "--key", &lab.key()],
        "",
        "sealed key",
    );
}

#[test]
fn rekeying_gives_every_key_to_the_new_operator_however_often_it_is_killed() {
    let mut lab = Lab::new();
    let people: Vec<_> = (0..8).map(|_| lab.enroll()).collect();
    let old = lab.key();
    let new = lab.path("new.key").display().to_string();
    let made = run::booth().args(["keygen", &new]).output().unwrap();
    lab.recipient = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    for n in 0..10 {
        let mut command = lab.command(&["rekey", "--key", &old]);
        let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_micros(700 * n));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    lab.done(&["rekey", "--key", &old], "");
    let sealed = tree(&lab.data().join("keys"));
    let text = lab.done(&["rekey", "--key", &old, "--json"], "");
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        told,
        serde_json::json!({"sealed": 0, "were_sealed": 8, "failed": 0})
    );
    assert_eq!(tree(&lab.data().join("keys")), sealed);
    for person in people {
        let path = lab.data().join(format!("keys/{}.age", person.session));
        age_decrypt(&new, &path);
        let path = path.display().to_string();
        let output = tool("age", "age", &["-d", "-i", &old, &path]);
        assert!(!output.status.success(), "the old key opens it still");
    }
    lab.refused(&["rekey", "--key", "/nonexistent"], "", "/nonexistent");
}
