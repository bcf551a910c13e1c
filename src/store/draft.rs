//! What a take says of itself in its own file, the text of the iXML element `<BOOTH>`: its session
//! and its row, as far as they are known when the take begins.
//!
//! Guarantees: nothing stands there that only the take's end can tell. Version 0.1 wrote the whole
//! row, and no session; that is read too.

use serde_json::{Map, Value};

use super::row::Row;
use crate::words::is_session;

/// What only the take's end can tell.
const AT_THE_END: [&str; 13] = [
    "verdict",
    "reasons",
    "frames",
    "tail_frames",
    "voice",
    "gaps",
    "peak_dbfs",
    "rms_dbfs",
    "dc",
    "snr_db",
    "clipped",
    "samples_sha256",
    "sealed_bytes",
];
const SESSION: &str = "session";

/// The text for a take of `session` that begins with `row`.
#[must_use]
pub fn text(session: Option<&str>, row: &Row) -> String {
    let mut draft = Map::new();
    if let Some(session) = session {
        draft.insert(SESSION.into(), session.into());
    }
    if let Ok(Value::Object(row)) = serde_json::to_value(row) {
        let is_known = |(key, value): &(String, Value)| {
            !AT_THE_END.contains(&key.as_str()) && !value.is_null()
        };
        draft.extend(row.into_iter().filter(is_known));
    }
    Value::Object(draft).to_string()
}

/// The text for a file that was made of a take.
#[must_use]
pub fn name(session: &str, take: u32) -> String {
    serde_json::json!({ SESSION: session, "take": take }).to_string()
}

/// The row that a take's draft begins; `blank` has what it leaves out.
#[must_use]
pub fn row(text: &str, blank: Row) -> Row {
    let whole = || {
        let Value::Object(mut whole) = serde_json::to_value(&blank).ok()? else {
            return None;
        };
        whole.extend(serde_json::from_str::<Map<String, Value>>(text).ok()?);
        serde_json::from_value(Value::Object(whole)).ok()
    };
    whole().unwrap_or(blank)
}

/// The session that a take's draft names.
#[must_use]
pub fn session(text: &str) -> Option<String> {
    let draft: Map<String, Value> = serde_json::from_str(text).ok()?;
    let session = draft.get(SESSION)?.as_str()?;
    is_session(session).then(|| session.to_owned())
}

/// Whether version 0.1 wrote it: the whole row, of a session that it does not name.
#[must_use]
pub fn is_version_0_1(text: &str) -> bool {
    let draft: Option<Map<String, Value>> = serde_json::from_str(text).ok();
    draft.is_some_and(|draft| draft.contains_key("verdict") && !draft.contains_key(SESSION))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Format, Kind, Spec, Verdict};

    const SPEC: Spec = Spec {
        rate: 48_000,
        channels: 1,
        format: Format::S16Le,
    };

    #[test]
    fn a_draft_says_nothing_that_the_end_decides_and_gives_its_row_back() {
        let row = Row {
            step: "speak".into(),
            text: Some("Bonjour.".into()),
            verdict: Verdict::Recovered,
            press_frames: vec![7],
            ..Row::of(3, "take-0003.rf64".into(), Kind::Read, SPEC)
        };
        let session = "0123456789ABCDEFGHJK";
        let written = text(Some(session), &row);
        for unknown in ["verdict", "\"frames\"", "sha256", "null", "dbfs", "gaps"] {
            assert!(!written.contains(unknown), "{written}");
        }
        assert_eq!(super::session(&written).as_deref(), Some(session));
        let blank = || Row {
            verdict: Verdict::Recovered,
            ..Row::of(3, "other.rf64".into(), Kind::Free, SPEC)
        };
        assert_eq!(super::row(&written, blank()), row);
        // As version 0.1 wrote it.
        let whole = serde_json::to_string(&row).expect("JSON");
        assert_eq!(super::row(&whole, blank()), row);
        assert_eq!(super::session(&whole), None);
        assert!(is_version_0_1(&whole) && !is_version_0_1(&written));
        assert_eq!(super::row("{", blank()), blank());
    }
}
