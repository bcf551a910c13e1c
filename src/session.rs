//! The pure core: what a press, a second or a fault means. Events in, actions out.
//!
//! Guarantees: nothing is opened before consent; every take begun ends exactly once; no line is lost or repeated without a press; the
//! timer never runs while paused; every state has a way out. It reads no clock, no file and no
//! device: time is an argument, in frames of the capture clock.

mod consent;
mod deadlines;
pub mod event;
mod faults;
mod menu;
mod offer;
mod presses;
pub mod protocol;
mod room;
mod sphere;
mod steps;
mod takes;
pub mod timer;
mod view;
mod withdraw;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub use crate::words::By;
pub use event::{Action, Begin, End, Event, PlayFrom, Stamp};

use crate::config;
use crate::corpus::prompter::Prompt;
use crate::lang::Locale;
use crate::words::{Button, Ended, FaultKind, Note, ScreenName, Verdict};
use menu::Expected;
use offer::Offer;
use protocol::Protocol;
use sphere::Sounds;
use takes::{Previous, Unstored};
use timer::Timer;

/// How long `over` is shown, milliseconds.
const OVER_MS: u32 = 2500;
/// How long `thanks` is shown to a visitor, and when nobody will press any more, milliseconds.
const THANKS_MS: u32 = 30_000;
const THANKS_BRIEF_MS: u32 = 3000;

/// What the session is told once.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Frames per second.
    pub rate: u32,
    /// How takes are cut.
    pub take: config::Take,
    /// The language of the texts.
    pub locale: Arc<Locale>,
    /// The consent text, cut into pages that the panel holds; none: nobody is asked.
    pub pages: Vec<Arc<str>>,
    /// Whether there is a sphere; without one its cues are passed over.
    pub sphere: bool,
    /// Draws the sphere's start positions: another one at each program start, but under a script.
    pub seed: u64,
    /// Whether takes are sealed once they are finished.
    pub sealed: bool,
    /// How long a take goes on in silence without its device, seconds.
    pub device_grace_s: u32,
    /// For how long from the program's start a session cut by a crash is offered, minutes.
    pub resume_min: u32,
}

/// Where the session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Attract,
    /// Whether a session cut by a crash goes on; asked by itself, or because somebody `pressed`.
    Asked {
        until: u64,
        pressed: bool,
    },
    /// A keeper chooses who comes next, among those who were enrolled.
    Menu {
        at: usize,
    },
    Consent {
        page: usize,
    },
    /// The withdrawal code, until it is confirmed.
    Code,
    Intro(Cue),
    Running,
    /// `resuming`: the sphere is asked to go on first.
    Paused {
        resuming: bool,
    },
    /// The device is gone; the running take goes on in silence up to `grace_until`.
    Interrupted {
        grace_until: u64,
    },
    Over {
        until: u64,
    },
    /// Whether everything is to be erased; `back` is where the session stands meanwhile.
    Withdraw {
        since: u64,
        back: Box<State>,
    },
    Thanks {
        until: u64,
        ended: Ended,
    },
    /// The erasure is awaited.
    Erasing {
        unwatched: bool,
    },
    Erased {
        until: u64,
    },
}

/// How far the sphere is with what the step needs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cue {
    Idle,
    Preparing { pressed: u64 },
}

/// The line on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    line: Prompt,
    version: u32,
    frame: u64,
}

/// A button that is down and acts on release or when it was held long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    button: Button,
    since: u64,
}

/// The session of one visitor after the other.
#[derive(Debug)]
pub struct Session {
    protocol: Arc<Protocol>,
    rules: Rules,
    state: State,
    faults: BTreeMap<FaultKind, Arc<str>>,
    /// Why no further line can be read ahead; a fault once a line is needed.
    dry: Option<Arc<str>>,
    /// The disk is behind; nothing is lost yet.
    slow: bool,
    /// Seconds of recording that the disk has room for.
    room_s: u64,
    /// How many of the protocol's steps this session has: those that the disk has room for.
    steps: usize,
    /// The capture frame of the session's frame 0: before the program's start in one taken up again.
    frame0: i64,
    /// No take reaches further back than this capture frame.
    earliest: u64,
    step: usize,
    timer: Timer,
    last_press: u64,
    hurry: bool,
    held: Option<Held>,
    down_since: [Option<u64>; Button::ALL.len()],
    last_screen: Option<ScreenName>,
    sounds: Sounds,

    /// Number of the last request for lines.
    request: u32,
    wanted: bool,
    lines: VecDeque<Prompt>,
    shown: Option<Shown>,
    /// The step's last take that ended well, for `redo` after the fact.
    previous: Option<Previous>,

    /// A session cut by a crash.
    offer: Option<Offer>,
    /// The line that the crash cut and how often it was taken before.
    retaken: Option<(u64, u32)>,

    /// Who can be chosen, by number.
    pending: Vec<Arc<str>>,
    /// The next session is this enrolled person's.
    expected: Option<Expected>,
    /// This one is: their code was given to them when they enrolled.
    is_enrolled: bool,
    /// The code may be shown: it is known, and its owner stands here.
    shows_code: bool,
    /// The code was shown and nobody said that they have it.
    is_unconfirmed: bool,

    takes: u32,
    open: Option<Begin>,
    /// The capture frame of the last end mark.
    ended: u64,
    /// Version of the next take of a step without lines.
    version: u32,
    /// Takes ended but not on the disk yet.
    unstored: Vec<Unstored>,
}

impl Session {
    /// A booth that waits for its first visitor; one who is `expected`, by number, was enrolled, and
    /// their code is not shown.
    #[must_use]
    pub fn new(protocol: Arc<Protocol>, rules: Rules, expected: Option<Arc<str>>) -> Session {
        let expected = expected.map(|number| Expected {
            number,
            until: None,
        });
        let plays = rules.sphere && protocol.steps.iter().any(|it| it.sphere.is_some());
        Session {
            protocol,
            rules,
            state: State::Attract,
            faults: BTreeMap::new(),
            dry: None,
            slow: false,
            room_s: u64::MAX,
            steps: 0,
            frame0: 0,
            earliest: 0,
            step: 0,
            timer: Timer::new(0),
            last_press: 0,
            hurry: false,
            held: None,
            down_since: [None; Button::ALL.len()],
            last_screen: None,
            sounds: Sounds::new(plays),
            request: 0,
            wanted: false,
            lines: VecDeque::new(),
            shown: None,
            previous: None,
            offer: None,
            retaken: None,
            pending: Vec::new(),
            expected,
            is_enrolled: false,
            shows_code: false,
            is_unconfirmed: false,
            takes: 0,
            open: None,
            ended: 0,
            version: 1,
            unstored: Vec::new(),
        }
    }

    /// Handles one event at `now`, deadlines up to then first, in order of time.
    pub fn step(&mut self, now: Stamp, event: Event, actions: &mut Vec<Action>) {
        self.pass(now.frame, actions);
        match event {
            Event::Tick => {}
            Event::Edge(button, true) => self.down(button, now.frame, actions),
            Event::Edge(button, false) => self.up(button, now.frame, actions),
            Event::Line(request, line) => self.line(request, line, now.frame, actions),
            Event::NoLine(reason) => self.no_line(reason, now.frame, actions),
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
            Event::Withdrawn => self.withdrawn(now.frame, actions),
            Event::Forgotten => self.forgotten(now.frame),
            Event::Offer(session) => self.offer(*session, now.frame, actions),
            Event::Retracted => self.retract(),
            Event::Pending(numbers) => self.list(numbers),
            Event::NoMorePresses => self.hurry(now.frame, actions),
            Event::Shutdown => self.shutdown(now.frame, actions),
        }
        self.pass(now.frame, actions);
        self.want_lines(actions);
        self.note_screen(now.frame, actions);
    }

    /// Whether nothing is under way: no visitor, no take, no row to come.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let nobody = matches!(
            self.state,
            State::Attract | State::Asked { .. } | State::Menu { .. }
        );
        nobody && self.open.is_none() && self.unstored.is_empty()
    }

    /// Whether no session is open: nobody has come, or nobody has consented yet.
    #[must_use]
    pub fn is_vacant(&self) -> bool {
        matches!(
            self.state,
            State::Attract | State::Asked { .. } | State::Menu { .. } | State::Consent { .. }
        )
    }

    /// Whether the present screen is one that shows the withdrawal code.
    #[must_use]
    pub fn shows_code(&self) -> bool {
        self.shows_code && matches!(self.screen_name(), ScreenName::Code | ScreenName::Thanks)
    }

    /// Whether nobody is here who could answer a fault.
    fn is_unattended(&self) -> bool {
        let over = matches!(
            self.state,
            State::Thanks { .. } | State::Erasing { .. } | State::Erased { .. }
        );
        over || self.is_vacant()
    }

    /// The text that will be shown next, to be laid out ahead.
    #[must_use]
    pub fn upcoming(&self) -> Option<&Arc<str>> {
        self.lines.front().map(|line| &line.text)
    }

    /// The capture frame of the session's frame 0; negative in a session taken up again.
    #[must_use]
    pub fn frame0(&self) -> i64 {
        self.frame0
    }

    /// A capture frame on the session's clock.
    #[must_use]
    pub fn in_session(&self, frame: u64) -> u64 {
        (frame as i64).saturating_sub(self.frame0).max(0) as u64
    }

    fn frames(&self, millis: u32) -> u64 {
        u64::from(millis) * u64::from(self.rules.rate) / 1000
    }

    fn plan(&self) -> &protocol::Step {
        &self.protocol.steps[self.step]
    }

    fn note(&self, frame: u64, note: Note, actions: &mut Vec<Action>) {
        actions.push(Action::Note(self.in_session(frame), note));
    }

    fn note_screen(&mut self, frame: u64, actions: &mut Vec<Action>) {
        let name = self.screen_name();
        if self.last_screen != Some(name) {
            self.last_screen = Some(name);
            if !self.is_vacant() {
                self.note(frame, Note::Screen { name }, actions);
            }
        }
    }

    /// Nobody will press any more: what waits for a visitor does not linger.
    fn hurry(&mut self, frame: u64, actions: &mut Vec<Action>) {
        self.hurry = true;
        self.decline(actions);
        let brief = frame + self.frames(THANKS_BRIEF_MS);
        if let State::Thanks { until, .. } | State::Erased { until } = &mut self.state {
            *until = brief.min(*until);
        }
        if self.held.is_none() && matches!(self.state, State::Consent { .. } | State::Menu { .. }) {
            self.state = State::Attract;
        }
    }

    fn shutdown(&mut self, frame: u64, actions: &mut Vec<Action>) {
        self.held = None;
        self.end_take(Verdict::Aborted, frame, None, actions);
        // What is offered is offered again at the next start.
        if matches!(self.state, State::Consent { .. }) {
            self.state = State::Attract;
        }
        if matches!(self.state, State::Withdraw { .. }) {
            self.keep_on(frame);
        }
        if !self.is_unattended() {
            self.end_session(Ended::Stopped, frame, actions);
        }
        match &mut self.state {
            State::Thanks { until, .. } | State::Erased { until } => *until = frame,
            State::Erasing { unwatched } => *unwatched = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
