//! The places in DATA: one list of everything that may be there, so that forgetting knows every
//! place; and which names belong to a session.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use super::mention::{NAME_CHARS, Search};
use crate::words::is_session;

/// A place in DATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `keys/SESSION.*`.
    Keys,
    /// `sessions/SESSION/` with all that is in it: takes, answers, events, temporary files.
    Sessions,
    /// `pending/NUMBER.json`.
    Pending,
    /// The folders that exports.jsonl lists, outside DATA.
    Exports,
    /// `exports.jsonl` itself: paths, and public names.
    ExportList,
    /// `forgotten/SESSION.json`, `forgotten/.reserve`.
    Tombstones,
    /// `consents/SHA256.txt`: texts of the protocol.
    Consents,
    /// `corpus/`, `*.index`, `progress.json`, `progress/*.read`: the prompts, and the progress through
    /// them.
    Corpus,
    /// `box.key`.
    BoxKey,
    /// `.lock`, `pending/.lock`: empty.
    Lock,
    /// `keys/rekeyed.jsonl`: hashes of sealed keys.
    Rekeyed,
}

impl Place {
    /// The places where personal data may be. Forgetting looks at them in this order: without the
    /// key the rest is noise.
    pub const OF_PERSONS: [Place; 4] =
        [Place::Keys, Place::Sessions, Place::Pending, Place::Exports];

    /// Its name in tombstones and receipts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Place::Keys => "keys",
            Place::Sessions => "sessions",
            Place::Pending => "pending",
            Place::Exports => "exports",
            Place::ExportList => "exports.jsonl",
            Place::Tombstones => "forgotten",
            Place::Consents => "consents",
            Place::Corpus => "corpus",
            Place::BoxKey => "box.key",
            Place::Lock => ".lock",
            Place::Rekeyed => "keys/rekeyed.jsonl",
        }
    }

    /// The place of a file, by its path within DATA; `None` for a kind that is not known.
    #[must_use]
    pub fn of(file: &Path) -> Option<Place> {
        let parts: Option<Vec<&str>> = file
            .components()
            .map(|part| match part {
                Component::Normal(name) => name.to_str(),
                _ => None,
            })
            .collect();
        let parts = parts?;
        let (name, folders) = parts.split_last()?;
        let name = whole(name);
        let of_session = |ending: &str| name.strip_suffix(ending).is_some_and(is_session);
        let digits = |text: &str, most: usize| {
            text.len() == most && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        match (folders, name) {
            (["sessions"], session) if is_session(session) => Some(Place::Sessions),
            (["sessions", session, ..], _) if is_session(session) => Some(Place::Sessions),
            (["keys"], "rekeyed.jsonl") => Some(Place::Rekeyed),
            (["keys"], _) if of_session(".age") || of_session(".proof") => Some(Place::Keys),
            (["pending"], ".lock") | ([], ".lock") => Some(Place::Lock),
            (["pending"], _) if name.strip_suffix(".json").is_some_and(|n| digits(n, 3)) => {
                Some(Place::Pending)
            }
            (["forgotten"], ".reserve") => Some(Place::Tombstones),
            (["forgotten"], _) if of_session(".json") => Some(Place::Tombstones),
            (["consents"], _) if name.strip_suffix(".txt").is_some_and(|n| digits(n, 64)) => {
                Some(Place::Consents)
            }
            (["corpus"], _) | ([], "progress.json" | "progress.json.unreadable") => {
                Some(Place::Corpus)
            }
            ([], _) if name.ends_with(".index") => Some(Place::Corpus),
            (["progress"], _) if name.ends_with(".read") => Some(Place::Corpus),
            ([], "exports.jsonl") => Some(Place::ExportList),
            ([], "box.key") => Some(Place::BoxKey),
            _ => None,
        }
    }
}

/// The name of the small file that a temporary file left by a kill belongs to; any other name is
/// returned unchanged.
#[must_use]
pub fn whole(name: &str) -> &str {
    let name = name.split_once(".tmp-").map_or(name, |(name, _)| name);
    name.strip_suffix(".new").unwrap_or(name)
}

/// The session that a file or folder is named after: the name is the session's or begins with it. A
/// file system that folds case may have changed it.
#[must_use]
pub fn session_of(name: &str) -> Option<String> {
    let (begin, end) = name.split_at_checked(NAME_CHARS)?;
    let session = begin.to_ascii_uppercase();
    let is_whole = !end.starts_with(|c: char| c.is_ascii_alphanumeric());
    (is_whole && is_session(&session)).then_some(session)
}

/// Those of `sessions` that appear anywhere in `text`.
#[must_use]
pub fn mentioned<'a>(text: &[u8], sessions: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let mut search = Search::of(sessions);
    search.feed(text);
    search.found()
}

/// Whether `session` appears anywhere in `text`.
#[must_use]
pub fn mentions(text: &[u8], session: &str) -> bool {
    !mentioned(text, &[session].into()).is_empty()
}

/// Whether the program gives this name to files with personal data: in keys/, in a session's
/// folder, in pending/ or in an export.
#[must_use]
pub fn is_of_person(name: &str) -> bool {
    const OF_SESSION: [&str; 4] = [
        "session.json",
        "takes.jsonl",
        "events.jsonl",
        "answers.json",
    ];
    let name = whole(name);
    let plain = name.strip_suffix(".age").unwrap_or(name);
    let number = plain.strip_suffix(".json").unwrap_or_default();
    OF_SESSION.contains(&plain)
        || (plain.starts_with("take-") && plain.ends_with(".rf64"))
        || session_of(plain).is_some()
        || (number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_not_known() {
        let session = "0123456789ABCDEFGHJK";
        for (file, place) in [
            (
                format!("sessions/{session}/any/file"),
                Some(Place::Sessions),
            ),
            (format!("sessions/{session}"), Some(Place::Sessions)),
            (format!("sessions/{session}.bak"), None),
            (format!("keys/{session}.age"), Some(Place::Keys)),
            (format!("keys/{session}.proof.new"), Some(Place::Keys)),
            ("pending/012.json".into(), Some(Place::Pending)),
            (format!("forgotten/{session}.json"), Some(Place::Tombstones)),
            ("box.key".into(), Some(Place::BoxKey)),
            ("sessions/readme".into(), None),
            (format!("keys/{session}.txt"), None),
            ("names.csv".into(), None),
            ("pending/../names".into(), None),
        ] {
            assert_eq!(Place::of(Path::new(&file)), place, "{file}");
        }
    }
    #[test]
    fn a_name_is_a_sessions_in_any_case_and_a_longer_one_is_not() {
        let session = "0123456789ABCDEFGHJK";
        for (name, expected) in [
            (session.to_owned(), true),
            (session.to_lowercase(), true),
            (format!("{session}.bak"), true),
            (format!("{session}-0001-01-headset.wav"), true),
            (format!("{session}A"), false),
            (format!("old-{session}"), false),
            ("é123456789ABCDEFGHJ".to_owned(), false),
            (String::new(), false),
        ] {
            let is_theirs = session_of(&name).is_some_and(|one| one == session);
            assert_eq!(is_theirs, expected, "{name}");
            let held = name.to_uppercase().contains(session);
            assert_eq!(mentions(name.as_bytes(), session), held, "{name}");
        }
    }

    #[test]
    fn a_file_the_program_never_wrote_is_not_named_like_a_persons_file() {
        for name in [
            "take-0001.rf64",
            "take-0001.rf64.age.new",
            "answers.json.age",
            "012.json",
        ] {
            assert!(is_of_person(name), "{name}");
        }
        for name in [
            "passwd",
            "README",
            "progress.json",
            "0123.json",
            "take-0001.wav",
        ] {
            assert!(!is_of_person(name), "{name}");
        }
    }
}
