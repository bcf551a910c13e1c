//! Free speech for hours: cut each `segment_s`, sealed and plain, without a frame missing.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use booth::audio::rf64::read;
use booth::store::row::Row;

use super::cut::only_session;
use crate::common::lab::{Lab, samples};
use crate::common::run;
use crate::common::tools::frames_read;

/// What is recorded.
struct Speech {
    seconds: u32,
    segment_s: u32,
    channels: u16,
    is_sealed: bool,
}

/// Records it in session time; the folder of its session, and its rows.
fn record(lab: &Lab, name: &str, speech: &Speech) -> (PathBuf, Vec<Row>) {
    let data = lab.path(name);
    let seconds = speech.seconds;
    let protocol = format!(
        "name = \"long\"\n[[step]]\nname = \"free\"\nkind = \"free\"\nseconds = {seconds}\n"
    );
    fs::write(lab.path("protocol.toml"), protocol).unwrap();
    let script = "until attract\n500 go\nuntil intro\n500 go\n";
    fs::write(lab.path("script"), script).unwrap();
    let names: Vec<String> = (0..speech.channels).map(|n| format!("\"c{n}\"")).collect();
    let mut command = run::booth();
    command.args(["run", "--fast", "--board", "sim"]);
    command.arg("--data").arg(&data);
    command.arg("--protocol").arg(lab.path("protocol.toml"));
    command.arg("--script").arg(lab.path("script"));
    let mut sets = vec![
        "audio.device=sim".to_owned(),
        "audio.buffer_s=2".to_owned(),
        format!("audio.channels=[{}]", names.join(",")),
        "audio.reference=c0".to_owned(),
        format!("take.segment_s={}", speech.segment_s),
    ];
    if speech.is_sealed {
        sets.push(format!("privacy.recipient={}", lab.recipient));
    }
    for set in &sets {
        command.args(["--set", set]);
    }
    let run = run::start(&mut command).wait();
    assert_eq!(run.code, Some(0), "{}", run.said());
    let folder = run::session(&data);
    let rows = run::rows(&folder);
    assert_contiguous(&rows, speech);
    (folder, rows)
}

/// Each take goes on where the one before ended, and all of them are the step.
fn assert_contiguous(rows: &[Row], speech: &Speech) {
    let marks = |row: &Row| {
        let end = row.start_frame + row.frames - row.tail_frames;
        (row.start_frame + row.lead_frames, end)
    };
    for two in rows.windows(2) {
        assert_eq!(marks(&two[0]).1, marks(&two[1]).0, "{two:?}");
    }
    assert!(rows.iter().all(|row| row.gaps.is_empty()));
    let spoken: u64 = rows.iter().map(|row| marks(row).1 - marks(row).0).sum();
    assert_eq!(spoken, u64::from(speech.seconds * rows[0].rate));
    assert_eq!(
        rows.len() as u32,
        speech.seconds.div_ceil(speech.segment_s),
        "takes"
    );
}

/// The samples between the marks of all takes, one after another.
fn spoken(lab: &Lab, name: &str, folder: &Path, rows: &[Row]) -> Vec<u8> {
    let mut all = Vec::new();
    for row in rows {
        let plain = folder.join(&row.file);
        let held = if plain.exists() {
            run::samples(&plain).1
        } else {
            let (key, ..) = only_session(lab, &lab.path(name)).unwrap();
            samples(&folder.join(format!("{}.age", row.file)), &key)
        };
        let frame = row.spec().frame_bytes();
        assert_eq!(held.len(), row.frames as usize * frame);
        let end = held.len() - row.tail_frames as usize * frame;
        all.extend(&held[row.lead_frames as usize * frame..end]);
    }
    all
}

#[test]
fn speech_that_is_cut_into_segments_is_what_it_is_in_one_piece() {
    let lab = Lab::new();
    let speech = |segment_s, is_sealed| Speech {
        seconds: 185,
        segment_s,
        channels: 1,
        is_sealed,
    };
    let spoken_as = |name: &str, speech: &Speech| {
        let (folder, rows) = record(&lab, name, speech);
        spoken(&lab, name, &folder, &rows)
    };
    let whole = spoken_as("whole", &speech(185, false));
    assert!(whole == spoken_as("plain", &speech(20, false)));
    assert!(whole == spoken_as("sealed", &speech(20, true)));
}

#[test]
#[ignore = "takes minutes; run by tests/faults/run"]
fn three_hours_of_speech_have_no_frame_missing() {
    let lab = Lab::new();
    for (name, is_sealed) in [("plain", false), ("sealed", true)] {
        let speech = Speech {
            seconds: 3 * 3600,
            segment_s: 600,
            channels: 1,
            is_sealed,
        };
        let (folder, rows) = record(&lab, name, &speech);
        let held: u64 = rows
            .iter()
            .map(|row| {
                let one = std::slice::from_ref(row);
                let frames = spoken(&lab, name, &folder, one).len() / row.spec().frame_bytes();
                frames as u64
            })
            .sum();
        println!("{name}: {} takes, {held} frames in 3 h", rows.len());
        assert_eq!(held, u64::from(speech.seconds * rows[0].rate));
    }
}

#[test]
#[ignore = "takes minutes and 7 GB; run by tests/faults/run"]
fn a_take_of_more_than_6_gib_opens_to_its_last_frame() {
    let lab = Lab::new();
    let speech = Speech {
        seconds: 540,
        segment_s: 600,
        channels: 64,
        is_sealed: false,
    };
    let (folder, rows) = record(&lab, "plain", &speech);
    let file = folder.join(&rows[0].file);
    let info = read::info(&File::open(&file).unwrap(), &file).unwrap();
    assert!(info.held_bytes() > 6 << 30);
    assert_eq!(frames_read(&file), [rows[0].frames; 3]);
    let shell = "tail -c +$(($1 + 1)) \"$0\" | head -c $2 | sha256sum";
    let mut command = Command::new("sh");
    command.args(["-c", shell]).arg(&file);
    command.args([info.data_start, info.held_bytes()].map(|bytes| bytes.to_string()));
    let hash = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let hash = hash.split_whitespace().next().map(str::to_owned);
    assert_eq!(hash, rows[0].samples_sha256);
    println!("{} bytes, {} frames", info.held_bytes(), rows[0].frames);
}
