//! Odd files, and codes where none belong: an error that says which, nobody else is hindered, nothing
//! waits for ever.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::lab::{Lab, copy, fed, said};

fn pipe(path: &Path) {
    let _ = fs::remove_file(path);
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

/// What a command that must end by itself says.
#[track_caller]
fn ended(lab: &Lab, args: &[&str], input: &str) -> (Option<i32>, String) {
    let mut command = Command::new("timeout");
    command.arg("20").arg(env!("CARGO_BIN_EXE_booth"));
    command.arg("--data").arg(lab.data());
    let recipient = format!("privacy.recipient={}", lab.recipient);
    let output = fed(command.args(["--set", &recipient]).args(args), input);
    let told = said(&output) + &String::from_utf8_lossy(&output.stdout);
    assert_ne!(output.status.code(), Some(124), "{args:?} waits: {told}");
    assert!(!told.contains("panicked"), "{told}");
    (output.status.code(), told)
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_told_and_hinders_nobody_else() {
    let lab = Lab::new();
    let (odd, good) = (lab.record(), lab.record());
    let person = lab.enroll();
    let session = |name: &str| lab.data().join("sessions").join(name);
    pipe(&session(&odd).join("takes.jsonl"));
    let (code, told) = ended(&lab, &["takes"], "");
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains(&good) && told.contains("takes.jsonl"),
        "{told}"
    );
    let out = lab.path("out").display().to_string();
    let (code, told) = ended(&lab, &["export", &out, "--key", &lab.key()], "");
    assert_eq!(code, Some(1), "{told}");
    assert!(lab.path("out").join(&good).is_dir(), "{told}");
    pipe(&session(&odd).join("session.json"));
    let (_, told) = ended(&lab, &["identity", "--all", "--key", &lab.key()], "");
    assert!(
        told.contains(&good) && told.contains("Quillfeather"),
        "{told}"
    );
    let key = lab.data().join(format!("keys/{good}.age.new"));
    pipe(&key);
    let (code, told) = ended(&lab, &["rekey", "--key", &lab.key()], "");
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains(".age.new"), "{told}");
    fs::remove_file(&key).unwrap();
    pipe(
        &lab.data()
            .join(format!("forgotten/{}.json.new", person.session)),
    );
    let (code, told) = ended(&lab, &["forget"], &person.code);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains(".json.new"), "{told}");
    pipe(&lab.data().join("pending/.lock"));
    let (code, told) = ended(&lab, &["enroll"], "{\"name\":\"Zoe\"}");
    assert_eq!(code, Some(1), "{told}");
    pipe(&lab.data().join(".lock"));
    let (code, told) = ended(&lab, &["forget", "--session", &good], "");
    assert_eq!(code, Some(1), "{told}");
}

#[test]
fn a_forgotten_session_under_another_name_is_not_let_in() {
    let lab = Lab::new();
    let session = lab.record();
    copy(&lab.data().join("sessions"), &lab.path("backup"));
    lab.done(&["forget", "--session", &session], "");
    let other = "AAAABBBBCCCCDDDDEEEE";
    let into = lab.data().join("sessions").join(other);
    copy(&lab.path("backup").join(&session), &into);
    let (code, told) = ended(&lab, &["takes"], "");
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("another session"), "{told}");
    let out = lab.path("out").display().to_string();
    let (code, told) = ended(&lab, &["export", &out, "--key", &lab.key()], "");
    assert_eq!(code, Some(1), "{told}");
    assert!(!lab.path("out").join(other).exists());
}

#[test]
fn a_code_where_a_session_belongs_is_not_repeated() {
    let lab = Lab::new();
    let person = lab.enroll();
    for args in [
        vec!["takes", &person.code],
        vec!["identity", &person.code, "--key", &lab.key()],
        vec!["forget", "--session", &person.code],
        vec!["run", "--participant", &person.code],
    ] {
        let (code, told) = ended(&lab, &args, "");
        assert_eq!(code, Some(2), "{told}");
        assert!(!told.contains(&person.code), "{told}");
    }
}

#[test]
fn who_was_told_no_code_is_not_enrolled() {
    let lab = Lab::new();
    lab.done(&["takes"], "");
    let mut command = lab.command(&["enroll"]);
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    command
        .stdin(Stdio::piped())
        .stdout(full)
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, b"{\"name\":\"Zoe\"}").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    for folder in ["pending", "keys"] {
        let mut names = booth::files::small::names(&lab.data().join(folder)).unwrap();
        names.retain(|name| name != ".lock");
        assert!(names.is_empty(), "{names:?}");
    }
}

#[test]
fn an_archive_is_told_whatever_it_is_called() {
    let lab = Lab::new();
    let session = lab.record();
    let backup = lab.path("backup");
    fs::create_dir_all(&backup).unwrap();
    let mut tar = Command::new("tar");
    tar.arg("-czf").arg(backup.join("old.part"));
    tar.arg("-C").arg(lab.data()).arg("sessions");
    assert!(tar.status().unwrap().success());
    lab.done(&["forget", "--session", &session], "");
    fs::rename(backup.join("old.part"), lab.path("old.part")).unwrap();
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, backup.join(name)).unwrap();
    link("../old.part", "old.part");
    link("/notthere", "keys");
    let folder = backup.display().to_string();
    let (code, told) = ended(&lab, &["forget", "--apply-to", &folder], "");
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("old.part"), "{told}");
    assert!(told.contains("backup/keys"), "{told}");
}

#[test]
fn a_table_saved_under_another_name_or_in_other_letters_is_told() {
    let lab = Lab::new();
    let session = lab.record();
    let out = lab.path("out");
    let folder = out.display().to_string();
    lab.done(&["export", &folder, "--key", &lab.key()], "");
    let table = fs::read_to_string(out.join("metadata.csv")).unwrap();
    let wide: Vec<u8> = table.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(out.join("metadata (copy).csv"), table.to_lowercase()).unwrap();
    fs::write(out.join("wide.txt"), wide).unwrap();
    let (code, told) = ended(&lab, &["forget", "--session", &session], "");
    assert_eq!(code, Some(3), "{told}");
    for name in ["metadata (copy).csv", "wide.txt"] {
        assert!(told.contains(name), "{told}");
        fs::remove_file(out.join(name)).unwrap();
    }
    lab.done(&["forget", "--session", &session], "");
}
