//! The thread around a real sphere: what is wanted last wins, and silence is told, also while a track is
//! being loaded.

use std::time::Duration;

use booth::rt::Nanos;
use booth::sphere::remote::{Remote, remote};
use booth::sphere::{Command, Peer, Play, Reply, Sphere, SphereError, Start};

use super::start;
use crate::common::lateness::Lateness;
use crate::common::sphere::Kind;
use crate::common::sphere::ladish::Switch;
use crate::common::wait::wait_for;

fn play(sphere: &mut Sphere, track: &str) {
    let play = Play {
        number: 1,
        track: track.into(),
        start: Start::Second(0.0),
        rest: Duration::from_secs(60),
        silent: Duration::ZERO,
    };
    sphere.ask(Command::Play(play), Nanos::now());
}

/// The first answer that `wanted` knows, and how long it took.
#[track_caller]
fn answer<T>(
    sphere: &mut Sphere,
    limit: Duration,
    wanted: impl Fn(&Reply) -> Option<T>,
) -> (T, Duration) {
    let late = Lateness::watch();
    loop {
        // At no later time it gives up nothing: what the thread says is waited for.
        while let Some(reply) = sphere.reply(Nanos::default()) {
            if let Some(found) = wanted(&reply) {
                return (found, late.elapsed());
            }
        }
        late.within("no such answer", limit);
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_loading(reply: &Reply) -> Option<()> {
    matches!(reply, Reply::Loading).then_some(())
}

#[test]
fn a_stop_does_not_wait_for_a_track_that_is_being_loaded() {
    for kind in [Kind::Helper, Kind::Plain] {
        let (_alone, real) = start(kind);
        real.switch_to(Switch::LoadWaits, 4.0);
        let mut sphere = Sphere::start(remote(&real.config())).unwrap();
        play(&mut sphere, "other");
        answer(&mut sphere, Duration::from_secs(5), is_loading);
        sphere.ask(Command::Stop, Nanos::now());
        let (stopped, took) = answer(&mut sphere, Duration::from_secs(2), |reply| match reply {
            Reply::Stopped(result) => Some(result.clone()),
            _ => None,
        });
        println!("{kind:?}: stopped {took:.1?} after it was asked for in the middle of a load");
        assert!(stopped.is_ok_and(|position| !position.rolling));
        // Wanted again, it is not ordered again: it goes on, and plays once it is there.
        play(&mut sphere, "other");
        let (_, took) = answer(&mut sphere, Duration::from_secs(15), |reply| match reply {
            Reply::Rolling(..) => Some(()),
            Reply::Failed(_, error) => panic!("{error}"),
            _ => None,
        });
        println!("{kind:?}: rolling {took:.1?} after it was wanted again");
    }
}

#[test]
fn a_sphere_that_falls_silent_while_it_loads_is_told_within_5_s() {
    for kind in [Kind::Helper, Kind::Plain] {
        let (_alone, real) = start(kind);
        real.switch_to(Switch::LoadWaits, 30.0);
        let (wire, config) = real.behind_a_wire();
        let mut sphere = Sphere::start(remote(&config)).unwrap();
        play(&mut sphere, "other");
        answer(&mut sphere, Duration::from_secs(5), is_loading);
        wire.cut();
        let (error, took) = answer(&mut sphere, Duration::from_secs(5), |reply| match reply {
            Reply::Failed(_, error) => Some(error.clone()),
            _ => None,
        });
        println!("{kind:?}: told {took:.1?} after the network was cut: {error}");
    }
}

#[test]
fn a_stop_waits_for_the_jack_that_a_track_takes_away() {
    let (_alone, real) = start(Kind::Plain);
    let mut peer = Remote::new(&real.config());
    real.switch(Switch::NoJack);
    assert_eq!(peer.load_further("other"), Ok(false));
    wait_for("JACK's end", || !real.has_jack());
    assert_eq!(
        Remote::new(&real.config()).stop(),
        Err(SphereError::NoJack),
        "who loads nothing has nothing to wait for"
    );
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(800));
            real.jack_up();
        });
        assert_eq!(peer.stop(), Ok(()));
    });
    wait_for("the track", || peer.load_further("other") == Ok(true));
}

#[test]
fn what_plays_is_stopped_by_another_track_although_jack_goes_on() {
    for kind in [Kind::Helper, Kind::Plain] {
        let (_alone, real) = start(kind);
        real.switch(Switch::KeepsJack);
        let mut witness = real.witness();
        let mut peer = Remote::new(&real.config());
        peer.play(Duration::from_secs(60)).unwrap();
        peer.load("noise").unwrap();
        assert!(witness.look().rolling, "it was there: nothing changes");
        peer.load("other").unwrap();
        assert!(!witness.look().rolling, "{kind:?}");
    }
}
