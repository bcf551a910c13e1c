//! Assembly: the adapters, the threads and the main loop.
//!
//! Each turn serves, in this order: stop, faults, buttons, takes, clerk, sphere, tick; it hands
//! each to the session as an event, performs the actions that come back, and draws what changed.
//! It waits for buttons only, 10 ms at most; never for disk or network. A fast run is the exception
//! by intent: it waits for every thread, so that the same script gives the same files.

mod assemble;
mod error;
mod perform;
mod record;
mod time;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use error::Error;

use crate::audio::capture::State as CaptureState;
use crate::audio::chain::Chain;
use crate::audio::recorder::Report;
use crate::board::sim::script::{Player, Script};
use crate::board::{Buttons, Edge, Panel};
use crate::config::Config;
use crate::rt::Nanos;
use crate::screen::lang::Lang;
use crate::screen::{Name, Screen};
use crate::session::protocol::Protocol;
use crate::session::{Action, Event, Session};
use crate::sphere::{Reply, Sphere};
use crate::store::clerk::{Answer, Clerk};
use crate::store::events::FaultKind;
use time::Time;
use watch::Watch;

/// Longest wait for buttons.
const TURN: Duration = Duration::from_millis(10);

/// How far the recorder may fall behind before the screen says so.
const SLOW_MS: u64 = 3000;

/// What a run is given beside configuration and protocol.
#[derive(Debug, Default)]
pub struct Options {
    /// Presses the buttons.
    pub script: Option<Script>,
    /// A PNG of each new screen goes here.
    pub screens: Option<PathBuf>,
    /// As fast as the disk allows, with the simulated source.
    pub fast: bool,
}

/// The running box.
struct Booth {
    config: Config,
    protocol: Arc<Protocol>,
    session: Session,
    words: Lang,
    buttons: Box<dyn Buttons>,
    panel: Box<dyn Panel>,
    player: Option<Player>,
    chain: Chain,
    clerk: Clerk,
    sphere: Option<Sphere>,
    time: Time,
    watch: Watch,
    stop: Arc<AtomicBool>,
    stopping: bool,
    last: Option<Screen>,
    shown_since: Nanos,
    prepared: Option<Arc<str>>,
    folder: PathBuf,
    sphere_wanted_at: u64,
    faulty: bool,
    told_unclocked: bool,
    failure: Option<Error>,
    actions: Vec<Action>,
    edges: Vec<Edge>,
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
        let idle = self.session.is_idle() && self.clerk.is_settled();
        done && (idle || self.died().is_some())
    }

    /// A thread that ended although nobody stopped it.
    fn died(&self) -> Option<&'static str> {
        if self.clerk.is_ended() {
            return Some("clerk");
        }
        self.chain.ended()
    }

    fn turn(&mut self) {
        self.time.advance(&self.chain);
        self.serve_stop();
        self.serve_device();
        self.serve_buttons();
        self.serve_takes();
        self.serve_clerk();
        self.serve_sphere();
        self.event(self.time.now(), Event::Tick);
        self.draw();
        self.watch.turn(&self.chain, &self.clerk);
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
        for action in actions.drain(..) {
            self.perform(action, stamp);
        }
        self.actions = actions;
        if self.session.screen_name() != before {
            self.shown_since = at;
        }
    }

    fn serve_stop(&mut self) {
        if let Some(thread) = self.died() {
            self.fail(Error::Died(thread));
        }
        let quit = self.buttons.quit() || self.stop.load(Ordering::Acquire);
        if quit && !self.stopping {
            self.stopping = true;
            self.watch.stopping();
            self.event(self.time.now(), Event::Shutdown);
        }
    }

    fn serve_device(&mut self) {
        let now = self.time.now();
        match self.chain.status.state() {
            CaptureState::Closed => {
                let reason = self.chain.status.reason().unwrap_or_default();
                self.event(now, Event::Fault(FaultKind::Device, reason.into()));
                self.faulty = true;
            }
            CaptureState::Running => self.event(now, Event::Cleared(FaultKind::Device)),
            CaptureState::Starting | CaptureState::Stopped => {}
        }
        if !self.time.is_fast() {
            self.serve_backlog(now);
        }
        if self.chain.status.unclocked() && !self.told_unclocked {
            self.told_unclocked = true;
            log::info!(
                "{}: keeps no time; read as fast as the disk allows",
                self.config.audio.device
            );
        }
    }

    /// Tells the session when the recorder falls behind and when it has caught up.
    fn serve_backlog(&mut self, now: Nanos) {
        let captured = self.time.stamp(now, &self.chain).frame;
        let recorded = self.chain.live.frames.load(Ordering::Acquire);
        let behind_ms =
            captured.saturating_sub(recorded) * 1000 / u64::from(self.config.audio.rate);
        if behind_ms > SLOW_MS {
            self.event(now, Event::Slow(true));
        } else if behind_ms < SLOW_MS / 3 {
            self.event(now, Event::Slow(false));
        }
    }

    fn serve_buttons(&mut self) {
        let mut edges = std::mem::take(&mut self.edges);
        let now = self.time.now();
        if let Some(player) = &mut self.player {
            let name = self.session.screen_name();
            let over = matches!(name, Name::Thanks);
            if let Err(failed) = player.poll(now, name, self.shown_since, over, &mut edges) {
                self.fail(failed.into());
            }
            self.time.wait(TURN);
        } else if let Err(failed) = self.buttons.poll(TURN, &mut edges) {
            self.fail(failed.into());
            self.time.wait(TURN);
        }
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
                Report::Stored { take, row } => {
                    self.faulty |= !row.gaps.is_empty();
                    Event::Stored(take)
                }
                Report::Failed { take, reason } => {
                    self.faulty = true;
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
                Answer::Line(stream, line) => {
                    self.event(self.time.now(), Event::Line(stream, line));
                }
                Answer::NoLine(reason) => {
                    log::error!("{reason}");
                    self.faulty = true;
                    let fault = Event::Fault(FaultKind::Corpus, reason.into());
                    self.event(self.time.now(), fault);
                }
                Answer::Failed(_) => self.faulty = true,
            }
        }
    }

    fn serve_sphere(&mut self) {
        for reply in self.settled(|booth| booth.sphere.as_ref().map_or(Vec::new(), Sphere::replies))
        {
            match reply {
                Reply::Played(result) => {
                    let result = result.map(|position| self.sphere_at(&position));
                    let result = result.map_err(|error| error.to_string().into());
                    self.event(self.time.now(), Event::Rolling(result));
                }
                Reply::Stopped(Ok(())) => {}
                Reply::Stopped(Err(error)) => {
                    log::error!("{error}");
                    self.faulty = true;
                }
            }
        }
    }

    /// What a thread has told so far; in a fast run all that it is going to tell, so that the same
    /// script meets the same answers in the same turn.
    fn settled<T>(&self, told: impl Fn(&Booth) -> Vec<T>) -> Vec<T> {
        let (chain, clerk, sphere) = (&self.chain, &self.clerk, self.sphere.as_ref());
        self.time.settle(chain, clerk, sphere);
        told(self)
    }

    fn draw(&mut self) {
        let frame = self.time.stamp(self.time.now(), &self.chain).frame;
        let mut screen = self.session.screen(frame, &self.words);
        if screen.recording {
            screen.level = Some(self.time.level(&self.chain));
        }
        let shown = if self.last.as_ref() == Some(&screen) {
            Ok(())
        } else {
            self.panel.show(&screen)
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
