//! The course with a simulated sphere that fails, on a clock that is set.

mod heard;

use std::sync::mpsc::channel;

use super::super::newest;
use super::*;
use crate::sphere::Start;
use crate::sphere::clock::Clock;
use crate::sphere::sim::{Simulated, Trouble};

/// A course as its thread drives it, with access to the sphere and the time.
struct Stage {
    course: Course,
    peer: Simulated,
    clock: Clock,
    /// The number of commands so far.
    sent: u64,
    /// When the next step is due.
    due: Nanos,
    heard: Vec<Reply>,
}

impl Stage {
    fn new(peer: impl Fn(Clock) -> Simulated) -> Stage {
        let clock = Clock::given();
        clock.set(Nanos(1_000_000_000));
        Stage {
            course: Course::new(clock.now(), true),
            peer: peer(clock.clone()),
            due: clock.now(),
            clock,
            sent: 0,
            heard: Vec::new(),
        }
    }

    fn ask(&mut self, command: Command) {
        self.sent += 1;
        self.due = self.clock.now();
        self.course.take_up(Asked {
            number: self.sent,
            at: self.clock.now(),
            command,
        });
    }

    fn play(&mut self, number: u32, start: Start<Nanos>) {
        self.ask(Command::Play(Play {
            number,
            track: "noise".into(),
            start,
            rest: Duration::from_secs(60),
            silent: Duration::ZERO,
        }));
    }

    /// The next step, when it is due.
    fn step(&mut self) -> Option<Reply> {
        self.clock.set(self.due.max(self.clock.now()));
        let outcome = self.course.step(self.clock.now(), &mut self.peer);
        self.due = self.clock.now() + outcome.pause.expect("it asks of its own accord");
        self.heard.extend(outcome.reply.clone());
        outcome.reply
    }

    /// Lets `time` pass.
    fn pass(&mut self, time: Duration) {
        let until = self.clock.now() + time;
        while self.due < until {
            self.step();
        }
        self.clock.set(until.max(self.clock.now()));
    }

    /// The first reply for which `wanted` has an answer, within `most`; earlier ones are kept.
    #[track_caller]
    fn wait<T>(&mut self, most: Duration, wanted: impl Fn(&Reply) -> Option<T>) -> T {
        let until = self.clock.now() + most;
        while self.due < until {
            if let Some(found) = self.step().as_ref().and_then(&wanted) {
                assert!(self.clock.now() <= until, "too late");
                return found;
            }
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
    let mut stage = Stage::new(Simulated::on);
    stage.play(1, Start::Second(2.0));
    let reading = stage.rolls(1);
    assert!(reading.rolling);
    assert!((96_000..100_000).contains(&reading.frame), "{reading:?}");
}

#[test]
fn an_unknown_track_and_a_bad_position_are_errors_that_name_them() {
    let mut stage = Stage::new(|clock| Simulated::on(clock).without("noise"));
    stage.play(1, Start::Second(0.0));
    assert_eq!(
        stage.fails(1),
        SphereError::UnknownTrack {
            track: "noise".into(),
            known: Vec::new(),
        }
    );
    let mut stage = Stage::new(Simulated::on);
    stage.play(1, Start::Second(1e9));
    assert!(matches!(stage.fails(1), SphereError::BadPosition(_)));
}

#[test]
fn a_stop_wins_over_a_play_that_is_tried_again() {
    let mut stage = Stage::new(Simulated::on);
    stage.peer.trouble(Trouble::Away);
    stage.play(1, Start::Second(0.0));
    stage.fails(1);
    stage.ask(Command::Stop);
    assert!(stage.stopped().is_err(), "not known to be silent");
    stage.peer.trouble(Trouble::None);
    stage.pass(Duration::from_secs(5));
    let (rolls, done) = stage.peer.seen();
    assert!(!rolls && done == ["stop"], "{done:?}");
}

#[test]
fn a_stop_wins_over_a_play_that_is_under_way() {
    let mut stage = Stage::new(Simulated::on);
    stage.peer.trouble(Trouble::Slow);
    stage.play(1, Start::Second(0.0));
    stage.pass(Duration::from_millis(1000));
    stage.ask(Command::Stop);
    stage.stopped().expect("silent");
    let (rolls, done) = stage.peer.seen();
    assert!(!rolls && !done.contains(&"play"), "{done:?}");
    let rolled = |reply: &Reply| matches!(reply, Reply::Rolling(..));
    assert!(!stage.heard.iter().any(rolled), "a play was reported");
    assert_eq!(
        stage.course.command(),
        (2, true),
        "a command that lost is answered"
    );
}

#[test]
fn a_track_that_is_being_loaded_is_reported_and_a_stop_wins_over_it() {
    let mut stage = Stage::new(Simulated::on);
    stage.peer.trouble(Trouble::Loads);
    stage.play(1, Start::Second(0.0));
    for _ in 0..3 {
        let is_reported = |reply: &Reply| matches!(reply, Reply::Loading).then_some(());
        stage.wait(Duration::from_secs(5), is_reported);
    }
    stage.ask(Command::Stop);
    stage.stopped().expect("silent");
    let (rolls, done) = stage.peer.seen();
    assert!(!rolls && !done.contains(&"play"), "{done:?}");
    stage.play(2, Start::Second(0.0));
    stage.peer.trouble(Trouble::None);
    stage.rolls(2);
}

#[test]
fn what_was_stopped_goes_on_at_the_same_frame_or_else_where_it_should_have_been() {
    let mut stage = Stage::new(Simulated::on);
    stage.play(1, Start::Second(3.0));
    stage.rolls(1);
    stage.pass(Duration::from_millis(300));
    stage.ask(Command::Stop);
    let stood = stage.stopped().expect("silent");
    stage.pass(Duration::from_millis(200));
    stage.play(2, Start::Stood(stood.at));
    let on = stage.rolls(2);
    let ahead = on.frame - stood.frame;
    assert!(ahead < 480, "{ahead} frames off where it stood");

    // JACK dies and starts again at frame 0: it goes on where the step was.
    stage.peer.trouble(Trouble::Dead);
    stage.fails(2);
    let stood_at = stage.clock.now();
    let should = on.frame + (stood_at.since(on.at).as_secs_f64() * 48_000.0) as u64;
    stage.play(3, Start::Stood(stood_at));
    stage.pass(Duration::from_millis(400));
    stage.peer.trouble(Trouble::None);
    let anew = stage.rolls(3);
    assert!(anew.frame.abs_diff(should) < 480, "{anew:?}, {should}");
}

#[test]
fn a_jack_restarted_during_a_pause_does_not_lose_the_place() {
    let mut stage = Stage::new(Simulated::on);
    stage.play(1, Start::Second(3.0));
    let on = stage.rolls(1);
    stage.peer.trouble(Trouble::Dead);
    let stood_at = stage.clock.now();
    stage.ask(Command::Stop);
    stage.stopped().expect_err("no JACK");
    stage.peer.trouble(Trouble::None);
    stage.pass(Duration::from_millis(500));
    stage.play(2, Start::Stood(stood_at));
    let anew = stage.rolls(2);
    assert!(
        anew.frame.abs_diff(on.frame) < 4800,
        "{anew:?} after {on:?}"
    );
}

#[test]
fn a_silent_sphere_is_reported_within_five_seconds_and_played_again_when_it_is_back() {
    for trouble in [
        Trouble::Hangs,
        Trouble::Away,
        Trouble::Dead,
        Trouble::Stopped,
    ] {
        let mut stage = Stage::new(Simulated::on);
        stage.play(1, Start::Second(0.0));
        stage.rolls(1);
        let since = stage.clock.now();
        stage.peer.trouble(trouble);
        stage.fails(1);
        let found = stage.clock.now().since(since);
        println!("{trouble:?}: reported after {found:?}");
        assert!(
            found < Duration::from_millis(4900),
            "{trouble:?}: {found:?}"
        );
        let now = stage.clock.now();
        stage.play(2, Start::Stood(now));
        stage.fails(2);
        stage.peer.trouble(Trouble::None);
        stage.rolls(2);
    }
}

#[test]
fn what_was_lost_is_left_to_the_caller() {
    let mut stage = Stage::new(Simulated::on);
    stage.play(1, Start::Second(0.0));
    stage.rolls(1);
    stage.peer.trouble(Trouble::Stopped);
    stage.fails(1);
    stage.peer.trouble(Trouble::None);
    stage.pass(Duration::from_millis(500));
    let (rolls, done) = stage.peer.seen();
    assert!(!rolls && done.last() == Some(&"stop"), "{done:?}");
}

#[test]
fn what_rolls_stands_before_it_goes_elsewhere() {
    let mut stage = Stage::new(Simulated::on);
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
fn a_broken_connection_that_can_be_renewed_at_once_is_no_failure() {
    let mut stage = Stage::new(Simulated::on);
    stage.play(1, Start::Second(0.0));
    stage.rolls(1);
    stage.heard.clear();
    for _ in 0..3 {
        stage.peer.trouble(Trouble::Broken);
        stage.pass(Duration::from_millis(1200));
    }
    for reply in &stage.heard {
        assert!(matches!(reply, Reply::Read(..)), "{reply:?}");
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
    let mut stage = Stage::new(Simulated::on);
    stage.play(1, Start::Second(0.0));
    stage.rolls(1);
    stage.pass(Duration::from_millis(3500));
    let at = |reply: &Reply| match reply {
        Reply::Read(reading, _) => Some(reading.at),
        _ => None,
    };
    let asked: Vec<Nanos> = stage.heard.iter().filter_map(at).collect();
    assert!(asked.len() as u32 >= 7, "{} questions", asked.len());
    for pair in asked.windows(2) {
        assert!(pair[1].since(pair[0]) < Duration::from_secs(2));
    }
}

#[test]
fn a_command_is_answered_once_it_was_done_and_not_while_it_waits() {
    let mut stage = Stage::new(Simulated::on);
    let (commands, inbox) = channel();
    for number in [1, 2] {
        let (at, command) = (stage.clock.now(), Command::Stop);
        commands
            .send(Asked {
                number,
                at,
                command,
            })
            .expect("taken");
    }
    let asked = newest(&inbox, None).ok().flatten().expect("a command");
    stage.course.take_up(asked);
    assert_eq!(stage.course.command(), (2, false), "the older one lost");
    stage.step();
    assert_eq!(stage.course.command(), (2, true));
}

#[test]
fn what_plays_at_the_start_is_stopped() {
    let mut stage = Stage::new(|clock| {
        let mut before = Simulated::on(clock);
        before.play(Duration::ZERO).expect("plays");
        before
    });
    stage.step();
    assert!(!stage.peer.seen().0, "it plays on");
}
