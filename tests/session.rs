//! Whole sessions of the real binary: from the card of the tests, paced; from the simulated source,
//! fast; and by hand.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

mod session {
    mod demo;
    mod samples;
    mod script;
    mod sphere;
    mod terminal;
    mod visitors;

    use std::fs;
    use std::path::PathBuf;
    use std::process::Command;

    use booth::store::row::Row;

    use crate::common::run::{self, Run};

    const RATE: u64 = 48_000;

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

        /// `booth run` with the script and the protocol of the visit.
        fn run_own(&self, sets: &[&str]) -> Command {
            self.run(self.file("protocol.toml").to_str().unwrap(), sets)
        }

        /// Runs `command` to its end, which is a good one.
        #[track_caller]
        fn complete(&self, command: &mut Command) -> Done {
            let run = run::start(command).wait();
            assert_eq!(run.code, Some(0), "{}", run.said());
            let session = run::session(&self.data());
            let rows = run::rows(&session);
            Done { run, session, rows }
        }
    }

    /// What a visit left.
    struct Done {
        run: Run,
        session: PathBuf,
        rows: Vec<Row>,
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

    /// Reads, pauses, resumes, sits still, reads again; the rest is left to the timers. Stays on the first
    /// intro for longer than a busy machine needs to open a session and bring its first line: without it
    /// `go` does nothing.
    const VISITOR: &str = "\
until attract
700 go
until intro
2500 go
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
}
