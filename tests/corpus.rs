//! The corpus commands, by the program itself: what they print, what they refuse, what they leave.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use common::run;

fn booth(args: &[&str]) -> Output {
    run::booth()
        .arg("corpus")
        .args(args)
        .output()
        .expect("booth runs")
}

fn at(dir: &Path, name: &str) -> String {
    dir.join(name).to_str().expect("a UTF-8 path").to_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

#[track_caller]
fn refused(args: &[&str], words: &[&str]) {
    let output = booth(args);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(output.stdout.is_empty());
    assert!(!message.contains("panicked"), "{message}");
    for word in words {
        assert!(message.contains(word), "{word:?} not in {message}");
    }
}

#[test]
fn a_line_is_printed_exactly() {
    let dir = tempfile::tempdir().expect("folder");
    let file = at(dir.path(), "c.txt");
    fs::write(&file, "\u{feff}« œuf »  \r\nx7\tمرحبا\n\nlast").expect("write");
    for _ in ["index built", "index used"] {
        assert_eq!(stdout(&booth(&["line", &file, "1"])), "« œuf »  \n");
        assert_eq!(stdout(&booth(&["line", &file, "2"])), "مرحبا\n");
        assert_eq!(stdout(&booth(&["line", &file, "4"])), "last\n");
    }
    let json = stdout(&booth(&["line", &file, "2", "--json"]));
    let row: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        row,
        serde_json::json!({ "line": 2, "line_id": "x7", "text": "مرحبا" })
    );
    refused(&["line", &file, "3"], &[&file, "line 3", "is empty"]);
    refused(&["line", &file, "0"], &[&file, "no line 0", "1 to 4"]);
    refused(&["line", &file, "5"], &[&file, "no line 5", "1 to 4"]);
}

#[test]
fn a_refused_corpus_is_named_with_reason_and_remedy_and_gets_no_index() {
    let dir = tempfile::tempdir().expect("folder");
    let (missing, folder) = (at(dir.path(), "missing.txt"), at(dir.path(), "folder"));
    let (empty, blank) = (at(dir.path(), "empty.txt"), at(dir.path(), "blank.txt"));
    let pipe = at(dir.path(), "pipe");
    fs::create_dir(&folder).expect("folder");
    fs::write(&empty, "").expect("write");
    fs::write(&blank, "\n\n").expect("write");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("mkfifo")
            .success()
    );
    for what in [&["check"][..], &["line", "1"]] {
        let args = |file| [&[what[0], file], &what[1..]].concat();
        refused(
            &args(&missing),
            &[&missing, "No such file", "check the path"],
        );
        refused(&args(&folder), &[&folder, "a folder"]);
        refused(&args(&empty), &[&empty, "is empty"]);
        refused(&args(&blank), &[&blank, "none of its 2 lines"]);
        refused(&args(&pipe), &[&pipe, "a pipe"]);
    }
    assert_eq!(fs::read_dir(dir.path()).expect("folder").count(), 4);
}

#[test]
fn an_index_that_cannot_be_written_is_no_error() {
    let dir = tempfile::tempdir().expect("folder");
    let file = at(dir.path(), "c.txt");
    fs::write(&file, "text\n").expect("write");
    // A folder of that name cannot be replaced by a file, by the superuser either.
    fs::create_dir(dir.path().join("c.txt.index")).expect("folder");
    let output = booth(&["line", &file, "1"]);
    assert_eq!(
        (stdout(&output).as_str(), output.stderr.as_slice()),
        ("text\n", &b""[..])
    );
    assert_eq!(fs::read_dir(dir.path()).expect("folder").count(), 2);
}

#[test]
fn a_file_with_the_name_of_the_index_is_kept_and_named() {
    let dir = tempfile::tempdir().expect("folder");
    let file = at(dir.path(), "c.txt");
    let index = at(dir.path(), "c.txt.index");
    fs::write(&file, "text\n").expect("write");
    fs::write(&index, "my own notes\n").expect("write");
    for what in [&["check", &file][..], &["line", &file, "1"]] {
        refused(what, &[&index, "no index", "rename it"]);
    }
    assert_eq!(fs::read(&index).expect("kept"), b"my own notes\n");
    fs::remove_file(&index).expect("remove");
    let made = Command::new("mkfifo").arg(&index).status();
    assert!(made.expect("mkfifo").success());
    refused(&["line", &file, "1"], &[&index, "no index"]);
}

#[test]
fn control_characters_of_a_line_do_not_reach_the_terminal() {
    let dir = tempfile::tempdir().expect("folder");
    let file = at(dir.path(), "c.txt");
    fs::write(&file, "a\u{1b}]0;b\u{7}c\u{9b}31md\n").expect("write");
    let shown = stdout(&booth(&["line", &file, "1"]));
    assert_eq!(shown, "a\\u{1b}]0;b\\u{7}c\\u{9b}31md\n");
    let json = stdout(&booth(&["line", &file, "1", "--json"]));
    let row: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(row["text"], "a\u{1b}]0;b\u{7}c\u{9b}31md");
}

#[test]
fn a_changed_corpus_gives_its_new_lines() {
    let dir = tempfile::tempdir().expect("folder");
    let file = at(dir.path(), "c.txt");
    fs::write(&file, "one\ntwo\n").expect("write");
    assert_eq!(stdout(&booth(&["line", &file, "2"])), "two\n");
    fs::write(&file, "uno\ndos\n").expect("write");
    assert_eq!(stdout(&booth(&["line", &file, "2"])), "dos\n");
}

#[test]
fn check_reports_every_line_that_will_not_be_shown() {
    let dir = tempfile::tempdir().expect("folder");
    let file = at(dir.path(), "c.txt");
    fs::write(&file, b"good\n\n\xff\xfe\ngood\n").expect("write");
    let output = booth(&["check", &file, "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let rows: Vec<serde_json::Value> = stdout(&output)
        .lines()
        .map(|row| serde_json::from_str(row).expect("JSON"))
        .collect();
    let found: Vec<_> = rows[..3]
        .iter()
        .map(|row| (&row["line"], &row["problem"]))
        .collect();
    assert_eq!(
        found,
        [
            (&2.into(), &"empty".into()),
            (&3.into(), &"not_utf8".into()),
            (&4.into(), &"duplicate".into())
        ]
    );
    assert_eq!(
        (&rows[3]["lines"], &rows[3]["usable"]),
        (&4.into(), &2.into())
    );
}

#[test]
fn the_sample_corpora_are_in_order() {
    let dir = tempfile::tempdir().expect("folder");
    for (n, (_, sample)) in booth::embedded::CORPORA.iter().enumerate() {
        let file = at(dir.path(), &n.to_string());
        fs::write(&file, sample).expect("written");
        let output = booth(&["check", &file]);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(
            stdout(&output),
            format!("{file}: 60 of 60 lines will be shown\n")
        );
    }
}
