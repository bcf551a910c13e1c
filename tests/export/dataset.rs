//! What is in an export.

use std::fs;

use super::setup::{export, exported, files, record, session_folder, table};
use crate::common::lab::{Lab, said};
use crate::common::run;
use crate::common::tools::tool;

#[test]
fn every_bit_is_kept_in_every_format_and_both_layouts() {
    for format in ["S16_LE", "S24_3LE", "S24_LE", "S32_LE", "FLOAT_LE"] {
        let lab = Lab::new();
        let set = format!("audio.format={format}");
        let session = lab.record_with(&["--set", &set, "--set", "privacy.seal_audio=false"]);
        let folder = session_folder(&lab, &session);
        let channels = exported(&lab, "channels", &[]);
        let whole = exported(&lab, "whole", &["--layout", "multichannel"]);
        let rows = run::rows(&folder);
        assert!(rows.len() >= 2);
        assert_eq!(table(&channels).len(), rows.len() * 6);
        assert_eq!(table(&whole).len(), rows.len());
        for row in rows {
            let (spec, take) = run::samples(&folder.join(&row.file));
            let name = format!("{session}/{session}-{:04}", row.take);
            let (found, bytes) = run::samples(&whole.join(format!("{name}.wav")));
            assert!(found == spec && bytes == take, "{format}: {name}");
            let sample = spec.format.sample_bytes();
            for (channel, row) in table(&channels)
                .iter()
                .filter(|cells| cells["take"] == row.take.to_string())
                .enumerate()
            {
                let (found, bytes) = run::samples(&channels.join(&row["file_name"]));
                assert_eq!((found.channels, found.format), (1, spec.format));
                let frames = take.chunks_exact(spec.frame_bytes());
                let own = frames.flat_map(|frame| &frame[channel * sample..][..sample]);
                assert!(own.eq(&bytes), "{format}: {}", row["file_name"]);
            }
        }
    }
}

#[test]
fn two_exports_of_the_same_data_are_the_same_and_a_finished_one_is_left_alone() {
    let lab = Lab::new();
    record(&lab);
    let first = exported(&lab, "first", &[]);
    let before = files(&first);
    assert!(files(&exported(&lab, "second", &[])) == before);
    let listed = fs::read(lab.data().join("exports.jsonl")).unwrap();
    let stamp = |name: &str| fs::metadata(first.join(name)).unwrap().modified().unwrap();
    let stamps: Vec<_> = before.keys().map(|name| stamp(name)).collect();
    exported(&lab, "first", &[]);
    assert!(files(&first) == before);
    assert!(before.keys().map(|name| stamp(name)).eq(stamps));
    assert_eq!(fs::read(lab.data().join("exports.jsonl")).unwrap(), listed);
    let year = jiff::Timestamp::now().to_string()[..4].to_owned();
    for name in ["metadata.csv", "README.md"] {
        let text = String::from_utf8(before[name].clone()).unwrap();
        assert!(!text.contains(&format!("{year}-")), "{name}: {text}");
    }
}

#[test]
fn what_is_recorded_later_is_added() {
    let lab = Lab::new();
    record(&lab);
    let out = exported(&lab, "out", &[]);
    record(&lab);
    exported(&lab, "out", &[]);
    assert!(files(&out) == files(&exported(&lab, "anew", &[])));
}

#[test]
fn the_table_names_every_file_and_the_sums_fit() {
    let lab = Lab::new();
    let session = lab.record_with(&[
        "--set",
        "site.room=Room, \"B\"",
        "--set",
        "privacy.seal_audio=false",
    ]);
    let out = exported(&lab, "out", &[]);
    let rows = table(&out);
    let sound = files(&out)
        .into_keys()
        .filter(|name| name.ends_with(".wav"));
    let named: Vec<String> = rows.iter().map(|row| row["file_name"].clone()).collect();
    assert_eq!(sound.collect::<Vec<_>>(), named);
    let row = &rows[1];
    assert_eq!(row["session"], session);
    assert_eq!(
        (row["take"].as_str(), row["channel"].as_str()),
        ("1", "rigid_in_ear")
    );
    assert_eq!(
        (row["rate"].as_str(), row["format"].as_str()),
        ("48000", "S32_LE")
    );
    assert_eq!(row["protocol_name"], "short");
    assert!(!row["text"].is_empty() && !row["peak_dbfs"].contains(' '));
    let text = fs::read_to_string(out.join("metadata.csv")).unwrap();
    assert!(text.contains(",\"Room, \"\"B\"\"\","), "{text}");
    let record = fs::read_to_string(session_folder(&lab, &session).join("session.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    if let Some(token) = record["participant"].as_str() {
        assert!(!text.contains(token), "the token carries a date");
    }
    let script = "cd \"$0\" && sha256sum --check --strict --quiet SHA256SUMS";
    let checked = tool("coreutils", "sh", &["-c", script, out.to_str().unwrap()]);
    assert!(checked.status.success(), "{}", said(&checked));
}

#[test]
fn other_folders_are_left_alone() {
    let lab = Lab::new();
    record(&lab);
    fs::create_dir(lab.path("foreign")).unwrap();
    fs::write(lab.path("foreign/thesis.txt"), "x").unwrap();
    exported(&lab, "other", &["--layout", "multichannel"]);
    let before = files(&lab.path("other"));
    for (name, words) in [
        ("foreign", "no export of this program"),
        ("other", "layout multichannel"),
        ("data/export", "lies in the data folder"),
    ] {
        let output = export(&lab, name, &[]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(words), "{text}");
    }
    assert_eq!(files(&lab.path("foreign")).len(), 1);
    assert!(files(&lab.path("other")) == before);
    assert!(!lab.data().join("export").exists());
    let lab = Lab::new();
    let output = export(&lab, "out", &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(!lab.data().exists() && !lab.path("out").exists());
}
