//! The pure core: what a press, a second or a fault means. Events in, actions out.
//!
//! Guarantees: nothing is opened before consent; every take begun ends exactly once; no line is lost
//! or repeated without a press; the timer never runs while paused; every state has a way out. It
//! reads no clock, no file and no device: time is an argument, in frames of the capture clock.
//!
//! What is on the screen and what a button means there stands in `scene`, a file for each.

mod clock;
mod deadlines;
mod disk_room;
pub mod event;
mod faults;
mod hasty;
mod lines;
mod offer;
mod presses;
pub mod protocol;
mod scene;
mod sphere;
mod steps;
mod takes;
pub mod timer;
mod view;
mod visitor;

use std::sync::Arc;

pub use crate::words::By;
pub use event::{Action, Ask, Begin, End, Event, News, Stamp};

use crate::config;
use crate::lang::Locale;
use crate::words::{Button, CaptureFrame, Ended, Frame0, Note, ScreenName, SessionFrame, Verdict};
use clock::Clock;
use faults::Faults;
use lines::Lines;
use offer::Offer;
use presses::Hands;
use protocol::Protocol;
use scene::{Attract, Stage, State};
use sphere::Sounds;
use steps::Steps;
use takes::Takes;
use visitor::Visitor;

/// What the session is given once.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Frames per second.
    pub rate: u32,
    /// How takes are cut.
    pub take: config::Take,
    /// The language of the texts.
    pub locale: Arc<Locale>,
    /// The consent text, cut into pages that the panel holds; empty: no one is asked.
    pub pages: Vec<Arc<str>>,
    /// Whether there is a sphere; without one its cues are passed over.
    pub sphere: bool,
    /// Draws the sphere's start positions: another one at each program start, but under a script.
    pub seed: u64,
    /// The buttons of the box.
    pub buttons: Vec<Button>,
    /// Whether takes are sealed once they are finished.
    pub sealed: bool,
    /// How long a take goes on in silence without its device, seconds.
    pub device_grace_s: u32,
    /// For how long from the program's start a session cut by a crash is offered, minutes; 0: never.
    pub resume_min: u32,
}

/// The session of one visitor after the other.
#[derive(Debug)]
pub struct Session {
    protocol: Arc<Protocol>,
    rules: Rules,
    state: State,
    faults: Faults,
    /// Seconds of recording that the disk has room for.
    room_s: u64,
    clock: Clock,
    steps: Steps,
    hands: Hands,
    lines: Lines,
    takes: Takes,
    sounds: Sounds,
    visitor: Visitor,
    /// A session cut by a crash.
    offer: Option<Offer>,
    last_screen: Option<ScreenName>,
}

impl Session {
    /// A booth that waits for its first visitor; one who is `expected`, by number, was enrolled, and
    /// their code is not shown.
    #[must_use]
    pub fn new(protocol: Arc<Protocol>, rules: Rules, expected: Option<Arc<str>>) -> Session {
        let plays = rules.sphere && protocol.steps.iter().any(|it| it.sphere.is_some());
        Session {
            protocol,
            rules,
            state: State::Attract(Attract),
            faults: Faults::default(),
            room_s: u64::MAX,
            clock: Clock::default(),
            steps: Steps::default(),
            hands: Hands::default(),
            lines: Lines::default(),
            takes: Takes::default(),
            sounds: Sounds::new(plays),
            visitor: Visitor::expected(expected),
            offer: None,
            last_screen: None,
        }
    }

    /// Handles one event at `now`, deadlines up to then first, in order of time.
    pub fn step(&mut self, now: Stamp, event: Event, actions: &mut Vec<Action>) {
        self.pass(now.frame, actions);
        match event {
            Event::Tick => {}
            Event::Edge(button, true) => self.down(button, now.frame, actions),
            Event::Edge(button, false) => self.up(button, now.frame, actions),
            Event::News(news) => self.news(news, now.frame, actions),
            Event::Stored(take) => self.stored(take, now.frame, actions),
            Event::Failed(take, reason) => self.failed(take, reason, now.frame, actions),
            Event::Rolling(play) => self.rolling(play, now.frame, actions),
            Event::SphereFailed(play, reason) => {
                self.sphere_failed(play, reason, now.frame, actions);
            }
            Event::Silenced(result) => self.silenced(result, now.frame, actions),
            Event::Fault(kind, text) => self.fault(kind, text, now.frame, actions),
            Event::Cleared(kind) => self.cleared(kind, now.frame, actions),
            Event::Room(seconds) => self.room(seconds, now.frame, actions),
            Event::Slow(slow) => self.slow(slow, now.frame, actions),
            Event::Pending(numbers) => self.list(numbers),
            Event::NoMorePresses => self.hurry(now.frame, actions),
            Event::Shutdown => self.shutdown(now.frame, actions),
        }
        self.pass(now.frame, actions);
        self.want_lines(actions);
        self.note_screen(now.frame, actions);
    }

    fn news(&mut self, news: News, frame: CaptureFrame, actions: &mut Vec<Action>) {
        match news {
            News::Line(request, line) => self.line(request, line, frame, actions),
            News::NoLine(why) => self.no_line(why, frame, actions),
            News::Withdrawn => self.withdrawn(frame, actions),
            News::Forgotten => self.forgotten(frame),
            News::Offer(session) => self.offer(*session, frame, actions),
            News::Retracted => self.retract(),
        }
    }

    /// Whether nothing is under way: no visitor, no take, no row to come.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.facts().stage == Stage::Waiting && self.takes.are_settled()
    }

    /// Whether no session is open: no visitor is here, or none has consented yet.
    #[must_use]
    pub fn is_vacant(&self) -> bool {
        self.facts().stage.is_vacant()
    }

    /// Whether the present screen is one that shows the withdrawal code.
    #[must_use]
    pub fn shows_code(&self) -> bool {
        self.visitor.shows_code
            && matches!(self.screen_name(), ScreenName::Code | ScreenName::Thanks)
    }

    /// Whether no one is here who could answer a fault.
    fn is_unattended(&self) -> bool {
        self.facts().stage.is_unattended()
    }

    /// The text that will be shown next, to be laid out ahead.
    #[must_use]
    pub fn upcoming(&self) -> Option<&Arc<str>> {
        self.lines.ahead.front().map(|line| &line.text)
    }

    /// Where the session's frame 0 lies on the capture clock.
    #[must_use]
    pub fn frame0(&self) -> Frame0 {
        self.clock.frame0
    }

    /// A capture frame on the session's clock.
    #[must_use]
    pub fn in_session(&self, frame: CaptureFrame) -> SessionFrame {
        self.clock.frame0.in_session(frame)
    }

    fn frames(&self, millis: u32) -> u64 {
        u64::from(millis) * u64::from(self.rules.rate) / 1000
    }

    fn plan(&self) -> &protocol::Step {
        &self.protocol.steps[self.steps.at]
    }

    fn note(&self, frame: CaptureFrame, note: Note, actions: &mut Vec<Action>) {
        actions.push(Action::Ask(Ask::Note(self.in_session(frame), note)));
    }

    fn note_screen(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let name = self.screen_name();
        if self.last_screen != Some(name) {
            self.last_screen = Some(name);
            if !self.is_vacant() {
                self.note(frame, Note::Screen { name }, actions);
            }
        }
    }

    /// No press will come any more: what waits for a visitor does not linger.
    fn hurry(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.hands.hurry = true;
        self.decline(actions);
        self.act(|scene, session| scene.hurry(session, frame));
    }

    /// What is offered is offered again at the next start.
    fn shutdown(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.hands.held = None;
        self.end_take(Verdict::Aborted, frame, None, actions);
        self.act(|scene, session| scene.shutdown(session, frame, actions));
        if !self.is_unattended() {
            self.end_session(Ended::Stopped, frame, actions);
            self.act(|scene, session| scene.shutdown(session, frame, actions));
        }
    }
}

#[cfg(test)]
mod tests;
