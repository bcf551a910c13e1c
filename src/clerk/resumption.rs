//! The point that a session had reached when the program ended in its middle, from the files in its
//! folder.

use std::path::Path;

use crate::store::events::{self, Entry};
use crate::store::row::Row;
use crate::store::session::Record;
use crate::store::takes;
use crate::words::{Ended, Note, Resumption, ScreenName, SphereVerb, StepState};

/// The record of a session that has no end yet; `None` if it has one or cannot be read.
#[must_use]
pub fn unended(folder: &Path) -> Option<Record> {
    let record = Record::read(folder).ok()?;
    record.ended.is_none().then_some(record)
}

/// Whether the session in `folder` showed its code and the visitor did not confirm it: otherwise a
/// step follows.
#[must_use]
pub fn is_unconfirmed(folder: &Path) -> bool {
    let events = events::read(folder).unwrap_or_default();
    let has = |is: fn(&Note) -> bool| events.iter().any(|it| it.note.as_ref().is_some_and(is));
    let is_code = |note: &Note| {
        let name = ScreenName::Code;
        *note == Note::Screen { name }
    };
    has(is_code) && !has(|note| matches!(note, Note::Step { .. }))
}

/// The point that the session in `folder` had reached, `rate` being its frames per second; `None`
/// if it was in no step.
#[must_use]
pub fn stood(folder: &Path, rate: u32) -> Option<Resumption> {
    let rows = takes::read(folder).ok()?;
    let events = events::read(folder).ok()?;
    let of_rows = rows.iter().map(|row| row.start_frame + row.frames);
    let last = of_rows
        .chain(events.iter().map(|event| event.frame))
        .max()?;
    let (step, used_frames) = step_at(&events, last)?;
    let rate = u64::from(rate.max(1));
    Some(Resumption {
        folder: folder.to_owned(),
        line: line_read(&rows, &step),
        step,
        used_frames,
        start_s: start_at(&events),
        next_frame: (last / rate + 1) * rate,
        takes: rows.iter().map(|row| row.take).max().unwrap_or(0),
    })
}

/// The step that the last of `events` belongs to, and how much of its time was used at frame
/// `last`.
fn step_at(events: &[Entry], last: u64) -> Option<(String, u64)> {
    let mut at: Option<(&str, u64, Option<u64>)> = None;
    for entry in events {
        let Some(Note::Step { name, state }) = &entry.note else {
            continue;
        };
        let (_, used, running_since) = match &mut at {
            Some(same) if *same.0 == **name => same,
            other => other.insert((name, 0, None)),
        };
        match state {
            StepState::Run | StepState::Resume => *running_since = Some(entry.frame),
            StepState::Pause | StepState::Over => {
                let since = running_since.take().unwrap_or(entry.frame);
                *used += entry.frame.saturating_sub(since);
            }
            StepState::Reset => (*used, *running_since) = (0, None),
            StepState::Intro => {}
        }
    }
    let (name, used, running_since) = at?;
    let running = running_since.map_or(0, |since| last.saturating_sub(since));
    Some((name.to_owned(), used + running))
}

/// Where the last step of `events` began in the sphere's track: its first order to play has that
/// second; later ones add the part of the step's time that was used.
fn start_at(events: &[Entry]) -> Option<f64> {
    let (mut step, mut start_s) = ("", None);
    for entry in events {
        match &entry.note {
            Some(Note::Step { name, state }) if **name != *step || *state == StepState::Reset => {
                (step, start_s) = (name, None);
            }
            Some(Note::Sphere { verb, position, .. }) if *verb == SphereVerb::Play => {
                start_s = start_s.or(*position);
            }
            _ => {}
        }
    }
    start_s
}

fn line_read(rows: &[Row], step: &str) -> Option<(u64, u32)> {
    let last = rows.iter().rev().find(|row| row.step == step)?;
    Some((last.line?, last.version))
}

/// Marks a session without an end as ended by a crash.
///
/// # Errors
/// The file system's.
pub fn crashed(folder: &Path, mut record: Record) -> std::io::Result<()> {
    record.ended = Some(Ended::Crashed);
    record.write(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(frame: u64, name: &str, state: StepState) -> Entry {
        let name = name.into();
        Entry {
            frame,
            note: Some(Note::Step { name, state }),
        }
    }

    fn sphere(verb: SphereVerb, position: Option<f64>) -> Entry {
        let note = Some(Note::Sphere {
            verb,
            track: "".into(),
            position,
            uncertainty_frames: None,
        });
        Entry { frame: 0, note }
    }

    #[test]
    fn a_step_goes_on_in_the_track_as_it_began() {
        let events = [
            step(0, "a", StepState::Intro),
            sphere(SphereVerb::Play, Some(7.0)),
            step(0, "b", StepState::Intro),
            sphere(SphereVerb::Play, Some(100.5)),
            step(10, "b", StepState::Run),
            sphere(SphereVerb::Read, Some(110.0)),
            // Lost and found again, then cut by a crash and resumed.
            sphere(SphereVerb::Play, None),
            step(20, "b", StepState::Intro),
            sphere(SphereVerb::Play, Some(120.5)),
        ];
        assert_eq!(start_at(&events), Some(100.5));
        assert_eq!(start_at(&events[..3]), None);
        assert_eq!(start_at(&events[..2]), Some(7.0));
        let reset = [
            sphere(SphereVerb::Play, Some(1.0)),
            step(30, "", StepState::Reset),
        ];
        assert_eq!(start_at(&reset), None);
    }

    #[test]
    fn the_time_used_is_the_time_that_ran() {
        let events = [
            step(0, "a", StepState::Intro),
            step(10, "a", StepState::Run),
            step(30, "a", StepState::Pause),
            step(50, "a", StepState::Resume),
        ];
        assert_eq!(step_at(&events, 57), Some(("a".into(), 27)));
        assert_eq!(step_at(&events[..3], 57), Some(("a".into(), 20)));
        assert_eq!(step_at(&events[..1], 57), Some(("a".into(), 0)));
        assert_eq!(step_at(&[], 57), None);
    }

    #[test]
    fn a_reset_step_begins_anew() {
        let events = [
            step(10, "a", StepState::Run),
            step(30, "a", StepState::Reset),
            step(30, "a", StepState::Intro),
            step(40, "a", StepState::Run),
        ];
        assert_eq!(step_at(&events, 45), Some(("a".into(), 5)));
    }
}
