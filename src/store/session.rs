//! A session's folder and its record, session.json.
//!
//! Guarantees: a name is never used twice; session.json is whole at every instant (temporary name,
//! sync, rename, sync of the folder). It names no person and holds no code.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{schema, takes};
use crate::files::data::SessionFolder;
use crate::files::{self, small};
use crate::words::{Consent, Ended, Sensor, Settings, Site};

/// A name and what it stands for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// SHA-256 of its text, hexadecimal.
    pub sha256: String,
}

/// Which lines were read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CorpusRecord {
    /// File name.
    pub name: String,
    /// SHA-256, once known.
    pub sha256: Option<String>,
    /// What its order is drawn from.
    pub seed: u64,
    /// Which part is this booth's.
    pub shard: String,
}

/// A channel and its sensor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Facts from `[audio.sensor.NAME]`.
    #[serde(flatten)]
    pub sensor: Sensor,
}

/// How sound was captured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AudioRecord {
    /// The device as configured.
    pub device: String,
    /// The card's name; null for a plug-in or the simulated source.
    pub card: Option<String>,
    /// The card's driver.
    pub driver: Option<String>,
    /// Frames per second.
    pub rate: u32,
    /// As delivered.
    pub format: String,
    /// In the order of the file.
    pub channels: Vec<Channel>,
    /// The mixer controls that are kept, as read back at the session's start.
    #[serde(default)]
    pub mixer: Settings,
    /// The reference channel.
    pub reference: String,
}

/// session.json.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The session's public name.
    pub session: String,
    /// The box.
    #[serde(rename = "box")]
    pub box_name: String,
    /// Where it stood.
    pub site: Site,
    /// Of screens and lines.
    pub language: String,
    /// The experiment.
    pub protocol: Named,
    /// The text.
    pub corpus: CorpusRecord,
    /// The sound.
    pub audio: AudioRecord,
    /// What was consented to; null if no one was asked.
    pub consent: Option<Consent>,
    /// The participant's public age key.
    #[serde(default)]
    pub recipient: Option<String>,
    /// Whether takes are sealed to it.
    pub sealed: bool,
    /// The participant's identity, one Fernet token.
    #[serde(default)]
    pub participant: Option<String>,
    /// The program.
    pub software: String,
    /// How it ended; null while it runs.
    pub ended: Option<Ended>,
}

impl Record {
    /// Reads session.json of `folder`.
    ///
    /// # Errors
    /// The file system's; `InvalidData` if it is not a record, or is that of another session: a
    /// forgotten person would be back under a new name.
    pub fn read(folder: &Path) -> io::Result<Record> {
        let text = small::read(&SessionFolder(folder).record())?;
        let text = text.ok_or(io::ErrorKind::NotFound)?;
        let record: Record = files::json(&text)?;
        if !is_named(folder, &record.session) {
            let why = "is of a session of another name; give its folder that name, or remove it";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(record)
    }

    /// Writes session.json into `folder`, replacing the one before.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        #[derive(Serialize)]
        struct Written<'a> {
            schema: u32,
            #[serde(flatten)]
            record: &'a Record,
        }
        let record = Written {
            schema: schema::NEWEST,
            record: self,
        };
        let mut text = serde_json::to_vec_pretty(&record).map_err(io::Error::other)?;
        text.push(b'\n');
        small::write(&SessionFolder(folder).record(), &text, small::PUBLIC)
    }
}

fn is_named(folder: &Path, session: &str) -> bool {
    folder.file_name() == Some(OsStr::new(session))
}

/// What session.json of `folder` says, whatever session it names; `None` without one that can be
/// read as a `T`.
#[must_use]
pub fn record_as<T: DeserializeOwned>(folder: &Path) -> Option<T> {
    let text = small::read(&SessionFolder(folder).record()).ok().flatten();
    text.and_then(|text| files::json(&text).ok())
}

/// Whether session.json in `folder` says that it is a session of another name.
#[must_use]
pub fn is_renamed(folder: &Path) -> bool {
    let record: Option<Value> = record_as(folder);
    let session = record
        .as_ref()
        .and_then(|record| record["session"].as_str());
    session.is_some_and(|session| !is_named(folder, session))
}

/// Makes `DATA/sessions/SESSION`; the recorder may have made it a moment before. `DATA/sessions` is
/// there while the disk is: it is never made here, on what lies below a mount point.
///
/// # Errors
/// The file system's.
pub fn make(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    let sessions = folder.parent().unwrap_or(folder);
    File::open(sessions)?.sync_all()
}

/// Removes a session that has no take, with its record, its events and its answers: as if it had not
/// been.
///
/// # Errors
/// The file system's; there is a take after all.
pub fn remove_empty(folder: &Path) -> io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    if !takes::has_none(folder) {
        return Err(io::Error::other("it has a take, so it stays"));
    }
    let files = SessionFolder(folder);
    // The record last: a start that finds it does this again.
    for path in [files.sealed_answers(), files.events(), files.record()] {
        small::remove(&path)?;
    }
    fs::remove_dir(folder)?;
    File::open(folder.parent().unwrap_or(folder))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_session_without_a_take_can_be_removed() {
        let data = tempfile::tempdir().expect("a folder");
        let folder = data.path().join("ABC");
        for name in ["take-0001.rf64", "take-0001.rf64.age", "takes.jsonl"] {
            fs::create_dir(&folder).expect("made");
            fs::write(folder.join("session.json"), "{}").expect("written");
            fs::write(folder.join("events.jsonl"), "{}").expect("written");
            fs::write(folder.join(name), "voice").expect("written");
            assert!(remove_empty(&folder).is_err());
            assert!(folder.join("session.json").exists(), "{name}");
            fs::remove_file(folder.join(name)).expect("gone");
            remove_empty(&folder).expect("removed");
            remove_empty(&folder).expect("removed before");
            assert!(!folder.exists());
        }
    }

    #[test]
    fn a_folder_is_never_made_on_a_disk_that_is_away() {
        let data = tempfile::tempdir().expect("a folder");
        let folder = data.path().join("sessions/ABC");
        assert!(make(&folder).is_err());
        fs::create_dir(data.path().join("sessions")).expect("there");
        make(&folder).expect("made");
        make(&folder).expect("made by the recorder");
    }
}
