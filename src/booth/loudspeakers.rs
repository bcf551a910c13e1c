//! The sphere's thread as the main loop serves it: commands out, answers to the session and into
//! events.jsonl; and where the track stood at the marks of each take, for its row.
//!
//! What is wanted of the sphere and what is known of it is the thread's: here is only what the rows
//! need. It must never wait for the sphere; a fast run does, by intent.

use std::time::Duration;

use super::Booth;
use crate::config::Config;
use crate::recorder::{self, Amendment};
use crate::rt::Nanos;
use crate::session::{Begin, End, Event, Stamp};
use crate::sphere::clock::Clock;
use crate::sphere::levels::{self, Levels};
use crate::sphere::sim::{self, Simulated};
use crate::sphere::timeline::{Fit, Mapped};
use crate::sphere::{self, Command, Position, Reply, Snapshot, Sphere};
use crate::store::row::SphereAt;
use crate::words::{CaptureFrame, Heard, Note, SessionFrame, SphereVerb};

/// Between two rows of events.jsonl that say where the track stands.
const NOTED: Duration = Duration::from_secs(10);

/// The sphere, and what its rows need.
#[derive(Debug, Default)]
pub(super) struct Loudspeakers {
    /// Its thread, where there is a sphere.
    pub(super) thread: Option<Sphere>,
    /// How loud its tracks were when they were measured.
    levels: Levels,
    /// When a position was last written to events.jsonl.
    noted: Nanos,
    /// The take that runs with a track, and when its start mark was.
    take: Option<(u32, Nanos)>,
    /// Takes with a track that have ended, and when: whether it sounded until then is not seen yet.
    unproven: Vec<(u32, Nanos)>,
}

impl Loudspeakers {
    /// Starts the sphere's thread, where there is a sphere.
    pub(super) fn start(config: &Config, fast: bool) -> std::io::Result<Loudspeakers> {
        if config.sphere.host.is_empty() {
            return Ok(Loudspeakers::default());
        }
        let thread = if config.sphere.host != sim::HOST {
            Sphere::start(sphere::remote(&config.sphere))
        } else if fast {
            let clock = Clock::given();
            let peer = Simulated::on(clock.clone());
            Sphere::start_on(clock, Box::new(peer))
        } else {
            Sphere::start(Box::new(Simulated::of_environment()))
        };
        let path = levels::path(&config.protocol, &config.folder.join("protocol"));
        let levels = Levels::read(&path).unwrap_or_else(|error| {
            log::warn!("{error}");
            Levels::default()
        });
        Ok(Loudspeakers {
            thread: Some(thread?),
            levels,
            ..Loudspeakers::default()
        })
    }

    /// What ran before may still play.
    pub(super) fn silence(&mut self, now: Nanos) {
        self.ask(Command::Stop, now);
    }

    /// Another session begins, whose takes have other numbers.
    pub(super) fn forget_takes(&mut self) {
        self.unproven.clear();
    }

    fn ask(&mut self, command: Command, now: Nanos) {
        if let Some(thread) = &mut self.thread {
            thread.ask(command, now);
        }
    }

    fn known(&self) -> Option<&Snapshot> {
        self.thread.as_ref().map(Sphere::known)
    }
}

/// Where the track stood at the start mark, which is `at_frame`, and at the end mark.
fn row(
    start: &Mapped,
    end: Option<Mapped>,
    at_frame: SessionFrame,
    heard: Option<Heard>,
) -> SphereAt {
    SphereAt {
        track: start.track.to_string(),
        frame: Some(start.frame),
        rate: Some(start.rate),
        at_frame: Some(at_frame.0),
        uncertainty_frames: Some(start.uncertainty_frames),
        end_frame: end.as_ref().map(|end| end.frame),
        end_uncertainty_frames: end.map(|end| end.uncertainty_frames),
        heard,
        ..SphereAt::default()
    }
}

/// The step of a take asked for this track, and it did not play.
fn silent(track: &str) -> SphereAt {
    SphereAt {
        track: track.to_owned(),
        ..SphereAt::default()
    }
}

impl Booth {
    /// Whatever plays falls silent.
    pub(super) fn silence_sphere(&mut self, now: Stamp) {
        self.ask_sphere(Command::Stop, now);
    }

    pub(super) fn ask_sphere(&mut self, command: Command, now: Stamp) {
        // One command after the other, so that none is overtaken by the next.
        self.time.settle(&self.threads);
        self.threads.sphere.ask(command, now.at);
    }

    pub(super) fn serve_sphere(&mut self) {
        while let Some(reply) = self.next_reply() {
            self.prove_takes();
            let event = match reply {
                Reply::Loading => continue,
                Reply::Read(reading, fit) => {
                    self.note_reading(&reading, fit);
                    continue;
                }
                Reply::Rolling(play, reading) => {
                    self.threads.sphere.noted = reading.at;
                    self.note_sphere(SphereVerb::Rolling, &reading);
                    Event::Rolling(play)
                }
                Reply::Failed(play, error) => {
                    self.ending.faulty = true;
                    Event::SphereFailed(play, error.to_string().into())
                }
                Reply::Stopped(Ok(reading)) => {
                    self.note_sphere(SphereVerb::Stopped, &reading);
                    Event::Silenced(Ok(()))
                }
                Reply::Stopped(Err(error)) => {
                    self.ending.faulty = true;
                    Event::Silenced(Err(error.to_string().into()))
                }
            };
            self.event(self.time.now(), event);
        }
    }

    fn next_reply(&mut self) -> Option<Reply> {
        self.time.settle(&self.threads);
        let reply = self.threads.sphere.thread.as_mut()?.reply(self.time.now());
        self.ahead.busy |= reply.is_some();
        reply
    }

    /// A reading of what plays, into events.jsonl each 10 s, or where it moved.
    fn note_reading(&mut self, reading: &Position, fit: Fit) {
        let verb = match fit {
            Fit::Moved(frames) => {
                log::warn!("sphere: somebody moved the transport by {frames} frames");
                SphereVerb::Moved
            }
            Fit::Slipped => {
                log::warn!("sphere: the transport lost less than a period");
                SphereVerb::Read
            }
            Fit::On if reading.at.since(self.threads.sphere.noted) >= NOTED => SphereVerb::Read,
            Fit::On | Fit::Stopped => return,
        };
        self.threads.sphere.noted = reading.at;
        self.note_sphere(verb, reading);
    }

    /// What was found, at the capture frame of the moment at which it was so.
    fn note_sphere(&mut self, verb: SphereVerb, reading: &Position) {
        let Some(known) = self
            .threads
            .sphere
            .known()
            .filter(|_| !self.session.is_vacant())
        else {
            return;
        };
        let frame = self.time.stamp(reading.at, &self.threads.chain).frame;
        let rate = f64::from(reading.rate.max(1));
        let frames = |open: Duration| (open.as_secs_f64() * rate).ceil() as u64;
        let note = Note::Sphere {
            verb,
            track: known.track.clone(),
            position: Some(reading.frame as f64 / rate),
            uncertainty_frames: reading.uncertainty.map(frames),
        };
        self.note(frame, note);
    }

    /// When a capture frame near `now` was captured.
    pub(super) fn time_of(&self, frame: CaptureFrame, now: Stamp) -> Nanos {
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
        if begin.of.track.is_none() {
            return begin.of.wanted.as_deref().map(silent);
        }
        let at = self.time_of(begin.start_mark, now);
        self.threads.sphere.take = Some((begin.of.take, at));
        let at_frame = self.session.in_session(begin.start_mark);
        let line = &self.threads.sphere.known()?.line;
        // Of a take that a crash cuts, nobody knows whether it was heard to its end.
        Some(row(&line.at(at)?, None, at_frame, None))
    }

    /// A take ends: where the track stood at its marks, by all readings up to now.
    pub(super) fn sphere_at_end(&mut self, end: &End, now: Stamp) -> Option<SphereAt> {
        if end.of.track.is_none() {
            return end.of.wanted.as_deref().map(silent);
        }
        let of_take = |it: &mut (u32, Nanos)| it.0 == end.of.take;
        let (_, at) = self.threads.sphere.take.take_if(of_take)?;
        let ended = self.time_of(end.end_mark, now);
        let Snapshot {
            line,
            looks,
            rms_dbfs,
            ..
        } = self.threads.sphere.known()?;
        let last = line.at(ended).filter(|_| line.is_one(at, ended));
        let at_frame = self.session.in_session(end.start_mark);
        let heard = looks.between(at, ended);
        let start = line.at(at)?;
        let row = SphereAt {
            level_off_db: self.threads.sphere.levels.off_db(&start.track, rms_dbfs),
            ..row(&start, last, at_frame, heard)
        };
        if heard.is_some() {
            self.threads.sphere.unproven.push((end.of.take, ended));
        }
        Some(row)
    }

    /// Takes that ended since the last look were believed to be heard: the next one proves it, or
    /// their rows are written anew.
    fn prove_takes(&mut self) {
        let sphere = &mut self.threads.sphere;
        let Some(looks) = sphere.thread.as_ref().map(|thread| &thread.known().looks) else {
            return;
        };
        let (until, are_lost) = (looks.known_until(), looks.are_lost());
        let is_proven = |(_, ended): &(u32, Nanos)| until.is_some_and(|until| *ended <= until);
        sphere.unproven.retain(|take| !is_proven(take));
        if are_lost {
            for (take, _) in std::mem::take(&mut sphere.unproven) {
                let amendment = Amendment::Unheard;
                self.threads
                    .chain
                    .send(recorder::Command::Amend { take, amendment });
            }
        }
    }
}
