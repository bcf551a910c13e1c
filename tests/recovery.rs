//! A kill in the middle of a session: the next start makes its takes whole, and offers it again.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use booth::store::row::Row;
use booth::words::Verdict;
use common::run::{self, Run, Running};
use common::wait::wait_for;
use common::{assert_counts, counter, decode, plugin};
use sha2::{Digest, Sha256};

const PROTOCOL: &str =
    "name = \"short\"\n[[step]]\nname = \"read\"\nkind = \"read\"\nseconds = 12\n";
const VISITOR: &str = "until attract\n500 go\nuntil intro\n700 go\nuntil reading\n1500 go\n1500 go\n\
    900 redo\n60000 go\n";

struct Booth {
    dir: tempfile::TempDir,
    env: common::AlsaEnv,
}

impl Booth {
    fn new() -> Booth {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("protocol.toml"), PROTOCOL).unwrap();
        Booth { dir, env: plugin() }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn command(&self, script: &str) -> Command {
        let path = self.dir.path().join("script");
        fs::write(&path, script).unwrap();
        let mut command = run::booth();
        self.env.apply(&mut command);
        command.args([
            "run",
            "--board",
            "sim",
            "--set",
            "audio.device=bpaced",
            "--protocol",
        ]);
        command.arg(self.dir.path().join("protocol.toml"));
        command
            .arg("--data")
            .arg(self.data())
            .arg("--script")
            .arg(path);
        command
    }

    /// Runs the script to its end.
    #[track_caller]
    fn run(&self, script: &str) -> Run {
        let done = run::start(&mut self.command(script)).wait();
        assert_eq!(done.code, Some(0), "{}", done.said());
        done
    }

    /// A visitor in the first second of their fourth take.
    fn in_the_fourth_take(&self) -> Running {
        let running = run::start(&mut self.command(VISITOR));
        wait_for("three rows", || run::takes(&self.data()) == 3);
        running
    }

    /// Kills the booth in the middle of the fourth take.
    fn run_and_kill(&self) -> PathBuf {
        let running = self.in_the_fourth_take();
        std::thread::sleep(Duration::from_millis(1500));
        running.signal("KILL");
        assert_eq!(running.wait().code, None);
        run::sessions(&self.data()).pop().unwrap()
    }
}

fn record(session: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(session.join("session.json")).unwrap()).unwrap()
}

/// Every take has a row, and every row the take that it describes.
fn check(session: &Path) -> Vec<Row> {
    let rows = run::rows(session);
    let is_take = |name: &str| name.ends_with(".rf64");
    let entries = fs::read_dir(session).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        !files.iter().any(|name| name.ends_with(".new")),
        "{files:?}"
    );
    files.retain(|name| is_take(name));
    assert_eq!(files.len(), rows.len());
    for row in &rows {
        let (spec, bytes) = run::samples(&session.join(&row.file));
        assert_eq!(bytes.len() as u64, row.frames * spec.frame_bytes() as u64);
        let sha256 = booth::words::hex::encode(Sha256::digest(&bytes).into());
        assert_eq!(row.samples_sha256, Some(sha256), "take {}", row.take);
        assert_eq!(row.peak_dbfs.len(), 6);
        let first = decode(&bytes[..spec.format.sample_bytes()], spec.format)[0];
        let near = (0..1u64 << 24).find(|f| counter(*f, spec.channels, 0) == first);
        assert_counts(&bytes, spec, near.unwrap());
    }
    rows
}

#[test]
fn a_killed_session_is_made_whole_and_goes_on_where_it_stopped() {
    let booth = Booth::new();
    let session = booth.run_and_kill();
    let before = run::rows(&session);
    assert_eq!(before.len(), 3);
    // What a power cut may leave beside.
    fs::write(session.join("take-0099.rf64.new"), "half a header").unwrap();
    let rows = fs::read(session.join("takes.jsonl")).unwrap();
    fs::write(
        session.join("takes.jsonl"),
        [&rows[..], b"{\"take\":4,\"fi"].concat(),
    )
    .unwrap();

    booth.run("until resume\n400 go\nuntil intro\n700 go\nuntil reading\n1500 go\n");
    let again = run::session(&booth.data());
    assert_eq!(again, session, "one session");
    let rows = check(&session);
    assert_eq!(rows[..3], before[..]);
    let recovered = &rows[3];
    assert_eq!((recovered.take, recovered.verdict), (4, Verdict::Recovered));
    assert_eq!((recovered.line, recovered.version), (rows[2].line, 2));
    assert_eq!((recovered.lead_frames, recovered.tail_frames), (12_000, 0));
    assert!(recovered.frames > 24_000, "{} frames", recovered.frames);
    // The same line once more, on the same clock, from a whole second on.
    let retaken = &rows[4];
    assert_eq!(
        (retaken.take, retaken.line, retaken.version),
        (5, rows[2].line, 3)
    );
    assert_eq!(retaken.verdict, Verdict::Kept);
    assert!(retaken.start_frame >= recovered.start_frame + recovered.frames);
    // The step's twelve seconds in all, of which those before the kill were used up.
    let read: u64 = rows[4..]
        .iter()
        .map(|r| r.frames - r.lead_frames - r.tail_frames)
        .sum();
    assert!(
        (4 * 48_000..10 * 48_000).contains(&read),
        "{read} frames after the kill"
    );
    assert_eq!(record(&session)["ended"], "completed");
}

#[test]
fn a_session_that_nobody_takes_up_ended_with_its_crash_and_is_whole_all_the_same() {
    let booth = Booth::new();
    let session = booth.run_and_kill();
    booth.run("until resume\n400 stop\n300 pause\n");
    let rows = check(&session);
    assert_eq!(rows.last().unwrap().verdict, Verdict::Recovered);
    assert_eq!(record(&session)["ended"], "crashed");
    // Nothing is left to be done: a further start changes no byte.
    let read = |name: &str| fs::read(session.join(name)).unwrap();
    let (rows, take) = (read("takes.jsonl"), read("take-0004.rf64"));
    booth.run("until attract\n300 pause\n");
    assert!(rows == read("takes.jsonl") && take == read("take-0004.rf64"));
}

#[test]
fn of_two_sessions_without_an_end_the_latest_is_offered() {
    let booth = Booth::new();
    let first = booth.run_and_kill();
    // Killed again before anybody answered, and with another session begun.
    let script = format!("until resume\n300 stop\n{VISITOR}");
    let running = run::start(&mut booth.command(&script));
    wait_for("a second session's take", || run::takes(&booth.data()) > 4);
    running.signal("KILL");
    running.wait();
    let mut ended = record(&first);
    ended["ended"] = serde_json::Value::Null;
    fs::write(first.join("session.json"), ended.to_string()).unwrap();
    booth.run("until resume\n300 go\nuntil intro\n700 stop\n");
    let mut ends: Vec<_> = run::sessions(&booth.data())
        .iter()
        .map(|session| {
            check(session);
            (session == &first, record(session)["ended"].clone())
        })
        .collect();
    ends.sort_by_key(|(first, _)| !first);
    assert_eq!(ends, [(true, "crashed".into()), (false, "stopped".into())]);
}

#[test]
fn what_was_lost_before_a_crash_stands_in_the_row_of_the_recovered_take() {
    let booth = Booth::new();
    let running = booth.in_the_fourth_take();
    std::thread::sleep(Duration::from_millis(600));
    // Longer than the card's buffer lasts: an overrun.
    running.signal("STOP");
    std::thread::sleep(Duration::from_millis(1500));
    running.signal("CONT");
    std::thread::sleep(Duration::from_millis(1500));
    running.signal("KILL");
    assert_eq!(running.wait().code, None);
    let session = run::sessions(&booth.data()).pop().unwrap();
    booth.run("until resume\n300 stop\n");
    let rows = run::rows(&session);
    let cut = rows.last().unwrap();
    assert_eq!(cut.verdict, Verdict::Recovered);
    let [gap] = &cut.gaps[..] else {
        panic!("{:?}", cut.gaps)
    };
    println!("recovered with {gap:?} of {} frames", cut.frames);
    let (spec, bytes) = run::samples(&session.join(&cut.file));
    let size = spec.frame_bytes() as u64;
    let at = |frame: u64| (frame * size) as usize;
    let silent = |from, to| bytes[at(from)..at(to)].iter().all(|byte| *byte == 0);
    let end = gap.frame + gap.frames;
    assert!(silent(gap.frame, end), "silence where the gap is");
    assert!(!silent(gap.frame - 10, gap.frame) && !silent(end, end + 10));
}

/// What the program of version 0.1 left: `booth.toml`, a protocol, and a session that was cut in its
/// third take, taken up again on the screen then called `question`, and cut in its fifth.
#[test]
fn a_folder_of_version_0_1_is_read_and_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recovery/version-0.1");
    let home = dir.path().join("booth");
    common::lab::copy(&old, &home);
    let session = run::session(&home.join("data"));
    let file = |name: &str| fs::read(session.join(name)).unwrap();
    let finished = [
        "take-0001.rf64",
        "take-0002.rf64",
        "take-0003.rf64",
        "take-0004.rf64",
    ];
    let takes = finished.map(file);
    let (rows, events) = (file("takes.jsonl"), file("events.jsonl"));
    let before = run::rows(&session);
    assert_eq!(before.len(), 4);

    let script = "until resume\n300 go\nuntil intro\n900 go\nuntil reading\n900 go\n900 go\n";
    fs::write(home.join("script"), script).unwrap();
    let booth = |args: &[&str]| {
        let mut command = run::booth();
        command
            .args(args)
            .arg("--config")
            .arg(home.join("booth.toml"));
        let done = run::start(&mut command).wait();
        assert_eq!(done.code, Some(0), "{args:?}: {}", done.said());
    };
    booth(&[
        "run",
        "--fast",
        "--script",
        home.join("script").to_str().unwrap(),
    ]);

    assert_eq!(run::session(&home.join("data")), session, "one session");
    let after = run::rows(&session);
    assert_eq!(after[..4], before[..]);
    assert_eq!(after[4].verdict, Verdict::Recovered);
    assert_eq!(after[5].take, 6);
    assert_eq!((after[5].line, after[5].version), (after[4].line, 2));
    assert_eq!(finished.map(file), takes, "nothing is overwritten");
    assert!(file("takes.jsonl").starts_with(&rows));
    assert!(file("events.jsonl").starts_with(&events));
    assert_eq!(record(&session)["ended"], "completed");
    for row in &after {
        let (spec, bytes) = run::samples(&session.join(&row.file));
        assert_eq!(bytes.len() as u64, row.frames * spec.frame_bytes() as u64);
    }
    booth(&["takes"]);
    booth(&["export", home.join("dataset").to_str().unwrap()]);
}
