//! What goes wrong on the sphere itself while a session records: its tools, its disk, its keys, its
//! clock. Several in one session, each cured before the next.

use std::fs;
use std::time::Duration;

use booth::words::Verdict;

use super::visit::{Expect, Visit, kinds};
use super::{start, start_with};
use crate::common::sphere::clock::Clock;
use crate::common::sphere::disk::Disk;
use crate::common::sphere::wire::{Wire, peer};
use crate::common::sphere::{Kind, Sphere};

const KEYS: &str = "home/.ssh/authorized_keys";
const HELPER: &str = "home/.local/share/booth-sphere/helper";
const SHOWTIME: &str = "bin/jack_showtime";

/// 10 MB of one line, as the answer to where the transport stands.
fn garbage(visit: &mut Visit, sphere: &mut Sphere) {
    let shell = "#!/bin/sh\nhead -c 10000000 /dev/zero | tr '\\0' x\n";
    let python = "import sys\nsys.stdout.write('x' * 10_000_000)\n";
    let real = fs::read_to_string(sphere.path(HELPER)).unwrap_or_default();
    let fault = |sphere: &mut Sphere| match sphere.kind {
        Kind::Plain => sphere.put(SHOWTIME, shell),
        Kind::Helper => {
            sphere.put(HELPER, python);
            sphere.signal_programs("KILL");
        }
    };
    let cure = |sphere: &mut Sphere| match sphere.kind {
        Kind::Plain => fs::remove_file(sphere.path(SHOWTIME)).unwrap(),
        Kind::Helper => sphere.put(HELPER, &real),
    };
    visit.meets(sphere, "10 MB of garbage", Expect::Fault, fault, cure);
}

fn key_refused(visit: &mut Visit, sphere: &mut Sphere) {
    let keys = fs::read(sphere.path(KEYS)).unwrap();
    let fault = |sphere: &mut Sphere| {
        fs::write(sphere.path(KEYS), "").unwrap();
        sphere.signal_sessions("KILL");
    };
    let cure = |sphere: &mut Sphere| fs::write(sphere.path(KEYS), keys).unwrap();
    visit.meets(sphere, "key refused", Expect::Fault, fault, cure);
}

/// JACK starts anew meanwhile, so that the track must be loaded again.
fn no_dbus(visit: &mut Visit, sphere: &mut Sphere) {
    let fault = |sphere: &mut Sphere| {
        sphere.bus_away();
        sphere.jack_down();
        sphere.jack_up();
    };
    let cure = |sphere: &mut Sphere| sphere.bus_back();
    visit.meets(sphere, "D-Bus missing", Expect::Fault, fault, cure);
}

/// The connection breaks meanwhile: what plays on is to be armed again, for which a sphere without
/// the helper needs a file.
fn disk_full(visit: &mut Visit, sphere: &mut Sphere, disk: &Disk) {
    let expect = match sphere.kind {
        Kind::Plain => Expect::Fault,
        Kind::Helper => Expect::Little,
    };
    let fault = |sphere: &mut Sphere| {
        disk.fill(".booth-sphere");
        sphere.signal_sessions("KILL");
    };
    let cure = |sphere: &mut Sphere| {
        match sphere.kind {
            Kind::Plain => {
                sphere.witness().stands_within(Duration::from_secs(2));
            }
            Kind::Helper => std::thread::sleep(Duration::from_millis(2500)),
        }
        disk.empty();
    };
    visit.meets(sphere, "disk full", expect, fault, cure);
}

fn banner(visit: &mut Visit, sphere: &mut Sphere, wire: &Wire) {
    let endless = peer(|_| Some(b"hello\r\n".repeat(500)));
    let port = sphere.config().port;
    let fault = |sphere: &mut Sphere| {
        wire.lead_to(endless);
        sphere.signal_sessions("KILL");
    };
    let cure = |_: &mut Sphere| wire.lead_to(port);
    visit.meets(sphere, "a banner without end", Expect::Fault, fault, cure);
}

#[test]
fn a_session_outlives_what_goes_wrong_on_the_sphere_itself() {
    for kind in kinds(Kind::Plain) {
        let (_alone, mut sphere) = start(kind);
        let disk = Disk::over(&sphere.path("run"));
        sphere.bus_back();
        let (wire, config) = sphere.behind_a_wire();
        let mut visit = Visit::begin_at(&sphere, config.port, 28);
        garbage(&mut visit, &mut sphere);
        key_refused(&mut visit, &mut sphere);
        no_dbus(&mut visit, &mut sphere);
        disk_full(&mut visit, &mut sphere, &disk);
        banner(&mut visit, &mut sphere, &wire);
        let (run, _) = visit.ends(&sphere);
        let armed = match kind {
            Kind::Plain => "cannot be left there",
            Kind::Helper => "the connection was made anew",
        };
        for words in [
            "more than 65536 bytes of answer",
            "does not accept the key",
            "no D-Bus session",
            armed,
            "SSH handshake",
        ] {
            assert!(run.said().contains(words), "{words}: {}", run.said());
        }
    }
}

#[test]
fn a_session_does_not_notice_that_the_spheres_clock_jumps() {
    for kind in kinds(Kind::Plain) {
        let clock = Clock::new();
        let (_alone, mut sphere) = start_with(kind, clock.environment());
        let mut visit = Visit::begin_at(&sphere, sphere.config().port, 12);
        let pass = |_: &mut Sphere| std::thread::sleep(Duration::from_millis(2500));
        let on = |_: &mut Sphere| clock.jump(5);
        visit.meets(&mut sphere, "clock 5 h on", Expect::Little, on, pass);
        let back = |sphere: &mut Sphere| {
            clock.jump(-5);
            // New processes begin under the new time; the helper would stop what it plays.
            if kind == Kind::Plain {
                sphere.signal_sessions("KILL");
            }
        };
        visit.meets(&mut sphere, "clock 10 h back", Expect::Little, back, pass);
        let (run, rows) = visit.ends(&sphere);
        let verdicts: Vec<Verdict> = rows.iter().map(|row| row.verdict).collect();
        assert_eq!(verdicts, [Verdict::Kept], "{}", run.said());
        assert_eq!(run.code, Some(0), "{}", run.said());
    }
}

#[test]
fn the_spheres_clock_jumps_for_what_runs_there_and_for_nobody_else() {
    let clock = Clock::new();
    let (_alone, sphere) = start_with(Kind::Plain, clock.environment());
    let ahead_h = || {
        let output = sphere.ssh(&[], "date +%s");
        let there: i64 = String::from_utf8(output.stdout)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let here = std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap()
            .as_secs();
        (there - here as i64 + 1800).div_euclid(3600)
    };
    assert_eq!(ahead_h(), 0);
    clock.jump(5);
    assert_eq!(ahead_h(), 5);
    clock.jump(-5);
    assert_eq!(ahead_h(), -5);
}
