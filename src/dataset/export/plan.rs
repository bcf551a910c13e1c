//! What an export will hold, found out before a byte of it is written.
//!
//! Guarantees: what cannot be merged with what lies in the export's folder is refused. One session
//! is in memory at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::merge::Old;
use super::parts::Job;
use super::person::{Answers, Found, Person};
use super::{ExportError, Options, Outcome, Source};
use crate::files::data::Data;
use crate::identity::seal::sealed_name;
use crate::rt;
use crate::store::row::{Row, take_name};
use crate::store::{schema, takes};

/// The sessions that are exported, and what they take.
#[derive(Debug, Default)]
pub struct Plan<'a> {
    /// Where each lies.
    pub sessions: BTreeMap<String, &'a Source>,
    /// Those with takes.
    pub recorded: BTreeSet<String>,
    /// Bytes of the samples that are not in the export yet.
    pub wanted: u64,
}

impl<'a> Plan<'a> {
    /// Looks at every session but the `forgotten`.
    ///
    /// # Errors
    /// One lies in two data folders or is in the export as another recording; no key opens any.
    pub fn of(
        options: &'a Options<'a>,
        job: &Job<'_>,
        old: &Old,
        forgotten: &BTreeSet<String>,
    ) -> Result<(Plan<'a>, Outcome), ExportError> {
        let (mut plan, mut outcome) = (Plan::default(), Outcome::default());
        let (mut opened, mut closed) = (0, Vec::new());
        for (session, source) in sessions(options.sources, forgotten)? {
            match Person::find(source, &session, options.with, &mut outcome.failed) {
                Found::Open(person, answers) => {
                    opened += usize::from(person.key().is_some());
                    outcome.sealed_answers += usize::from(answers == Answers::Sealed);
                    refuse_other_takes(&person, old, job.out)?;
                    plan.add(&person, source, job);
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
        Ok((plan, outcome))
    }

    fn add(&mut self, person: &Person, source: &'a Source, job: &Job<'_>) {
        let missing = person.rows.iter().filter(|row| !job.is_done(person, row));
        let bytes = missing.map(|row| row.frames.saturating_mul(row.spec().frame_bytes() as u64));
        self.wanted = bytes.fold(self.wanted, u64::saturating_add);
        if !person.rows.is_empty() {
            self.recorded.insert(person.session.clone());
        }
        self.sessions.insert(person.session.clone(), source);
    }

    /// Refuses an export that would not fit.
    ///
    /// # Errors
    /// [`ExportError::Room`].
    pub fn check_room(&self, out: &Path) -> Result<(), ExportError> {
        let disk = rt::disk(out).map_err(ExportError::file("look at", out))?;
        if self.wanted <= disk.free_bytes {
            return Ok(());
        }
        Err(ExportError::Room {
            path: out.to_owned(),
            wanted_mb: self.wanted.div_ceil(1_000_000),
            free_mb: disk.free_bytes / 1_000_000,
        })
    }
}

/// The sessions of all data folders, each with the one it is read from.
fn sessions<'a>(
    sources: &'a [Source],
    forgotten: &BTreeSet<String>,
) -> Result<BTreeMap<String, &'a Source>, ExportError> {
    let mut all: BTreeMap<String, &Source> = BTreeMap::new();
    for source in sources {
        let data = &source.data;
        for session in schema::sessions(data).map_err(ExportError::file("list", data))? {
            if forgotten.contains(&session) {
                continue;
            }
            match all.get(&session) {
                // A copy of it.
                Some(other) if rows(&other.data, &session) == rows(data, &session) => {}
                Some(other) => {
                    return Err(ExportError::Twice(
                        session,
                        other.data.clone(),
                        data.clone(),
                    ));
                }
                None => drop(all.insert(session, source)),
            }
        }
    }
    Ok(all)
}

fn rows(data: &Path, session: &str) -> Option<Vec<Row>> {
    let found = takes::found(&Data(data).session(session)).ok()?;
    Some(found.rows.into_values().map(|(_, row)| row).collect())
}

/// The rows of a person in the export are of the takes that lie here; a take that is gone from here
/// would be lost there.
fn refuse_other_takes(person: &Person, old: &Old, out: &Path) -> Result<(), ExportError> {
    for known in old.rows(&person.session)? {
        let Some(take) = Job::take_in(&person.session, &known.file_name) else {
            continue;
        };
        let is_same = match person.rows.iter().find(|row| row.take == take) {
            Some(row) => {
                let own = row.samples_sha256.as_ref();
                known.sha256.is_empty() || own.is_none_or(|own| *own == known.sha256)
            }
            // Its row may be damaged.
            None => {
                let plain = person.folder.join(take_name(take));
                plain.exists()
                    || sealed_name(&plain).exists()
                    || !out.join(&known.file_name).exists()
            }
        };
        if !is_same {
            return Err(ExportError::OtherTake {
                out: out.to_owned(),
                data: person.data.clone(),
                session: person.session.clone(),
                take,
            });
        }
    }
    Ok(())
}
