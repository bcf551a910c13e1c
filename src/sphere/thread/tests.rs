//! The thread with a sphere, and its end.

use std::time::Instant;

use super::*;
use crate::sphere::sim::Simulated;
use crate::sphere::sound::Sound;

/// A sphere whose calls do not return until the test is over.
struct Never(Receiver<()>);

impl Never {
    fn call<T>(&self) -> Result<T, SphereError> {
        // The end of the channel is the answer.
        let _ = self.0.recv();
        Err(SphereError::Simulated("no answer"))
    }
}

impl Peer for Never {
    fn connect(&mut self) -> Result<(), SphereError> {
        self.call()
    }

    fn load_further(&mut self, _: &str) -> Result<bool, SphereError> {
        self.call()
    }

    fn locate(&mut self, _: u32) -> Result<(), SphereError> {
        self.call()
    }

    fn play(&mut self, _: Duration) -> Result<(), SphereError> {
        self.call()
    }

    fn stop(&mut self) -> Result<(), SphereError> {
        self.call()
    }

    fn position(&mut self) -> Result<Position, SphereError> {
        self.call()
    }

    fn hear(&mut self) -> Result<Option<Sound>, SphereError> {
        self.call()
    }
}

fn play() -> Command {
    Command::Play(Play {
        number: 1,
        track: "noise".into(),
        start: Start::Second(2.0),
        rest: Duration::from_secs(60),
        silent: Duration::ZERO,
    })
}

/// A thread on a given clock.
fn lockstep() -> Sphere {
    let clock = Clock::given();
    let peer = Simulated::on(clock.clone());
    Sphere::start_on(clock, Box::new(peer)).expect("a thread")
}

/// Waits until every command was answered.
#[track_caller]
fn settle(sphere: &Sphere) {
    let until = Instant::now() + Duration::from_secs(5);
    while !sphere.is_settled() {
        assert!(Instant::now() < until, "no answer");
        std::thread::yield_now();
    }
}

fn later(at: Nanos, ms: u64) -> Nanos {
    at + Duration::from_millis(ms)
}

#[test]
fn a_thread_that_hangs_in_a_call_is_reported_once_within_5_s_of_each_command() {
    let (over, call) = channel();
    let mut sphere = Sphere::start(Box::new(Never(call))).expect("a thread");
    assert!(
        sphere.reply(Nanos(60_000_000_000)).is_none(),
        "nothing was asked"
    );
    for (at, command) in [(Nanos(0), play()), (Nanos(9_000_000_000), Command::Stop)] {
        sphere.ask(command, at);
        assert!(sphere.reply(later(at, 4400)).is_none(), "not yet");
        let reply = sphere.reply(later(at, 4600));
        assert!(
            matches!(
                (at.0, &reply),
                (0, Some(Reply::Failed(1, SphereError::NoAnswer)))
                    | (1.., Some(Reply::Stopped(Err(SphereError::NoAnswer))))
            ),
            "{reply:?}"
        );
        assert!(sphere.reply(later(at, 8000)).is_none(), "reported twice");
    }
    assert!(!sphere.is_ended());
    drop(over);
}

#[test]
fn each_command_is_done_at_the_time_it_is_given() {
    let mut sphere = lockstep();
    for at in [Nanos(5_000_000_000), Nanos(5_010_000_000)] {
        sphere.ask(play(), at);
        settle(&sphere);
        let reply = sphere.reply(at);
        let Some(Reply::Rolling(1, reading)) = reply else {
            panic!("{reply:?}")
        };
        assert_eq!((reading.at, reading.frame), (at, 96_000));
        assert!(
            sphere.reply(later(at, 60_000)).is_none(),
            "a fast run waits"
        );
    }
}

#[test]
fn an_answer_to_an_older_command_is_dropped_but_that_it_stopped() {
    let mut sphere = lockstep();
    for (ms, command) in [play(), Command::Stop, play()].into_iter().enumerate() {
        sphere.ask(command, Nanos(1_000_000 * ms as u64));
        settle(&sphere);
    }
    let mut replies = std::iter::from_fn(|| sphere.reply(Nanos(0)));
    assert!(matches!(replies.next(), Some(Reply::Stopped(Ok(_)))));
    assert!(matches!(replies.next(), Some(Reply::Rolling(1, _))));
    assert!(replies.next().is_none());
}

#[test]
fn what_the_thread_knows_comes_with_each_answer() {
    let mut sphere = lockstep();
    let at = Nanos(1_000_000_000);
    sphere.ask(play(), at);
    settle(&sphere);
    assert_eq!(sphere.known().line.at(at), None, "not answered yet");
    sphere.reply(at).expect("it rolls");
    assert_eq!(&*sphere.known().track, "noise");
    let mapped = sphere.known().line.at(later(at, 500)).expect("it rolls");
    assert_eq!(mapped.frame, 120_000);
    sphere.ask(Command::Stop, later(at, 1000));
    settle(&sphere);
    sphere.reply(at).expect("it stands");
    let line = &sphere.known().line;
    assert!(line.at(later(at, 1000)).is_some(), "it rolled until then");
    assert_eq!(line.at(later(at, 1001)), None);
}

#[test]
fn every_end_is_a_stop_in_bounded_time() {
    let clock = Clock::given();
    let peer = Simulated::on(clock.clone());
    let mut sphere = Sphere::start_on(clock, Box::new(peer.clone())).expect("a thread");
    sphere.ask(play(), Nanos(0));
    settle(&sphere);
    assert!(peer.seen().0, "it plays");
    drop(sphere);
    assert!(!peer.seen().0, "it plays on");

    let (over, call) = channel();
    let mut sphere = Sphere::start(Box::new(Never(call))).expect("a thread");
    let since = Instant::now();
    sphere.end(Duration::from_millis(50));
    assert!(since.elapsed() < END, "a thread that hangs is not awaited");
    drop(over);
}
