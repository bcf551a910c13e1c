//! A session to be exported: its record, rows and answers, and the key that opens them.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Source, take};
use crate::files::data::{Data, SessionFolder};
use crate::files::{self, small};
use crate::identity::keyring;
use crate::identity::operator::PrivateKey;
use crate::identity::participant::{Keys, open_bytes};
use crate::store::row::Row;
use crate::store::{compare, session};

/// Answers are a few words per question.
const MOST_ANSWER_BYTES: u64 = 1 << 20;

/// A session.
#[derive(Debug)]
pub struct Person {
    /// Its name.
    pub session: String,
    /// The data folder it is in.
    pub data: PathBuf,
    /// Its folder.
    pub folder: PathBuf,
    /// session.json.
    pub record: Value,
    /// Its takes.
    pub rows: Vec<Row>,
    /// The answers; empty if there are none, or none that open.
    pub answers: Map<String, Value>,
    keys: Option<Keys>,
}

/// What was found for a session.
#[derive(Debug)]
pub enum Found {
    /// It can be exported; without its answers if they are sealed and no key was given.
    Open(Box<Person>, Answers),
    /// It is sealed, and no key was given.
    Sealed,
    /// It is sealed, and the key does not open it: the reason.
    Closed(String),
    /// Its record or its answers cannot be read: the reason.
    Damaged(String),
}

/// Whether the answers are available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// All of them are.
    Had,
    /// They are sealed, and no key was given.
    Sealed,
}

impl Person {
    /// Looks at `session` of `source`; `with` opens its key. What does not fit in it is added to
    /// `misfits`.
    #[must_use]
    pub fn find(
        source: &Source,
        session: &str,
        with: &[PrivateKey],
        misfits: &mut Vec<String>,
    ) -> Found {
        let folder = Data(&source.data).session(session);
        let rows = match compare::session(&source.data, session) {
            Ok(compared) => {
                misfits.extend(compared.misfits.iter().map(ToString::to_string));
                compared.rows
            }
            Err(error) => {
                return Found::Damaged(format!("session {session}: takes.jsonl {error}"));
            }
        };
        let record: Option<Value> = session::record_as(&folder);
        let Some(record) = record.filter(Value::is_object) else {
            return Found::Damaged(format!(
                "session {session}: session.json is not there or damaged; put it back from a backup"
            ));
        };
        if record["session"].as_str().is_some_and(|it| it != session) {
            return Found::Damaged(format!(
                "session {session}: session.json is of another session; give its folder that name, \
                 or remove it"
            ));
        }
        let sealed_answers = SessionFolder(&folder).sealed_answers();
        let are_sealed = sealed_answers.exists();
        let is_sealed = rows.iter().any(|row| take::is_sealed(&folder, row));
        let mut person = Person {
            session: session.to_owned(),
            data: source.data.clone(),
            folder,
            record,
            rows,
            answers: Map::new(),
            keys: None,
        };
        if (is_sealed || are_sealed) && !with.is_empty() {
            match keyring::open(&source.keys, session, with) {
                Ok(opened) => person.keys = Some(opened),
                Err(error) => return Found::Closed(error.to_string()),
            }
        }
        if is_sealed && person.keys.is_none() {
            return Found::Sealed;
        }
        person.complete(misfits);
        if are_sealed && person.keys.is_none() {
            return Found::Open(Box::new(person), Answers::Sealed);
        }
        match person.read_answers(&sealed_answers) {
            Ok(answers) => person.answers = answers,
            Err(reason) => {
                let path = sealed_answers.display();
                return Found::Damaged(format!("answers {path}: {reason}"));
            }
        }
        Found::Open(Box::new(person), Answers::Had)
    }

    /// Fills in what only the key can tell of takes that were cut.
    fn complete(&mut self, misfits: &mut Vec<String>) {
        let key = self.keys.as_ref().map(Keys::private);
        for row in &mut self.rows {
            if row.samples_sha256.is_some() || !take::is_sealed(&self.folder, row) {
                continue;
            }
            match take::complete(&self.folder, row, key) {
                Ok(whole) => {
                    log::warn!(
                        "{}: was cut; its {} frames, levels and hash are of what this export read",
                        row.file,
                        whole.frames
                    );
                    *row = whole;
                }
                Err(error) => misfits.push(error.to_string()),
            }
        }
    }

    /// What opens its takes.
    #[must_use]
    pub fn key(&self) -> Option<&PrivateKey> {
        self.keys.as_ref().map(Keys::private)
    }

    /// The channels' names; numbers where the record has no names.
    #[must_use]
    pub fn channel(&self, number: usize) -> String {
        let name = self.record["audio"]["channels"][number]["name"].as_str();
        name.map_or_else(|| format!("channel-{}", number + 1), str::to_owned)
    }

    fn read_answers(&self, sealed: &Path) -> Result<Map<String, Value>, String> {
        let plain = sealed.with_extension("");
        let mut text = small::read(&plain).map_err(|error| error.to_string())?;
        if text.is_none()
            && let Some(key) = self.key()
            && let Some(bytes) = small::read(sealed).map_err(|error| error.to_string())?
        {
            let opened = open_bytes(&bytes, std::slice::from_ref(key), MOST_ANSWER_BYTES);
            text = Some(opened.map_err(|error| error.to_string())?.to_vec());
        }
        let Some(text) = text else {
            return Ok(Map::new());
        };
        files::json(&text).map_err(|_| "is no JSON object; it is damaged".into())
    }
}
