//! Nothing plays on for long without the booth.

use std::fs;
use std::time::{Duration, Instant};

use booth::sphere::remote::Remote;
use booth::sphere::{Peer, SphereError};

use super::start;
use crate::common::sphere::disk::Disk;
use crate::common::sphere::{Kind, Sphere, kill};
use crate::common::wait::wait_for;

/// The sphere's processes with `part` in their command line.
fn processes(sphere: &Sphere, part: &str) -> Vec<u32> {
    let folder = sphere.path("run");
    let environment = format!("XDG_RUNTIME_DIR={}", folder.display());
    let is_one = |pid: &u32| {
        let read = |name| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
        read("environ").contains(&environment) && read("cmdline").contains(part)
    };
    let all = fs::read_dir("/proc").unwrap().map_while(Result::ok);
    all.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
        .filter(is_one)
        .collect()
}

/// Jobs that wait on the sphere.
fn jobs(sphere: &Sphere) -> usize {
    processes(sphere, "deadman").len()
}

/// The helper's second process, which is no child of its.
fn guards(sphere: &Sphere) -> Vec<u32> {
    let parent = |pid: &u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        let parent = line.unwrap_or_default().trim().to_owned();
        fs::read_to_string(format!("/proc/{parent}/comm")).unwrap_or_default()
    };
    let mut all = processes(sphere, "booth-sphere/helper");
    all.retain(|pid| parent(pid).trim() != "sshd");
    all
}

#[test]
fn without_the_helper_the_transport_stops_by_itself_within_rest_and_11_s() {
    let (_alone, sphere) = start(Kind::Plain);
    let mut witness = sphere.witness();
    let mut peer = Remote::new(&sphere.config());
    peer.play(Duration::from_secs(600)).unwrap();
    let first = Instant::now();
    // Renewed: the job of the first play is gone, that of the second waits.
    let before = Instant::now();
    peer.play(Duration::from_secs(2)).unwrap();
    let start = Instant::now();
    wait_for("one job", || jobs(&sphere) == 1);
    println!("one job {:.1?} after the second play", first.elapsed());
    drop(peer);
    sphere.signal_sessions("KILL");
    witness.stands_within(Duration::from_secs(13).saturating_sub(start.elapsed()));
    let stopped = before.elapsed();
    println!("stopped {stopped:.1?} after a play of 2 s");
    assert!(
        stopped > Duration::from_secs(10),
        "before the step's end and some seconds: {stopped:.1?}"
    );
    wait_for("no job", || jobs(&sphere) == 0);
    assert!(!sphere.path("run/.booth-sphere/deadman").exists());
}

#[test]
fn a_stop_takes_the_job_away_and_leaves_what_somebody_else_plays() {
    let (_alone, sphere) = start(Kind::Plain);
    let mut peer = Remote::new(&sphere.config());
    peer.play(Duration::from_secs(600)).unwrap();
    assert_eq!(jobs(&sphere), 1);
    peer.stop().unwrap();
    wait_for("no job", || jobs(&sphere) == 0);
}

#[test]
fn with_the_helper_the_transport_stops_when_the_channel_ends_or_falls_silent() {
    let (_alone, sphere) = start(Kind::Helper);
    let mut witness = sphere.witness();
    let rest = Duration::from_secs(600);
    let mut peer = Remote::new(&sphere.config());
    peer.play(rest).unwrap();
    sphere.signal_sessions("KILL");
    let killed = witness.stands_within(Duration::from_secs(2));
    peer.play(rest).unwrap();
    drop(peer);
    let dropped = witness.stands_within(Duration::from_secs(2));

    let (wire, config) = sphere.behind_a_wire();
    let mut peer = Remote::new(&config);
    peer.play(rest).unwrap();
    wire.cut();
    let start = Instant::now();
    witness.stands_within(Duration::from_secs(6));
    println!(
        "stopped {killed:.1?} after sshd's session was killed, {dropped:.1?} after the end of the \
         program, {:.1?} after the network was cut for good",
        start.elapsed()
    );
}

#[test]
fn a_helper_that_is_killed_or_hangs_while_nobody_asks_stops_the_transport_all_the_same() {
    let (_alone, sphere) = start(Kind::Helper);
    let mut witness = sphere.witness();
    for signal in ["KILL", "STOP"] {
        let (wire, config) = sphere.behind_a_wire();
        let mut peer = Remote::new(&config);
        peer.play(Duration::from_secs(600)).unwrap();
        peer.position().unwrap();
        wire.cut();
        sphere.signal_programs(signal);
        let stood = witness.stands_within(Duration::from_secs(6));
        println!("stopped {stood:.1?} after the helper had {signal} and the network was cut");
        sphere.signal_programs("KILL");
    }
    wait_for("the end of all", || {
        processes(&sphere, "booth-sphere/helper").is_empty()
    });
}

#[test]
fn a_helper_that_lost_its_booth_leaves_what_the_next_connection_plays() {
    let (_alone, sphere) = start(Kind::Helper);
    let mut witness = sphere.witness();
    let rest = Duration::from_secs(600);
    let (wire, config) = sphere.behind_a_wire();
    let (mut silent, mut ended) = (Remote::new(&config), Remote::new(&sphere.config()));
    let mut next = Remote::new(&sphere.config());
    for peer in [&mut silent, &mut ended, &mut next] {
        peer.play(rest).unwrap();
    }
    wire.cut();
    drop(ended);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(7) {
        next.position().unwrap();
        assert!(witness.look().rolling, "after {:.1?}", start.elapsed());
        std::thread::sleep(Duration::from_millis(250));
    }
    drop(next);
    witness.stands_within(Duration::from_secs(2));
}

#[test]
fn a_job_whose_folder_vanished_stops_the_transport_at_its_time() {
    for kind in [Kind::Plain, Kind::Helper] {
        let (_alone, sphere) = start(kind);
        let mut witness = sphere.witness();
        let played = sphere.booth(&["sphere", "play", "--for", "1"]);
        assert!(played.status.success(), "{played:?}");
        fs::remove_dir_all(sphere.path("run/.booth-sphere")).unwrap();
        assert!(witness.look().rolling);
        let stood = witness.stands_within(Duration::from_secs(14));
        println!("stopped {stood:.1?} after a play of 1 s whose folder vanished, {kind:?}");
    }
}

#[test]
fn nothing_plays_while_nobody_watches_the_helper() {
    let (_alone, sphere) = start(Kind::Helper);
    let mut witness = sphere.witness();
    for signal in ["STOP", "KILL"] {
        let mut peer = Remote::new(&sphere.config());
        peer.connect().unwrap();
        let guard = guards(&sphere);
        assert_eq!(guard.len(), 1, "{guard:?}");
        kill(signal, guard[0]);
        let refused = peer.play(Duration::from_secs(600)).unwrap_err();
        assert!(matches!(refused, SphereError::NoDeadMan(_)), "{refused}");
        witness.stands_within(Duration::ZERO);
        kill("KILL", guard[0]);
        wait_for("the guard's end", || guards(&sphere).is_empty());
    }
}

#[test]
fn who_only_looks_does_not_stop_what_others_play() {
    let (_alone, sphere) = start(Kind::Helper);
    let mut witness = sphere.witness();
    let played = sphere.booth(&["sphere", "play", "--for", "60"]);
    assert!(played.status.success(), "{played:?}");
    let mut peer = Remote::new(&sphere.config());
    assert!(peer.position().unwrap().rolling);
    drop(peer);
    std::thread::sleep(Duration::from_millis(500));
    assert!(witness.look().rolling);
    assert!(sphere.booth(&["sphere", "stop"]).status.success());
    witness.stands_within(Duration::ZERO);
}

#[test]
fn on_a_full_disk_nothing_plays_that_nothing_would_stop() {
    for kind in [Kind::Plain, Kind::Helper] {
        let (_alone, sphere) = start(kind);
        let mut witness = sphere.witness();
        let disk = Disk::over(&sphere.path("run"));
        disk.fill(".booth-sphere");
        let mut peer = Remote::new(&sphere.config());
        let played = match kind {
            Kind::Plain => peer.play(Duration::from_secs(60)),
            // It needs no file, but to leave what plays behind.
            Kind::Helper => peer
                .play(Duration::from_secs(60))
                .and_then(|()| peer.leave(Duration::from_secs(60))),
        };
        drop((peer, disk));
        let error = played.unwrap_err();
        assert!(matches!(error, SphereError::NoDeadMan(_)), "{error}");
        witness.stands_within(Duration::from_secs(1));
    }
}
