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
mod ending;
mod error;
mod face;
mod hands;
mod health;
mod judging;
mod loudspeakers;
mod perform;
mod session_record;
pub mod texts;
mod threads;
mod time;
mod visit;
mod wall_clock;
mod watch;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use ahead::Ahead;
pub use error::Error;

use crate::audio::mixer::Moved;
use crate::board::sim::script::Script;
use crate::clerk::{Answer, Ask, Job, News, NoLine};
use crate::config::Config;
use crate::recorder::Report;
use crate::rt::Nanos;
use crate::session::protocol::Protocol;
use crate::session::{Action, Event, Session};
use crate::words::{CaptureFrame, Note};
use device::Logged;
use disk::Disk;
use ending::Ending;
use face::Face;
use hands::Hands;
use health::Checkup;
use threads::Threads;
use time::Time;
use visit::Visit;
use wall_clock::Wall;
use watch::Watch;

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
    hands: Hands,
    face: Face,
    threads: Threads,
    time: Time,
    ahead: Ahead,
    watch: Watch,
    wall: Wall,
    /// The data folder's lock; let go of after the threads have ended.
    _held: File,
    visit: Visit,
    device_logged: Logged,
    health: Checkup,
    disk: Disk,
    ending: Ending,
    actions: Vec<Action>,
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
        if let Some(warning) = self.face.panel.warning() {
            log::warn!("{warning}");
        }
        while !self.is_over() {
            self.turn();
        }
        self.watch.sum_up();
        let lost = self.threads.chain.status.lost_frames();
        self.threads.chain.stop();
        match self.ending.failure {
            Some(failure) => Err(failure),
            None => Ok(self.ending.faulty || lost > 0),
        }
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
        let asked = Nanos::now();
        self.serve_sphere();
        let sphere = Nanos::now().since(asked);
        self.serve_wall_clock();
        self.event(self.time.now(), Event::Tick);
        self.draw();
        self.watch.turn(&self.health.last.beats);
        self.watch.measure(began, Nanos::now(), sphere);
    }

    /// Hands `event` to the session as of `at` and performs what it asks for.
    fn event(&mut self, at: Nanos, event: Event) {
        let before = self.session.screen_name();
        let stamp = self.time.stamp(at, &self.threads.chain);
        let mut actions = std::mem::take(&mut self.actions);
        self.session.step(stamp, event, &mut actions);
        self.ahead.busy |= !actions.is_empty();
        for action in actions.drain(..) {
            self.perform(action, stamp);
        }
        self.actions = actions;
        if self.session.is_vacant() {
            self.visit.card = None;
        }
        if self.session.screen_name() != before {
            self.face.shown_since = at;
            self.ahead.busy = true;
        }
    }

    fn serve_takes(&mut self) {
        for report in self.settled(|booth| booth.threads.chain.reports.try_iter().collect()) {
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
                    if let Some(by) = self.visit.forgetting.take() {
                        self.threads
                            .clerk
                            .ask(Job::Forget(self.visit.folder.clone(), by));
                    }
                    continue;
                }
                Report::Stored { take, row } => {
                    self.ending.faulty |= !row.gaps.is_empty();
                    Event::Stored(take)
                }
                Report::Failed { take, reason } => {
                    self.ending.faulty = true;
                    let reason = self.unnamed(&reason);
                    log::error!("take {take}: {reason}");
                    Event::Failed(take, reason.into())
                }
            };
            self.event(self.time.now(), event);
        }
    }

    fn serve_clerk(&mut self) {
        for answer in self.settled(|booth| booth.threads.clerk.answers()) {
            match answer {
                Answer::News(news) => self.pass_on(news),
                Answer::Pending(pending) => {
                    let numbers = pending.iter().map(|(number, _)| number.as_str().into());
                    let event = Event::Pending(numbers.collect());
                    self.visit.pending = pending;
                    self.event(self.time.now(), event);
                }
                Answer::Next(participant) => self.visit.next = Some(participant),
                Answer::Disk(away) => self.disk.away = away,
                Answer::Unforgotten(reason) => self.disk.unforgotten = Some(reason),
                Answer::Moved(moved) => self.note_moved(moved),
                Answer::Failed(reason) => {
                    log::error!("{}", self.unnamed(&reason));
                    self.ending.faulty = true;
                }
            }
        }
    }

    /// What the clerk lets the session know.
    fn pass_on(&mut self, news: News) {
        match &news {
            News::NoLine(NoLine { reason, .. }) => {
                log::error!("{reason}");
                self.ending.faulty = true;
            }
            News::Forgotten => {
                self.disk.unforgotten = None;
                log::info!("a session is forgotten");
            }
            News::Line(..) | News::Offer(_) | News::Retracted | News::Withdrawn => {}
        }
        self.event(self.time.now(), Event::News(news));
    }

    /// The capture frame of this moment.
    fn frame_now(&self) -> CaptureFrame {
        self.time.stamp(self.time.now(), &self.threads.chain).frame
    }

    /// A row for events.jsonl at a frame of the capture clock.
    fn note(&mut self, frame: CaptureFrame, note: Note) {
        let frame = self.session.in_session(frame);
        self.threads.clerk.ask(Ask::Note(frame, note));
    }

    /// A control that is put back is an event, not a fault.
    fn note_moved(&mut self, moved: Moved) {
        let Moved {
            control,
            found,
            wanted,
        } = moved;
        log::warn!("mixer control `{control}` was moved to {found}; put back to {wanted}");
        let frame = self.frame_now();
        let note = Note::Mixer {
            control,
            found,
            wanted,
        };
        self.note(frame, note);
    }

    /// A message without the session's name: logs never have it.
    fn unnamed(&self, message: &str) -> String {
        match self
            .visit
            .folder
            .file_name()
            .and_then(std::ffi::OsStr::to_str)
        {
            Some(session) => message.replace(session, "SESSION"),
            None => message.to_owned(),
        }
    }

    /// What a thread has sent so far; in a fast run all that it is going to send, so that the same
    /// script meets the same answers in the same turn.
    fn settled<T>(&mut self, sent: impl Fn(&Booth) -> Vec<T>) -> Vec<T> {
        self.time.settle(&self.threads);
        let sent = sent(self);
        self.ahead.busy |= !sent.is_empty();
        sent
    }
}
