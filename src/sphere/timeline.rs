//! Which transport frame sounded at which time: the sphere's readings as one timeline, with its
//! bound.
//!
//! Pure: time is an argument. Guarantees: the true transport frame is within the given uncertainty,
//! as long as each reading's own bound holds and the two clocks differ by at most [`DRIFT`]. No
//! frame is given for a time at which it is unknown what played. Memory is bounded.
//!
//! Each reading is a cone: its bound at its own time, wider by the drift at any other. The line is
//! inside all cones of its segment, so that readings before and after a moment bound it from both
//! sides. A reading far outside of the cones begins a new segment; one a little outside does so if
//! the next reading agrees with it. Between coarse readings JACK may lose a period that none of them
//! shows: only those near a moment bound it then, and are granted that the transport fell back by
//! 50 ms in between. A reading whose bound is not known tells whether the transport
//! rolls and where it is about; a line of time begins with one whose bound is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::Position;
use crate::rt::Nanos;

/// What two quartz clocks may differ by: 50 ppm.
pub const DRIFT: f64 = 50e-6;
/// The best reading of this much time is kept: at 50 ppm it ages by half a millisecond.
const BUCKET: Duration = Duration::from_secs(10);
/// Readings kept of a segment: well above an hour.
const READINGS: usize = 512;
/// Segments kept: a take that is being written now began in one of the last.
const SEGMENTS: usize = 16;
/// A missed period of JACK can move the transport by this much (2048 frames at 44.1 kHz); beyond it
/// someone moved it.
const SLIP: Duration = Duration::from_millis(50);

/// A reading whose bound is wider does not show that JACK lost a period (1024 frames at 48 kHz).
const COARSE: Duration = Duration::from_millis(10);
/// The coarse readings within this much of a moment bound it; more than [`SLIP`] is not lost unseen in it.
const NEAR: Duration = Duration::from_secs(4);

/// Where the transport was at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The track.
    pub track: Arc<str>,
    /// Transport frame.
    pub frame: u64,
    /// Transport frames per second.
    pub rate: u32,
    /// How far the true frame may lie from `frame`.
    pub uncertainty_frames: u64,
}

/// How a reading agrees with those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Within the bounds, or the first of its segment.
    On,
    /// Less than a period outside of them: JACK lost some.
    Slipped,
    /// Someone moved the transport by this many frames.
    Moved(i64),
    /// It does not roll.
    Stopped,
}

/// The readings between two jumps.
#[derive(Clone, Debug)]
struct Segment {
    track: Arc<str>,
    rate: u32,
    since: Nanos,
    /// The last moment at which it is known to have rolled on this line; that of the newest reading
    /// until the segment is closed.
    until: Option<Nanos>,
    /// It is the same line as the one before it, except for less than [`SLIP`].
    slipped: bool,
    readings: Vec<Position>,
}

/// The sphere's timeline.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Shared between clones until they change.
    segments: VecDeque<Arc<Segment>>,
    /// A reading a little off the line, kept until the next.
    suspect: Option<Position>,
}

impl Timeline {
    /// `track` rolls, as this reading shows.
    pub fn begin(&mut self, track: Arc<str>, reading: Position) {
        self.open(track, reading, false);
    }

    fn open(&mut self, track: Arc<str>, reading: Position, slipped: bool) {
        self.end();
        self.suspect = None;
        if self.segments.len() == SEGMENTS {
            self.segments.pop_front();
        }
        self.segments.push_back(Arc::new(Segment {
            track,
            rate: reading.rate,
            since: reading.at,
            until: None,
            slipped,
            readings: vec![reading],
        }));
    }

    /// Adds a further reading of what plays.
    pub fn read(&mut self, reading: Position) -> Fit {
        let Some(segment) = self.playing() else {
            return Fit::On;
        };
        if !reading.rolling {
            self.end();
            return Fit::Stopped;
        }
        let off = off(segment.bounds(reading.at), &reading);
        if off == 0.0 && reading.rate == segment.rate {
            segment.take(reading);
            self.suspect = None;
            return Fit::On;
        }
        let track = segment.track.clone();
        if reading.rate != segment.rate || off.abs() > SLIP.as_secs_f64() * f64::from(reading.rate)
        {
            self.begin(track, reading);
            return Fit::Moved(off as i64);
        }
        // A reading with a wrong time from JACK is a single one; a lost period does not.
        match self.suspect.replace(reading) {
            Some(first) if agree(&first, &reading) => {
                self.open(track, first, true);
                self.read(reading);
                Fit::Slipped
            }
            _ => Fit::On,
        }
    }

    /// Nothing plays any more, or it is unknown: the line is known up to the newest reading.
    pub fn end(&mut self) {
        self.end_at(Nanos(0));
    }

    /// It was stopped after `at`, and rolled until then.
    pub fn end_at(&mut self, at: Nanos) {
        if let Some(segment) = self.playing() {
            segment.until = Some(segment.newest().at.max(at));
        }
    }

    /// Where the transport was at `at`; `None` if it is not known to have rolled then. While it
    /// plays, a moment after the newest reading is known from earlier ones.
    #[must_use]
    pub fn at(&self, at: Nanos) -> Option<Mapped> {
        let within = |s: &&Arc<Segment>| s.since <= at && s.until.is_none_or(|until| at <= until);
        let found = self.segments.iter().rev().find(within);
        found.map_or_else(|| self.amid_slip(at), |s| s.at(at))
    }

    /// Between the last reading before a slip and the first after it, the transport is on one of
    /// the two lines.
    fn amid_slip(&self, at: Nanos) -> Option<Mapped> {
        let mut pairs = self.segments.iter().zip(self.segments.iter().skip(1));
        let amid = |(old, new): &(&Arc<Segment>, &Arc<Segment>)| {
            let until = old.until.filter(|_| new.slipped);
            until.is_some_and(|until| until < at && at < new.since)
        };
        let (before, after) = pairs.find(amid)?;
        let (before, after) = (before.at(at)?, after.at(at)?);
        let apart = before.frame.abs_diff(after.frame);
        let uncertainty_frames = after
            .uncertainty_frames
            .max(apart + before.uncertainty_frames);
        Some(Mapped {
            uncertainty_frames,
            ..after
        })
    }

    /// Whether both moments are on one line, without a jump between them.
    #[must_use]
    pub fn is_one(&self, from: Nanos, to: Nanos) -> bool {
        let within = |s: &Arc<Segment>| s.since <= from && s.until.is_none_or(|until| to <= until);
        self.segments.iter().any(within)
    }

    /// Where the transport would be at `at` if it had rolled on from the newest reading.
    #[must_use]
    pub fn extrapolate(&self, at: Nanos) -> Option<u64> {
        let last = self.segments.back()?;
        let (low, high) = last.meet(at, Duration::ZERO);
        Some(middle(low, high))
    }

    /// Whether a transport that is stopped at this reading may have rolled on from the newest one
    /// and been stopped on the way.
    #[must_use]
    pub fn may_have_stopped(&self, reading: &Position) -> bool {
        let slip = SLIP.as_secs_f64() * f64::from(reading.rate);
        let frame = reading.frame as f64;
        self.segments.back().is_some_and(|segment| {
            let (low, _) = segment.bounds(segment.newest().at);
            let (_, high) = segment.bounds(reading.at);
            (low - slip..=high + slip).contains(&frame)
        })
    }

    fn playing(&mut self) -> Option<&mut Segment> {
        let playing = self.segments.back_mut().filter(|s| s.until.is_none());
        playing.map(Arc::make_mut)
    }
}

impl Segment {
    fn newest(&self) -> &Position {
        // A segment begins with a reading, and the newest is never dropped.
        &self.readings[self.readings.len() - 1]
    }

    /// One without a bound is kept only as long as there is no other.
    fn take(&mut self, reading: Position) {
        if !self.is_known() {
            self.since = reading.at;
            self.readings = vec![reading];
        } else if reading.uncertainty.is_some() {
            self.keep(reading);
        }
    }

    fn is_known(&self) -> bool {
        self.newest().uncertainty.is_some()
    }

    /// Keeps the newest, and the best of each bucket; of coarse ones, each.
    fn keep(&mut self, reading: Position) {
        let bucket = |it: &Position| it.at.since(self.since).as_secs() / BUCKET.as_secs();
        if let [.., a, b] = &self.readings[..]
            && bucket(a) == bucket(b)
            && !(is_coarse(a) && is_coarse(b))
        {
            let worse = if open(b) < open(a) { 2 } else { 1 };
            self.readings.remove(self.readings.len() - worse);
        }
        if self.readings.len() == READINGS {
            self.readings.remove(0);
        }
        self.readings.push(reading);
    }

    /// Where it may be at `at`.
    fn bounds(&self, at: Nanos) -> (f64, f64) {
        self.meet(at, SLIP)
    }

    /// Where all cones meet at `at`, if no more than `lost` was lost unseen; if readings contradict
    /// each other (clocks worse than [`DRIFT`]), the narrowest remains.
    fn meet(&self, at: Nanos, lost: Duration) -> (f64, f64) {
        let fine = self.readings.iter().filter(|it| !is_coarse(it));
        let cones = fine.chain(self.coarse_around(at));
        let cones = cones.map(|it| cone(it, at, lost));
        let meet = |a: (f64, f64), b: (f64, f64)| (a.0.max(b.0), a.1.min(b.1));
        let met = cones.clone().reduce(meet);
        let width = |(low, high): &(f64, f64)| high - low;
        let narrowest = || cones.min_by(|a, b| width(a).total_cmp(&width(b)));
        met.filter(|met| width(met) >= 0.0)
            .or_else(narrowest)
            .unwrap_or_default()
    }

    /// The coarse readings near `at`; the last one before them and the first one after, where there are
    /// none on that side.
    fn coarse_around(&self, at: Nanos) -> impl Iterator<Item = &Position> + Clone {
        let is_near = move |it: &&Position| at.since(it.at) + it.at.since(at) <= NEAR;
        let coarse = move || self.readings.iter().filter(|it| is_coarse(it));
        let before = coarse().rfind(|it| it.at <= at);
        let after = coarse().find(|it| it.at > at);
        let far = before.into_iter().chain(after);
        far.filter(move |it| !is_near(it))
            .chain(coarse().filter(is_near))
    }

    fn at(&self, at: Nanos) -> Option<Mapped> {
        if !self.is_known() {
            return None;
        }
        let (low, high) = self.bounds(at);
        let frame = middle(low, high);
        let off = (high - frame as f64).max(frame as f64 - low);
        Some(Mapped {
            track: self.track.clone(),
            frame,
            rate: self.rate,
            uncertainty_frames: off.ceil() as u64,
        })
    }
}

fn middle(low: f64, high: f64) -> u64 {
    low.midpoint(high).max(0.0).round() as u64
}

/// A reading's bound; where it is not known, as much as a lost period may move the transport.
fn open(reading: &Position) -> Duration {
    reading.uncertainty.unwrap_or(SLIP)
}

fn is_coarse(reading: &Position) -> bool {
    open(reading) > COARSE
}

/// Between which frames a reading says that the transport is at `at`. It falls back where JACK loses a
/// period, and never gets ahead.
fn cone(reading: &Position, at: Nanos, lost: Duration) -> (f64, f64) {
    let (frame, bound) = (carried(reading, at), bound(reading, at));
    let lost = if is_coarse(reading) {
        lost.as_secs_f64() * f64::from(reading.rate)
    } else {
        0.0
    };
    let (since, until) = (at > reading.at, at < reading.at);
    let or_nothing = |is_so: bool| if is_so { lost } else { 0.0 };
    (
        frame - bound - or_nothing(since),
        frame + bound + or_nothing(until),
    )
}

/// By how many frames a reading is outside of these bounds and its own.
fn off((low, high): (f64, f64), reading: &Position) -> f64 {
    let (frame, bound) = (reading.frame as f64, bound(reading, reading.at));
    (frame - high - bound).max(0.0) + (frame - low + bound).min(0.0)
}

fn agree(first: &Position, then: &Position) -> bool {
    let bound_then = bound(first, then.at);
    let carried = carried(first, then.at);
    off((carried - bound_then, carried + bound_then), then) == 0.0
}

/// Seconds from `from` to `to`.
fn seconds(from: Nanos, to: Nanos) -> f64 {
    to.since(from).as_secs_f64() - from.since(to).as_secs_f64()
}

/// The frame of a reading, projected to `at`.
fn carried(reading: &Position, at: Nanos) -> f64 {
    reading.frame as f64 + seconds(reading.at, at) * f64::from(reading.rate)
}

/// How far the true frame at `at` may be from the projected one: the reading's uncertainty, one
/// frame because frames are whole numbers, and the drift.
fn bound(reading: &Position, at: Nanos) -> f64 {
    let drift = seconds(reading.at, at).abs() * DRIFT;
    (open(reading).as_secs_f64() + drift) * f64::from(reading.rate) + 1.0
}

#[cfg(test)]
mod tests;
