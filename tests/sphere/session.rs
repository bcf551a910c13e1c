//! A sphere that is lost while a session records: capture loses no frame, the fault is a screen
//! within 5 s and goes by itself after the cure, and the transport stands at the end.

use std::process::Command;
use std::time::{Duration, Instant};

use booth::words::Verdict;

use super::start;
use super::visit::{Expect, STEP_S, Visit, kinds, survives};
use crate::common::lateness::Lateness;
use crate::common::run;
use crate::common::sphere::wire::Wire;
use crate::common::sphere::{Kind, Sphere};
use crate::common::wait::wait_for;

#[test]
fn a_session_with_a_whole_sphere_says_where_its_track_stood() {
    for kind in kinds(Kind::Plain) {
        survives("whole", kind, Expect::Little, |_| {}, |_| {});
    }
}

#[test]
fn a_session_outlives_sshd_killed() {
    for kind in kinds(Kind::Helper) {
        let fault = |sphere: &mut Sphere| sphere.signal_sshd("KILL");
        survives("sshd killed", kind, Expect::Fault, fault, |sphere| {
            sphere.sshd_down();
            sphere.sshd_up();
        });
    }
}

#[test]
fn a_session_outlives_its_connection_killed() {
    for kind in kinds(Kind::Plain) {
        let fault = |sphere: &mut Sphere| sphere.signal_sessions("KILL");
        survives("session killed", kind, Expect::Little, fault, |_| {
            std::thread::sleep(Duration::from_millis(2500));
        });
    }
}

#[test]
fn a_session_outlives_sshd_stopped() {
    for kind in kinds(Kind::Helper) {
        let fault = |sphere: &mut Sphere| sphere.signal_sshd("STOP");
        survives("sshd stopped", kind, Expect::Fault, fault, |sphere| {
            sphere.signal_sshd("CONT");
        });
    }
}

#[test]
fn a_session_outlives_jack_killed() {
    for kind in kinds(Kind::Plain) {
        let fault = |sphere: &mut Sphere| sphere.jack_down();
        survives("jackd killed", kind, Expect::Fault, fault, |sphere| {
            sphere.jack_up();
        });
    }
}

#[test]
fn a_session_outlives_ladish_killed_and_players_killed() {
    let later = |_: &mut Sphere| std::thread::sleep(Duration::from_secs(8));
    for kind in kinds(Kind::Helper) {
        let fault = |sphere: &mut Sphere| sphere.daemon_is_killed();
        survives("ladishd killed", kind, Expect::Little, fault, later);
    }
    for kind in kinds(Kind::Plain) {
        let fault = |sphere: &mut Sphere| sphere.signal_players("KILL");
        survives("players killed", kind, Expect::Little, fault, later);
    }
}

#[test]
fn a_session_outlives_a_host_key_that_changed() {
    let fault = |sphere: &mut Sphere| {
        sphere.pin("stranger");
        sphere.signal_sessions("KILL");
    };
    survives(
        "host key changed",
        Kind::Helper,
        Expect::Fault,
        fault,
        |sphere| {
            sphere.pin("host_key");
        },
    );
}

/// Set in a process whose network is its own.
const ALONE: &str = "BOOTH_TEST_NETWORK";

#[test]
fn a_session_outlives_packets_that_vanish() {
    if std::env::var_os(ALONE).is_none() {
        // A network of its own, whose loopback may be taken away.
        let mut child = Command::new("unshare");
        child.args(["-n", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"]);
        child.arg(std::env::current_exe().unwrap()).env(ALONE, "1");
        let test = "sphere::session::a_session_outlives_packets_that_vanish";
        crate::common::run_again(&mut child, test);
        return;
    }
    let link = |state: &str| {
        let mut command = Command::new("ip");
        assert!(
            command
                .args(["link", "set", "lo", state])
                .status()
                .unwrap()
                .success()
        );
    };
    for kind in kinds(Kind::Helper) {
        survives(
            "packets dropped",
            kind,
            Expect::Fault,
            |_| link("down"),
            |_| link("up"),
        );
    }
}

/// With a network of which every byte passes through here.
fn over_a_wire(
    name: &'static str,
    kind: Kind,
    fault: impl FnOnce(&Wire),
    cure: impl FnOnce(&Wire),
) {
    let (_alone, mut sphere) = start(kind);
    let (wire, config) = sphere.behind_a_wire();
    let mut visit = Visit::begin_at(&sphere, config.port, STEP_S);
    let (fault, cure) = (|_: &mut Sphere| fault(&wire), |_: &mut Sphere| cure(&wire));
    visit.meets(&mut sphere, name, Expect::Fault, fault, cure);
    visit.ends(&sphere);
}

#[test]
fn a_session_outlives_a_slow_and_a_silent_sphere() {
    for kind in kinds(Kind::Plain) {
        over_a_wire("one byte a second", kind, Wire::slow, Wire::mend);
    }
    for kind in kinds(Kind::Helper) {
        over_a_wire("silent", kind, Wire::cut, Wire::mend);
    }
}

#[test]
fn a_dead_man_that_died_is_raised_again() {
    let (_alone, sphere) = start(Kind::Helper);
    let visit = Visit::begin(&sphere);
    sphere.signal_programs("KILL");
    let late = Lateness::watch();
    std::thread::sleep(Duration::from_millis(2500));
    wait_for("it plays again", || sphere.witness().look().rolling);
    late.within("it plays again", Duration::from_secs(4));
    visit.running.signal("KILL");
    let took = sphere.witness().stands_within(Duration::from_secs(6));
    println!("stopped {took:?} after the program was killed");
    visit.running.wait();
}

#[test]
fn a_program_told_to_end_in_the_noise_leaves_the_transport_standing() {
    for kind in [Kind::Plain, Kind::Helper] {
        let (_alone, sphere) = start(kind);
        let visit = Visit::begin(&sphere);
        let since = Instant::now();
        visit.running.signal("TERM");
        let run = visit.running.wait();
        let took = since.elapsed();
        println!("ended {kind:?}: after {took:?}");
        assert_eq!(run.code, Some(0), "{}", run.said());
        assert!(!sphere.witness().look().rolling, "it plays on");
        let rows = run::rows(&run::session(visit.dir.path()));
        assert_eq!(rows[0].verdict, Verdict::Aborted);
    }
}
