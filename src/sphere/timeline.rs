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
//! the next reading agrees with it. A reading that tells less than those of the line (a coarse one,
//! or one whose bound is not known) tells whether the transport rolls and where it is about; one that
//! tells more begins a line of its own.
//!
//! A period that JACK loses may hide within a coarse reading, so the line may be behind an earlier
//! one and ahead of a later one, by any number of lost periods; never the other way round, because a
//! transport only stands still for them. Of coarse readings, earlier ones bound a moment from above
//! and later ones from below. Before the first and after the last of them, one lost period is granted.

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
/// A reading with a wider bound is coarse: a lost period may hide in it. The helper's are below 5 ms,
/// those of JACK's own tools above 40.
const COARSE: Duration = Duration::from_millis(10);

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

/// What a reading tells of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    /// About where it is.
    Unbounded,
    /// Within a bound in which a lost period may hide.
    Coarse,
    /// Within a bound that shows a lost period.
    Sharp,
}

/// The readings between two jumps, all of one grade.
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
        let track = segment.track.clone();
        if reading.rate != segment.rate || off.abs() > slip(&reading) {
            self.begin(track, reading);
            return Fit::Moved(off as i64);
        }
        let grades = (segment.grade(), grade(&reading));
        let is_behind = off < 0.0 && grades == (Grade::Coarse, Grade::Coarse);
        if off == 0.0 || is_behind {
            if grades == (Grade::Coarse, Grade::Sharp) {
                self.open(track, reading, true);
            } else {
                segment.take(reading);
            }
            self.suspect = None;
            return if is_behind { Fit::Slipped } else { Fit::On };
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
        let (low, high) = last.bounds(at);
        Some(middle(low, high))
    }

    /// Whether a transport that is stopped at this reading may have rolled on from the newest one
    /// and been stopped on the way.
    #[must_use]
    pub fn may_have_stopped(&self, reading: &Position) -> bool {
        let (slip, frame) = (slip(reading), reading.frame as f64);
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
        // A segment begins with a reading; the first and the newest are never dropped.
        &self.readings[self.readings.len() - 1]
    }

    fn grade(&self) -> Grade {
        grade(self.newest())
    }

    /// One without a bound is kept only as long as there is no other, and one that tells less than
    /// the others not at all.
    fn take(&mut self, reading: Position) {
        if self.grade() == Grade::Unbounded {
            self.since = reading.at;
            self.readings = vec![reading];
        } else if grade(&reading) == self.grade() {
            self.keep(reading);
        }
    }

    /// Keeps the first, the newest, and the best of each bucket.
    fn keep(&mut self, reading: Position) {
        let bucket = |it: &Position| it.at.since(self.since).as_secs() / BUCKET.as_secs();
        if let [_, .., a, b] = &self.readings[..]
            && bucket(a) == bucket(b)
        {
            let worse = if open(b) < open(a) { 2 } else { 1 };
            self.readings.remove(self.readings.len() - worse);
        }
        if self.readings.len() == READINGS {
            self.readings.remove(1);
        }
        self.readings.push(reading);
    }

    /// Where the cones meet at `at`; if readings contradict each other (clocks worse than
    /// [`DRIFT`]), the narrowest remains.
    fn bounds(&self, at: Nanos) -> (f64, f64) {
        let cone = |it: &Position| {
            let (frame, bound) = (carried(it, at), bound(it, at));
            (frame - bound, frame + bound)
        };
        let is_sharp = self.grade() == Grade::Sharp;
        let later = self.readings.iter().filter(|it| is_sharp || it.at >= at);
        let earlier = self.readings.iter().filter(|it| is_sharp || it.at <= at);
        let low = later.map(|it| cone(it).0).reduce(f64::max);
        let high = earlier.map(|it| cone(it).1).reduce(f64::min);
        let low = low.unwrap_or_else(|| cone(self.newest()).0);
        let high = high.unwrap_or_else(|| cone(&self.readings[0]).1);
        if low <= high {
            return (low, high);
        }
        let width = |(low, high): &(f64, f64)| high - low;
        let cones = self.readings.iter().map(cone);
        let narrowest = cones.min_by(|a, b| width(a).total_cmp(&width(b)));
        narrowest.unwrap_or_default()
    }

    fn at(&self, at: Nanos) -> Option<Mapped> {
        let is_between = self.readings[0].at <= at && at <= self.newest().at;
        let granted = match self.grade() {
            Grade::Unbounded => return None,
            Grade::Coarse if !is_between => slip(self.newest()),
            Grade::Coarse | Grade::Sharp => 0.0,
        };
        let (low, high) = self.bounds(at);
        let frame = middle(low, high);
        let off = (high - frame as f64).max(frame as f64 - low) + granted;
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

fn grade(reading: &Position) -> Grade {
    match reading.uncertainty {
        None => Grade::Unbounded,
        Some(open) if open > COARSE => Grade::Coarse,
        Some(_) => Grade::Sharp,
    }
}

/// [`SLIP`] in frames.
fn slip(reading: &Position) -> f64 {
    SLIP.as_secs_f64() * f64::from(reading.rate)
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
