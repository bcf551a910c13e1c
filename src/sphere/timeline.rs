//! Which transport frame sounded when: the sphere's readings as one line of time, with its bound.
//!
//! Pure: time is an argument. Guarantees: the true transport frame lies within the uncertainty that
//! is given, for as long as each reading's own bound holds and the two clocks differ by at most
//! [`DRIFT`]; no frame is given for a time at which nobody knows what played. Memory is bounded.
//!
//! Each reading is a cone: its bound at its own time, wider by the drift at any other. The line lies
//! in all cones of its segment, so that readings before and after a moment bound it from both sides.
//! A reading far outside of them begins a new segment; one a little outside does if the next agrees
//! with it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::Position;
use crate::rt::Nanos;

/// What two quartz clocks may differ by: 50 ppm.
pub const DRIFT: f64 = 50e-6;
/// How late JACK may wake up for a period, and date its frames by it: without real-time priority, on a
/// loaded machine, 0.1 to 1 ms, seldom more.
const WAKE: Duration = Duration::from_millis(2);
/// A reading that leaves more open than this leaves JACK's period open, and its waking up with it.
const COARSE: Duration = Duration::from_millis(5);
/// Of the readings of so long a time the best is kept: at 50 ppm it ages by half a millisecond.
const BUCKET: Duration = Duration::from_secs(10);
/// Readings kept of a segment: well above an hour.
const READINGS: usize = 512;
/// Segments kept: a take that is written now began in one of the last.
const SEGMENTS: usize = 16;
/// What a missed period of JACK can move the transport by (2048 frames at 44.1 kHz); beyond it
/// somebody moved it.
const SLIP: Duration = Duration::from_millis(50);

/// Where the transport stood at a moment.
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
    /// Off by less than a period beyond them: JACK lost some.
    Slipped,
    /// Somebody moved the transport, by so many frames.
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
    /// The last moment at which it is known to have rolled on this line; the newest reading's until
    /// the segment is closed.
    until: Option<Nanos>,
    /// It is the one before it, but for less than [`SLIP`].
    slipped: bool,
    readings: Vec<Position>,
}

/// The sphere's line of time.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Shared between clones until they change.
    segments: VecDeque<Arc<Segment>>,
    /// A reading a little off the line, until the next.
    suspect: Option<Position>,
}

impl Timeline {
    /// `track` rolls as read.
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

    /// Takes in a further reading of what plays.
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
            segment.keep(reading);
            self.suspect = None;
            return Fit::On;
        }
        let track = segment.track.clone();
        if reading.rate != segment.rate || off.abs() > SLIP.as_secs_f64() * f64::from(reading.rate)
        {
            self.begin(track, reading);
            return Fit::Moved(off as i64);
        }
        // A reading that JACK dated badly stands alone; a lost period does not.
        match self.suspect.replace(reading) {
            Some(first) if agree(&first, &reading) => {
                self.open(track, first, true);
                self.read(reading);
                Fit::Slipped
            }
            _ => Fit::On,
        }
    }

    /// Nothing plays any more, or nobody knows: known up to the newest reading.
    pub fn end(&mut self) {
        self.end_at(Nanos(0));
    }

    /// It was stopped after `at`, and rolled until then.
    pub fn end_at(&mut self, at: Nanos) {
        if let Some(segment) = self.playing() {
            segment.until = Some(segment.newest().at.max(at));
        }
    }

    /// Where the transport stood at `at`; `None` where it is not known to have rolled. While it
    /// plays, a moment after the newest reading is known by those before it.
    #[must_use]
    pub fn at(&self, at: Nanos) -> Option<Mapped> {
        let within = |s: &&Arc<Segment>| s.since <= at && s.until.is_none_or(|until| at <= until);
        let found = self.segments.iter().rev().find(within);
        found.map(|s| s.at(at)).or_else(|| self.amid_slip(at))
    }

    /// Between the last reading before a slip and the first after it: on one of the two lines.
    fn amid_slip(&self, at: Nanos) -> Option<Mapped> {
        let mut pairs = self.segments.iter().zip(self.segments.iter().skip(1));
        let amid = |(old, new): &(&Arc<Segment>, &Arc<Segment>)| {
            let until = old.until.filter(|_| new.slipped);
            until.is_some_and(|until| until < at && at < new.since)
        };
        let (before, after) = pairs.find(amid)?;
        let (before, after) = (before.at(at), after.at(at));
        let apart = before.frame.abs_diff(after.frame);
        let uncertainty_frames = after
            .uncertainty_frames
            .max(apart + before.uncertainty_frames);
        Some(Mapped {
            uncertainty_frames,
            ..after
        })
    }

    /// Whether both moments lie on one line, without a jump between.
    #[must_use]
    pub fn is_one(&self, from: Nanos, to: Nanos) -> bool {
        let within = |s: &Arc<Segment>| s.since <= from && s.until.is_none_or(|until| to <= until);
        self.segments.iter().any(within)
    }

    /// Where the transport would stand at `at` had it rolled on from the newest reading.
    #[must_use]
    pub fn extrapolate(&self, at: Nanos) -> Option<u64> {
        let last = self.segments.back()?;
        Some(last.at(at).frame)
    }

    /// Whether a transport that stands as read may have rolled on from the newest reading and been
    /// stopped on the way.
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

    /// Keeps the newest, and of each bucket the best.
    fn keep(&mut self, reading: Position) {
        let bucket = |it: &Position| it.at.since(self.since).as_secs() / BUCKET.as_secs();
        if let [.., a, b] = &self.readings[..]
            && bucket(a) == bucket(b)
        {
            let worse = if b.uncertainty < a.uncertainty { 2 } else { 1 };
            self.readings.remove(self.readings.len() - worse);
        }
        if self.readings.len() == READINGS {
            self.readings.remove(0);
        }
        self.readings.push(reading);
    }

    /// Where all cones meet at `at`; readings that contradict each other (clocks worse than
    /// [`DRIFT`]) leave the narrowest.
    fn bounds(&self, at: Nanos) -> (f64, f64) {
        let cone = |it: &Position| {
            let (frame, bound) = (carried(it, at), bound(it, at));
            (frame - bound, frame + bound)
        };
        let cones = self.readings.iter().map(cone);
        let meet = |a: (f64, f64), b: (f64, f64)| (a.0.max(b.0), a.1.min(b.1));
        let met = cones.clone().reduce(meet);
        let width = |(low, high): &(f64, f64)| high - low;
        let narrowest = || cones.min_by(|a, b| width(a).total_cmp(&width(b)));
        met.filter(|met| width(met) >= 0.0)
            .or_else(narrowest)
            .unwrap_or_default()
    }

    fn at(&self, at: Nanos) -> Mapped {
        let (low, high) = self.bounds(at);
        let frame = low.midpoint(high).max(0.0).round();
        Mapped {
            track: self.track.clone(),
            frame: frame as u64,
            rate: self.rate,
            uncertainty_frames: (high - frame).max(frame - low).ceil() as u64,
        }
    }
}

/// By how many frames a reading lies outside of these bounds and its own.
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

/// The frame of a reading carried over to `at`.
fn carried(reading: &Position, at: Nanos) -> f64 {
    reading.frame as f64 + seconds(reading.at, at) * f64::from(reading.rate)
}

/// How far the true frame at `at` may lie from the carried one: what the reading and JACK's waking up
/// leave open, a frame for its being a whole number, and the drift.
fn bound(reading: &Position, at: Nanos) -> f64 {
    let drift = seconds(reading.at, at).abs() * DRIFT;
    let open = (reading.uncertainty + WAKE).min(COARSE);
    let open = open.max(reading.uncertainty).as_secs_f64();
    (open + drift) * f64::from(reading.rate) + 1.0
}

#[cfg(test)]
mod tests;
