//! The session by its events and actions; the booth around it is played by [`Room`].

mod consents;
mod faults;
mod limits;
mod menu;
mod random;
mod sphere;
mod takes;
mod visits;
mod withdrawals;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::event::NoLine;
use super::scene::{Intro, Paused};
use super::visitor::Expected;
use super::*;
use crate::corpus::prompter::Prompt;
use crate::rt::Nanos;
use crate::words::{Button, CaptureFrame, FaultKind, Frame0, SessionFrame};
use sphere::Loudspeakers;

const RATE: u32 = 1000;

const PROTOCOL: &str = r#"
name = "test"
idle_s = 60
[[step]]
name = "read"
kind = "read"
seconds = 20
[[step]]
name = "noise"
kind = "quiet"
seconds = 5
sphere = { track = "noise", length_s = 100, locate_s = "random" }
[[step]]
name = "talk"
kind = "free"
seconds = 8
"#;

fn locale(language: &str) -> Arc<Locale> {
    let corpus = config::Corpus::default();
    Arc::new(Locale::load(language, &corpus).expect("embedded"))
}

fn session(mode: config::Mode, sphere: bool) -> Session {
    let protocol = Protocol::parse("test.toml", PROTOCOL).expect("a valid protocol");
    let take = config::Take {
        mode,
        max_s: 4,
        segment_s: 3,
        ..config::Take::default()
    };
    let rules = Rules {
        rate: RATE,
        take,
        locale: locale("fr"),
        pages: Vec::new(),
        sphere,
        seed: 7,
        buttons: Button::ALL.to_vec(),
        sealed: false,
        device_grace_s: 2,
        resume_min: 10,
    };
    Session::new(Arc::new(protocol), rules, None)
}

fn dry(reason: &str, is_replaced: bool) -> NoLine {
    NoLine {
        reason: reason.into(),
        is_replaced,
    }
}

/// Where frame 0 lies of a session that begins at this frame.
fn begins_at(frame: CaptureFrame) -> Frame0 {
    Frame0::of(frame, SessionFrame(0))
}

/// Recorder, clerk and sphere as the session sees them; checks each action as it comes.
struct Room {
    session: Session,
    frame: CaptureFrame,
    begun: BTreeMap<u32, Begin>,
    ended: BTreeMap<u32, End>,
    due: Vec<(CaptureFrame, Event)>,
    next_ticket: u64,
    done: BTreeSet<u64>,
    request: u32,
    sessions: u32,
    closed: u32,
    notes: u32,
    forgotten: Vec<By>,
    listed: u32,
    expected: Vec<Option<Arc<str>>>,
    sphere: Loudspeakers,
    /// No line can be had, and why.
    dry: Option<NoLine>,
}

impl Room {
    fn new(mode: config::Mode) -> Room {
        Room {
            session: session(mode, true),
            frame: CaptureFrame(5000),
            begun: BTreeMap::new(),
            ended: BTreeMap::new(),
            due: Vec::new(),
            next_ticket: 0,
            done: BTreeSet::new(),
            request: 0,
            sessions: 0,
            closed: 0,
            notes: 0,
            forgotten: Vec::new(),
            listed: 0,
            expected: Vec::new(),
            sphere: Loudspeakers::playing(),
            dry: None,
        }
    }

    /// One whose visitors are asked for consent, on two pages.
    fn asking() -> Room {
        let mut room = Room::new(config::Mode::Auto);
        room.session.rules.pages = vec!["one".into(), "two".into()];
        room
    }

    /// From attract through consent.
    fn consent(&mut self) {
        self.press(Button::Go, 0);
        for _ in 1..self.session.rules.pages.len() {
            self.press(Button::Go, 0);
        }
        self.press(Button::Go, 1000);
        self.wait(20);
    }

    fn send(&mut self, event: Event) {
        let mut actions = Vec::new();
        let at = Nanos(self.frame.0 * 1_000_000);
        self.session.step(
            Stamp {
                at,
                frame: self.frame,
            },
            event,
            &mut actions,
        );
        for action in actions {
            self.perform(action);
        }
        let plays = matches!(
            self.session.state,
            State::Running(_)
                | State::Intro(Intro {
                    pressed: Some(_),
                    ..
                })
                | State::Paused(Paused { resuming: true })
        );
        assert!(
            plays || !self.sphere.is_wanted(),
            "it plays to nobody in {:?}",
            self.session.state
        );
        let deaf = self
            .session
            .faults
            .standing
            .contains_key(&FaultKind::Device);
        assert!(
            !deaf || !self.session.steps.timer.is_running(),
            "time runs without a device"
        );
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Open => {
                assert!(
                    self.begun.len() == self.ended.len(),
                    "a session begins with a take open"
                );
                assert!(self.session.frame0() <= begins_at(self.frame));
                self.begun.clear();
                self.ended.clear();
                self.sessions += 1;
            }
            Action::Begin(begin) => {
                assert_eq!(self.begun.len(), self.ended.len(), "two takes run at once");
                assert!(begins_at(begin.start_frame) >= self.session.frame0());
                let rolls = self.sphere.rolls && self.sphere.is_wanted();
                assert!(
                    begin.of.track.is_none() || rolls,
                    "a take before the sphere rolls"
                );
                let ended = self.ended.values().map(|end| end.end_mark);
                assert!(
                    ended.max().is_none_or(|end| begin.start_mark >= end),
                    "a take begins before the end of the one before it"
                );
                assert!(
                    self.begun.insert(begin.of.take, *begin).is_none(),
                    "a number given twice"
                );
            }
            Action::End(end) => {
                assert!(
                    self.begun.contains_key(&end.of.take),
                    "a take ended that never began"
                );
                assert!(end.start_mark <= end.end_mark && end.end_mark <= end.end_frame);
                self.due.push((
                    end.end_frame.max(self.frame) + 5,
                    Event::Stored(end.of.take),
                ));
                assert!(
                    self.ended.insert(end.of.take, *end).is_none(),
                    "a take ended twice"
                );
            }
            Action::Ask(Ask::WantLines { request, .. }) => {
                self.request = request;
                self.next_ticket = self.done.last().map_or(0, |ticket| ticket + 1);
                for _ in 0..16 {
                    self.give_line();
                }
            }
            Action::Ask(Ask::WantLine) => self.give_line(),
            Action::Ask(Ask::LineDone(ticket)) => {
                self.done.insert(ticket);
            }
            Action::Play {
                play, start, rest, ..
            } => self.sphere.play(play, start, rest, self.frame),
            Action::Silence => self.sphere.silence(self.frame),
            Action::Forget(by) => {
                self.forgotten.push(by);
                assert_eq!(
                    self.begun.len(),
                    self.ended.len(),
                    "erased with a take open"
                );
                self.due
                    .retain(|(_, event)| !matches!(event, Event::Stored(_)));
                self.due
                    .push((self.frame + 30, Event::News(News::Forgotten)));
            }
            Action::Ask(Ask::Close(_)) => {
                assert_eq!(self.begun.len(), self.ended.len());
                self.closed += 1;
            }
            Action::Amend(take, judged) => {
                let end = self.ended.get_mut(&take);
                end.expect("a take that ended").judged = judged;
            }
            Action::Ask(Ask::Note(..)) => self.notes += 1,
            Action::Ask(Ask::ListPending) => self.listed += 1,
            Action::Expect(number) => self.expected.push(number),
            Action::Resume(_) | Action::Ask(Ask::Decline) | Action::MayEnd(..) => {}
        }
    }

    fn give_line(&mut self) {
        if let Some(why) = self.dry.clone() {
            let event = Event::News(News::NoLine(why));
            self.due.push((self.frame + 1, event));
            return;
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let text = format!("line {ticket}").into();
        let line = Prompt {
            ticket,
            number: ticket + 1,
            id: None,
            text,
        };
        self.due
            .push((self.frame + 1, Event::News(News::Line(self.request, line))));
    }

    /// Lets `frames` go by in ticks of ten.
    fn wait(&mut self, frames: u64) {
        let end = self.frame + frames;
        while self.frame < end {
            self.frame = (self.frame + 10).min(end);
            let now = self.frame;
            let due: Vec<_> = self
                .due
                .extract_if(.., |(frame, _)| *frame <= now)
                .collect();
            for (_, event) in due {
                self.send(event);
            }
            if let Some(event) = self.sphere.turn(now) {
                self.send(event);
            }
            self.send(Event::Tick);
        }
    }

    fn press(&mut self, button: Button, held: u64) {
        let paused = self.session.screen_name() == ScreenName::Paused;
        let left = self.session.steps.timer.left_at(self.frame);
        self.send(Event::Edge(button, true));
        if held > 0 {
            self.wait(held);
        }
        self.send(Event::Edge(button, false));
        if paused && self.session.screen_name() == ScreenName::Paused {
            assert_eq!(
                self.session.steps.timer.left_at(self.frame),
                left,
                "the timer ran in a pause"
            );
        }
    }

    /// A keeper's hands: all buttons down, the first one first, for so long.
    fn press_all(&mut self, first: Button, held: u64) {
        let others = Button::ALL.into_iter().filter(|button| *button != first);
        let all: Vec<_> = [first].into_iter().chain(others).collect();
        for button in &all {
            self.send(Event::Edge(*button, true));
            self.wait(50);
        }
        self.wait(held);
        for button in &all {
            self.send(Event::Edge(*button, false));
        }
    }

    /// The lines of the takes so far, by number, with how often each was taken.
    fn readings(&self) -> Vec<(u64, u32)> {
        let lines = self.begun.values().filter_map(|begin| {
            let number = begin.of.line.as_ref()?.number;
            Some((number, begin.of.version))
        });
        lines.collect()
    }

    fn go_to_reading(&mut self) {
        self.press(Button::Go, 0);
        self.wait(20);
        self.press(Button::Go, 0);
        self.wait(10);
        assert_eq!(self.session.screen_name(), ScreenName::Reading);
    }
}
