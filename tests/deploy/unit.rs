//! deploy/booth.service: how hard it is, and that the program works under what bubblewrap can repeat
//! of it. Under the unit itself, by systemd, it runs in tests/package/run.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::run;
use crate::common::unit::{UNIT, values};

const VISIT: &str =
    "until attract\n300 go\nuntil intro\n900 go\nrepeat 2\n1000 go\nend\n1000 stop\n";
const PROTOCOL: &str =
    "name = \"watched\"\n[[step]]\nname = \"read\"\nkind = \"read\"\nseconds = 60\n";

#[test]
fn the_unit_is_rated_2_0_at_most() {
    let mut command = Command::new("systemd-analyze");
    command.args(["security", "--offline=true", "--no-pager", UNIT]);
    let out = command.output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    let rating = said.lines().find_map(|line| {
        let (_, rest) = line.split_once("Overall exposure level for booth.service: ")?;
        rest.split(' ').next()?.parse::<f64>().ok()
    });
    println!("exposure {rating:?}");
    assert!(rating.is_some_and(|rating| rating <= 2.0), "{said}");
}

#[test]
fn systemd_finds_no_fault_in_the_unit() {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("booth.service");
    let text = fs::read_to_string(UNIT).unwrap();
    let text = text.replace("/usr/bin/booth", env!("CARGO_BIN_EXE_booth"));
    fs::write(&copy, text).unwrap();
    let mut command = Command::new("systemd-analyze");
    let out = command
        .args(["verify", "--man=no"])
        .arg(&copy)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    // It loads this machine's own units too, and may find faults in them.
    let ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("booth.service"))
        .collect();
    assert!(ours.is_empty(), "{ours:?}");
}

#[test]
fn a_box_is_never_given_up() {
    assert_eq!(values("Restart"), ["always"]);
    assert_eq!(values("StartLimitIntervalSec"), ["0"]);
    assert_eq!(values("ExecStopPost"), ["-/usr/bin/booth sphere stop"]);
}

#[test]
fn what_capture_asks_for_is_within_the_limits() {
    let priority: u8 = values("LimitRTPRIO")[0].parse().unwrap();
    assert_eq!(priority, booth::audio::capture::PRIORITY);
    assert_eq!(values("LimitMEMLOCK"), ["infinity"]);
    // What reports whether the clock is right: both names, for libc calls either.
    assert!(
        values("SystemCallFilter")
            .iter()
            .any(|it| it.contains("clock_adjtime"))
    );
    assert!(values("ProtectClock").is_empty() && values("ProcSubset").is_empty());
}

/// As the unit has it: no capability, a user namespace of its own, the whole system read-only, /home
/// and /tmp hidden, a /dev with nothing but the basic devices, new privileges never.
#[test]
fn the_program_works_in_the_sandbox_of_the_unit() {
    let dir = tempfile::tempdir().unwrap();
    let (data, notify) = (dir.path().join("data"), dir.path().join("notify"));
    fs::create_dir(&data).unwrap();
    fs::write(data.join("visit.txt"), VISIT).unwrap();
    fs::write(data.join("watched.toml"), PROTOCOL).unwrap();
    let socket = UnixDatagram::bind(&notify).unwrap();
    let limit = Some(Duration::from_secs(20));
    socket.set_read_timeout(limit).unwrap();
    let mut command = Command::new("bwrap");
    command.args(["--unshare-user", "--unshare-ipc", "--unshare-uts"]);
    command.args([
        "--uid",
        "1000",
        "--gid",
        "1000",
        "--cap-drop",
        "ALL",
        "--die-with-parent",
    ]);
    command.args([
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--tmpfs",
        "/home",
        "--tmpfs",
        "/tmp",
    ]);
    // The source tree may be below /tmp or /home.
    command.args(["--ro-bind", env!("CARGO_BIN_EXE_booth"), "/tmp/booth"]);
    command.arg("--bind").arg(&data).arg("/tmp/data");
    command.arg("--bind").arg(&notify).arg("/tmp/notify");
    command.args(["--setenv", "NOTIFY_SOCKET", "/tmp/notify"]);
    command.args(["/tmp/booth", "run", "--board", "sim", "--data", "/tmp/data"]);
    command.args([
        "--script",
        "/tmp/data/visit.txt",
        "--protocol",
        "/tmp/data/watched.toml",
    ]);
    command.args(["--set", "audio.device=sim"]);
    let running = run::start(&mut command);
    let (started, mut bytes) = (Instant::now(), [0; 256]);
    let length = socket.recv(&mut bytes).unwrap();
    println!("ready after {:?}", started.elapsed());
    assert!(bytes[..length].starts_with(b"READY=1"));
    let run = running.wait();
    assert_eq!(run.code, Some(0), "{}", run.said());
    let rows = run::rows(&run::session(&data));
    assert_eq!(rows.len(), 3, "{}", run.said());
}
