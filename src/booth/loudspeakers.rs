//! The sphere's thread as the main loop serves it: commands out, replies to the session, readings to
//! the time line, from which each take's row says where the track stood.
//!
//! It must never wait for the sphere; a fast run does, by intent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Booth;
use crate::config::Config;
use crate::rt::Nanos;
use crate::session::{Action, Begin, End, Event, Stamp};
use crate::sphere::sim::{self, Simulated};
use crate::sphere::timeline::{Fit, Mapped, Timeline};
use crate::sphere::{self, Command, Peer, Play, Position, Reply, Sphere};
use crate::store::clerk::Job;
use crate::store::events::Note;
use crate::store::row::SphereAt;

/// Without a word for so long, what is asked for is not done: well before the 5 s within which a visitor is
/// told, whatever call the thread hangs in.
const SILENT: Duration = Duration::from_millis(4500);
/// Between two rows of events.jsonl that say where the track stands.
const NOTED: Duration = Duration::from_secs(10);

/// The sphere, and what is known of it.
#[derive(Debug, Default)]
pub(super) struct Loudspeakers {
    /// Its thread, where there is a sphere.
    pub(super) thread: Option<Sphere>,
    /// The simulated one's clock in a fast run.
    clock: Option<Arc<AtomicU64>>,
    line: Timeline,
    /// Number of what was asked for last; none once silence was.
    wanted: Option<u32>,
    /// The track asked for last.
    track: Arc<str>,
    /// The last word on what was asked for; none where none is owed, or once it was given up.
    heard: Option<Nanos>,
    /// When a position was last written to events.jsonl.
    noted: Nanos,
    /// The take that runs with a track, and when its start mark was.
    take: Option<(u32, Nanos)>,
}

impl Loudspeakers {
    /// Starts the sphere's thread, where there is a sphere.
    pub(super) fn start(config: &Config, fast: bool) -> std::io::Result<Loudspeakers> {
        if config.sphere.host.is_empty() {
            return Ok(Loudspeakers::default());
        }
        let is_simulated = config.sphere.host == sim::HOST;
        if !fast || !is_simulated {
            let peer: Box<dyn Peer> = if is_simulated {
                Box::new(Simulated::of_environment())
            } else {
                sphere::remote(&config.sphere)
            };
            return Ok(Loudspeakers {
                thread: Some(Sphere::start(peer)?),
                ..Loudspeakers::default()
            });
        }
        let clock = Arc::new(AtomicU64::new(0));
        let peer = Simulated::on(clock.clone());
        Ok(Loudspeakers {
            thread: Some(Sphere::start_lockstep(Box::new(peer))?),
            clock: Some(clock),
            ..Loudspeakers::default()
        })
    }

    /// What ran before may still play.
    pub(super) fn silence(&mut self, now: Nanos) {
        self.ask(Command::Stop, now);
    }

    fn ask(&mut self, command: Command, now: Nanos) {
        let Some(thread) = &mut self.thread else {
            return;
        };
        self.heard = Some(now);
        if let Some(clock) = &self.clock {
            clock.store(now.0, Ordering::Release);
        }
        thread.ask(command);
    }

    fn is_wanted(&self, play: u32) -> bool {
        self.wanted == Some(play)
    }

    /// Whether there was no word on what was asked for too long, which is told once.
    fn is_silent(&mut self, now: Nanos) -> bool {
        let silent = |since: &mut Nanos| now.since(*since) > SILENT;
        self.heard.take_if(silent).is_some()
    }
}

/// Where the track stood at the start mark, which is `at_frame`, and at the end mark.
fn row(start: &Mapped, end: Option<Mapped>, at_frame: u64) -> SphereAt {
    SphereAt {
        track: start.track.to_string(),
        frame: start.frame,
        rate: start.rate,
        at_frame,
        uncertainty_frames: start.uncertainty_frames,
        end_frame: end.as_ref().map(|end| end.frame),
        end_uncertainty_frames: end.map(|end| end.uncertainty_frames),
    }
}

impl Booth {
    /// Plays or silences, as `action` says.
    pub(super) fn ask_sphere(&mut self, action: Action, now: Stamp) {
        // One command after the other, so that each finds the clock of its own moment.
        if self.time.is_fast() {
            let thread = self.sphere.thread.as_ref();
            self.time.settle(&self.chain, &self.clerk, thread);
        }
        let command = match action {
            Action::Play {
                play,
                track,
                start,
                rest,
            } => {
                self.sphere.wanted = Some(play);
                self.sphere.track = track.clone();
                Command::Play(Play {
                    number: play,
                    track,
                    start: start.map(|frame| self.time_of(frame, now)),
                    rest: Duration::from_secs(rest) / self.config.audio.rate,
                })
            }
            _ => {
                self.sphere.wanted = None;
                self.sphere.line.end_at(now.at);
                Command::Stop
            }
        };
        self.sphere.ask(command, now.at);
    }

    pub(super) fn serve_sphere(&mut self) {
        let replies = |booth: &Booth| {
            let thread = booth.sphere.thread.as_ref();
            thread.map_or(Vec::new(), Sphere::replies)
        };
        for reply in self.settled(replies) {
            let now = self.time.now();
            self.sphere.heard = self.sphere.heard.map(|_| now);
            if matches!(reply, Reply::Stopped(_)) && self.sphere.wanted.is_none() {
                self.sphere.heard = None;
            }
            match reply {
                Reply::Loading => {}
                Reply::Rolling(play, reading) => self.rolls(play, reading),
                Reply::Read(reading) => self.reads(reading),
                Reply::Failed(play, error) => self.sphere_fails(play, &error.to_string()),
                Reply::Stopped(Ok(reading)) => {
                    self.note_sphere("stopped", &reading);
                    self.event(now, Event::Silenced(Ok(())));
                }
                Reply::Stopped(Err(error)) => self.not_silenced(&error.to_string()),
            }
        }
        let now = self.time.now();
        if !self.time.is_fast() && self.sphere.is_silent(now) {
            log::warn!("sphere: no word for {SILENT:?}");
            match self.sphere.wanted {
                Some(play) => self.sphere_fails(play, "sphere: no answer"),
                None => self.not_silenced("sphere: no answer"),
            }
        }
    }

    /// What was to fall silent is not known to be.
    fn not_silenced(&mut self, reason: &str) {
        self.faulty = true;
        self.event(self.time.now(), Event::Silenced(Err(reason.into())));
    }

    /// What was asked cannot be played, or plays no more.
    fn sphere_fails(&mut self, play: u32, reason: &str) {
        if self.sphere.is_wanted(play) {
            self.faulty = true;
            self.sphere.heard = None;
            self.sphere.line.end();
            self.event(self.time.now(), Event::SphereFailed(play, reason.into()));
        }
    }

    fn rolls(&mut self, play: u32, reading: Position) {
        if !self.sphere.is_wanted(play) {
            return;
        }
        let track = self.sphere.track.clone();
        self.sphere.line.begin(track, reading);
        self.sphere.heard = Some(self.time.now());
        self.sphere.noted = reading.at;
        self.note_sphere("rolling", &reading);
        self.event(self.time.now(), Event::Rolling(play));
    }

    /// A reading of what plays, into the time line; each 10 s into events.jsonl.
    fn reads(&mut self, reading: Position) {
        if self.sphere.wanted.is_none() {
            return;
        }
        let verb = match self.sphere.line.read(reading) {
            Fit::Moved(frames) => {
                log::warn!("sphere: somebody moved the transport by {frames} frames");
                "moved"
            }
            Fit::Slipped => {
                log::warn!("sphere: the transport lost less than a period");
                "read"
            }
            Fit::On if reading.at.since(self.sphere.noted) >= NOTED => "read",
            Fit::On | Fit::Stopped => return,
        };
        self.sphere.noted = reading.at;
        self.note_sphere(verb, &reading);
    }

    /// What was found, at the capture frame of the moment at which it was so.
    fn note_sphere(&mut self, verb: &'static str, reading: &Position) {
        if self.session.is_vacant() {
            return;
        }
        let frame = self.time.stamp(reading.at, &self.chain).frame;
        let rate = f64::from(reading.rate.max(1));
        let uncertainty = reading.uncertainty.as_secs_f64() * rate;
        let note = Note::Sphere {
            verb,
            track: self.sphere.track.clone(),
            position: Some(reading.frame as f64 / rate),
            uncertainty_frames: Some(uncertainty.ceil() as u64),
        };
        let frame = self.session.in_session(frame);
        self.clerk.ask(Job::Note(frame, note));
    }

    /// When a capture frame near `now` was captured.
    fn time_of(&self, frame: u64, now: Stamp) -> Nanos {
        let rate = u128::from(self.config.audio.rate.max(1));
        let nanos = |frames: u64| (u128::from(frames) * 1_000_000_000 / rate) as u64;
        if frame <= now.frame {
            Nanos(now.at.0.saturating_sub(nanos(now.frame - frame)))
        } else {
            Nanos(now.at.0 + nanos(frame - now.frame))
        }
    }

    /// A take begins: where the track stands at its start mark, as far as is known yet.
    pub(super) fn sphere_at_begin(&mut self, begin: &Begin, now: Stamp) -> Option<SphereAt> {
        begin.of.track.as_ref()?;
        let at = self.time_of(begin.start_mark, now);
        self.sphere.take = Some((begin.of.take, at));
        let at_frame = self.session.in_session(begin.start_mark);
        Some(row(&self.sphere.line.at(at)?, None, at_frame))
    }

    /// A take ends: where the track stood at its marks, by all readings up to now.
    pub(super) fn sphere_at_end(&mut self, end: &End, now: Stamp) -> Option<SphereAt> {
        let of_take = |it: &mut (u32, Nanos)| it.0 == end.of.take;
        let (_, at) = self.sphere.take.take_if(of_take)?;
        let ended = self.time_of(end.end_mark, now);
        let line = &self.sphere.line;
        let last = line.at(ended).filter(|_| line.is_one(at, ended));
        let at_frame = self.session.in_session(end.start_mark);
        Some(row(&line.at(at)?, last, at_frame))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::sphere::{SphereError, Start};

    /// A sphere of which no call comes back until the test is over.
    struct Never(Receiver<()>);

    impl Never {
        fn call<T>(&self) -> Result<T, SphereError> {
            // Its end is the answer.
            let _ = self.0.recv();
            Err(SphereError::Simulated("no answer"))
        }
    }

    impl Peer for Never {
        fn connect(&mut self) -> Result<(), SphereError> {
            self.call()
        }

        fn track(&mut self, _: &str) -> Result<bool, SphereError> {
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
    }

    #[test]
    fn a_thread_that_hangs_in_a_call_is_told_once_within_5_s_of_each_command() {
        let (over, call) = channel();
        let mut sphere = Loudspeakers {
            thread: Some(Sphere::start(Box::new(Never(call))).expect("a thread")),
            ..Loudspeakers::default()
        };
        let later = |at: Nanos, ms: u64| Nanos(at.0 + ms * 1_000_000);
        assert!(
            !sphere.is_silent(Nanos(60_000_000_000)),
            "nothing was asked"
        );
        let play = Command::Play(Play {
            number: 1,
            track: "noise".into(),
            start: Start::Second(0.0),
            rest: Duration::from_secs(60),
        });
        for (at, command) in [(Nanos(0), play), (Nanos(9_000_000_000), Command::Stop)] {
            sphere.ask(command, at);
            assert!(!sphere.is_silent(later(at, 4400)), "not yet");
            assert!(sphere.is_silent(later(at, 4600)));
            assert!(!sphere.is_silent(later(at, 8000)), "told twice");
        }
        assert!(
            sphere
                .thread
                .as_ref()
                .is_some_and(|it| it.replies().is_empty() && !it.is_ended())
        );
        drop(over);
    }
}
