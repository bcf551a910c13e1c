//! The corpus commands, by the program itself: what they print, what they refuse, what they leave.

mod common;
#[path = "corpus/visits.rs"]
mod visits;

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
        (
            "text\n",
            &b"booth: configuration: built-in booth.toml\n"[..]
        )
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
fn a_line_goes_into_a_pipe_byte_for_byte_and_is_spelt_out_on_a_terminal() {
    let dir = tempfile::tempdir().expect("folder");
    let file = at(dir.path(), "c.txt");
    let text = "a\u{1b}]0;b\u{7}c\u{9b}31md\u{202e}\te ";
    fs::write(&file, format!("id\t{text}\n")).expect("write");
    assert_eq!(
        booth(&["line", &file, "1"]).stdout,
        format!("{text}\n").into_bytes()
    );
    let command = format!("{} corpus line {file} 1", env!("CARGO_BIN_EXE_booth"));
    let mut terminal = Command::new("script");
    let shown = terminal.args(["-qec", &command, "/dev/null"]).output();
    let shown = stdout(&shown.expect("script"));
    assert!(shown.contains("a\\u{1b}]0;b\\u{7}c\\u{9b}31md"), "{shown}");
    let json = stdout(&booth(&["line", &file, "1", "--json"]));
    let row: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(row["text"], text);
}

#[test]
fn a_text_in_another_encoding_is_refused_with_the_way_to_convert_it() {
    let dir = tempfile::tempdir().expect("folder");
    let file = at(dir.path(), "c.txt");
    let text = "Où est la gare ?\nElle est là.\nMerci.\n";
    for (encoding, words) in [
        ("UTF-16", "iconv"),
        ("UTF-16LE", "iconv"),
        ("UTF-16BE", "iconv"),
        ("UTF-32", "iconv"),
        ("UTF-32LE", "iconv"),
        ("LATIN1", "UTF-8"),
    ] {
        fs::write(dir.path().join("utf8"), text).expect("write");
        let mut iconv = Command::new("iconv");
        iconv
            .args(["-f", "UTF-8", "-t", encoding])
            .arg(dir.path().join("utf8"));
        fs::write(&file, iconv.output().expect("iconv").stdout).expect("write");
        refused(&["check", &file], &[&file, words]);
        refused(&["line", &file, "1"], &[&file, words]);
    }
    // Bare CR: one line out of three sentences.
    fs::write(&file, text.replace('\n', "\r")).expect("write");
    refused(&["check", &file], &[&file, "line break", "tr "]);
    fs::copy("/bin/sh", &file).expect("a program");
    refused(&["check", &file], &[&file, "no lines of text"]);
}

#[test]
fn check_lays_lines_out_for_the_board_and_fails_if_none_is_left() {
    let dir = tempfile::tempdir().expect("folder");
    let file = at(dir.path(), "c.txt");
    // Too much for a square panel, and enough for a wide one.
    let words: usize = (20..90)
        .find(|words| {
            fs::write(&file, "many words ".repeat(*words) + "\nshort\n").expect("write");
            let output = booth(&["check", &file, "--board", "sim-240x240"]);
            output.status.code() == Some(3)
        })
        .expect("a length that is too much");
    let square = booth(&["check", &file, "--board", "sim-240x240"]);
    assert!(stdout(&square).contains("line 1 does not fit the panel"));
    let wide = booth(&["check", &file, "--board", "sim"]);
    assert_eq!(wide.status.code(), Some(0), "{words} {}", stdout(&wide));
    let unknown = booth(&["check", &file, "--board", "none"]);
    assert_eq!(unknown.status.code(), Some(2));
    fs::write(&file, "many words ".repeat(500)).expect("write");
    let none = booth(&["check", &file]);
    assert_eq!(none.status.code(), Some(1));
    assert!(stdout(&none).contains("0 of 1 lines will be shown, 1 that do not fit"));
}

#[test]
fn lists_of_another_shape_are_shown_as_they_are_with_a_warning() {
    let dir = tempfile::tempdir().expect("folder");
    let file = at(dir.path(), "c.txt");
    for (text, shape, words) in [
        ("a|One.\nb|Two.\n", "pipes", "awk"),
        ("p\tOne.\t20\nq\tTwo.\t30\n", "tabs", "cut -f"),
        ("a,\"One.\"\nb,\"Two.\"\n", "quoted", "csv"),
    ] {
        fs::write(&file, text).expect("write");
        let output = booth(&["check", &file]);
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains(words), "{}", stdout(&output));
        let json = stdout(&booth(&["check", &file, "--json"]));
        let last: serde_json::Value =
            serde_json::from_str(json.lines().last().expect("a row")).expect("JSON");
        assert_eq!(last["shape"], shape);
    }
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
