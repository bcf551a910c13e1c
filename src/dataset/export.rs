//! Exports DATA as a dataset: WAV files, metadata.csv, README.md and, last, SHA256SUMS.
//!
//! Guarantees: a file appears whole under its name and holds exactly the samples whose hash is in
//! its row. Before a person's first file is written, the export is listed in DATA/exports.jsonl. A
//! person who is forgotten is left out, even while the export runs. No file holds a date, so two
//! exports of the same data are the same bytes. Exporting again adds what is missing; a finished
//! export is not changed. An export never changes a session.

mod folder;
mod job;
mod lists;
mod person;
mod take;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::wav::{MOST_RIFF_BYTES, WavError};
use crate::identity::operator::PrivateKey;
use crate::store::takes;
use folder::Place;
use job::{Job, PartError};
use person::{Answers, Found, Person};

/// How takes become files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Layout {
    /// One file per channel.
    #[default]
    Channels,
    /// One file per take.
    Multichannel,
}

impl Layout {
    fn word(self) -> &'static str {
        match self {
            Layout::Channels => "channels",
            Layout::Multichannel => "multichannel",
        }
    }

    fn other(self) -> Layout {
        match self {
            Layout::Channels => Layout::Multichannel,
            Layout::Multichannel => Layout::Channels,
        }
    }
}

/// What to export, and where to.
pub struct Options<'a> {
    /// The data folder.
    pub data: &'a Path,
    /// The export's folder.
    pub out: &'a Path,
    /// How takes become files.
    pub layout: Layout,
    /// The operator's keys; without any, sealed data is left out.
    pub with: &'a [PrivateKey],
    /// Removes sessions from a folder; the room `forget` knows how. Returns how many were there.
    pub keys: &'a Path,
    /// Takes sessions out of a folder, which forgetting knows how to; how many were there.
    pub leave_out: fn(&Path, &BTreeSet<&str>) -> usize,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file cannot be read or written.
    #[error("{what} {}: {source}", path.display())]
    File {
        /// What was being done.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Other files would be mixed with these.
    #[error("export folder {}: holds files that are no export of this program; name a new folder", .0.display())]
    Foreign(PathBuf),
    /// It was begun with another layout.
    #[error("export folder {}: holds an export of the layout {}; name that, or a new folder", .0.display(), .1.word())]
    Layout(PathBuf, Layout),
    /// Forgetting does not look for exports there.
    #[error("export folder {}: lies in the data folder {}, where no export belongs; name one outside it", .0.display(), .1.display())]
    Inside(PathBuf, PathBuf),
    /// Another process writes there.
    #[error("export folder {}: another export is writing into it; wait for its end", .0.display())]
    Busy(PathBuf),
    /// It would not fit.
    #[error("export folder {}: {free_mb} MB are free, {wanted_mb} MB are needed; name a folder on a larger disk", path.display())]
    Room {
        /// The folder.
        path: PathBuf,
        /// What the export still needs.
        wanted_mb: u64,
        /// What is free.
        free_mb: u64,
    },
    /// The key does not open the sessions.
    #[error("none of {0} sealed sessions opens: {1}")]
    Key(usize, String),
    /// A file of the export cannot be written.
    #[error(transparent)]
    Write(#[from] WavError),
}

impl ExportError {
    fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ExportError {
        move |source| ExportError::File {
            what,
            path: path.to_owned(),
            source,
        }
    }

    /// Whether the user must have meant another folder.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        use ExportError::{Foreign, Inside, Layout};
        matches!(self, Foreign(_) | Inside(..) | Layout(..))
    }
}

/// The result of an export.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Sessions in it.
    pub sessions: usize,
    /// Takes in it.
    pub takes: usize,
    /// Sound files in it.
    pub files: usize,
    /// Takes that were written by this call.
    pub written: usize,
    /// Sealed sessions left out because there was no key.
    pub sealed: usize,
    /// Sessions exported without their answers because there was no key.
    pub sealed_answers: usize,
    /// What could not be exported, in sentences.
    pub failed: Vec<String>,
}

/// Exports every session of DATA except the `forgotten`, or adds what is missing to an export.
///
/// # Errors
/// [`ExportError`]; what is whole by then stays, and the same call continues from there. A session
/// or take that cannot be read does not stop the others: see [`Outcome::failed`].
pub fn export(options: &Options<'_>, forgotten: &BTreeSet<String>) -> Result<Outcome, ExportError> {
    let place = Place::look(options.out, options.layout, options.data)?;
    let (persons, mut outcome) = find(options, forgotten)?;
    let place = place.begin()?;
    let job = Job {
        options,
        out: place.folder(),
        most_riff_bytes: MOST_RIFF_BYTES,
    };
    job.leave_out(forgotten);
    job.check_room(&persons)?;
    job.remember(&persons)?;
    let mut rows = Vec::new();
    for person in &persons {
        let mut has_takes = false;
        for row in &person.rows {
            match job.take(person, row) {
                Ok(Some(taken)) => {
                    outcome.takes += 1;
                    outcome.written += usize::from(taken.is_new);
                    outcome.files += taken.files.len();
                    has_takes = true;
                    rows.extend(taken.files);
                }
                // Forgotten in the meantime.
                Ok(None) => break,
                Err(PartError::Take(error)) => outcome.failed.push(error.to_string()),
                Err(PartError::Export(error)) => return Err(error),
            }
        }
        outcome.sessions += usize::from(has_takes);
    }
    job.list(&persons, rows, forgotten)?;
    Ok(outcome)
}

fn find(
    options: &Options<'_>,
    forgotten: &BTreeSet<String>,
) -> Result<(Vec<Person>, Outcome), ExportError> {
    let data = options.data;
    let sessions = takes::sessions(data).map_err(ExportError::file("list", data))?;
    let (mut persons, mut outcome) = (Vec::new(), Outcome::default());
    let (mut opened, mut closed) = (0, Vec::new());
    for session in sessions.iter().filter(|one| !forgotten.contains(*one)) {
        match Person::find(data, session, options.keys, options.with)? {
            Found::Open(person, answers) => {
                opened += usize::from(person.key().is_some());
                outcome.sealed_answers += usize::from(answers == Answers::Sealed);
                persons.push(*person);
            }
            Found::Sealed => outcome.sealed += 1,
            Found::Closed(reason) => closed.push(reason),
            Found::Damaged(reason) => outcome.failed.push(reason),
        }
    }
    // Most likely the wrong key was named.
    if opened == 0 && !closed.is_empty() {
        return Err(ExportError::Key(closed.len(), closed.swap_remove(0)));
    }
    outcome.failed.append(&mut closed);
    Ok((persons, outcome))
}
