//! Exports one DATA or several as a dataset: WAV files, metadata.csv, README.md and, last,
//! SHA256SUMS.
//!
//! Guarantees: what lies in the folder is merged by session, and what cannot be merged is refused
//! before a byte is written. A file appears whole under its name and holds exactly the samples whose
//! hash is in its row. Before a person's first file is written, the export is listed in
//! DATA/exports.jsonl. A person who is forgotten is left out, even while the export runs. No file
//! holds a date, so two exports of the same data are the same bytes. Exporting again adds what is
//! missing; a finished export is not changed. An export never changes a session.

mod folder;
mod job;
mod known;
mod lists;
mod merge;
mod parts;
mod person;
mod plan;
mod take;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::wav::WavError;
use crate::identity::operator::PrivateKey;
use folder::Place;
use job::PartError;
use lists::Written;
use merge::Old;
use parts::Job;
use person::{Found, Person};
use plan::Plan;

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

/// A data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The folder.
    pub data: PathBuf,
    /// The folder of its sessions' keys.
    pub keys: PathBuf,
}

/// What to export, and where to.
pub struct Options<'a> {
    /// What it is made of.
    pub sources: &'a [Source],
    /// The export's folder.
    pub out: &'a Path,
    /// How takes become files.
    pub layout: Layout,
    /// The operator's keys; without any, sealed data is left out.
    pub with: &'a [PrivateKey],
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
    /// The table that lies there is not one that rows can be added to.
    #[error("{}:{line}: {why}; mend that, or name a new folder", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// Two recordings of one name.
    #[error("session {session}: take {take} in the export {} is not the one in {}, which may be an older copy; name a new folder, or the data it was made of", out.display(), data.display())]
    OtherTake {
        /// The export.
        out: PathBuf,
        /// Where the session lies.
        data: PathBuf,
        /// The session.
        session: String,
        /// The take.
        take: u32,
    },
    /// Two data folders differ in what they hold of a session.
    #[error("session {}: is in {} and in {} with other takes; export one of them, or remove the older copy", .0, .1.display(), .2.display())]
    Twice(String, PathBuf, PathBuf),
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
    /// Files in the table that are of earlier exports, or that others put there.
    pub others: usize,
    /// Sealed sessions left out because there was no key.
    pub sealed: usize,
    /// Sessions exported without their answers because there was no key.
    pub sealed_answers: usize,
    /// What could not be exported, in sentences.
    pub failed: Vec<String>,
}

/// Exports every session except the `forgotten`, or adds what is missing to an export.
///
/// # Errors
/// [`ExportError`]; what is whole by then stays, and the same call continues from there. A session
/// or take that cannot be read does not stop the others: see [`Outcome::failed`].
pub fn export(options: &Options<'_>, forgotten: &BTreeSet<String>) -> Result<Outcome, ExportError> {
    let place = Place::look(options.out, options.layout, options.sources)?;
    let job = Job::of(options, place.folder());
    let old = Old::look(place.folder())?;
    let (plan, mut outcome) = Plan::of(options, &job, &old, forgotten)?;
    let place = place.begin()?;
    let job = Job::of(options, place.folder());
    job.leave_out(forgotten);
    plan.check_room(place.folder())?;
    job.remember(&plan)?;
    let mut written = Written::default();
    for (session, source) in &plan.sessions {
        if let Found::Open(person, _) = Person::find(source, session, options.with, &mut Vec::new())
        {
            person_files(&job, &person, &mut outcome, &mut written)?;
        }
    }
    outcome.others = job.list(&plan, &written, forgotten)?;
    Ok(outcome)
}

/// Puts all takes of a person into the export.
fn person_files(
    job: &Job<'_>,
    person: &Person,
    outcome: &mut Outcome,
    written: &mut Written,
) -> Result<(), ExportError> {
    let mut has_takes = false;
    for row in &person.rows {
        match job.take(person, row) {
            Ok(Some(is_new)) => {
                has_takes = true;
                outcome.takes += 1;
                for (_, cells) in job.files(person, row) {
                    outcome.files += 1;
                    written.columns.extend(cells.into_keys());
                }
                if is_new {
                    outcome.written += 1;
                    let takes = written.takes.entry(person.session.clone()).or_default();
                    takes.insert(row.take);
                }
            }
            // Forgotten in the meantime.
            Ok(None) => break,
            Err(PartError::Take(error)) => {
                // One that is not there was named when rows and files were compared.
                let error = error.to_string();
                if !outcome.failed.contains(&error) {
                    outcome.failed.push(error);
                }
            }
            Err(PartError::Export(error)) => return Err(error),
        }
    }
    outcome.sessions += usize::from(has_takes);
    Ok(())
}
