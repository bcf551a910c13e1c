//! Whole sessions of the real binary: from the card of the tests, paced; from the simulated source,
//! fast; and by hand.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use booth::rt::Nanos;
use booth::store::row::{Kind, Row, Verdict};
use common::run::{self, Run};
use common::{AlsaEnv, assert_counts, counter, decode, mask, plugin};

const RATE: u64 = 48_000;
/// A period, frames: what a mark may be off.
const PERIOD: u64 = 480;
/// Pre-roll and post-roll as configured, frames.
const ROLL: u64 = RATE / 4;

/// A visitor's data folder, script and protocol.
struct Visit {
    dir: tempfile::TempDir,
}

impl Visit {
    fn new(script: &str, protocol: &str) -> Visit {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("script"), script).unwrap();
        fs::write(dir.path().join("protocol.toml"), protocol).unwrap();
        Visit { dir }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `booth run` with the script.
    fn run(&self, protocol: &str, sets: &[&str]) -> Command {
        let mut command = run::booth();
        command.args(["run", "--board", "sim", "--protocol", protocol]);
        command.arg("--data").arg(self.data());
        command.arg("--script").arg(self.file("script"));
        for set in sets {
            command.args(["--set", set]);
        }
        command.env("RUST_LOG", "booth=debug");
        command
    }
}

/// The device's counter as a clock: which device frame was captured when.
struct Device {
    epoch_ms: u64,
    ppm: u64,
}

impl Device {
    fn frame_at(&self, nanos: u64) -> u64 {
        let since = u128::from(nanos - self.epoch_ms * 1_000_000);
        let frames = since * u128::from(RATE) * u128::from(1_000_000 + self.ppm);
        (frames / 1_000_000 / 1_000_000_000) as u64
    }
}

/// Checks every sample of every take against the counter, and every mark against the presses;
/// gives the device frame of the session's frame 0.
fn check_takes(session: &Path, rows: &[Row], device: &Device, run: &Run) -> u64 {
    let presses: Vec<u64> = run
        .presses()
        .iter()
        .map(|ns| device.frame_at(*ns))
        .collect();
    let pressed = |frame: u64| presses.iter().any(|press| press.abs_diff(frame) <= PERIOD);
    let mut frame0 = None;
    for row in rows {
        let (spec, bytes) = run::samples(&session.join(&row.file));
        assert_eq!(bytes.len() as u64, row.frames * spec.frame_bytes() as u64);
        let frame0 = *frame0.get_or_insert_with(|| {
            // The first take begins a pre-roll before a press, to the period: the counter says
            // where exactly.
            let first = decode(&bytes[..spec.format.sample_bytes()], spec.format)[0];
            let near = presses.iter().flat_map(|press| {
                let start = press - row.lead_frames;
                start - PERIOD..=start + PERIOD
            });
            let is = |frame: &u64| counter(*frame, spec.channels, 0) & mask(spec.format) == first;
            let found = near.into_iter().find(is);
            found.expect("take 1 starts a pre-roll before a press") - row.start_frame
        });
        let start = frame0 + row.start_frame;
        assert_counts(&bytes, spec, start);
        assert!(row.gaps.is_empty(), "{:?}", row.gaps);
        assert_eq!(row.tail_frames, ROLL, "take {}", row.take);
        let from_press = row
            .press_frames
            .first()
            .is_some_and(|press| press.abs_diff(row.start_frame + row.lead_frames) <= PERIOD);
        if from_press {
            let mark = start + row.lead_frames;
            assert!(
                pressed(mark),
                "take {} starts at {mark}: {presses:?}",
                row.take
            );
        }
    }
    frame0.expect("takes")
}

/// How long each press that ends a take leaves the visitor without the next line, milliseconds.
fn next_line_ms(run: &Run) -> Vec<f64> {
    let lines: Vec<_> = run
        .stdout
        .iter()
        .filter(|l| l.text.contains(" %  reading "))
        .collect();
    let shown = |press: u64| lines.iter().find(|line| line.at.0 > press);
    let since = |press: u64| Some((shown(press)?.at.since(Nanos(press))).as_secs_f64() * 1e3);
    let mut ms: Vec<f64> = run.presses().into_iter().filter_map(since).collect();
    // What follows after a second is another press's line.
    ms.retain(|ms| *ms < 1000.0);
    ms.sort_by(f64::total_cmp);
    ms
}

#[test]
fn an_exhibition_session_is_every_sample_the_card_delivered() {
    let env: AlsaEnv = plugin();
    let script = "until attract\n800 go\nuntil intro\n1500 go\nrepeat 100\n  until reading\n  \
        2300 go\n  3100 go\n  until reading\n  1700 redo\n  2900 go\n  900 go\n  400 redo hold 1200\n  \
        4000 go\nend\n";
    let visit = Visit::new(script, "");
    let mut command = visit.run("exhibition", &["audio.device=bpaced"]);
    command.arg("--screens").arg(visit.file("screens"));
    env.apply(&mut command);
    let run = run::start(&mut command).wait();
    assert_eq!(run.code, Some(0), "{}", run.said());

    let session = run::session(&visit.data());
    let rows = run::rows(&session);
    let device = Device {
        epoch_ms: env.epoch_ms,
        ppm: 0,
    };
    check_takes(&session, &rows, &device, &run);
    assert!(rows.len() > 50, "{} takes", rows.len());
    assert!(
        rows.iter()
            .all(|row| row.kind == Kind::Read && row.text.is_some())
    );
    let opened = run
        .stderr
        .iter()
        .filter(|l| l.text.contains("audio device opened"))
        .count();
    assert_eq!(opened, 1, "the device stays open across takes");

    // The step lasts three minutes to the frame, from its start mark to its last take's end mark.
    let (first, last) = (&rows[0], rows.last().unwrap());
    let end_mark = last.start_frame + last.frames - last.tail_frames;
    assert_eq!(end_mark - first.start_frame - first.lead_frames, 180 * RATE);
    // Consecutive takes share frames: no syllable between two takes is lost.
    for pair in rows.windows(2) {
        let end = pair[0].start_frame + pair[0].frames;
        assert!(pair[1].start_frame < end || pair[0].verdict == Verdict::Skipped);
    }
    let verdicts = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    assert!(verdicts(Verdict::Redone) > 5 && verdicts(Verdict::Skipped) > 5);
    for pair in rows.windows(2).filter(|p| p[0].verdict == Verdict::Redone) {
        assert_eq!(
            (pair[0].line, pair[0].version + 1),
            (pair[1].line, pair[1].version)
        );
    }

    let ms = next_line_ms(&run);
    let (median, worst) = (ms[ms.len() / 2], ms[ms.len() - 1]);
    println!(
        "{} takes; next line after {median:.1} ms, worst {worst:.1} ms",
        rows.len()
    );
    assert!(
        ms.len() > 30 && median < 100.0,
        "median {median} ms, worst {worst} ms"
    );
    assert!(fs::read_dir(visit.file("screens")).unwrap().count() > 50);
}

const SHORT_VIBRAVOX: &str = r#"
name = "vibravox-short"
[[step]]
name = "speak-in-silence"
kind = "read"
seconds = 14
[[step]]
name = "quiet-in-noise"
kind = "quiet"
seconds = 4
sphere = { track = "noise", length_s = 28800, locate_s = "random" }
[[step]]
name = "quiet-in-silence"
kind = "quiet"
seconds = 2
[[step]]
name = "speak-in-noise"
kind = "read"
seconds = 6
sphere = { track = "scenes", locate_s = 0 }
"#;

/// Reads, pauses, resumes, sits still, reads again; the rest is left to the timers.
const VISITOR: &str = "\
until attract
700 go
until intro
900 go
until reading
2100 go
1900 pause
until paused
1500 pause
until reading
1600 go
1400 redo
2200 go
until over
until intro
900 go
until quiet
1000 go
until over
until intro
900 go
until quiet
until over
until intro
900 go
until reading
2000 go
1500 go
";

#[test]
fn a_vibravox_session_is_four_steps_of_every_sample() {
    let env: AlsaEnv = plugin();
    let visit = Visit::new(VISITOR, SHORT_VIBRAVOX);
    let protocol = visit.file("protocol.toml");
    let sets = [
        "audio.device=bdrift",
        "audio.format=S24_LE",
        "sphere.host=sim",
    ];
    let mut command = visit.run(protocol.to_str().unwrap(), &sets);
    env.apply(&mut command);
    let run = run::start(&mut command).wait();
    assert_eq!(run.code, Some(0), "{}", run.said());

    let session = run::session(&visit.data());
    let rows = run::rows(&session);
    let device = Device {
        epoch_ms: env.epoch_ms,
        ppm: 200,
    };
    check_takes(&session, &rows, &device, &run);
    let of = |step: &str| {
        rows.iter()
            .filter(|row| row.step == step)
            .collect::<Vec<_>>()
    };
    let verdicts: Vec<Verdict> = of("speak-in-silence")
        .iter()
        .map(|row| row.verdict)
        .collect();
    use Verdict::{Kept, Paused, Redone};
    assert_eq!(verdicts, [Kept, Paused, Kept, Redone, Kept, Kept]);
    for (step, seconds) in [("quiet-in-noise", 4), ("quiet-in-silence", 2)] {
        let [take] = of(step)[..] else {
            panic!("one take of {step}")
        };
        assert_eq!(take.kind, Kind::Quiet);
        assert_eq!(
            take.frames - take.lead_frames - take.tail_frames,
            seconds * RATE
        );
    }
    for row in &rows {
        let noise = row.step.ends_with("in-noise");
        assert_eq!(row.sphere.is_some(), noise, "{} of {}", row.take, row.step);
    }
    assert_eq!(of("speak-in-noise").len(), 3);
    let events = run::events(&session);
    let states = |name: &str| {
        let of_step =
            |event: &&serde_json::Value| event["event"] == "step" && event["name"] == name;
        let state = |event: &serde_json::Value| event["state"].as_str().unwrap().to_owned();
        events.iter().filter(of_step).map(state).collect::<Vec<_>>()
    };
    assert_eq!(
        states("speak-in-silence"),
        ["intro", "run", "pause", "resume", "over"]
    );
    let record = fs::read_to_string(session.join("session.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["ended"], "completed");
    assert!(record["corpus"]["sha256"].is_string());
}

#[test]
fn the_same_script_gives_the_same_files_twice() {
    let visit = || {
        let visit = Visit::new(VISITOR, SHORT_VIBRAVOX);
        let protocol = visit.file("protocol.toml");
        let mut command = visit.run(protocol.to_str().unwrap(), &["sphere.host=sim"]);
        let run = run::start(command.arg("--fast")).wait();
        assert_eq!(run.code, Some(0), "{}", run.said());
        visit
    };
    let (one, two) = (visit(), visit());
    let folders = (run::session(&one.data()), run::session(&two.data()));
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&folders.0), names(&folders.1));
    let mut takes = 0;
    for name in names(&folders.0) {
        if name == "session.json" {
            // It carries the session's name, which is drawn.
            continue;
        }
        let read = |folder: &Path| fs::read(folder.join(&name)).unwrap();
        assert!(read(&folders.0) == read(&folders.1), "{name:?} differs");
        takes += u32::from(name.to_string_lossy().ends_with(".rf64"));
    }
    assert_eq!(takes, 11);
}

#[test]
fn without_rolls_a_file_ends_at_its_mark_to_the_frame() {
    let script = "until attract\n700 go\nuntil intro\n900 go\nuntil reading\n1234 go\n1501 redo\n\
        1777 redo hold 1300\n1003 go\n999 pause\n903 pause\n1105 stop hold 700\n";
    let visit = Visit::new(script, SHORT_VIBRAVOX);
    let protocol = visit.file("protocol.toml");
    let sets = ["take.pre_roll_ms=0", "take.post_roll_ms=0"];
    let mut command = visit.run(protocol.to_str().unwrap(), &sets);
    let run = run::start(command.arg("--fast")).wait();
    assert_eq!(run.code, Some(0), "{}", run.said());
    let rows = run::rows(&run::session(&visit.data()));
    let verdicts: Vec<Verdict> = rows.iter().map(|row| row.verdict).collect();
    use Verdict::{Aborted, Kept, Paused, Redone, Skipped};
    assert_eq!(verdicts, [Kept, Redone, Skipped, Kept, Paused, Aborted]);
    for row in &rows {
        let marks = row.press_frames[1] - row.press_frames[0];
        assert_eq!(
            (row.lead_frames, row.tail_frames),
            (0, 0),
            "take {}",
            row.take
        );
        // The press of a held `redo` began the take after it only once it was held long enough.
        let held = if row.take == 4 { RATE } else { 0 };
        assert_eq!(row.frames, marks - held, "take {}", row.take);
    }
}

#[test]
fn the_same_script_means_the_same_paced_and_fast() {
    let rows = |fast: bool| {
        let visit = Visit::new(VISITOR, SHORT_VIBRAVOX);
        let protocol = visit.file("protocol.toml");
        let mut command = visit.run(protocol.to_str().unwrap(), &["sphere.host=sim"]);
        if fast {
            command.arg("--fast");
        }
        let run = run::start(&mut command).wait();
        assert_eq!(run.code, Some(0), "{}", run.said());
        run::rows(&run::session(&visit.data()))
    };
    let (paced, fast) = (rows(false), rows(true));
    assert_eq!(paced.len(), fast.len());
    for (paced, fast) in paced.iter().zip(&fast) {
        let what = |row: &Row| {
            (
                row.kind,
                row.step.clone(),
                row.line,
                row.version,
                row.verdict,
            )
        };
        assert_eq!(what(paced), what(fast));
        // Each wait counts from when a screen was shown: a turn of the loop more or less.
        let off = paced.frames.abs_diff(fast.frames);
        assert!(
            off < RATE / 4,
            "take {}: {} and {} frames",
            paced.take,
            paced.frames,
            fast.frames
        );
    }
}

#[test]
fn a_session_is_driven_by_hand() {
    let visit = Visit::new("", SHORT_VIBRAVOX);
    let booth = format!(
        "{} run --board sim --protocol {} --data {} --set box=hand",
        env!("CARGO_BIN_EXE_booth"),
        visit.file("protocol.toml").display(),
        visit.data().display()
    );
    let booth = format!("stty cols 100 rows 40 && exec {booth}");
    // script(1) of util-linux gives the program a terminal and types what comes on its input.
    let mut command = Command::new("script");
    command
        .args(["-qefc", &booth, "/dev/null"])
        .stdin(Stdio::piped());
    let mut running = run::start(&mut command);
    let mut keys = running.child.stdin.take().unwrap();
    for (wait_ms, key) in [
        (1500, " "),
        (1500, "g"),
        (1500, "\n"),
        (1500, "p"),
        (800, "p"),
        (1500, "S"),
        (2500, "q"),
    ] {
        std::thread::sleep(Duration::from_millis(wait_ms));
        keys.write_all(key.as_bytes()).unwrap();
        keys.flush().unwrap();
    }
    let run = running.wait();
    assert_eq!(run.code, Some(0), "{:?}", run.stdout.last());
    let screen: String = run.stdout.iter().map(|line| line.text.as_str()).collect();
    assert!(screen.contains('▀'), "a picture is drawn");
    assert!(screen.contains("space go · r redo"), "the keys are named");
    let session = run::session(&visit.data());
    let verdicts: Vec<Verdict> = run::rows(&session).iter().map(|row| row.verdict).collect();
    assert_eq!(verdicts, [Verdict::Kept, Verdict::Paused, Verdict::Aborted]);
    let record = fs::read_to_string(session.join("session.json")).unwrap();
    assert!(record.contains("\"ended\": \"stopped\"") && record.contains("\"box\": \"hand\""));
}

/// As after Ctrl-S, or behind a line that hangs.
#[test]
fn a_terminal_that_nobody_reads_stops_nothing() {
    let script = "until attract\n500 go\nuntil intro\n500 go\nuntil reading\n1500 go\n1500 go\n";
    let protocol = "name = \"brief\"\n[[step]]\nname = \"read\"\nkind = \"read\"\nseconds = 5\n";
    let visit = Visit::new(script, protocol);
    let booth = format!(
        "stty cols 100 rows 40 && exec {} run --board sim --protocol {} --data {} --script {}",
        env!("CARGO_BIN_EXE_booth"),
        visit.file("protocol.toml").display(),
        visit.data().display(),
        visit.file("script").display()
    );
    let mut command = Command::new("script");
    command
        .args(["-qefc", &booth, "/dev/null"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut unread = command.spawn().unwrap();
    let limit = Nanos::now() + Duration::from_secs(20);
    let ended = || {
        let sessions = fs::read_dir(visit.data().join("sessions")).ok()?;
        let record = sessions.flatten().next()?.path().join("session.json");
        let record = fs::read_to_string(record).ok()?;
        record.contains("\"ended\": \"completed\"").then_some(())
    };
    while ended().is_none() {
        assert!(Nanos::now() < limit, "the session stands");
        std::thread::sleep(Duration::from_millis(100));
    }
    let takes = run::rows(&run::session(&visit.data()));
    assert_eq!(takes.len(), 3);
    // What was shown last is shown to who looks again.
    let mut screen = Vec::new();
    let mut stdout = unread.stdout.take().unwrap();
    stdout.read_to_end(&mut screen).unwrap();
    let screen = String::from_utf8_lossy(&screen);
    assert!(
        screen.ends_with("\u{1b}[?25h\u{1b}[?1049l"),
        "the terminal is given back"
    );
    assert_eq!(unread.wait().unwrap().code(), Some(0));
}

#[test]
fn a_signal_closes_the_take_and_the_session() {
    let visit = Visit::new(
        "until attract\n500 go\nuntil intro\n800 go\n60000 go\n",
        SHORT_VIBRAVOX,
    );
    let protocol = visit.file("protocol.toml");
    let mut command = visit.run(protocol.to_str().unwrap(), &[]);
    let running = run::start(&mut command);
    std::thread::sleep(Duration::from_millis(4000));
    running.signal("TERM");
    let run = running.wait();
    assert_eq!(run.code, Some(0), "{}", run.said());
    let session = run::session(&visit.data());
    let rows = run::rows(&session);
    let [take] = &rows[..] else {
        panic!("{rows:?}")
    };
    assert_eq!((take.verdict, take.tail_frames), (Verdict::Aborted, ROLL));
    let (spec, bytes) = run::samples(&session.join(&take.file));
    assert_eq!(bytes.len() as u64, take.frames * spec.frame_bytes() as u64);
}
