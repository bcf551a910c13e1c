//! Random verbs, tracks and trouble: whatever the booth says of the sphere agrees with a client that
//! is not ours and listens.

use std::time::Duration;

use booth::rt::Nanos;
use booth::sphere::{Command, Play, Reply, Sphere as Commanded, Start};

use super::start;
use crate::common::lateness::Lateness;
use crate::common::random::Random;
use crate::common::sphere::ear::Ear;
use crate::common::sphere::ladish::Switch;
use crate::common::sphere::{HOUSE, Kind, STUDIO, Sphere};

/// What follows a reply is heard in this time.
const WINDOW: Duration = Duration::from_millis(400);
/// The listener has joined a new JACK by then.
const JOINED: Duration = Duration::from_secs(3);
/// What plays no more is found in this time.
const FOUND: Duration = Duration::from_secs(5);
const TRACKS: [&str; 3] = [STUDIO, "other", HOUSE];

fn verbs() -> usize {
    if std::env::var_os("BOOTH_TEST_LONG").is_some() {
        500
    } else {
        16
    }
}

/// What the booth said.
#[derive(Debug, PartialEq)]
enum Said {
    Rolling,
    Failed(String),
    Stopped,
}

struct Trial<'a> {
    sphere: &'a Sphere,
    commanded: Commanded,
    ear: Ear,
    random: Random,
    plays: u32,
    late: Lateness,
}

impl Trial<'_> {
    /// Something goes wrong, or is mended.
    fn trouble(&mut self) {
        let sphere = self.sphere;
        let seconds = self.random.below(15) as f64 / 10.0;
        let which = self.random.below(10);
        match which {
            0 => sphere.switch_to(Switch::JackStarts, seconds),
            1 => sphere.switch_to(Switch::JackStops, seconds),
            2 => sphere.switch_to(Switch::LoadWaits, seconds),
            3 => sphere.switch_to(Switch::PlayerComes, seconds),
            4 => sphere.switch_to(Switch::PlayerEnds, seconds),
            5 if sphere.has_daemon() => sphere.daemon_is_killed(),
            6 if sphere.has_jack() => sphere.jack_ends(),
            7 => sphere.signal_players("KILL"),
            _ => {
                for switch in [
                    Switch::JackStarts,
                    Switch::JackStops,
                    Switch::LoadWaits,
                    Switch::PlayerComes,
                    Switch::PlayerEnds,
                ] {
                    sphere.switch_off(switch);
                }
            }
        }
    }

    fn play(&mut self) {
        self.plays += 1;
        let track = TRACKS[self.random.below(3) as usize];
        let play = Play {
            number: self.plays,
            track: track.into(),
            start: Start::Second(self.random.below(100) as f64),
            rest: Duration::from_secs(600),
            silent: Duration::ZERO,
        };
        self.commanded.ask(Command::Play(play), Nanos::now());
    }

    /// The next thing that is said about sound, within `most`.
    fn said(&mut self, most: Duration) -> Option<Said> {
        let began = self.late.elapsed();
        loop {
            match self.commanded.reply(Nanos::now()) {
                Some(Reply::Rolling(number, _)) if number == self.plays => {
                    return Some(Said::Rolling);
                }
                Some(Reply::Failed(number, error)) if number == self.plays => {
                    return Some(Said::Failed(error.to_string()));
                }
                Some(Reply::Stopped(Ok(_))) => return Some(Said::Stopped),
                Some(_) => {}
                None if self.late.elapsed() - began > most => return None,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// One verb, and what is heard of what is said of it.
    fn turn(&mut self, turn: usize) {
        self.trouble();
        if self.random.below(4) == 0 {
            self.commanded.ask(Command::Stop, Nanos::now());
            if self.said(Duration::from_secs(10)) == Some(Said::Stopped) {
                std::thread::sleep(WINDOW / 2);
                assert!(
                    !self.ear.hears(WINDOW),
                    "turn {turn}: stopped, and it sounds"
                );
            }
            return;
        }
        self.play();
        // What cannot be done at once is said, and tried again until it can.
        let mut failures = Vec::new();
        loop {
            match self.said(Duration::from_secs(60)) {
                Some(Said::Rolling) => break,
                Some(Said::Failed(error)) if failures.len() < 5 => {
                    failures.push(error);
                }
                said => panic!("turn {turn}: {said:?} after {failures:?}"),
            }
        }
        println!("turn {turn}: rolling; before: {failures:?}");
        // The listener too has to join a new JACK first.
        self.ear.hears_within(JOINED);
        if self.random.below(4) == 0 {
            self.trouble_while_it_plays(turn);
        }
    }

    fn trouble_while_it_plays(&mut self, turn: usize) {
        self.trouble();
        let said = self.said(FOUND + 2 * self.late.worst());
        match said {
            None => {
                println!("turn {turn}: it plays on, as far as is said");
                self.ear.hears_within(JOINED);
            }
            Some(Said::Failed(_)) => {
                assert!(self.commanded.known().looks.are_lost());
            }
            said => panic!("turn {turn}: {said:?}"),
        }
    }
}

#[test]
fn what_is_said_agrees_with_what_is_heard_whatever_happens() {
    for kind in [Kind::Helper, Kind::Plain] {
        let (_alone, sphere) = start(kind);
        let mut trial = Trial {
            commanded: Commanded::start(booth::sphere::remote(&sphere.config())).unwrap(),
            ear: sphere.ear(),
            sphere: &sphere,
            random: Random::new(),
            plays: 0,
            late: Lateness::watch(),
        };
        for turn in 0..verbs() / 2 {
            trial.turn(turn);
        }
        println!("{kind:?}: {} verbs agree with what is heard", verbs() / 2);
    }
}
