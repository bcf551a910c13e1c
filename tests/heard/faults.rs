//! Sound is a condition of playing: with ladish, JACK and players in trouble, what counts as loaded
//! and rolling is heard by a client that is not ours, or is an error that says why.

use std::time::{Duration, Instant};

use booth::rt::Nanos;
use booth::sphere::remote::Remote;
use booth::sphere::{Command, Peer, Play, Reply, Sphere as Commanded, SphereError, Start};
use booth::words::Hearing;

use super::start;
use crate::common::lateness::Lateness;
use crate::common::sphere::ladish::Switch;
use crate::common::sphere::{HOUSE, Kind, PROJECT, STUDIO, Sphere};
use crate::common::wait::wait_for;

const WINDOW: Duration = Duration::from_millis(500);
const KINDS: [Kind; 2] = [Kind::Plain, Kind::Helper];

/// Loads and plays a track, and hears it; how long the load took.
#[track_caller]
fn sounds(sphere: &Sphere, peer: &mut Remote, track: &str) -> Duration {
    let began = Instant::now();
    if let Err(error) = peer.load(track) {
        panic!("{track}: {error}");
    }
    let took = began.elapsed();
    peer.play(Duration::from_secs(60)).unwrap();
    let ear = sphere.ear();
    assert!(ear.hears(WINDOW), "{track} rolls, and nothing sounds");
    peer.stop().unwrap();
    took
}

#[test]
fn a_track_whose_jack_has_ended_is_loaded_anew_and_sounds() {
    for kind in KINDS {
        let (_alone, sphere) = start(kind);
        let mut peer = Remote::new(&sphere.config());
        sounds(&sphere, &mut peer, STUDIO);
        sphere.jack_ends();
        wait_for("JACK's end", || !sphere.has_jack());
        assert_eq!(sphere.studio().as_deref(), Some(STUDIO), "its name stays");
        let took = sounds(&sphere, &mut peer, STUDIO);
        println!("{kind:?}: loaded anew in {took:.1?}");
    }
}

#[test]
fn a_jack_that_was_started_by_hand_without_its_players_is_no_track() {
    let (_alone, sphere) = start(Kind::Plain);
    let mut peer = Remote::new(&sphere.config());
    sphere.jack_ends();
    wait_for("JACK's end", || !sphere.has_jack());
    sphere.ladish(&["sstart"]);
    wait_for("JACK", || sphere.has_jack());
    sphere.jack_up();
    assert_eq!(sphere.connections(), 0);
    sounds(&sphere, &mut peer, STUDIO);
}

#[test]
fn a_slow_jack_is_waited_for() {
    let slow = [(Kind::Plain, 2.5), (Kind::Helper, 4.0), (Kind::Plain, 8.0)];
    for (kind, seconds) in slow {
        let (_alone, sphere) = start(kind);
        sphere.switch_to(Switch::JackStarts, seconds);
        let mut peer = Remote::new(&sphere.config());
        let took = sounds(&sphere, &mut peer, "other");
        println!("{kind:?}: JACK slow by {seconds} s: {took:.1?}");
        assert!(took.as_secs_f64() > seconds);
    }
}

#[test]
fn a_player_that_ends_late_is_waited_for_without_a_second_order() {
    for (kind, seconds) in [(Kind::Helper, 12.0), (Kind::Plain, 30.0)] {
        let (_alone, sphere) = start(kind);
        sphere.switch_to(Switch::PlayerEnds, seconds);
        // The player that runs has read its switches when it was started.
        let mut peer = Remote::new(&sphere.config());
        let took = sounds(&sphere, &mut peer, "other");
        println!("{kind:?}: a player that needs {seconds} s to end: {took:.1?}");
        assert!(sphere.has_daemon() && sphere.answers_within(WINDOW * 4, &["sname"]));
    }
}

#[test]
fn a_player_that_comes_late_is_waited_for() {
    let (_alone, sphere) = start(Kind::Helper);
    sphere.switch_to(Switch::PlayerComes, 6.0);
    let mut peer = Remote::new(&sphere.config());
    let took = sounds(&sphere, &mut peer, "other");
    assert!(took > Duration::from_secs(6), "{took:?}");
}

#[test]
fn two_who_load_at_once_get_theirs_one_after_the_other() {
    for kind in KINDS {
        let (_alone, sphere) = start(kind);
        sphere.switch_to(Switch::LoadWaits, 3.0);
        std::thread::scope(|scope| {
            let by_hand = scope.spawn(|| sphere.booth(&["sphere", "track", "other"]));
            wait_for("the order", || {
                sphere.path("run/.booth-sphere/loading").exists()
            });
            let mut peer = Remote::new(&sphere.config());
            peer.load(HOUSE).unwrap();
            let output = by_hand.join().unwrap();
            println!("{kind:?}: {}", String::from_utf8_lossy(&output.stderr));
        });
        assert!(sphere.has_daemon() && sphere.answers_within(WINDOW * 4, &["sname"]));
        assert_eq!(sphere.studio().as_deref(), Some(HOUSE));
    }
}

#[test]
fn a_booth_that_starts_again_takes_its_own_order_over() {
    let (_alone, sphere) = start(Kind::Helper);
    sphere.switch_to(Switch::LoadWaits, 4.0);
    let mut peer = Remote::new(&sphere.config());
    assert_eq!(peer.load_further("other"), Ok(false));
    drop(peer);
    let mut peer = Remote::new(&sphere.config());
    sounds(&sphere, &mut peer, "other");
    assert!(
        sphere.answers_within(WINDOW * 4, &["sname"]),
        "it is not stuck"
    );
}

#[test]
fn a_stray_jackd_is_named() {
    let (_alone, sphere) = start(Kind::Plain);
    sphere.jack_ends();
    wait_for("JACK's end", || !sphere.has_jack());
    let _stray = sphere.stray_jackd();
    let mut peer = Remote::new(&sphere.config());
    assert_eq!(peer.load(STUDIO), Err(SphereError::Stray));
}

#[test]
fn a_track_without_a_player_and_one_that_is_silent_do_not_play() {
    let (_alone, sphere) = start(Kind::Helper);
    sphere.make_empty_studio("empty");
    sphere.set_up(&["empty"]);
    let mut config = sphere.config();
    config.change_s = 5;
    let mut peer = Remote::new(&config);
    assert_eq!(peer.load("empty"), Err(SphereError::Unconnected));
    config.heard = Some(Hearing::No);
    Remote::new(&config).load("empty").unwrap();
    sphere.load(STUDIO);
    sphere.switch(Switch::PlayerSilent);
    let mut commanded = Commanded::start(booth::sphere::remote(&sphere.config())).unwrap();
    let error = plays(&mut commanded, 1).unwrap_err();
    assert_eq!(error, SphereError::Silent(2));
}

#[test]
fn a_project_is_refused_before_anything_is_unloaded_and_read_back() {
    for kind in KINDS {
        let (_alone, sphere) = start(kind);
        let mut peer = Remote::new(&sphere.config());
        sphere.load(HOUSE);
        let track = sphere.project_track(PROJECT);
        sounds(&sphere, &mut peer, &track);
        assert_eq!(sphere.project("hall"), Some(sphere.project_folder(PROJECT)));
        let missing = sphere.project_track("missing");
        if kind == Kind::Helper {
            sphere.set_up(&[&missing]);
        }
        let error = peer.load(&missing).unwrap_err();
        assert!(matches!(error, SphereError::NoProject(_)), "{error}");
        let runs = sphere.project("hall");
        assert_eq!(runs, Some(sphere.project_folder(PROJECT)), "it runs on");
        // ladish 2.1 aborts if the studio is left while the project runs.
        sounds(&sphere, &mut peer, STUDIO);
        assert!(sphere.has_daemon());
    }
}

/// Asks for the studio to play, and waits for the end of that.
fn plays(commanded: &mut Commanded, number: u32) -> Result<(), SphereError> {
    let play = Play {
        number,
        track: STUDIO.into(),
        start: Start::Second(1.0),
        rest: Duration::from_secs(60),
        silent: Duration::ZERO,
    };
    commanded.ask(Command::Play(play), Nanos::now());
    reply(commanded)
}

fn reply(commanded: &mut Commanded) -> Result<(), SphereError> {
    let late = Lateness::watch();
    loop {
        match commanded.reply(Nanos::now()) {
            Some(Reply::Rolling(..)) => return Ok(()),
            Some(Reply::Failed(_, error)) => return Err(error),
            Some(_) => {}
            None => std::thread::sleep(Duration::from_millis(5)),
        }
        late.within("no answer", Duration::from_secs(60));
    }
}

#[test]
fn a_ladish_that_is_killed_in_mid_step_is_found_and_plays_again() {
    for kind in KINDS {
        let (_alone, sphere) = start(kind);
        let mut commanded = Commanded::start(booth::sphere::remote(&sphere.config())).unwrap();
        plays(&mut commanded, 1).unwrap();
        let ear = sphere.ear();
        assert!(ear.hears(WINDOW));
        sphere.daemon_is_killed();
        let gone = Nanos::now();
        let late = Lateness::watch();
        assert_eq!(
            reply(&mut commanded),
            Err(SphereError::Unconnected),
            "{kind:?}"
        );
        late.within("it is found", Duration::from_secs(5));
        let looks = &commanded.known().looks;
        assert!(looks.are_lost());
        assert_eq!(looks.between(Nanos(gone.0 - 100_000_000), gone), None);
        while plays(&mut commanded, 2).is_err() {}
        assert!(
            ear.hears(WINDOW),
            "{kind:?}: it plays again and nothing sounds"
        );
    }
}
