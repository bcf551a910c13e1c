//! Files and folders that are not there, in use or closed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use super::{Case, refused};
use crate::common::run;

/// `command` as a user without privileges, who cannot read or write what only root may.
fn unprivileged(case: &Case, args: &[&str]) -> Output {
    let folder = case.dir.path().to_str().unwrap();
    let args = args.iter().map(|arg| arg.replace('@', folder));
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    // The build folder may be closed to others.
    let program = case.path("booth");
    // By another process: a test that forks meanwhile would hold a copy of ours open for writing.
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_booth"))
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    let id = Command::new("id").arg("-u").output().unwrap();
    let mut command = if id.stdout == b"0\n" {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        command.arg(&program);
        command
    } else {
        Command::new(&program)
    };
    command.args(args).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn a_corpus_that_cannot_be_read_is_refused() {
    let case = Case::new(&[("empty.txt", ""), ("closed.txt", "a line\n")]);
    refused(
        &case.run(&["--corpus", "@/empty.txt"]),
        1,
        &["empty.txt", "is empty"],
    );
    refused(
        &case.run(&["--corpus", "@/missing.txt"]),
        1,
        &["missing.txt", "check the path"],
    );
    let closed = fs::Permissions::from_mode(0o000);
    fs::set_permissions(case.path("closed.txt"), closed).unwrap();
    let output = unprivileged(&case, &["corpus", "line", "@/closed.txt", "1"]);
    refused(&output, 1, &["closed.txt", "ermission denied", "chmod a+r"]);
}

/// Nine frames, but for where to.
const RECORD: [&str; 7] = [
    "record",
    "--device",
    "sim",
    "--channels",
    "1",
    "--frames",
    "9",
];

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let case = Case::new(&[("file", "mine")]);
    let args = ["run", "--board", "sim", "--data", "@/data"];
    refused(
        &unprivileged(&case, &args),
        1,
        &["data folder", "/data", "ermission denied", "--data"],
    );
    let args = [&RECORD[..], &["@/out.rf64"]].concat();
    refused(
        &unprivileged(&case, &args),
        1,
        &["cannot create", "out.rf64", "ermission denied"],
    );
    let args = ["run", "--board", "sim", "--data", "@/file"];
    let words = ["data folder", "/file: is no folder", "--data"];
    refused(&unprivileged(&case, &args), 2, &words);
    assert_eq!(fs::read(case.path("file")).unwrap(), b"mine");
}

#[test]
fn an_output_that_exists_is_kept() {
    let case = Case::new(&[("take.rf64", "mine")]);
    let mut command = run::booth();
    command.args(RECORD).arg(case.path("take.rf64"));
    let output = command.output().unwrap();
    refused(
        &output,
        1,
        &["take.rf64", "is there already", "never overwritten"],
    );
    assert_eq!(fs::read(case.path("take.rf64")).unwrap(), b"mine");
}

#[test]
fn a_second_booth_on_the_same_data_is_refused() {
    let case = Case::new(&[("script", "until attract\n50000 go\n")]);
    let mut first = run::booth();
    first
        .args(["run", "--board", "sim", "--data"])
        .arg(case.path("data"));
    let first = run::start(first.arg("--script").arg(case.path("script")));
    first.wait_for_screen("attract");
    refused(
        &case.run(&[]),
        1,
        &["data folder", "another booth is running"],
    );
    first.signal("TERM");
    assert_eq!(first.wait().code, Some(0));
}

#[test]
fn what_is_asked_for_and_not_there_is_an_error_of_its_own() {
    let case = Case::new(&[]);
    let booth = |args: &[&str]| {
        let mut command = run::booth();
        command.args(args).arg("--data").arg(case.path("data"));
        command.output().unwrap()
    };
    refused(
        &booth(&["takes", "NOSUCHSESSION"]),
        1,
        &["NOSUCHSESSION", "booth takes"],
    );
    refused(&booth(&["takes", "../etc"]), 1, &["../etc"]);
    let path = "/nonexistent/a.rf64";
    let repaired = run::booth().args(["repair", path]).output().unwrap();
    refused(&repaired, 1, &[path]);
    refused(&booth(&["dance"]), 2, &["dance"]);
    refused(
        &booth(&["corpus", "line", "/nonexistent/c", "x"]),
        2,
        &["'x'"],
    );
}

#[test]
fn a_session_that_a_newer_version_wrote_is_refused_in_a_sentence_and_left_alone() {
    let case = Case::new(&[]);
    let session = "0123456789ABCDEFGHJK";
    let folder = case.path("data").join("sessions").join(session);
    fs::create_dir_all(&folder).unwrap();
    let record = format!(r#"{{"schema":3,"session":"{session}"}}"#);
    fs::write(folder.join("session.json"), &record).unwrap();
    fs::write(folder.join("take-0001.rf64.age.tmp"), "of a newer kind").unwrap();
    let words = [
        "session.json",
        "schema = 3",
        "knows 2 at most",
        "or a newer one",
    ];
    refused(&case.run(&["--set", "audio.device=sim"]), 1, &words);
    let made = run::booth().arg("keygen").arg(case.path("key")).output();
    assert!(made.unwrap().status.success());
    let folder_of_case = case.dir.path().to_str().unwrap();
    for args in [
        &["takes"][..],
        &["export", "@/out"],
        &["identity", "--all", "--key", "@/key"],
    ] {
        let mut command = run::booth();
        command.args(args.iter().map(|arg| arg.replace('@', folder_of_case)));
        command.arg("--data").arg(case.path("data"));
        refused(&command.output().unwrap(), 1, &words);
    }
    assert_eq!(
        fs::read_to_string(folder.join("session.json")).unwrap(),
        record
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
}
