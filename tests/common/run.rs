//! The real binary: how it is run, and what it left in its data folder.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use booth::audio::rf64::read;
use booth::rt::Nanos;
use booth::store::row::Row;
use booth::words::Spec;

use super::AlsaEnv;
use super::wait::wait_for;

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

/// What a program prints, as it comes.
struct Printed {
    lines: Arc<Mutex<Vec<Line>>>,
    thread: JoinHandle<()>,
}

impl Printed {
    fn on(pipe: impl Read + Send + 'static) -> Printed {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let theirs = lines.clone();
        let thread = std::thread::spawn(move || {
            for text in BufReader::new(pipe).lines().map_while(Result::ok) {
                let at = Nanos::now();
                theirs.lock().unwrap().push(Line { at, text });
            }
        });
        Printed { lines, thread }
    }

    fn has(&self, words: &str) -> bool {
        let lines = self.lines.lock().unwrap();
        lines.iter().any(|line| line.text.contains(words))
    }

    /// All of it, after the program's end.
    fn all(self) -> Vec<Line> {
        self.thread.join().unwrap();
        std::mem::take(&mut self.lines.lock().unwrap())
    }
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
    stdout: Printed,
    stderr: Printed,
}

/// Starts `command`.
pub fn start(command: &mut Command) -> Running {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdout = Printed::on(child.stdout.take().unwrap());
    let stderr = Printed::on(child.stderr.take().unwrap());
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

    /// Waits until a screen of the simulated board was shown.
    #[track_caller]
    pub fn wait_for_screen(&self, name: &str) {
        let line = format!(" %  {name} ");
        wait_for(name, || self.stdout.has(&line));
    }

    /// Waits until `words` stand in the log.
    #[track_caller]
    pub fn wait_for_log(&self, words: &str) {
        wait_for(words, || self.stderr.has(words));
    }

    /// Waits for the end.
    pub fn wait(mut self) -> Run {
        let code = self.child.wait().unwrap().code();
        Run {
            code,
            stdout: self.stdout.all(),
            stderr: self.stderr.all(),
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

/// The rows of `name` that are whole so far, in all sessions of a folder that a program writes to.
fn so_far(data: &Path, name: &str) -> Vec<serde_json::Value> {
    let sessions = fs::read_dir(data.join("sessions")).into_iter().flatten();
    let mut rows = Vec::new();
    for session in sessions.flatten() {
        let text = fs::read_to_string(session.path().join(name)).unwrap_or_default();
        // The last line may be under way.
        rows.extend(
            text.lines()
                .filter_map(|line| serde_json::from_str(line).ok()),
        );
    }
    rows
}

/// How many events of that name with `word` as their state, verb or name are written so far.
pub fn count(data: &Path, event: &str, word: &str) -> usize {
    let is = |row: &&serde_json::Value| {
        row["event"] == event
            && ["state", "verb", "name"]
                .iter()
                .any(|key| row[*key] == word)
    };
    so_far(data, "events.jsonl").iter().filter(is).count()
}

/// How many rows of takes are written so far.
pub fn takes(data: &Path) -> usize {
    so_far(data, "takes.jsonl").len()
}

/// Waits until a booth writes its take number `number`; a moment into it.
#[track_caller]
pub fn wait_for_take(data: &Path, number: usize) {
    wait_for("a take", || count(data, "take", "begin") >= number);
}

/// Waits until a take that is being recorded holds so many seconds.
#[track_caller]
pub fn wait_for_audio(file: &Path, seconds: f64) {
    let held = || {
        let open = fs::File::open(file).ok()?;
        let info = read::info(&open, file).ok()?;
        let bytes = open.metadata().ok()?.len().checked_sub(info.data_start)?;
        Some(bytes as f64 / (info.spec.frame_bytes() as f64 * f64::from(info.spec.rate)))
    };
    wait_for("audio", || held().is_some_and(|held| held >= seconds));
}

/// `booth record` of `spec` from `device` into `out`.
pub fn record(env: &AlsaEnv, device: &str, spec: Spec, out: &Path) -> Command {
    let mut command = booth();
    env.apply(&mut command);
    command.args(["record", "--device", device]);
    command.args(["--channels", &spec.channels.to_string()]);
    command.args(["--rate", &spec.rate.to_string()]);
    command.args(["--format", spec.format.name()]);
    command.arg(out);
    command
}

/// `booth` with `args` on a terminal of its own: script(1) of util-linux types what comes on its input.
pub fn on_terminal(args: &str) -> Command {
    let program = env!("CARGO_BIN_EXE_booth");
    let booth = format!("stty cols 100 rows 40 && exec {program} {args}");
    let mut command = Command::new("script");
    command.args(["-qefc", &booth, "/dev/null"]);
    command
}

/// The take's row, printed last by a `booth record` that ended with `code`.
#[track_caller]
pub fn row(run: &Run, code: i32) -> Row {
    assert_eq!(run.code, Some(code), "{}", run.said());
    let last = run.stdout.last().expect("the take's JSON");
    serde_json::from_str(&last.text).expect("the take's JSON")
}

/// The samples of a file of ours, and their shape.
pub fn samples(path: &Path) -> (Spec, Vec<u8>) {
    let file = fs::File::open(path).unwrap();
    let info = read::info(&file, path).unwrap();
    let bytes = fs::read(path).unwrap();
    let (from, length) = (info.data_start as usize, info.data_bytes as usize);
    (info.spec, bytes[from..from + length].to_vec())
}
