//! What a service manager hears, over its own protocol (sd_notify(3)): a datagram socket.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use common::lateness::Lateness;
use common::run;
use common::shim::Shim;
use common::{AlsaEnv, plugin};

const VISITOR: &str = "until attract\n300 go\nuntil intro\n900 go\nrepeat 50\n1500 go\nend\n";
/// How long a service manager waits for a feeding.
const LIMIT: Duration = Duration::from_secs(1);
/// Longer than any of these visits.
const PROTOCOL: &str =
    "name = \"watched\"\n[[step]]\nname = \"read\"\nkind = \"read\"\nseconds = 180\n";

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
        let protocol = self.dir.path().join("protocol.toml");
        fs::write(&protocol, PROTOCOL).unwrap();
        command.arg("--protocol").arg(protocol);
        command.env("NOTIFY_SOCKET", self.dir.path().join("notify"));
        command
            .env("WATCHDOG_USEC", LIMIT.as_micros().to_string())
            .env_remove("WATCHDOG_PID");
        command
    }

    /// What is said for so long.
    fn hear(&self, time: Duration) -> Heard {
        let late = Lateness::watch();
        let (mut words, mut bytes) = (Vec::new(), [0; 512]);
        while late.elapsed() < time {
            if let Ok(length) = self.socket.recv(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..length]);
                words.extend(text.lines().map(|line| (late.elapsed(), line.to_owned())));
            }
        }
        let end = late.elapsed();
        Heard { words, end, late }
    }
}

/// What was heard, since the beginning of listening.
struct Heard {
    words: Vec<(Duration, String)>,
    end: Duration,
    late: Lateness,
}

/// The longest time without feeding from the first feeding to the end of listening.
#[track_caller]
fn longest_hunger(heard: &Heard) -> Duration {
    let fed = heard.words.iter().filter(|(_, word)| word == "WATCHDOG=1");
    let times: Vec<Duration> = fed.map(|(at, _)| *at).chain([heard.end]).collect();
    assert!(times.len() > 3, "{:?}", heard.words);
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
    gaps.max().unwrap()
}

/// Checks that a service manager with the limit of these tests would not have missed a feeding, on a
/// machine that keeps its own time; the longest time without one.
#[track_caller]
fn assert_fed(heard: &Heard) -> Duration {
    let (hunger, late) = (longest_hunger(heard), heard.late.worst());
    assert!(
        hunger < LIMIT + late,
        "{hunger:?}, the machine was {late:?} late"
    );
    hunger
}

#[test]
fn a_running_booth_says_that_it_is_ready_alive_and_stopping() {
    let service = Service::new();
    let running = run::start(&mut service.command("bpaced"));
    let heard = service.hear(Duration::from_secs(5));
    assert_eq!(heard.words[0].1, "READY=1");
    let hunger = assert_fed(&heard);
    println!(
        "ready after {:?}, fed at least each {hunger:?}",
        heard.words[0].0
    );
    running.signal("TERM");
    let last = service.hear(Duration::from_millis(1500));
    assert!(
        last.words.iter().any(|(_, word)| word == "STOPPING=1"),
        "{:?}",
        last.words
    );
    assert_eq!(running.wait().code, Some(0));
}

/// Both take longer than a thread may be silent.
#[test]
fn neither_a_slow_card_nor_an_absent_microphone_is_a_restart() {
    std::thread::scope(|scope| {
        scope.spawn(slow_card);
        scope.spawn(absent_microphone);
    });
}

fn slow_card() {
    let service = Service::new();
    fs::create_dir(service.data()).unwrap();
    let shim = Shim::over(&service.data());
    let script = service.dir.path().join("script");
    fs::write(&script, VISITOR).unwrap();
    let mut command = service.command("bpaced");
    command.arg("--script").arg(&script);
    shim.apply(&mut command);
    let running = run::start(&mut command);
    service.hear(Duration::from_millis(3500));
    shim.stall();
    let heard = service.hear(Duration::from_secs(14));
    shim.go_on();
    let hunger = assert_fed(&heard);
    println!("fed at least each {hunger:?} while the disk stood still for 14 s");
    running.signal("TERM");
    let run = running.wait();
    assert_eq!(run.code, Some(0), "{}", run.said());
    let rows = run::rows(&run::session(&service.data()));
    assert!(rows.len() > 8, "{} takes", rows.len());
}

fn absent_microphone() {
    let service = Service::new();
    fs::write(&service.env.unplug_file, "").unwrap();
    let running = run::start(&mut service.command("bpull"));
    let heard = service.hear(Duration::from_secs(13));
    assert_eq!(heard.words[0].1, "READY=1");
    assert_fed(&heard);
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
fn a_stuck_thread_ends_the_feeding_until_it_goes_on() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let service = Service::new();
            let mut command = service.command("bhang");
            let file = &service.env.hang_file;
            let hang = || fs::write(file, "").unwrap();
            let go_on = || fs::remove_file(file).unwrap();
            stuck(&service, &mut command, "capture", hang, go_on);
        });
        for thread in ["recorder", "clerk"] {
            scope.spawn(move || {
                let service = Service::new();
                let shim = Shim::over(service.dir.path());
                let mut command = service.command("bpaced");
                shim.apply(&mut command);
                let hang = || shim.hang(thread);
                stuck(&service, &mut command, thread, hang, || shim.unhang());
            });
        }
    });
}

/// A booth one of whose threads hangs for longer than it may.
fn stuck(
    service: &Service,
    command: &mut Command,
    thread: &str,
    hang: impl FnOnce(),
    go_on: impl FnOnce(),
) {
    let running = run::start(command);
    service.hear(Duration::from_millis(2000));
    hang();
    let heard = service.hear(Duration::from_secs(13));
    let fed = |heard: &Heard| {
        let feeding = heard.words.iter().rfind(|(_, word)| word == "WATCHDOG=1");
        feeding.map(|(at, _)| *at)
    };
    let last = fed(&heard).expect("fed");
    println!("`{thread}` hangs: fed for {last:?} more");
    let late = heard.late.total();
    let limit = Duration::from_secs(8).saturating_sub(late)..Duration::from_secs(11) + late;
    assert!(
        limit.contains(&last),
        "`{thread}`: fed for {last:?} more, {late:?} late"
    );
    go_on();
    assert!(
        fed(&service.hear(Duration::from_millis(1500))).is_some(),
        "`{thread}` goes on, and nothing is fed"
    );
    running.signal("TERM");
    let said = running.wait().said();
    let named = format!("thread `{thread}` gives no sign of life");
    assert!(said.contains(&named), "{said}");
}

#[test]
fn recovery_of_a_long_take_delays_nothing() {
    let service = Service::new();
    let session = service.data().join("sessions/00000000000000000000");
    fs::create_dir_all(&session).unwrap();
    // 2 GB of a take without a row: its samples are a hole in the file.
    let take = session.join("take-0001.rf64");
    let spec = booth::words::Spec {
        rate: 48_000,
        channels: 6,
        format: booth::words::Format::S32Le,
    };
    let meta = booth::audio::rf64::Meta::default();
    drop(booth::audio::rf64::TakeFile::create(&take, spec, &meta, 0).unwrap());
    let file = fs::OpenOptions::new().write(true).open(&take).unwrap();
    file.set_len(4096 + 2_000_000_000 / 24 * 24).unwrap();
    let running = run::start(&mut service.command("bpaced"));
    let heard = service.hear(Duration::from_secs(4));
    println!(
        "ready after {:?} beside the recovery of 2 GB",
        heard.words[0].0
    );
    assert_eq!(heard.words[0].1, "READY=1");
    let most = Duration::from_secs(3) + heard.late.total();
    assert!(
        heard.words[0].0 < most,
        "{:?}, of {most:?}",
        heard.words[0].0
    );
    assert_fed(&heard);
    let late = Lateness::watch();
    running.signal("TERM");
    assert_eq!(running.wait().code, Some(0));
    late.within("the end", Duration::from_secs(5));
}
