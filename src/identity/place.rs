//! The places in DATA: one list of what may lie there, so that nothing lies there which forgetting
//! does not know.

use std::path::{Component, Path};

use crate::store::takes::is_session;

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
    /// `corpus/`, `*.index`, `progress.json`: what is read, and how far.
    Corpus,
    /// `box.key`.
    BoxKey,
    /// `.lock`, `pending/.lock`: empty.
    Lock,
    /// `keys/rekeyed.jsonl`: hashes of sealed keys.
    Rekeyed,
}

impl Place {
    /// Where something of a person may lie; forgetting looks at each, in this order: without its key
    /// the rest is noise.
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
        // What a kill left of a small file is of that file's place.
        let whole = |name: &str| {
            let name = name.split_once(".tmp-").map_or(name, |(name, _)| name);
            name.strip_suffix(".new").unwrap_or(name).to_owned()
        };
        let (name, folders) = parts.split_last()?;
        let name = whole(name);
        let of_session = |ending: &str| name.strip_suffix(ending).is_some_and(is_session);
        let digits = |text: &str, most: usize| {
            text.len() == most && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        match (folders, name.as_str()) {
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
            ([], "exports.jsonl") => Some(Place::ExportList),
            ([], "box.key") => Some(Place::BoxKey),
            _ => None,
        }
    }
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
}
