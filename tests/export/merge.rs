//! What lies in the folder stays: other boxes' sessions, earlier ones, what people added.

use std::fs;
use std::path::Path;

use super::setup::{
    assert_whole, export, exported, files, record, seal_takes, session_folder, table,
};
use crate::common::lab::{Lab, copy, said};

#[test]
fn two_boxes_are_one_dataset_at_once_and_one_after_the_other() {
    let (one, two) = (Lab::new(), Lab::new());
    let sessions = [record(&one), record(&two), record(&one)];
    let other = two.data().display().to_string();
    let both = exported(&one, "both", &["--data", &other]);
    assert_whole(&both);
    for session in &sessions {
        assert!(table(&both).iter().any(|row| row["session"] == *session));
    }
    let out = exported(&one, "out", &[]);
    let path = out.display().to_string();
    two.done(&["export", &path], "");
    assert!(files(&out) == files(&both));
    exported(&one, "out", &[]);
    assert!(files(&out) == files(&both));
    // Each box knows of the export, and forgetting on one of them reaches it.
    for (lab, session) in [(&two, &sessions[1]), (&one, &sessions[0])] {
        let receipt = lab.done(&["forget", "--session", session, "--json"], "");
        assert!(receipt.contains(&path), "{receipt}");
        assert_whole(&out);
        assert!(table(&out).iter().all(|row| row["session"] != *session));
    }
    let takes = one
        .command(&["takes", "--data", &other, "--data", &other])
        .output()
        .unwrap();
    assert_eq!(takes.status.code(), Some(2), "{}", said(&takes));
}

#[test]
fn sessions_that_were_moved_off_the_card_stay() {
    let lab = Lab::new();
    let moved = record(&lab);
    let out = exported(&lab, "out", &[]);
    fs::rename(session_folder(&lab, &moved), lab.path("moved")).unwrap();
    record(&lab);
    exported(&lab, "out", &[]);
    assert_whole(&out);
    let told = lab.done(&["export", &out.display().to_string(), "--json"], "");
    let rows = table(&out);
    let stay = rows.iter().filter(|row| row["session"] == moved).count();
    assert!(
        stay > 0 && told.contains(&format!("\"other_files\":{stay},")),
        "{told}"
    );
    copy(&lab.path("moved"), &session_folder(&lab, &moved));
    assert!(files(&exported(&lab, "anew", &[])) == files(&out));
}

#[test]
fn a_run_without_the_key_loses_nothing_that_one_with_it_exported() {
    let lab = Lab::new();
    let (sealed, plain) = (record(&lab), record(&lab));
    fs::write(
        session_folder(&lab, &plain).join("answers.json"),
        "{\"age\":\"25-44\"}",
    )
    .unwrap();
    seal_takes(&lab, &sealed);
    let key = lab.key();
    let out = exported(&lab, "out", &["--key", &key]);
    let before = files(&out);
    let output = export(&lab, "out", &[]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(files(&out) == before);
}

/// Puts a column `age group` in the third place and a column `note` at the end.
fn with_columns(out: &Path) -> String {
    let text = fs::read_to_string(out.join("metadata.csv")).unwrap();
    let mut lines = text.lines();
    let columns = lines.next().unwrap().splitn(3, ',').collect::<Vec<_>>();
    let mut grown = format!(
        "{},{},age group,{},note\n",
        columns[0], columns[1], columns[2]
    );
    for line in lines {
        let cells: Vec<&str> = line.splitn(3, ',').collect();
        grown += &format!(
            "{},{},\"25, 44\",{},of {}\n",
            cells[0], cells[1], cells[2], cells[0]
        );
    }
    grown
}

#[test]
fn columns_rows_and_sums_that_people_added_stay() {
    let lab = Lab::new();
    let first = record(&lab);
    let out = exported(&lab, "out", &[]);
    let mix = format!("{first}/{first}-0001-mix.wav");
    for name in [mix.as_str(), "notes.txt"] {
        fs::write(out.join(name), name).unwrap();
    }
    let mut grown = with_columns(&out);
    let width = grown.lines().next().unwrap().split(',').count();
    let own = format!("{mix},{first},,1{}", ",".repeat(width - 4));
    let gone = format!("gone.wav,,,{}", ",".repeat(width - 4));
    // Two people wrote about one file.
    let second = grown.lines().nth(1).unwrap().replace(",of ", ",again of ");
    grown += &format!("{own}\n{gone}\n{second}\n");
    // As a spreadsheet saves it.
    let saved = format!("\u{feff}{}", grown.replace('\n', "\r\n"));
    fs::write(out.join("metadata.csv"), saved).unwrap();
    let sums = fs::read_to_string(out.join("SHA256SUMS")).unwrap();
    let note = format!("{}  notes.txt\n", "0".repeat(64));
    fs::write(out.join("SHA256SUMS"), sums + &note).unwrap();
    record(&lab);
    exported(&lab, "out", &[]);
    let text = fs::read_to_string(out.join("metadata.csv")).unwrap();
    let header = text.lines().next().unwrap();
    assert!(header.starts_with("file_name,session,age group,take,") && header.ends_with(",note"));
    for line in grown.lines().filter(|line| *line != gone) {
        assert!(text.contains(&format!("{line}\n")), "{line}");
    }
    assert!(!text.contains("gone.wav"));
    let sums = fs::read_to_string(out.join("SHA256SUMS")).unwrap();
    assert!(sums.ends_with(&note), "{sums}");
    let before = files(&out);
    exported(&lab, "out", &[]);
    assert!(files(&out) == before);
}

#[track_caller]
fn refused(lab: &Lab, options: &[&str], words: &str) {
    let (out, list) = (lab.path("out"), lab.data().join("exports.jsonl"));
    let before = (files(&out), fs::read(&list).ok());
    let output = export(lab, "out", options);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains(words) && !text.contains("panicked"),
        "{words}: {text}"
    );
    assert!((files(&out), fs::read(&list).ok()) == before, "{words}");
}

#[test]
fn what_cannot_be_merged_is_refused_before_a_byte_is_written() {
    let lab = Lab::new();
    let session = record(&lab);
    let out = exported(&lab, "out", &[]);
    record(&lab);
    let good = fs::read_to_string(out.join("metadata.csv")).unwrap();
    for (table, words) in [
        (
            good.replace(',', ";"),
            "metadata.csv:1: there is no column `file_name`",
        ),
        (
            good.replacen("take,", "session,", 1),
            "two columns `session`",
        ),
        (good.clone() + "a,b\n", "the row has 2 cells"),
        (good.clone() + "\"a\n", "the row is damaged"),
    ] {
        fs::write(out.join("metadata.csv"), table).unwrap();
        refused(&lab, &[], words);
    }
    fs::write(out.join("metadata.csv"), &good).unwrap();

    // Older copies of the session: a take is another, or is not there.
    copy(&session_folder(&lab, &session), &lab.path("backup"));
    let takes = session_folder(&lab, &session).join("takes.jsonl");
    let rows = fs::read_to_string(&takes).unwrap();
    let (first, _) = rows.split_once('\n').unwrap();
    fs::write(&takes, format!("{first}\n")).unwrap();
    for entry in fs::read_dir(session_folder(&lab, &session)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("take-") && name != "take-0001.rf64" {
            fs::remove_file(path).unwrap();
        }
    }
    refused(&lab, &[], "take 2 in the export");
    let (begin, end) = rows.split_once("\"samples_sha256\":\"").unwrap();
    let digit = if end.starts_with('0') { "1" } else { "0" };
    let other = format!("{begin}\"samples_sha256\":\"{digit}{}", &end[1..]);
    fs::write(&takes, other).unwrap();
    refused(&lab, &[], "take 1 in the export");

    // The same session in two data folders.
    let two = lab.path("two/sessions");
    fs::create_dir_all(&two).unwrap();
    copy(&lab.path("backup"), &two.join(&session));
    let other = lab.path("two").display().to_string();
    refused(&lab, &["--data", &other], "with other takes");
    fs::remove_dir_all(session_folder(&lab, &session)).unwrap();
    copy(&lab.path("backup"), &session_folder(&lab, &session));
    exported(&lab, "out", &["--data", &other]);
    assert_whole(&out);
}
