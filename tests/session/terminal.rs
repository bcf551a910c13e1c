//! Somebody at the keyboard, nobody at the screen, and the end by a signal.

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use booth::words::Verdict;

use super::{ROLL, SHORT_VIBRAVOX, Visit};
use crate::common::run;
use crate::common::wait::wait_for;

fn on_terminal(visit: &Visit, options: &str) -> Command {
    run::on_terminal(&format!(
        "run --board sim --protocol {} --data {} {options}",
        visit.file("protocol.toml").display(),
        visit.data().display()
    ))
}

#[test]
fn a_session_is_driven_by_hand() {
    let visit = Visit::new("", SHORT_VIBRAVOX);
    let mut command = on_terminal(&visit, "--set box=hand");
    let mut running = run::start(command.stdin(Stdio::piped()));
    let mut keys = running.child.stdin.take().unwrap();
    let data = visit.data();
    wait_for("a booth", || data.join(".lock").exists());
    // Each key a moment after what it answers.
    for (event, word, times, wait_ms, key) in [
        ("step", "intro", 0, 1500, " "),
        ("step", "intro", 1, 900, "g"),
        ("step", "run", 1, 1500, "\n"),
        ("take", "stored", 1, 1500, "p"),
        ("step", "pause", 1, 800, "p"),
        ("step", "resume", 1, 1500, "S"),
        ("take", "stored", 3, 500, "q"),
    ] {
        wait_for(word, || run::count(&data, event, word) >= times);
        std::thread::sleep(Duration::from_millis(wait_ms));
        keys.write_all(key.as_bytes()).unwrap();
        keys.flush().unwrap();
    }
    let run = running.wait();
    assert_eq!(run.code, Some(0), "{:?}", run.stdout.last());
    let screen: String = run.stdout.iter().map(|line| line.text.as_str()).collect();
    assert!(screen.contains('▀'), "a picture is drawn");
    assert!(
        screen.contains("space go (G held) · r redo"),
        "the keys are named"
    );
    let session = run::session(&visit.data());
    let verdicts: Vec<Verdict> = run::rows(&session).iter().map(|row| row.verdict).collect();
    assert_eq!(verdicts, [Verdict::Kept, Verdict::Paused, Verdict::Aborted]);
    let record = fs::read_to_string(session.join("session.json")).unwrap();
    assert!(record.contains("\"ended\": \"stopped\"") && record.contains("\"box\": \"hand\""));
}

/// As after Ctrl-S, or behind a line that hangs.
#[test]
fn a_terminal_that_nobody_reads_stops_nothing() {
    let script = "until attract\n500 go\nuntil intro\n900 go\nuntil reading\n1500 go\n1500 go\n";
    let protocol = "name = \"brief\"\n[[step]]\nname = \"read\"\nkind = \"read\"\nseconds = 5\n";
    let visit = Visit::new(script, protocol);
    let mut command = on_terminal(
        &visit,
        &format!("--script {}", visit.file("script").display()),
    );
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut unread = command.spawn().unwrap();
    let ended = || {
        let sessions = fs::read_dir(visit.data().join("sessions")).ok()?;
        let record = sessions.flatten().next()?.path().join("session.json");
        let record = fs::read_to_string(record).ok()?;
        record.contains("\"ended\": \"completed\"").then_some(())
    };
    wait_for("the session's end", || ended().is_some());
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

/// A visitor who has begun to read and goes on for a minute.
fn reading() -> Visit {
    Visit::new(
        "until attract\n500 go\nuntil intro\n800 go\n60000 go\n",
        SHORT_VIBRAVOX,
    )
}

#[test]
fn a_signal_closes_the_take_and_the_session() {
    for signal in ["TERM", "HUP"] {
        let visit = reading();
        let own = visit.run_own(&[]);
        // Whoever runs the tests may have ignored it, as nohup does.
        let mut command = Command::new("env");
        command.arg("--default-signal=HUP").arg(own.get_program());
        let running = run::start(command.args(own.get_args()));
        run::wait_for_take(&visit.data(), 1);
        std::thread::sleep(Duration::from_millis(1000));
        running.signal(signal);
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
}

#[test]
fn a_terminal_that_closes_ends_no_run_that_was_started_to_outlive_it() {
    let visit = reading();
    let own = visit.run_own(&[]);
    let mut command = Command::new("nohup");
    command.arg(own.get_program()).args(own.get_args());
    let running = run::start(command.stdin(Stdio::null()));
    run::wait_for_take(&visit.data(), 1);
    running.signal("HUP");
    std::thread::sleep(Duration::from_millis(2500));
    running.signal("TERM");
    let run = running.wait();
    assert_eq!(run.code, Some(0), "{}", run.said());
    let rows = run::rows(&run::session(&visit.data()));
    let read = u64::from(rows[0].rate) * 2;
    assert!(rows[0].frames > read, "{} frames", rows[0].frames);
}
