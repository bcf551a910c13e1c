//! Finished takes are sealed beside the recording; a kill leaves each plain or sealed, never neither.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use booth::audio::rf64::read;
use booth::files::data::Data;
use booth::identity::{keyring, operator, seal};
use booth::store::row::Row;
use sha2::{Digest, Sha256};

use crate::common::lab::{Lab, age_decrypt};
use crate::common::random::Random;
use crate::common::run;
use crate::common::wait::wait_for;

/// Nobody comes.
const WAITS: &str = "until attract\n60000 go\n";

/// The takes of a session: those that lie plain, and those that are sealed.
fn takes(session: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let entries = fs::read_dir(session).unwrap();
    let all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let ending = |wanted: &str| {
        let has = |path: &&PathBuf| path.to_str().unwrap().ends_with(wanted);
        all.iter().filter(has).cloned().collect()
    };
    (ending(".rf64"), ending(".rf64.age"))
}

/// The hash of the samples of a take's bytes.
fn samples_sha256(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("take.rf64");
    fs::write(&path, bytes).unwrap();
    let info = read::info(&fs::File::open(&path).unwrap(), &path).unwrap();
    let from = info.data_start as usize;
    let samples = &bytes[from..from + info.data_bytes as usize];
    booth::words::hex::encode(Sha256::digest(samples).into())
}

#[test]
fn a_session_leaves_sealed_takes_alone_and_stock_age_opens_them() {
    let lab = Lab::new();
    let session = lab.record();
    let folder = lab.data().join("sessions").join(&session);
    let rows = run::rows(&folder);
    let (plain, sealed) = takes(&folder);
    assert_eq!((plain.len(), sealed.len()), (0, rows.len()));
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("session.json")).unwrap()).unwrap();
    assert_eq!(record["sealed"], true);
    // The operator's key opens the session's, which opens the takes.
    let keys = lab.data().join(format!("keys/{session}.age"));
    let text = String::from_utf8(age_decrypt(&lab.key(), &keys)).unwrap();
    let own = lab.path("session.key");
    fs::write(&own, text.lines().nth(1).unwrap()).unwrap();
    for row in &rows {
        let file = folder.join(format!("{}.age", row.file));
        let bytes = age_decrypt(own.to_str().unwrap(), &file);
        assert_eq!(samples_sha256(&bytes), row.samples_sha256, "{}", row.file);
    }
}

#[test]
fn takes_stay_plain_where_that_is_asked_for_or_nobody_could_open_them() {
    let lab = Lab::new();
    for options in [
        ["--set", "privacy.seal_audio=false"],
        ["--set", "privacy.recipient="],
    ] {
        let session = lab.record_with(&options);
        let folder = lab.data().join("sessions").join(session);
        let (plain, sealed) = takes(&folder);
        assert_eq!((plain.len(), sealed.len()), (run::rows(&folder).len(), 0));
    }
}

/// A box with a visitor, killed once `until` is over.
fn run_and_kill(lab: &Lab, script: &str, until: impl FnOnce()) {
    fs::write(lab.path("script"), script).unwrap();
    let mut command = lab.command(&["run", "--board", "sim", "--set", "audio.device=sim"]);
    command.arg("--protocol").arg(lab.path("protocol.toml"));
    command.arg("--script").arg(lab.path("script"));
    let running = run::start(&mut command);
    until();
    running.signal("KILL");
    running.wait();
}

#[test]
fn a_kill_in_a_session_leaves_two_takes_plain_at_most_and_the_next_start_seals_them() {
    let lab = Lab::new();
    lab.record();
    let visitor = "until attract\n300 go\nuntil intro\n900 go\nuntil reading\n900 go\n900 go\n\
                   900 go\n60000 go\n";
    let rows = run::takes(&lab.data());
    run_and_kill(&lab, visitor, || {
        wait_for("three takes", || run::takes(&lab.data()) >= rows + 3);
    });
    let all = lab.sessions();
    let folders = all
        .iter()
        .map(|name| lab.data().join("sessions").join(name));
    let plain: usize = folders.clone().map(|folder| takes(&folder).0.len()).sum();
    println!("killed in a session: {plain} takes plain");
    assert!((1..=2).contains(&plain), "{plain} takes plain");
    fs::write(lab.path("script"), "until resume\n300 stop\n").unwrap();
    let mut command = lab.command(&["run", "--board", "sim", "--set", "audio.device=sim"]);
    command.arg("--protocol").arg(lab.path("protocol.toml"));
    let done = run::start(command.arg("--script").arg(lab.path("script"))).wait();
    assert_eq!(done.code, Some(0), "{}", done.said());
    for folder in folders {
        let (plain, sealed) = takes(&folder);
        assert_eq!((plain.len(), sealed.len()), (0, run::rows(&folder).len()));
    }
}

/// Checks that each take is there, plain or sealed and whole; how many are plain.
fn check(lab: &Lab, session: &str, rows: &[Row]) -> usize {
    let folder = lab.data().join("sessions").join(session);
    let operator = operator::read_keys(Path::new(&lab.key())).unwrap();
    let keys = keyring::open(&Data(&lab.data()).keys(), session, &operator).unwrap();
    let mut plain = 0;
    for row in rows {
        let path = folder.join(&row.file);
        let sealed = seal::sealed_name(&path);
        let mut bytes = Vec::new();
        if sealed.exists() {
            let with = [keys.private().clone()];
            let mut opened = seal::open(&sealed, &with).unwrap();
            opened.read_to_end(&mut bytes).unwrap();
        } else {
            plain += 1;
            bytes = fs::read(&path).unwrap();
        }
        assert_eq!(samples_sha256(&bytes), row.samples_sha256, "{}", row.file);
    }
    plain
}

#[test]
fn a_kill_at_any_moment_of_sealing_leaves_every_take_plain_or_sealed() {
    let lab = Lab::new();
    let session = lab.record_with(&["--set", "privacy.seal_audio=false"]);
    let folder = lab.data().join("sessions").join(&session);
    let record = folder.join("session.json");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(
        &record,
        text.replace("\"sealed\": false", "\"sealed\": true"),
    )
    .unwrap();
    let rows = run::rows(&folder);
    let whole = lab.path("whole");
    crate::common::lab::copy(&folder, &whole);
    let again = || {
        fs::remove_dir_all(&folder).unwrap();
        crate::common::lab::copy(&whole, &folder);
    };
    let begun = Instant::now();
    run_and_kill(&lab, WAITS, || {
        wait_for("sealed takes", || takes(&folder).0.is_empty());
    });
    let lasts_us = begun.elapsed().as_micros() as u64;
    again();
    let mut random = Random::new();
    let mut moments = [0; 3];
    for _ in 0..100 {
        let after = Duration::from_micros(random.below(lasts_us * 3 / 2));
        run_and_kill(&lab, WAITS, || std::thread::sleep(after));
        let plain = check(&lab, &session, &rows);
        let at = if plain == rows.len() {
            0
        } else if plain > 0 {
            1
        } else {
            2
        };
        moments[at] += 1;
        if plain == 0 {
            again();
        }
    }
    println!(
        "100 kills: before {}, amid {}, after {}",
        moments[0], moments[1], moments[2]
    );
    assert!(moments[1] + moments[2] > 10, "{moments:?}");
}
