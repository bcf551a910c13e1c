//! The thread around a simulated sphere that fails.

use std::time::{Duration, Instant};

use super::*;
use crate::sphere::sim::{Simulated, Trouble};

/// A thread around a sphere, and a hand on the sphere.
struct Stage {
    sphere: Sphere,
    peer: Simulated,
    heard: Vec<Reply>,
}

impl Stage {
    fn new(peer: Simulated) -> Stage {
        Stage {
            sphere: Sphere::start(Box::new(peer.clone())).expect("a thread"),
            peer,
            heard: Vec::new(),
        }
    }

    fn play(&mut self, number: u32, start: Start<Nanos>) {
        self.sphere.ask(Command::Play(Play {
            number,
            track: "noise".into(),
            start,
            rest: Duration::from_secs(60),
        }));
    }

    /// The first reply for which `wanted` has an answer, within `most`; what came before it is kept.
    #[track_caller]
    fn wait<T>(&mut self, most: Duration, wanted: impl Fn(&Reply) -> Option<T>) -> T {
        let until = Instant::now() + most;
        while Instant::now() < until {
            for reply in self.sphere.replies() {
                self.heard.push(reply.clone());
                if let Some(found) = wanted(&reply) {
                    return found;
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("only {:?}", self.heard)
    }

    #[track_caller]
    fn rolls(&mut self, number: u32) -> Position {
        self.wait(Duration::from_secs(6), |reply| match reply {
            Reply::Rolling(of, reading) if *of == number => Some(*reading),
            _ => None,
        })
    }

    #[track_caller]
    fn fails(&mut self, number: u32) -> SphereError {
        self.wait(Duration::from_secs(5), |reply| match reply {
            Reply::Failed(of, error) if *of == number => Some(error.clone()),
            _ => None,
        })
    }

    #[track_caller]
    fn stopped(&mut self) -> Result<Position, SphereError> {
        self.wait(Duration::from_secs(5), |reply| match reply {
            Reply::Stopped(result) => Some(result.clone()),
            _ => None,
        })
    }
}

#[test]
fn playing_is_believed_once_it_was_read_back() {
    let mut stage = Stage::new(Simulated::default());
    stage.play(1, Start::Second(2.0));
    let reading = stage.rolls(1);
    assert!(reading.rolling);
    assert!((96_000..100_000).contains(&reading.frame), "{reading:?}");
}

#[test]
fn an_unknown_track_and_a_bad_position_are_errors_that_name_them() {
    let mut stage = Stage::new(Simulated::default().without("noise"));
    stage.play(1, Start::Second(0.0));
    assert_eq!(stage.fails(1), SphereError::UnknownTrack("noise".into()));
    let mut stage = Stage::new(Simulated::default());
    stage.play(1, Start::Second(1e9));
    assert!(matches!(stage.fails(1), SphereError::BadPosition(_)));
}

#[test]
fn a_stop_wins_over_a_play_that_is_tried_again() {
    let mut stage = Stage::new(Simulated::default());
    stage.peer.trouble(Trouble::Away);
    stage.play(1, Start::Second(0.0));
    stage.fails(1);
    stage.sphere.ask(Command::Stop);
    assert!(stage.stopped().is_err(), "not known to be silent");
    stage.peer.trouble(Trouble::None);
    let until = Instant::now() + Duration::from_secs(5);
    while stage.peer.seen().1.is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(stage.sphere);
    let (rolls, done) = stage.peer.seen();
    assert!(
        !rolls && done.iter().all(|verb| *verb == "stop"),
        "{done:?}"
    );
}

#[test]
fn a_stop_wins_over_a_play_that_is_under_way() {
    let mut stage = Stage::new(Simulated::default());
    stage.peer.trouble(Trouble::Slow);
    stage.play(1, Start::Second(0.0));
    std::thread::sleep(Duration::from_millis(1000));
    stage.sphere.ask(Command::Stop);
    stage.stopped().expect("silent");
    let (rolls, done) = stage.peer.seen();
    assert!(!rolls && !done.contains(&"play"), "{done:?}");
    let rolled = |reply: &Reply| matches!(reply, Reply::Rolling(..));
    assert!(!stage.heard.iter().any(rolled), "a play was told");
    assert!(stage.sphere.is_settled(), "a command that lost is answered");
}

#[test]
fn a_track_that_is_being_loaded_is_told_and_a_stop_wins_over_it() {
    let mut stage = Stage::new(Simulated::default());
    stage.peer.trouble(Trouble::Loads);
    stage.play(1, Start::Second(0.0));
    for _ in 0..3 {
        let is_told = |reply: &Reply| matches!(reply, Reply::Loading).then_some(());
        stage.wait(Duration::from_secs(5), is_told);
    }
    stage.sphere.ask(Command::Stop);
    stage.stopped().expect("silent");
    let (rolls, done) = stage.peer.seen();
    assert!(!rolls && !done.contains(&"play"), "{done:?}");
    stage.play(2, Start::Second(0.0));
    stage.peer.trouble(Trouble::None);
    stage.rolls(2);
}

#[test]
fn a_command_is_answered_once_it_was_done_and_not_while_it_waits() {
    let (commands, inbox) = channel();
    let (outbox, _replies) = channel();
    let answered = Arc::new(AtomicU64::new(0));
    let mut mailbox = Mailbox::new(inbox, outbox, answered.clone());
    for _ in 0..2 {
        commands.send(Command::Stop).expect("taken");
    }
    assert!(mailbox.has_newer());
    mailbox.settle();
    assert_eq!(answered.load(Ordering::Acquire), 1, "the older one lost");
    assert_eq!(mailbox.wait(None), Some(Command::Stop));
    mailbox.settle();
    assert_eq!(answered.load(Ordering::Acquire), 2);
}

#[test]
fn what_was_stopped_goes_on_at_its_very_frame_and_elsewhere_where_it_should_have_been() {
    let mut stage = Stage::new(Simulated::default());
    stage.play(1, Start::Second(3.0));
    stage.rolls(1);
    std::thread::sleep(Duration::from_millis(300));
    stage.sphere.ask(Command::Stop);
    let stood = stage.stopped().expect("silent");
    std::thread::sleep(Duration::from_millis(200));
    stage.play(2, Start::Stood(stood.at));
    let on = stage.rolls(2);
    let ahead = on.frame - stood.frame;
    assert!(ahead < 480, "{ahead} frames off where it stood");

    // JACK dies, and begins anew at frame 0: it goes on where the step stood.
    stage.peer.trouble(Trouble::Dead);
    stage.fails(2);
    let stood_at = Nanos::now();
    let should = on.frame + (stood_at.since(on.at).as_secs_f64() * 48_000.0) as u64;
    stage.play(3, Start::Stood(stood_at));
    std::thread::sleep(Duration::from_millis(400));
    stage.peer.trouble(Trouble::None);
    let anew = stage.rolls(3);
    assert!(anew.frame.abs_diff(should) < 480, "{anew:?}, {should}");
}

#[test]
fn a_jack_begun_anew_during_a_pause_does_not_lose_the_place() {
    let mut stage = Stage::new(Simulated::default());
    stage.play(1, Start::Second(3.0));
    let on = stage.rolls(1);
    stage.peer.trouble(Trouble::Dead);
    let stood_at = Nanos::now();
    stage.sphere.ask(Command::Stop);
    stage.stopped().expect_err("no JACK");
    stage.peer.trouble(Trouble::None);
    std::thread::sleep(Duration::from_millis(500));
    stage.play(2, Start::Stood(stood_at));
    let anew = stage.rolls(2);
    assert!(
        anew.frame.abs_diff(on.frame) < 4800,
        "{anew:?} after {on:?}"
    );
}

#[test]
fn a_silent_sphere_is_told_within_five_seconds_and_played_again_when_it_is_back() {
    for trouble in [
        Trouble::Hangs,
        Trouble::Away,
        Trouble::Dead,
        Trouble::Stopped,
    ] {
        let mut stage = Stage::new(Simulated::default());
        stage.play(1, Start::Second(0.0));
        stage.rolls(1);
        let since = Instant::now();
        stage.peer.trouble(trouble);
        stage.fails(1);
        let found = since.elapsed();
        println!("{trouble:?}: told after {found:?}");
        assert!(
            found < Duration::from_millis(4900),
            "{trouble:?}: {found:?}"
        );
        stage.play(2, Start::Stood(Nanos::now()));
        stage.fails(2);
        stage.peer.trouble(Trouble::None);
        stage.rolls(2);
    }
}

#[test]
fn what_was_lost_is_left_to_whoever_asked_for_it() {
    let mut stage = Stage::new(Simulated::default());
    stage.play(1, Start::Second(0.0));
    stage.rolls(1);
    stage.peer.trouble(Trouble::Stopped);
    stage.fails(1);
    stage.peer.trouble(Trouble::None);
    std::thread::sleep(Duration::from_millis(500));
    let (rolls, done) = stage.peer.seen();
    assert!(!rolls && done.last() == Some(&"stop"), "{done:?}");
}

#[test]
fn what_rolls_stands_before_it_goes_elsewhere() {
    let mut stage = Stage::new(Simulated::default());
    for number in [1, 2] {
        stage.play(number, Start::Second(0.0));
        stage.rolls(number);
    }
    let (_, done) = stage.peer.seen();
    assert!(
        done.ends_with(&["track", "stop", "locate", "play"]),
        "{done:?}"
    );
}

#[test]
fn a_broken_connection_that_can_be_made_anew_at_once_is_no_failure() {
    let mut stage = Stage::new(Simulated::default());
    stage.play(1, Start::Second(0.0));
    stage.rolls(1);
    for _ in 0..3 {
        stage.peer.trouble(Trouble::Broken);
        std::thread::sleep(Duration::from_millis(1200));
    }
    for reply in stage.sphere.replies() {
        assert!(matches!(reply, Reply::Read(_)), "{reply:?}");
    }
    let (_, done) = stage.peer.seen();
    let plays = done.iter().filter(|verb| **verb == "play").count();
    assert_eq!(
        plays, 4,
        "what stops it without us is armed again: {done:?}"
    );
}

#[test]
fn it_is_asked_all_the_while_so_that_a_dead_man_stays_awake() {
    let mut stage = Stage::new(Simulated::default());
    stage.play(1, Start::Second(0.0));
    stage.rolls(1);
    std::thread::sleep(Duration::from_millis(3500));
    let at = |reply: &Reply| match reply {
        Reply::Read(reading) => Some(reading.at),
        _ => None,
    };
    let asked: Vec<Nanos> = stage.sphere.replies().iter().filter_map(at).collect();
    assert!(asked.len() as u32 >= 7, "{} questions", asked.len());
    for pair in asked.windows(2) {
        assert!(pair[1].since(pair[0]) < Duration::from_secs(2));
    }
}

#[test]
fn every_end_is_a_stop_in_bounded_time() {
    let mut stage = Stage::new(Simulated::default());
    stage.play(1, Start::Second(0.0));
    stage.rolls(1);
    let peer = stage.peer.clone();
    drop(stage);
    assert!(!peer.seen().0, "it plays on");

    let mut stage = Stage::new(Simulated::default());
    stage.play(1, Start::Second(0.0));
    stage.rolls(1);
    stage.peer.trouble(Trouble::Hangs);
    std::thread::sleep(Duration::from_millis(1100));
    let since = Instant::now();
    drop(stage);
    assert!(since.elapsed() < END + Duration::from_secs(1), "{since:?}");
}

#[test]
fn what_plays_at_the_start_is_stopped() {
    let mut before = Simulated::default();
    before.play(Duration::ZERO).expect("plays");
    let stage = Stage::new(before);
    let until = Instant::now() + Duration::from_secs(5);
    while stage.peer.seen().0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!stage.peer.seen().0, "it plays on");
}
