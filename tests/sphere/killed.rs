//! A program that is killed in the noise, and a network that is gone for good: the transport stands
//! soon after, by the unit's stop command or by the sphere itself.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::visit::Visit;
use super::{start, start_with};
use crate::common::sphere::clock::Clock;
use crate::common::sphere::{Kind, Sphere};
use crate::common::unit::values;

/// What the unit runs after the program's end, led to `sphere`.
fn stop_post(sphere: &Sphere) -> Command {
    let [line] = &values("ExecStopPost")[..] else {
        panic!("one command")
    };
    // With `-` systemd does not mind its failure.
    let mut words = line.trim_start_matches('-').split(' ');
    assert_eq!(words.next(), Some("/usr/bin/booth"));
    let mut command = crate::common::run::booth();
    command.args(words).args(sphere.options());
    command
}

#[test]
fn a_program_killed_in_the_noise_is_followed_by_silence_within_3_s() {
    for kind in [Kind::Plain, Kind::Helper] {
        let (_alone, sphere) = start(kind);
        let visit = Visit::begin(&sphere);
        let mut witness = sphere.witness();
        assert!(witness.look().rolling);
        let killed = Instant::now();
        visit.running.signal("KILL");
        let after = stop_post(&sphere).stdout(Stdio::piped()).spawn().unwrap();
        witness.stands_within(Duration::from_secs(3));
        println!("killed, {kind:?}: silent after {:.2?}", killed.elapsed());
        let stopped = after.wait_with_output().unwrap();
        assert!(stopped.status.success(), "{stopped:?}");
        assert!(!witness.look().rolling, "it plays on");
        let job = sphere.path("run/.booth-sphere/deadman");
        assert!(!job.exists(), "a job waits for what is over");
        visit.running.wait();
    }
}

/// By the sphere's own means, whatever its clock does.
#[test]
fn a_network_cut_for_good_in_the_noise_is_followed_by_silence_in_time() {
    const STEP_S: u64 = 5;
    // Visit::begin lets two seconds of the step go by.
    for (kind, most_s) in [(Kind::Plain, STEP_S - 2 + 11), (Kind::Helper, 6)] {
        let clock = Clock::new();
        let (_alone, sphere) = start_with(kind, clock.environment());
        let (wire, config) = sphere.behind_a_wire();
        let visit = Visit::begin_at(&sphere, config.port, STEP_S);
        let mut witness = sphere.witness();
        clock.jump(-5);
        wire.cut();
        let took = witness.stands_within(Duration::from_secs(most_s));
        println!("cut for good, {kind:?}: silent after {took:.2?}");
        visit.running.signal("KILL");
        visit.running.wait();
    }
}
