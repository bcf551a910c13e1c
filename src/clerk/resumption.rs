//! Where a session stood when the program ended in its middle, from what lies in its folder.

use std::path::Path;

use serde::Deserialize;

use crate::files::small;
use crate::store::folder::Record;
use crate::store::row::Row;
use crate::store::takes;
use crate::words::{Ended, Resumption};

/// A row of events.jsonl, as far as it matters here.
#[derive(Deserialize)]
struct Event {
    frame: u64,
    event: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    verb: String,
    position: Option<f64>,
}

/// The record of a session that has no end yet; `None` for one that has, or that cannot be read.
#[must_use]
pub fn unended(folder: &Path) -> Option<Record> {
    let record = Record::read(folder).ok()?;
    record.ended.is_none().then_some(record)
}

/// Whether the session in `folder` showed its code and nobody confirmed it: a step would follow.
#[must_use]
pub fn is_unconfirmed(folder: &Path) -> bool {
    let events = events(folder).unwrap_or_default();
    let is = |name: &str, of: &Event| of.event == name;
    let code = |of: &Event| is("screen", of) && of.name == "code";
    events.iter().any(code) && !events.iter().any(|of| is("step", of))
}

fn events(folder: &Path) -> Option<Vec<Event>> {
    let text = small::read(&folder.join("events.jsonl")).ok()??;
    let rows = text.split(|byte| *byte == b'\n');
    Some(
        rows.filter_map(|row| serde_json::from_slice(row).ok())
            .collect(),
    )
}

/// Where the session in `folder` stood, `rate` being its frames a second; `None` if it was in no
/// step.
#[must_use]
pub fn stood(folder: &Path, rate: u32) -> Option<Resumption> {
    let rows = takes::read(folder).ok()?;
    let events = events(folder)?;
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

/// The step that the last of `events` stands in, and what was used of its time at frame `last`.
fn step_at(events: &[Event], last: u64) -> Option<(String, u64)> {
    let (mut name, mut used, mut running_since) = (None, 0, None);
    for event in events.iter().filter(|event| event.event == "step") {
        if name.as_deref() != Some(event.name.as_str()) {
            (name, used, running_since) = (Some(event.name.clone()), 0, None);
        }
        match event.state.as_str() {
            "run" | "resume" => running_since = Some(event.frame),
            "pause" | "over" => {
                let since = running_since.take().unwrap_or(event.frame);
                used += event.frame.saturating_sub(since);
            }
            "reset" => (used, running_since) = (0, None),
            _ => {}
        }
    }
    used += running_since.map_or(0, |since| last.saturating_sub(since));
    name.map(|name| (name, used))
}

/// Where the last step of `events` began in the sphere's track: its first order to play names that
/// second, later ones what was used of the step's time too.
fn start_at(events: &[Event]) -> Option<f64> {
    let (mut name, mut start_s) = ("", None);
    for event in events {
        match event.event.as_str() {
            "step" if event.name != name || event.state == "reset" => {
                (name, start_s) = (&event.name, None);
            }
            "sphere" if event.verb == "play" => start_s = start_s.or(event.position),
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

    fn event(frame: u64, name: &str, state: &str) -> Event {
        Event {
            frame,
            event: "step".into(),
            name: name.into(),
            state: state.into(),
            verb: String::new(),
            position: None,
        }
    }

    fn sphere(verb: &str, position: Option<f64>) -> Event {
        Event {
            event: "sphere".into(),
            verb: verb.into(),
            position,
            ..event(0, "", "")
        }
    }

    #[test]
    fn a_step_goes_on_in_the_track_as_it_began() {
        let events = [
            event(0, "a", "intro"),
            sphere("play", Some(7.0)),
            event(0, "b", "intro"),
            sphere("play", Some(100.5)),
            event(10, "b", "run"),
            sphere("read", Some(110.0)),
            // Lost and found, then cut by a crash and resumed.
            sphere("play", None),
            event(20, "b", "intro"),
            sphere("play", Some(120.5)),
        ];
        assert_eq!(start_at(&events), Some(100.5));
        assert_eq!(start_at(&events[..3]), None);
        assert_eq!(start_at(&events[..2]), Some(7.0));
        let reset = [sphere("play", Some(1.0)), event(30, "", "reset")];
        assert_eq!(start_at(&reset), None);
    }

    #[test]
    fn the_time_used_is_that_which_ran() {
        let events = [
            event(0, "a", "intro"),
            event(10, "a", "run"),
            event(30, "a", "pause"),
            event(50, "a", "resume"),
        ];
        assert_eq!(step_at(&events, 57), Some(("a".into(), 27)));
        assert_eq!(step_at(&events[..3], 57), Some(("a".into(), 20)));
        assert_eq!(step_at(&events[..1], 57), Some(("a".into(), 0)));
        assert_eq!(step_at(&[], 57), None);
    }

    #[test]
    fn a_reset_step_begins_anew() {
        let events = [
            event(10, "a", "run"),
            event(30, "a", "reset"),
            event(30, "a", "intro"),
            event(40, "a", "run"),
        ];
        assert_eq!(step_at(&events, 45), Some(("a".into(), 5)));
    }
}
