//! The real binary: how it is run, and what it left in its data folder.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use booth::audio::rf64::read;
use booth::rt::Nanos;
use booth::store::row::Row;
use booth::words::Spec;

/// The binary without the configuration of this machine; through an emulator, where one is named.
pub fn booth() -> Command {
    let program = env!("CARGO_BIN_EXE_booth");
    let mut command = match std::env::var_os("BOOTH_TEST_EMULATOR") {
        None => Command::new(program),
        Some(emulator) => {
            let mut command = Command::new(emulator);
            command.arg(program);
            command
        }
    };
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// A line that the program printed, and when it arrived here.
#[derive(Clone, Debug)]
pub struct Line {
    pub at: Nanos,
    pub text: String,
}

/// A finished run.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: Vec<Line>,
    pub stderr: Vec<Line>,
}

impl Run {
    /// What the program said, for messages.
    pub fn said(&self) -> String {
        let lines = self.stderr.iter().map(|line| line.text.as_str());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// When each press went down, nanoseconds of CLOCK_MONOTONIC, from the program's own log; in
    /// session time with `--fast`.
    pub fn presses(&self) -> Vec<u64> {
        let stamp = |line: &Line| {
            let (_, rest) = line.text.split_once(" down at ")?;
            rest.strip_suffix(" ns")?.parse().ok()
        };
        self.stderr.iter().filter_map(stamp).collect()
    }
}

fn stamped(pipe: impl Read + Send + 'static) -> JoinHandle<Vec<Line>> {
    std::thread::spawn(move || {
        let lines = BufReader::new(pipe).lines().map_while(Result::ok);
        let stamp = |text| Line {
            at: Nanos::now(),
            text,
        };
        lines.map(stamp).collect()
    })
}

/// A process that does not outlive the test, which may fail.
pub struct Kept(Child);

impl Deref for Kept {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Kept {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Fails for one that was waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A run under way.
pub struct Running {
    pub child: Kept,
    stdout: JoinHandle<Vec<Line>>,
    stderr: JoinHandle<Vec<Line>>,
}

/// Starts `command`.
pub fn start(command: &mut Command) -> Running {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdout = stamped(child.stdout.take().unwrap());
    let stderr = stamped(child.stderr.take().unwrap());
    Running {
        child: Kept(child),
        stdout,
        stderr,
    }
}

impl Running {
    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -s $0 $1", name, &id])
            .status();
        assert!(sent.unwrap().success(), "kill -s {name} {id}");
    }

    /// Waits for the end.
    pub fn wait(mut self) -> Run {
        let code = self.child.wait().unwrap().code();
        Run {
            code,
            stdout: self.stdout.join().unwrap(),
            stderr: self.stderr.join().unwrap(),
        }
    }
}

/// The only session's folder in a data folder.
pub fn session(data: &Path) -> PathBuf {
    let mut all = sessions(data);
    assert_eq!(all.len(), 1, "one session in {}", data.display());
    all.remove(0)
}

/// The sessions' folders.
pub fn sessions(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data.join("sessions")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The rows of a session, by take.
pub fn rows(session: &Path) -> Vec<Row> {
    booth::store::takes::read(session).unwrap()
}

/// The rows of events.jsonl.
pub fn events(session: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(session.join("events.jsonl")).unwrap();
    let parse = |line| serde_json::from_str(line).unwrap();
    text.lines().map(parse).collect()
}

/// The samples of a file of ours, and their shape.
pub fn samples(path: &Path) -> (Spec, Vec<u8>) {
    let file = fs::File::open(path).unwrap();
    let info = read::info(&file, path).unwrap();
    let bytes = fs::read(path).unwrap();
    let (from, length) = (info.data_start as usize, info.data_bytes as usize);
    (info.spec, bytes[from..from + length].to_vec())
}
