//! Assembly: the adapters, the threads and the main loop.
//!
//! Each turn serves, in this order: stop, faults, buttons, takes, clerk, sphere, tick; it hands
//! each to the session as an event, performs the actions that come back, and draws what changed.
//! It waits for buttons only, 10 ms at most; never for disk or network. A fast run is the exception
//! by intent: it waits for every thread, so that the same script gives the same files.

mod ahead;
mod assemble;
mod consent;
mod device;
mod disk;
mod error;
mod health;
mod loudspeakers;
mod perform;
mod record;
mod sealing;
mod threads;
mod time;
mod wall;
mod watch;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ahead::Ahead;
pub use error::Error;

use crate::audio::mixer::Moved;
use crate::board::sim::script::{Player, Script};
use crate::board::{Buttons, Edge, Panel};
use crate::clerk::{Answer, Ask, Clerk, Job, News};
use crate::config::Config;
use crate::identity::participant::Participant;
use crate::identity::pending::Pending;
use crate::recorder::Report;
use crate::recorder::chain::Chain;
use crate::recorder::sealer::Sealer;
use crate::rt::{Nanos, Thread};
use crate::screen::card::Card;
use crate::screen::{Body, Screen};
use crate::session::protocol::Protocol;
use crate::session::{Action, Event, Session};
use crate::words::{By, CaptureFrame, Note, ScreenName};
use consent::Consent;
use device::Said;
use disk::Disk;
use health::Checkup;
use loudspeakers::Loudspeakers;
use time::Time;
use wall::Wall;
use watch::Watch;

/// Longest wait for buttons.
const TURN: Duration = Duration::from_millis(10);

/// What a run is given beside configuration and protocol.
#[derive(Debug, Default)]
pub struct Options {
    /// Presses the buttons.
    pub script: Option<Script>,
    /// A PNG of each new screen goes here.
    pub screens: Option<PathBuf>,
    /// As fast as the disk allows, with the simulated source.
    pub fast: bool,
    /// The number of the enrolled person whose session is the first.
    pub participant: Option<String>,
}

/// The running box.
struct Booth {
    config: Config,
    protocol: Arc<Protocol>,
    session: Session,
    buttons: Box<dyn Buttons>,
    panel: Box<dyn Panel>,
    player: Option<Player>,
    chain: Chain,
    clerk: Clerk,
    sealer: Sealer,
    /// Whether the sealer was told of what the runs before left.
    sealing_rest: bool,
    sphere: Loudspeakers,
    time: Time,
    ahead: Ahead,
    watch: Watch,
    wall: Wall,
    /// The data folder's lock.
    _held: File,
    stop: Arc<AtomicBool>,
    stopping: bool,
    last: Option<Screen>,
    shown_since: Nanos,
    prepared: Option<Arc<str>>,
    folder: PathBuf,
    /// Who comes next, drawn ahead by the clerk: it takes a while.
    next: Option<Box<Participant>>,
    /// Who is expected, by number.
    expected: Option<(String, Pending)>,
    /// Who can be chosen from the menu.
    pending: Vec<(String, Pending)>,
    consent: Option<Consent>,
    /// The withdrawal code, for as long as its session lasts.
    card: Option<Card>,
    /// The recorder is to let go of a session that is to be forgotten.
    forgetting: Option<By>,
    faulty: bool,
    said: Said,
    health: Checkup,
    disk: Disk,
    failure: Option<Error>,
    actions: Vec<Action>,
    edges: Vec<Edge>,
}

/// Whether this screen ends every `repeat` of a script.
fn is_over(shown: ScreenName) -> bool {
    shown == ScreenName::Thanks
}

/// Runs the box until it is stopped, or until its script has ended; true if faults were recorded.
///
/// # Errors
/// What cannot be opened at the start, a board that fails, a thread that panicked, or a script's
/// screen that never came.
pub fn run(config: Config, protocol: Protocol, options: Options) -> Result<bool, Error> {
    Booth::assemble(config, protocol, options)?.serve()
}

impl Booth {
    /// Turns until the end; then the takes are closed and the threads joined.
    fn serve(mut self) -> Result<bool, Error> {
        if let Some(warning) = self.panel.warning() {
            log::warn!("{warning}");
        }
        while !self.is_over() {
            self.turn();
        }
        self.watch.sum_up();
        let lost = self.chain.status.lost_frames();
        self.chain.stop();
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(self.faulty || lost > 0),
        }
    }

    /// Nothing is under way and nothing will begin, or a thread is gone that everything waits for.
    fn is_over(&self) -> bool {
        let done = self.stopping || self.player.as_ref().is_some_and(Player::pressed_out);
        let kept = self.clerk.is_settled() || self.clerk.is_ended();
        // What the end leaves plain is sealed at the next start.
        let sealed = self.stopping || self.sealer.is_settled();
        let idle = self.session.is_idle() && kept && sealed;
        let given_up = self.disk.is_given_up(self.stopping, Nanos::now());
        done && (idle || given_up || self.chain.is_ended())
    }

    /// Every thread but main.
    fn threads(&self) -> impl Iterator<Item = Thread<'_>> {
        threads::of(&self.chain, &self.clerk, &self.sealer, &self.sphere)
    }

    fn turn(&mut self) {
        let began = Nanos::now();
        self.go_ahead();
        self.serve_stop();
        self.serve_device();
        self.serve_health();
        self.serve_buttons();
        self.serve_takes();
        self.serve_clerk();
        self.serve_disk();
        self.serve_sealer();
        let asked = Nanos::now();
        self.serve_sphere();
        let sphere = Nanos::now().since(asked);
        self.serve_wall_clock();
        self.event(self.time.now(), Event::Tick);
        self.draw();
        self.watch.turn(&self.health.last.beats);
        self.watch.measure(began, Nanos::now(), sphere);
    }

    /// Ends the run as soon as every take is closed; the first failure is the one told.
    fn fail(&mut self, error: Error) {
        self.failure.get_or_insert(error);
        self.stop.store(true, Ordering::Release);
    }

    /// Hands `event` to the session as of `at` and performs what it asks for.
    fn event(&mut self, at: Nanos, event: Event) {
        let before = self.session.screen_name();
        let stamp = self.time.stamp(at, &self.chain);
        let mut actions = std::mem::take(&mut self.actions);
        self.session.step(stamp, event, &mut actions);
        self.ahead.busy |= !actions.is_empty();
        for action in actions.drain(..) {
            self.perform(action, stamp);
        }
        self.actions = actions;
        if self.session.is_vacant() {
            self.card = None;
        }
        if self.session.screen_name() != before {
            self.shown_since = at;
            self.ahead.busy = true;
        }
    }

    fn serve_stop(&mut self) {
        let dead = self.threads().find(|thread| thread.is_ended);
        if let Some(thread) = dead.map(|thread| thread.name) {
            self.fail(Error::Died(thread));
        }
        if self.player.as_ref().is_some_and(Player::pressed_out) {
            self.disk.wait_no_longer(Nanos::now());
        }
        let quit = self.buttons.quit() || self.stop.load(Ordering::Acquire);
        if quit && !self.stopping {
            self.stopping = true;
            self.disk.wait_no_longer(Nanos::now());
            self.watch.stopping();
            self.event(self.time.now(), Event::Shutdown);
        }
    }

    fn serve_buttons(&mut self) {
        let mut edges = std::mem::take(&mut self.edges);
        let now = self.time.now();
        if let Some(player) = &mut self.player {
            let name = self.session.screen_name();
            let over = is_over(name);
            if let Err(failed) = player.poll(now, name, self.shown_since, over, &mut edges) {
                self.fail(failed.into());
            }
            self.time.wait(TURN);
        } else if let Err(failed) = self.buttons.poll(TURN, &mut edges) {
            self.fail(failed.into());
            self.time.wait(TURN);
        }
        // The last visitor has gone, or no frame has come yet that a press could be of.
        if self.stopping || !self.time.has_frames(&self.chain) {
            edges.clear();
        }
        self.ahead.busy |= !edges.is_empty();
        for edge in edges.drain(..) {
            let direction = if edge.down { "down" } else { "up" };
            log::debug!("{} {direction} at {} ns", edge.button.word(), edge.at.0);
            self.event(edge.at, Event::Edge(edge.button, edge.down));
        }
        self.edges = edges;
        if self.player.as_ref().is_some_and(Player::pressed_out) {
            self.event(now, Event::NoMorePresses);
        }
    }

    fn serve_takes(&mut self) {
        for report in self.settled(|booth| booth.chain.reports.try_iter().collect()) {
            let event = match report {
                Report::Measured { .. } => continue,
                Report::Lost {
                    take,
                    at_frame,
                    frames,
                    cause,
                } => {
                    let note = Note::Loss {
                        take,
                        frames,
                        cause,
                    };
                    self.note(at_frame, note);
                    continue;
                }
                Report::Refused { reason } => {
                    self.disk.refused = Some(reason);
                    continue;
                }
                Report::Returned => {
                    self.disk.refused = None;
                    continue;
                }
                Report::Forgotten => {
                    if let Some(by) = self.forgetting.take() {
                        self.clerk.ask(Job::Forget(self.folder.clone(), by));
                    }
                    continue;
                }
                Report::Stored { take, row } => {
                    self.faulty |= !row.gaps.is_empty();
                    self.sealer.take(self.folder.clone(), row.file.clone());
                    Event::Stored(take)
                }
                Report::Failed { take, reason } => {
                    self.faulty = true;
                    let reason = self.unnamed(&reason);
                    log::error!("take {take}: {reason}");
                    Event::Failed(take, reason.into())
                }
            };
            self.event(self.time.now(), event);
        }
    }

    fn serve_clerk(&mut self) {
        for answer in self.settled(|booth| booth.clerk.answers()) {
            match answer {
                Answer::News(news) => self.pass_on(news),
                Answer::Pending(pending) => {
                    let numbers = pending.iter().map(|(number, _)| number.as_str().into());
                    let event = Event::Pending(numbers.collect());
                    self.pending = pending;
                    self.event(self.time.now(), event);
                }
                Answer::Next(participant) => self.next = Some(participant),
                Answer::Disk(away) => self.disk.away = away,
                Answer::Unforgotten(reason) => self.disk.unforgotten = Some(reason),
                Answer::Moved(moved) => self.note_moved(moved),
                Answer::Failed(reason) => {
                    log::error!("{}", self.unnamed(&reason));
                    self.faulty = true;
                }
            }
        }
    }

    /// What the clerk lets the session know.
    fn pass_on(&mut self, news: News) {
        match &news {
            News::NoLine(reason) => {
                log::error!("{reason}");
                self.faulty = true;
            }
            News::Forgotten => {
                self.disk.unforgotten = None;
                log::info!("a session is forgotten");
            }
            News::Line(..) | News::Offer(_) | News::Retracted | News::Withdrawn => {}
        }
        self.event(self.time.now(), Event::News(news));
    }

    /// A row for events.jsonl at a frame of the capture clock.
    fn note(&mut self, frame: CaptureFrame, note: Note) {
        let frame = self.session.in_session(frame);
        self.clerk.ask(Ask::Note(frame, note));
    }

    /// A control that is put back is an event, not a fault.
    fn note_moved(&mut self, moved: Moved) {
        let Moved {
            control,
            found,
            wanted,
        } = moved;
        log::warn!("mixer control `{control}` was moved to {found}; put back to {wanted}");
        let frame = self.time.stamp(self.time.now(), &self.chain).frame;
        let note = Note::Mixer {
            control,
            found,
            wanted,
        };
        self.note(frame, note);
    }

    /// A message without the session's name: logs never have it.
    fn unnamed(&self, message: &str) -> String {
        match self.folder.file_name().and_then(std::ffi::OsStr::to_str) {
            Some(session) => message.replace(session, "SESSION"),
            None => message.to_owned(),
        }
    }

    /// What a thread has told so far; in a fast run all that it is going to tell, so that the same
    /// script meets the same answers in the same turn.
    fn settled<T>(&mut self, told: impl Fn(&Booth) -> Vec<T>) -> Vec<T> {
        let (chain, clerk, sphere) = (&self.chain, &self.clerk, self.sphere.thread.as_ref());
        self.time.settle(chain, clerk, sphere);
        let told = told(self);
        self.ahead.busy |= !told.is_empty();
        told
    }

    fn draw(&mut self) {
        let frame = self.time.stamp(self.time.now(), &self.chain).frame;
        let mut screen = self.session.screen(frame);
        if let Body::Line(line) = &mut screen.body
            && line.recording
        {
            line.level = Some(self.time.level(&self.chain));
        }
        let shown = if self.last.as_ref() == Some(&screen) {
            Ok(())
        } else {
            let card = self.card.as_ref().filter(|_| self.session.shows_code());
            self.panel.show(&screen, card)
        };
        self.last = Some(screen);
        match shown.and_then(|()| self.panel.send()) {
            Ok(more) if !more && self.session.upcoming() != self.prepared.as_ref() => {
                self.prepared = self.session.upcoming().cloned();
                if let Some(text) = &self.prepared {
                    self.panel.prepare(text);
                }
            }
            Ok(_) => {}
            Err(failed) => self.fail(failed.into()),
        }
    }
}
