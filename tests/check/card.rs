//! The test card, through the real program on the simulated board.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use std::io::Write;

use crate::common::run::{self, Run};
use crate::common::wait::wait_for;

/// `booth check --test-card` on a terminal, where `keys` are typed.
fn on_terminal(folder: &Path, board: &str, keys: &str) -> Run {
    let mut command = run::on_terminal(&format!(
        "check --test-card --set board={board} --screens {} --data {}",
        folder.join("pictures").display(),
        folder.join("data").display()
    ));
    let mut running = run::start(command.stdin(Stdio::piped()));
    let mut input = running.child.stdin.take().unwrap();
    let first = folder.join("pictures/0001-test-card.png");
    wait_for("the card", || first.exists());
    for key in keys.chars() {
        std::thread::sleep(Duration::from_millis(700));
        input.write_all(key.to_string().as_bytes()).unwrap();
    }
    let run = running.wait();
    drop(input);
    run
}

fn screen(run: &Run) -> String {
    let lines = run.stdout.iter().map(|line| line.text.as_str());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_button_is_read_back_on_the_card_and_the_card_ends_when_all_were() {
    let folder = tempfile::tempdir().unwrap();
    for board in ["sim", "sim-240x240"] {
        let folder = folder.path().join(board);
        let run = on_terminal(&folder, board, "grPs");
        let shown = screen(&run);
        assert_eq!(run.code, Some(0), "{shown}");
        assert!(shown.contains('▀'), "a picture is drawn");
        assert!(
            shown.contains("go ok  redo ok  pause down  stop -"),
            "{shown}"
        );
        for button in ["go", "redo", "pause", "stop"] {
            let line = format!("ok    {button:<13} pressed and released");
            assert!(shown.contains(&line), "{shown}");
        }
        let pictures = fs::read_dir(folder.join("pictures")).unwrap();
        let mut names: Vec<_> = pictures.map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names.first().unwrap(), "0001-test-card.png");
        assert!(names.len() >= 6, "one for each thing heard: {names:?}");
        assert!(!folder.join("data").exists(), "DATA is left alone");
    }
}

#[test]
fn a_button_that_is_not_heard_fails_and_says_what_to_look_at() {
    let folder = tempfile::tempdir().unwrap();
    let run = on_terminal(folder.path(), "sim", "gsq");
    let shown = screen(&run);
    assert_eq!(run.code, Some(1), "{shown}");
    assert!(shown.contains("2 of 4 checks failed"), "{shown}");
    for button in ["redo", "pause"] {
        let line =
            format!("fail  {button:<13} no press was heard; look at its wires, and at `gpio`");
        assert!(shown.contains(&line), "{shown}");
    }
}

#[test]
fn a_card_that_cannot_be_shown_is_refused_with_what_to_do() {
    let refused = |options: &[&str]| {
        let mut command = run::booth();
        let command = command.arg("check").args(options).stdin(Stdio::null());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    let board = ["--test-card", "--set", "board=display-hat-mini"];
    let (code, said) = refused(&board);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("--board sim"), "{said}");
    let (code, said) = refused(&[&board[..], &["--screens", "/nonexistent"]].concat());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("is no simulated one"), "{said}");
    let (code, _) = refused(&["--screens", "/nonexistent"]);
    assert_eq!(code, Some(2), "pictures of nothing");
    let (code, said) = refused(&["--test-card", "--set", "board=sim"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("keys of a terminal"), "{said}");
    let (code, _) = refused(&["--test-card", "--measure"]);
    assert_eq!(code, Some(2), "nothing is measured beside the card");
    let (code, said) = refused(&["--test-card", "--set", "board=nowhere"]);
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn a_card_is_refused_beside_a_running_box_and_where_nobody_knows_of_one() {
    let data = tempfile::tempdir().unwrap();
    let refused = || {
        let mut command = run::booth();
        command.args(["check", "--test-card", "--set", "board=display-hat-mini"]);
        let output = command.arg("--data").arg(data.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let path = data.path().join(".lock");
    let lock = fs::File::create(&path).unwrap();
    lock.try_lock().unwrap();
    let said = refused();
    assert!(said.contains("the running box has panel"), "{said}");
    fs::remove_file(&path).unwrap();
    // A loop is refused to root too.
    symlink(".lock", &path).unwrap();
    let said = refused();
    for words in ["/.lock: ", "sudo systemctl stop booth", "sudo -u booth"] {
        assert!(said.contains(words), "{said}");
    }
}
