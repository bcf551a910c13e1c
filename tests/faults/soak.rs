//! Visitor after visitor, each pressing what comes to mind, in real time: nothing is lost, and the
//! box needs at the end what it needed at the beginning.
//!
//! `SOAK_MINUTES`, 30 by default, says for how long; at six channels that is 69 MB a minute.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use booth::store::row::Row;
use booth::words::Verdict;

use super::alone;
use super::take::{Audio, RATE, device_now, lost};
use crate::common::random::Random;
use crate::common::{folder, plugin, run};

/// Between two looks at the process.
const LOOK: Duration = Duration::from_secs(2);
/// What is allocated once is allocated by then.
const WARM: Duration = Duration::from_secs(60);
/// Growth of the resident memory after that, kB.
const MOST_GROWTH_KB: u64 = 2048;
/// The longest that nobody presses anything: shown a screen of thanks.
const THANKS_MS: u64 = 8000;
/// A step longer than any visit, and takes that reach their limit.
const PROTOCOL: &str =
    "name = \"soak\"\n[[step]]\nname = \"read\"\nkind = \"read\"\nseconds = 3000\n";
const MAX_S: u64 = 8;

/// Visits for about so long: `go`, mostly; `redo`, skips, pauses, lines read for too long; and a
/// short `stop` in the end.
fn script(time: Duration, random: &mut Random) -> String {
    let (mut text, mut left) = (String::new(), time.as_millis() as i64);
    while left > 0 {
        text.push_str("until attract\n700 go\nuntil intro\n700 go\nuntil reading\n");
        left -= 1400 + THANKS_MS as i64;
        for _ in 0..10 + random.below(40) {
            let wait = 400 + random.below(4000);
            let (press, more) = match random.below(100) {
                0..70 => (format!("{wait} go"), 0),
                70..80 => (format!("{wait} redo"), 0),
                80..86 => (format!("{wait} redo hold 1200"), 1200),
                86..94 => (format!("{wait} pause\n{wait} pause"), wait),
                94..98 => (format!("{} go", wait + MAX_S * 1000), MAX_S * 1000),
                _ => (format!("{wait} pause\n{wait} stop\nuntil thanks"), wait),
            };
            let _ = writeln!(text, "{press}");
            left -= (wait + more) as i64;
            if press.ends_with("thanks") || left <= 0 {
                break;
            }
        }
        if !text.ends_with("thanks\n") {
            text.push_str("600 stop\nuntil thanks\n");
        }
    }
    text
}

/// What the process holds at a moment.
#[derive(Clone, Copy, Debug)]
struct Held {
    after: Duration,
    resident_kb: u64,
    threads: u64,
    /// `None` for who may not look: the program's memory is nobody else's.
    files: Option<u64>,
}

impl Held {
    fn by(id: u32, after: Duration) -> Option<Held> {
        let process = PathBuf::from(format!("/proc/{id}"));
        let status = fs::read_to_string(process.join("status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some(Held {
            after,
            resident_kb: field("VmRSS:")?,
            threads: field("Threads:")?,
            files: fs::read_dir(process.join("fd"))
                .ok()
                .map(|all| all.count() as u64),
        })
    }
}

/// Least and most of a figure after the first minute: in the first and in the last quarter of it.
fn quarters(held: &[Held], figure: impl Fn(&Held) -> u64) -> [(u64, u64); 2] {
    let quarter = held.len().div_ceil(4);
    [&held[..quarter], &held[held.len() - quarter..]].map(|part| {
        let figures = || part.iter().map(&figure);
        (figures().min().unwrap(), figures().max().unwrap())
    })
}

/// Checks every sample of every take against the card's counter, the sessions in their order, each
/// on one time line; the rows.
fn check_all(data: &Path, about: u64) -> Vec<Row> {
    let mut sessions: Vec<_> = run::sessions(data)
        .into_iter()
        .map(|session| (run::rows(&session), session))
        .filter(|(rows, _)| !rows.is_empty())
        .collect();
    let written = |row: &Row, session: &Path| {
        fs::metadata(session.join(&row.file))
            .unwrap()
            .modified()
            .unwrap()
    };
    sessions.sort_by_key(|(rows, session)| written(&rows[0], session));
    let (mut about, mut all) = (about, Vec::new());
    for (rows, session) in sessions {
        let mut frame0 = None;
        for row in &rows {
            let audio = Audio::open(&session.join(&row.file));
            assert_eq!((audio.frames, lost(row)), (row.frames, 0), "{}", row.file);
            let frame0 =
                *frame0.get_or_insert_with(|| audio.device_frame(0, about) - row.start_frame);
            audio.assert_counts(0, audio.frames, frame0 + row.start_frame);
            about = frame0 + row.start_frame;
        }
        all.extend(rows);
    }
    all
}

#[test]
#[ignore = "takes SOAK_MINUTES, 30; run by tests/faults/run"]
fn soak() {
    let _machine = alone();
    let minutes = std::env::var("SOAK_MINUTES").ok();
    let minutes = minutes.map_or(Ok(30), |text| text.parse::<u64>());
    let minutes = minutes.expect("SOAK_MINUTES is a number");
    assert!(minutes > 1, "the first minute is for warming up");
    let time = Duration::from_secs(minutes * 60);
    let (env, dir, mut random) = (plugin(), folder(), Random::new());
    let (data, file) = (dir.path().join("data"), |name| dir.path().join(name));
    fs::write(file("script"), script(time, &mut random)).unwrap();
    fs::write(file("protocol.toml"), PROTOCOL).unwrap();
    let mut command: Command = run::booth();
    env.apply(&mut command);
    command.args(["run", "--board", "sim", "--set", "audio.device=bpaced"]);
    command.arg("--set").arg(format!("take.max_s={MAX_S}"));
    command.arg("--protocol").arg(file("protocol.toml"));
    command.arg("--script").arg(file("script"));
    command.arg("--data").arg(&data);

    let (about, began) = (device_now(&env, RATE), Instant::now());
    let mut running = run::start(&mut command);
    let mut held = Vec::new();
    while running.child.try_wait().unwrap().is_none() {
        std::thread::sleep(LOOK);
        let after = began.elapsed();
        held.extend(Held::by(running.child.id(), after).filter(|held| held.resident_kb > 0));
        if after > time * 2 + WARM {
            running.child.kill().unwrap();
        }
    }
    let lasted = began.elapsed();
    let run = running.wait();
    // Not a frame was lost between takes either.
    assert_eq!(run.code, Some(0), "{}", run.said());

    let rows = check_all(&data, about);
    let of = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let frames: u64 = rows.iter().map(|row| row.frames).sum();
    println!(
        "soak: {:.1} minutes, {} sessions, {} takes ({} kept, {} redone, {} skipped, {} paused, {} aborted), {frames} frames \
         written, every sample the card's, 0 lost",
        lasted.as_secs_f64() / 60.0,
        run::sessions(&data).len(),
        rows.len(),
        of(Verdict::Kept),
        of(Verdict::Redone),
        of(Verdict::Skipped),
        of(Verdict::Paused),
        of(Verdict::Aborted)
    );
    held.retain(|held| held.after > WARM);
    let memory = quarters(&held, |held| held.resident_kb);
    let threads = quarters(&held, |held| held.threads);
    let files = quarters(&held, |held| held.files.unwrap_or_default());
    println!(
        "soak: from the second minute on, least and most in the first and last quarter: resident {memory:?} kB, threads {threads:?}, files {files:?}"
    );
    let most = held.iter().map(|held| held.resident_kb).max().unwrap();
    let growth = most - held[0].resident_kb.min(most);
    assert!(growth <= MOST_GROWTH_KB, "grew by {growth} kB");
    assert_eq!(threads[0], threads[1]);
    // Takes come and go; what is open without them stays the same.
    assert_eq!(files[0].0, files[1].0);
    assert!(files[1].1 <= files[0].1 + 2);
}
