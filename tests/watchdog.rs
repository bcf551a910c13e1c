//! What a service manager hears, over its own protocol (sd_notify(3)): a datagram socket.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use common::run;
use common::{AlsaEnv, plugin};

/// A booth under a service manager.
struct Service {
    dir: tempfile::TempDir,
    env: AlsaEnv,
    socket: UnixDatagram,
}

impl Service {
    fn new() -> Service {
        let dir = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(dir.path().join("notify")).unwrap();
        let step = Some(Duration::from_millis(100));
        socket.set_read_timeout(step).unwrap();
        let env = plugin();
        Service { dir, env, socket }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn command(&self, device: &str) -> Command {
        let mut command = run::booth();
        self.env.apply(&mut command);
        command.args(["run", "--board", "sim", "--set"]);
        command.arg(format!("audio.device={device}"));
        command.arg("--data").arg(self.data());
        command.env("NOTIFY_SOCKET", self.dir.path().join("notify"));
        command
            .env("WATCHDOG_USEC", "1000000")
            .env_remove("WATCHDOG_PID");
        command
    }

    /// What is heard for so long, with when since the beginning.
    fn hear(&self, time: Duration) -> Vec<(Duration, String)> {
        let start = Instant::now();
        let (mut heard, mut bytes) = (Vec::new(), [0; 512]);
        while start.elapsed() < time {
            if let Ok(length) = self.socket.recv(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..length]);
                heard.extend(text.lines().map(|line| (start.elapsed(), line.to_owned())));
            }
        }
        heard
    }
}

/// The longest time between two feedings.
#[track_caller]
fn longest_hunger(heard: &[(Duration, String)]) -> Duration {
    let fed: Vec<Duration> = heard
        .iter()
        .filter(|(_, word)| word == "WATCHDOG=1")
        .map(|(at, _)| *at)
        .collect();
    assert!(fed.len() > 2, "{heard:?}");
    fed.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap()
}

#[test]
fn a_running_booth_says_that_it_is_ready_alive_and_stopping() {
    let service = Service::new();
    let running = run::start(&mut service.command("bpaced"));
    let heard = service.hear(Duration::from_secs(5));
    assert_eq!(heard[0].1, "READY=1");
    let hunger = longest_hunger(&heard);
    println!("ready after {:?}, fed at least each {hunger:?}", heard[0].0);
    assert!(hunger < Duration::from_millis(1000), "{hunger:?}");
    running.signal("TERM");
    let last = service.hear(Duration::from_millis(1500));
    assert!(
        last.iter().any(|(_, word)| word == "STOPPING=1"),
        "{last:?}"
    );
    assert_eq!(running.wait().code, Some(0));
}

#[test]
fn an_absent_microphone_is_a_fault_on_the_screen_and_never_a_restart() {
    let service = Service::new();
    fs::write(&service.env.unplug_file, "").unwrap();
    let running = run::start(&mut service.command("bpull"));
    // Longer than a thread may be silent.
    let heard = service.hear(Duration::from_secs(13));
    assert_eq!(heard[0].1, "READY=1");
    assert!(longest_hunger(&heard) < Duration::from_millis(1000));
    fs::remove_file(&service.env.unplug_file).unwrap();
    service.hear(Duration::from_secs(2));
    running.signal("TERM");
    let run = running.wait();
    assert_eq!(run.code, Some(3), "{}", run.said());
    let screens: Vec<&str> = run.stdout.iter().map(|line| line.text.as_str()).collect();
    let at = |name: &str| screens.iter().rposition(|line| line.contains(name));
    assert!(
        at("fault").is_some() && at("attract") > at("fault"),
        "{screens:?}"
    );
}

#[test]
fn recovery_of_a_long_take_delays_nothing() {
    let service = Service::new();
    let session = service.data().join("sessions/00000000000000000000");
    fs::create_dir_all(&session).unwrap();
    // 2 GB of a take without a row: its samples are a hole in the file.
    let take = session.join("take-0001.rf64");
    let spec = booth::audio::format::Spec {
        rate: 48_000,
        channels: 6,
        format: booth::audio::format::Format::S32Le,
    };
    let meta = booth::audio::rf64::Meta::default();
    drop(booth::audio::rf64::TakeFile::create(&take, spec, &meta, 0).unwrap());
    let file = fs::OpenOptions::new().write(true).open(&take).unwrap();
    file.set_len(4096 + 2_000_000_000 / 24 * 24).unwrap();
    let running = run::start(&mut service.command("bpaced"));
    let heard = service.hear(Duration::from_secs(4));
    println!("ready after {:?} beside the recovery of 2 GB", heard[0].0);
    assert_eq!(heard[0].1, "READY=1");
    assert!(heard[0].0 < Duration::from_secs(3), "{:?}", heard[0].0);
    assert!(longest_hunger(&heard) < Duration::from_millis(1000));
    let started = Instant::now();
    running.signal("TERM");
    assert_eq!(running.wait().code, Some(0));
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}
