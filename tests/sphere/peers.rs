//! Peers and networks that misbehave cost a bounded time and a bounded memory, and each is its own
//! error.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use booth::sphere::remote::Remote;
use booth::sphere::{Peer, SphereError};

use super::start;
use crate::common::lateness::Lateness;
use crate::common::sphere::Kind;
use crate::common::sphere::wire::peer;
use crate::common::wait::wait_for;

const REST: Duration = Duration::from_secs(60);
/// A machine that needs longer to start Python is a slow one: 0.05 s are usual.
const PYTHON: Duration = Duration::from_millis(200);
/// From the fault to the error.
const FOUND: Duration = Duration::from_secs(5);

/// Peak memory of this process, kilobytes.
fn peak_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The error of `work`, which comes within `limit` and with less than 16 MB more memory.
#[track_caller]
fn fails<T: std::fmt::Debug>(
    what: &str,
    limit: Duration,
    work: impl FnOnce() -> Result<T, SphereError>,
) -> SphereError {
    let (late, before) = (Lateness::watch(), peak_kb());
    let error = work().unwrap_err();
    let (took, grown) = (late.within(what, limit), peak_kb() - before);
    println!("{what}: {took:.1?}, {grown} kB: {error}");
    assert!(grown < 16 << 10, "{what}: {grown} kB");
    error
}

#[test]
fn a_peer_that_is_no_ssh_server_is_given_up_in_time_and_memory() {
    let (_alone, sphere) = start(Kind::Plain);
    let ask = |what: &str, next: Box<dyn Fn(u64) -> Option<Vec<u8>> + Send>| {
        let mut config = sphere.config();
        config.port = peer(next);
        fails(what, FOUND, || Remote::new(&config).connect())
    };
    let lines = ask(
        "a banner that never ends",
        Box::new(|_| Some(b"hello\r\n".repeat(500))),
    );
    assert!(matches!(
        lines,
        SphereError::TimedOut { .. } | SphereError::NoSsh { .. }
    ));
    let line = ask(
        "a banner of one line without end",
        Box::new(|_| Some(vec![b'x'; 4096])),
    );
    assert!(matches!(
        line,
        SphereError::TimedOut { .. } | SphereError::NoSsh { .. }
    ));
    let slow = |number| {
        std::thread::sleep(Duration::from_secs(1));
        b"SSH-2.0-slow\r\n"
            .get(number as usize)
            .map(|byte| vec![*byte])
    };
    let slow = ask("a banner of one byte a second", Box::new(slow));
    assert!(matches!(slow, SphereError::TimedOut { .. }));
    let garbage = |number| match number {
        0 => Some(b"SSH-2.0-garbage\r\n".to_vec()),
        1..=160 => Some((0..65_536_u32).map(|n| ((n * 7919) >> 3) as u8).collect()),
        _ => None,
    };
    let garbage = ask("10 MB of garbage behind the banner", Box::new(garbage));
    assert!(matches!(garbage, SphereError::NoSsh { .. }));
    let silent = |number| {
        std::thread::sleep(Duration::from_secs(number * 20));
        Some(Vec::new())
    };
    let silent = ask("a peer that says nothing", Box::new(silent));
    assert!(matches!(silent, SphereError::TimedOut { .. }));
    let mut config = sphere.config();
    config.port = 1;
    let nobody = fails("nobody there", FOUND, || Remote::new(&config).connect());
    assert!(matches!(nobody, SphereError::Unreachable { .. }));
    config.host = "no-such-host.invalid".into();
    let nowhere = fails("no such name", FOUND, || Remote::new(&config).connect());
    assert!(matches!(nowhere, SphereError::Unreachable { .. }));
}

#[test]
fn ten_megabytes_as_an_answer_are_an_error_that_quotes_their_beginning() {
    let (_alone, sphere) = start(Kind::Plain);
    let mut peer = Remote::new(&sphere.config());
    peer.connect().unwrap();
    for name in ["jack_showtime", "ladish_control"] {
        let flood = "#!/bin/sh\nhead -c 10000000 /dev/zero | tr '\\0' x\n";
        let path = sphere.path("bin").join(name);
        fs::write(&path, flood).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let state = fails("10 MB of state", FOUND, || peer.position());
    let list = fails("10 MB of studios", FOUND, || peer.studios());
    for error in [state, list] {
        assert!(matches!(error, SphereError::TooLong { .. }), "{error}");
        assert!(error.to_string().contains("xxx"), "{error}");
    }
}

fn silence(kind: Kind) {
    let (_alone, sphere) = start(kind);
    let (wire, config) = sphere.behind_a_wire();
    let mut peer = Remote::new(&config);
    assert_made_anew(&mut peer);
    wire.slow();
    let slow = fails("one byte a second", FOUND, || peer.position());
    assert!(matches!(slow, SphereError::TimedOut { .. }), "{slow}");
    wire.mend();
    assert_made_anew(&mut peer);
    wire.cut();
    let cut = fails("packets dropped without reset", FOUND, || peer.position());
    assert!(
        matches!(cut, SphereError::TimedOut { .. } | SphereError::Lost { .. }),
        "{cut}"
    );
    let still = fails("still cut", FOUND, || peer.connect());
    assert!(matches!(still, SphereError::TimedOut { .. }), "{still}");
    wire.mend();
    assert_made_anew(&mut peer);

    sphere.signal_sessions("STOP");
    let stopped = fails("sshd stopped", FOUND, || peer.position());
    assert!(matches!(stopped, SphereError::TimedOut { .. }), "{stopped}");
    assert_made_anew(&mut peer);
    sphere.signal_sessions("CONT");
    sphere.signal_sessions("KILL");
    assert_made_anew(&mut peer);
}

#[test]
fn a_silent_or_lost_connection_is_found_and_made_anew_with_the_helper() {
    silence(Kind::Helper);
}

#[test]
fn a_silent_or_lost_connection_is_found_and_made_anew_without_it() {
    silence(Kind::Plain);
}

fn lag(kind: Kind) {
    let (_alone, sphere) = start(kind);
    let (wire, config) = sphere.behind_a_wire();
    let mut peer = Remote::new(&config);
    peer.position().unwrap();
    wire.lag(Duration::from_millis(400));
    let bounded = |what: &str, work: &mut dyn FnMut() -> Result<(), SphereError>| {
        let late = Lateness::watch();
        let done = work();
        let took = late.within(what, FOUND);
        println!("{kind:?}, all 400 ms later, {what}: {took:.1?}, {done:?}");
    };
    bounded("play", &mut || peer.play(REST));
    bounded("a new connection", &mut || Remote::new(&config).connect());
    wire.mend();
    peer.stop().unwrap();
}

#[test]
fn each_call_to_a_slow_sphere_is_over_within_5_s_with_the_helper() {
    lag(Kind::Helper);
}

#[test]
fn each_call_to_a_slow_sphere_is_over_within_5_s_without_it() {
    lag(Kind::Plain);
}

#[test]
fn the_end_of_sshd_leaves_the_connection_and_its_return_is_found_within_2_s() {
    let (_alone, mut sphere) = start(Kind::Helper);
    let mut peer = Remote::new(&sphere.config());
    peer.connect().unwrap();
    sphere.sshd_down();
    peer.position().unwrap();
    let mut other = Remote::new(&sphere.config());
    let gone = fails("sshd is gone", FOUND, || other.connect());
    assert!(matches!(gone, SphereError::Unreachable { .. }), "{gone}");
    let late = Lateness::watch();
    sphere.sshd_up();
    wait_for("the connection", || other.connect().is_ok());
    let took = late.within("the connection", Duration::from_secs(2));
    println!("connected {took:.1?} after sshd's start");
}

fn jack_ends(kind: Kind) {
    let (_alone, sphere) = start(kind);
    let mut peer = Remote::new(&sphere.config());
    peer.play(REST).unwrap();
    sphere.jack_down();
    for _ in 0..2 {
        let gone = fails("JACK killed", FOUND, || peer.position());
        assert_eq!(gone, SphereError::NoJack);
    }
    assert_eq!(peer.play(REST), Err(SphereError::NoJack));
    assert_eq!(peer.stop(), Err(SphereError::NoJack));
    assert_eq!(peer.connect(), Ok(()), "the studio may bring JACK");
    sphere.jack_up();
    let position = peer.position().unwrap();
    assert!(!position.rolling && position.frame == 0, "{position:?}");
    peer.play(REST).unwrap();
    assert!(sphere.witness().look().rolling);
    peer.stop().unwrap();
}

#[test]
fn jack_killed_and_started_again_with_the_helper() {
    jack_ends(Kind::Helper);
}

#[test]
fn jack_killed_and_started_again_without_it() {
    jack_ends(Kind::Plain);
}

/// Whether the helper did not start in time. It has two seconds beside those that it gives JACK.
fn is_helper_late(error: &SphereError) -> bool {
    matches!(error, SphereError::TimedOut { doing, .. } if *doing == "start the helper")
}

/// Checks that this machine starts Python slowly just now, which makes the helper late.
#[track_caller]
fn assert_python_is_slow(error: &SphereError) {
    let start = Instant::now();
    let mut python = Command::new("python3");
    python.args(["-c", "import ctypes, socket, subprocess, threading"]);
    assert!(python.status().unwrap().success());
    let took = start.elapsed();
    println!("{error}; Python starts in {took:.1?}");
    assert!(took > PYTHON, "{error}; Python starts in {took:?}");
}

/// Checks that JACK is said not to be there.
#[track_caller]
fn assert_no_jack(gone: &SphereError) {
    if is_helper_late(gone) {
        return assert_python_is_slow(gone);
    }
    assert_eq!(gone, &SphereError::NoJack);
}

/// Checks that the connection is made anew: at once, but on a machine that starts Python slowly.
#[track_caller]
fn assert_made_anew(peer: &mut Remote) {
    for _ in 0..5 {
        match peer.position() {
            Ok(_) => return,
            Err(error) if is_helper_late(&error) => assert_python_is_slow(&error),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("five helpers were late");
}

fn jack_hangs(kind: Kind) {
    let (_alone, sphere) = start(kind);
    let mut peer = Remote::new(&sphere.config());
    peer.play(REST).unwrap();
    sphere.signal_jack("STOP");
    let gone = fails("JACK stopped", FOUND, || {
        let since = Instant::now();
        while peer.position()?.rolling && since.elapsed() < FOUND {
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok("it stands")
    });
    assert_no_jack(&gone);
    let mut other = Remote::new(&sphere.config());
    for peer in [&mut peer, &mut other] {
        let gone = fails("a position", FOUND, || peer.position());
        assert_no_jack(&gone);
        let gone = fails("a play", FOUND, || peer.play(REST));
        assert_no_jack(&gone);
        let gone = fails("a stop", FOUND, || peer.stop());
        assert_no_jack(&gone);
    }
    sphere.signal_jack("CONT");
    let late = Lateness::watch();
    wait_for("JACK", || peer.position().is_ok());
    let took = late.within("JACK", FOUND);
    println!("{kind:?}: answers {took:.1?} after JACK went on");
    peer.play(REST).unwrap();
    assert!(sphere.witness().look().rolling);
    peer.stop().unwrap();
    sphere.witness().stands_within(Duration::ZERO);
}

#[test]
fn a_jack_that_hangs_is_found_and_goes_on_with_the_helper() {
    jack_hangs(Kind::Helper);
}

#[test]
fn a_jack_that_hangs_is_found_and_goes_on_without_it() {
    jack_hangs(Kind::Plain);
}

#[test]
fn a_stop_by_hand_ends_within_3_s_whatever_the_peer_does() {
    let (_alone, sphere) = start(Kind::Plain);
    let silent = peer(|number| {
        std::thread::sleep(Duration::from_secs(number * 20));
        Some(Vec::new())
    });
    let port = format!("sphere.port={silent}");
    let late = Lateness::watch();
    // The last assignment of a key counts.
    let mut command = crate::common::run::booth();
    command
        .args(["sphere", "stop"])
        .args(sphere.options())
        .args(["--set", &port]);
    let output = command.output().unwrap();
    late.within("a stop by hand", Duration::from_secs(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(1) && said.contains("not stopped"),
        "{said}"
    );
}
