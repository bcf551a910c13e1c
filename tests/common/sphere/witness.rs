//! An independent JACK client that looks at the transport: see `client.py`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use super::Sphere;
use crate::common::lateness::Lateness;

impl Sphere {
    /// A JACK client that is not ours.
    pub fn witness(&self) -> Witness {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/sphere");
        let mut child = Command::new("/usr/bin/python3")
            .arg(here.join("client.py"))
            .env("JACK_DEFAULT_SERVER", &self.server)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        // libjack prints on stdout too.
        while line.trim() != "ready" {
            line.clear();
            assert!(
                stdout.read_line(&mut line).unwrap() > 0,
                "the JACK client starts"
            );
        }
        Witness {
            child,
            stdin,
            stdout,
        }
    }
}

/// An independent JACK client.
pub struct Witness {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// What it saw.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    pub rolling: bool,
    pub frame: f64,
    /// CLOCK_MONOTONIC.
    pub at_ns: u64,
    pub error_ns: u64,
}

impl Witness {
    pub fn look(&mut self) -> Sight {
        self.stdin.write_all(b"\n").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let [state, frame, at, error] = words[..] else {
            panic!("the JACK client: {line:?}")
        };
        Sight {
            rolling: state == "1",
            frame: frame.parse().unwrap(),
            at_ns: at.parse().unwrap(),
            error_ns: error.parse().unwrap(),
        }
    }

    /// Waits until it stands, `limit` at most; how long that took.
    #[track_caller]
    pub fn stands_within(&mut self, limit: Duration) -> Duration {
        let late = Lateness::watch();
        while self.look().rolling {
            late.within("it still rolls", limit);
            std::thread::sleep(Duration::from_millis(10));
        }
        late.elapsed()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
