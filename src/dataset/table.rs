//! metadata.csv: a row for each file, RFC 4180 with line feeds.
//!
//! Guarantees: the same data give the same bytes; no cell holds a time of day. The participant's
//! token is left out: it contains the second at which it was made, and a copy of it would outlive
//! forgetting.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Cells by column.
pub type Cells = BTreeMap<String, String>;

/// The columns that every export has, in order; other columns follow by name.
const COLUMNS: [&str; 71] = [
    "file_name",
    "session",
    "take",
    "channel",
    "kind",
    "step",
    "line",
    "line_id",
    "text",
    "language",
    "version",
    "verdict",
    "reasons",
    "start_frame",
    "frames",
    "lead_frames",
    "tail_frames",
    "shown_frame",
    "press_frames",
    "voice_frame",
    "voice_frames",
    "rate",
    "channels",
    "format",
    "gaps",
    "gap_frames",
    "peak_dbfs",
    "rms_dbfs",
    "dc",
    "snr_db",
    "clipped",
    "sphere_track",
    "sphere_frame",
    "sphere_rate",
    "sphere_at_frame",
    "sphere_uncertainty_frames",
    "sphere_end_frame",
    "sphere_end_uncertainty_frames",
    "sphere_heard",
    "sphere_level_off_db",
    "file",
    "samples_sha256",
    "box",
    "site_place",
    "site_room",
    "site_note",
    "session_language",
    "protocol_name",
    "protocol_sha256",
    "corpus_name",
    "corpus_sha256",
    "corpus_seed",
    "corpus_shard",
    "audio_device",
    "audio_card",
    "audio_driver",
    "audio_rate",
    "audio_format",
    "audio_reference",
    "noise_floor_dbfs",
    "offset_frames",
    "sensor_model",
    "sensor_serial",
    "sensor_position",
    "sensor_gain_db",
    "sensor_band_hz",
    "consent_version",
    "consent_sha256",
    "consent_language",
    "recipient",
    "sealed",
];

/// Lists with one value per channel.
const OF_CHANNELS: [&str; 7] = [
    "peak_dbfs",
    "rms_dbfs",
    "dc",
    "snr_db",
    "clipped",
    "noise_floor_dbfs",
    "audio_offset_frames",
];

/// Keys that are left out: times, the token, and what is true of DATA only.
const LEFT_OUT: [&str; 3] = ["utc", "participant", "sealed_bytes"];

/// The cells of a take in a file of `channel`, or of all channels.
#[must_use]
pub fn of_take(row: &Value, channel: Option<usize>) -> Cells {
    let mut cells = Cells::new();
    let gaps = row["gaps"].as_array().map_or(&[][..], Vec::as_slice);
    let frames = gaps.iter().filter_map(|gap| gap["frames"].as_u64());
    cells.insert("gaps".into(), gaps.len().to_string());
    cells.insert("gap_frames".into(), frames.sum::<u64>().to_string());
    let fields = row.as_object().into_iter().flatten();
    for (key, value) in fields.filter(|(key, _)| *key != "gaps") {
        flatten(key, value, channel, &mut cells);
    }
    cells
}

/// The cells of a session in a file of `channel`, or of all channels.
#[must_use]
pub fn of_session(record: &Value, channel: Option<usize>) -> Cells {
    let mut cells = Cells::new();
    for (key, value) in record.as_object().into_iter().flatten() {
        flatten(key, value, channel, &mut cells);
    }
    if let Some(offset) = cells.remove("audio_offset_frames") {
        cells.insert("offset_frames".into(), offset);
    }
    // A take's own language has a column of its own.
    if let Some(language) = cells.remove("language") {
        cells.insert("session_language".into(), language);
    }
    let sensor = channel.map_or(&Value::Null, |channel| {
        &record["audio"]["channels"][channel]
    });
    for (key, value) in sensor.as_object().into_iter().flatten() {
        if key != "name" {
            flatten(&format!("sensor_{key}"), value, None, &mut cells);
        }
    }
    cells
}

/// The cells of the answers.
#[must_use]
pub fn of_answers(answers: &Map<String, Value>) -> Cells {
    let mut cells = Cells::new();
    for (question, answer) in answers {
        flatten(&format!("answer_{question}"), answer, None, &mut cells);
    }
    cells
}

fn flatten(key: &str, value: &Value, channel: Option<usize>, cells: &mut Cells) {
    if LEFT_OUT.contains(&key) {
        return;
    }
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(&format!("{key}_{name}"), value, channel, cells);
            }
        }
        Value::Array(all) => {
            let own = channel.filter(|_| OF_CHANNELS.contains(&key));
            let one = own.map(|channel| all.get(channel).map_or_else(String::new, plain));
            // A list of objects is the list of sensors; each file has its own.
            if !all.iter().any(Value::is_object) {
                let between = if key == "reasons" { "; " } else { " " };
                let list = || all.iter().map(plain).collect::<Vec<_>>().join(between);
                cells.insert(key.to_owned(), one.unwrap_or_else(list));
            }
        }
        other => {
            cells.insert(key.to_owned(), plain(other));
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The columns of a table that has `old` ones and gets cells in `others`: what was there stays in its
/// place, and a new table has no other order than one that grew.
#[must_use]
pub fn columns(old: &[String], others: &BTreeSet<String>) -> Vec<String> {
    let mut all: Vec<String> = old.to_vec();
    let mut place = 0;
    for column in COLUMNS {
        place = match all.iter().position(|one| one == column) {
            Some(known) => known + 1,
            None => {
                all.insert(place, column.to_owned());
                place + 1
            }
        };
    }
    let last = all
        .iter()
        .rposition(|one| is_fixed(one))
        .map_or(0, |last| last + 1);
    for column in others {
        if !all.contains(column) {
            let later = all[last..].iter().position(|one| one > column);
            all.insert(
                later.map_or(all.len(), |later| last + later),
                column.clone(),
            );
        }
    }
    all
}

/// Whether every export has this column.
#[must_use]
pub fn is_fixed(column: &str) -> bool {
    COLUMNS.contains(&column)
}

/// A line of the table.
#[must_use]
pub fn line<'a>(cells: impl Iterator<Item = Cow<'a, str>>) -> String {
    let mut line = String::new();
    for cell in cells {
        line += &quoted(&cell);
        line.push(',');
    }
    line.pop();
    line.push('\n');
    line
}

fn quoted(cell: &str) -> Cow<'_, str> {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\"")).into()
    } else {
        cell.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_channels_row_has_its_own_levels_and_no_time() {
        let row = json!({
            "take": 3, "utc": "2026-11-24T10:00:00Z", "line_id": null, "peak_dbfs": [-3.5, null],
            "press_frames": [7, 8], "voice": {"frame": 1, "frames": 2},
            "gaps": [{"frame": 1, "frames": 4, "cause": "device"}],
        });
        let cells = of_take(&row, Some(0));
        let cell = |name: &str| cells.get(name).map(String::as_str);
        assert_eq!(cell("take"), Some("3"));
        assert_eq!(cell("peak_dbfs"), Some("-3.5"));
        assert_eq!(cell("press_frames"), Some("7 8"));
        assert_eq!(cell("voice_frames"), Some("2"));
        assert_eq!((cell("gaps"), cell("gap_frames")), (Some("1"), Some("4")));
        assert_eq!((cell("utc"), cell("line_id")), (None, None));
        assert_eq!(of_take(&row, Some(1))["peak_dbfs"], "");
        assert_eq!(of_take(&row, None)["peak_dbfs"], "-3.5 ");
    }

    #[test]
    fn a_sessions_row_has_its_channels_sensor_and_no_token() {
        let record = json!({
            "session": "S", "language": "fr", "participant": "gAAAA", "site": {"place": "Paris"},
            "audio": {"rate": 48000, "channels": [{"name": "a"}, {"name": "b", "gain_db": 20.0}]},
        });
        let cells = of_session(&record, Some(1));
        let names: Vec<&str> = cells.keys().map(String::as_str).collect();
        let expected = [
            "audio_rate",
            "sensor_gain_db",
            "session",
            "session_language",
            "site_place",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn any_prompt_text_is_one_cell() {
        let cells = ["a, \"b\"\nc", "", "d"].map(Cow::from);
        assert_eq!(line(cells.into_iter()), "\"a, \"\"b\"\"\nc\",,d\n");
    }

    #[test]
    fn a_table_that_grew_has_the_columns_of_a_new_one_and_the_users_stay_in_place() {
        let names = |all: &[&str]| {
            all.iter()
                .map(|it| (*it).to_owned())
                .collect::<BTreeSet<_>>()
        };
        let (one, both) = (
            names(&["answer_b"]),
            names(&["answer_a", "answer_b", "zoo"]),
        );
        let anew = columns(&[], &both);
        assert_eq!(columns(&columns(&[], &one), &both), anew);
        assert_eq!(columns(&anew, &one), anew);
        let mut with_own = columns(&[], &one);
        with_own.insert(2, "age group".into());
        with_own.push("note".into());
        let grown = columns(&with_own, &both);
        assert_eq!(grown[2], "age group");
        let end: Vec<&str> = grown[COLUMNS.len() + 1..]
            .iter()
            .map(String::as_str)
            .collect();
        assert_eq!(end, ["answer_a", "answer_b", "note", "zoo"]);
        assert!(
            columns(&["session".into()], &one)
                .iter()
                .filter(|it| is_fixed(it))
                .count()
                == COLUMNS.len()
        );
    }
}
