//! metadata.csv and SHA256SUMS, merged with those that lie there when every take is there.
//!
//! Guarantees: no row and no line of a file that is there is lost, except those of forgotten people;
//! columns and lines that others added stay. Each list is whole at every instant; SHA256SUMS comes
//! last. Lists that are already right are not written again. Memory does not grow with them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::ExportError;
use super::known::Known;
use super::merge::{Old, OldRow};
use super::parts::Job;
use super::person::{Found, Person};
use super::plan::Plan;
use crate::dataset::table::Cells;
use crate::dataset::{METADATA, README, SUMS, sums, table};
use crate::files::small::{self, Writing};
use crate::words::hex;

/// What was written by this call.
#[derive(Debug, Default)]
pub struct Written {
    /// The takes of each session.
    pub takes: BTreeMap<String, BTreeSet<u32>>,
    /// The columns that any file has.
    pub columns: BTreeSet<String>,
}

/// Writes both, without the `forgotten`; how many rows of other files stay.
///
/// # Errors
/// The file system's; a table that cannot be merged.
pub fn write(
    job: &Job<'_>,
    plan: &Plan<'_>,
    written: &Written,
    forgotten: &BTreeSet<String>,
) -> Result<usize, ExportError> {
    for session in plan.sessions.keys() {
        clear(&job.out.join(session))?;
    }
    // Both are held before they are read: nobody else writes them meanwhile.
    let table = List::begin(job.out.join(METADATA))?;
    let sums = List::begin(job.out.join(SUMS))?;
    let old = Old::look(job.out)?;
    let columns = table::columns(&old.columns, &written.columns);
    let known = Known::look(job.out.join(SUMS));
    let mut lists = Lists {
        job,
        plan,
        written,
        forgotten,
        places: columns.iter().map(|name| old.place(name)).collect(),
        columns,
        known: known.map_err(ExportError::file("read", &sums.path))?,
        old: &old,
        table,
        sums,
        others: 0,
        gone: 0,
    };
    lists.rows()?;
    lists.finish()
}

/// Removes temporary files, left by a kill, of a take that can no longer be read.
fn clear(folder: &Path) -> Result<(), ExportError> {
    let names = small::names(folder).map_err(ExportError::file("list", folder))?;
    for name in names.iter().filter(|name| name.ends_with(".new")) {
        let path = folder.join(name);
        small::remove(&path).map_err(ExportError::file("remove", &path))?;
    }
    Ok(())
}

/// A list being written.
struct List {
    path: PathBuf,
    to: Writing,
    hash: Sha256,
}

impl List {
    fn begin(path: PathBuf) -> Result<List, ExportError> {
        let to = Writing::begin(&path, small::PUBLIC).map_err(ExportError::file("write", &path))?;
        Ok(List {
            path,
            to,
            hash: Sha256::new(),
        })
    }

    fn add(&mut self, line: &[u8]) -> io::Result<()> {
        self.hash.update(line);
        self.to.write_all(line)
    }

    fn sha256(&self) -> String {
        hex::encode(self.hash.clone().finalize().into())
    }

    /// Puts it in the place of the one before, unless that is the same.
    fn place(self) -> io::Result<()> {
        let before = small::open(&self.path)?.map(sums::of).transpose()?;
        if before.is_some_and(|before| before == self.sha256()) {
            return Ok(());
        }
        self.to.finish()
    }
}

struct Lists<'a> {
    job: &'a Job<'a>,
    plan: &'a Plan<'a>,
    written: &'a Written,
    forgotten: &'a BTreeSet<String>,
    columns: Vec<String>,
    /// Where each column is in the old table.
    places: Vec<Option<usize>>,
    known: Known,
    old: &'a Old,
    table: List,
    sums: List,
    others: usize,
    gone: usize,
}

impl Lists<'_> {
    /// Sessions of this export in the place of their old rows; new ones in order.
    fn rows(&mut self) -> Result<(), ExportError> {
        let (plan, old) = (self.plan, self.old);
        let header = table::line(self.columns.iter().map(Cow::from));
        self.table_line(&header)?;
        let mut is_done = BTreeSet::new();
        let mut new = plan
            .sessions
            .keys()
            .filter(|session| !old.has(session))
            .peekable();
        old.each::<ExportError>(|row| {
            while let Some(session) = new.next_if(|session| **session < row.session) {
                self.session(session)?;
            }
            if !plan.sessions.contains_key(&row.session) {
                return self.other(&row);
            }
            if is_done.insert(row.session.clone()) {
                self.session(&row.session)?;
            }
            Ok(())
        })?;
        new.try_for_each(|session| self.session(session))
    }

    /// All rows of a session of this export.
    fn session(&mut self, session: &str) -> Result<(), ExportError> {
        let Some(source) = self.plan.sessions.get(session) else {
            return Ok(());
        };
        if self.forgotten.contains(session) {
            return Ok(());
        }
        let rows = self.old.rows(session)?.into_iter();
        let mut rows: BTreeMap<String, Vec<OldRow>> = rows.fold(BTreeMap::new(), |mut all, row| {
            all.entry(row.file_name.clone()).or_default().push(row);
            all
        });
        let found = Person::find(source, session, self.job.options.with, &mut Vec::new());
        if let Found::Open(person, _) = found {
            let job = self.job;
            for row in person.rows.iter().filter(|row| job.is_done(&person, row)) {
                for (name, cells) in job.files(&person, row) {
                    let mut own = rows.remove(&name).unwrap_or_default().into_iter();
                    self.own(&cells, own.next().as_ref())?;
                    // A second row of a file is somebody's own.
                    own.try_for_each(|row| self.as_it_was(&row))?;
                    self.sum(&name, row.take, session)?;
                }
            }
        }
        rows.into_values()
            .flatten()
            .try_for_each(|row| self.other(&row))
    }

    /// A row of this export; what others wrote into columns of theirs stays.
    fn own(&mut self, cells: &Cells, old: Option<&OldRow>) -> Result<(), ExportError> {
        let columns = self.columns.iter().zip(&self.places);
        let line = table::line(columns.map(|(column, place)| {
            let kept = old.zip(*place).filter(|_| !table::is_fixed(column));
            let new = cells.get(column).map(Cow::from);
            new.or_else(|| kept.map(|(row, place)| row.cell(place)))
                .unwrap_or_default()
        }));
        self.table_line(&line)
    }

    /// A row that this export does not replace stays while its file is there.
    fn other(&mut self, row: &OldRow) -> Result<(), ExportError> {
        if self.forgotten.contains(&row.session) {
            return Ok(());
        }
        if row.file_name.is_empty() || !self.job.out.join(&row.file_name).exists() {
            self.gone += 1;
            return Ok(());
        }
        self.as_it_was(row)?;
        match Job::take_in(&row.session, &row.file_name) {
            Some(take) => self.sum(&row.file_name, take, &row.session),
            None => Ok(()),
        }
    }

    fn as_it_was(&mut self, row: &OldRow) -> Result<(), ExportError> {
        self.others += 1;
        let cells = self.places.iter();
        let line = table::line(cells.map(|place| place.map_or("".into(), |it| row.cell(it))));
        self.table_line(&line)
    }

    fn table_line(&mut self, line: &str) -> Result<(), ExportError> {
        let added = self.table.add(line.as_bytes());
        added.map_err(ExportError::file("write", &self.table.path))
    }

    /// The line of a take's file, whose hash is not computed twice.
    fn sum(&mut self, name: &str, take: u32, session: &str) -> Result<(), ExportError> {
        let is_new = self
            .written
            .takes
            .get(session)
            .is_some_and(|takes| takes.contains(&take));
        let known = if is_new {
            None
        } else {
            self.known
                .of(name)
                .map_err(ExportError::file("read", &self.sums.path))?
        };
        let sum = match known {
            Some(sum) => sum,
            None => hash(&self.job.out.join(name))?,
        };
        self.sum_line(format!("{sum}  {name}\n").as_bytes())
    }

    fn sum_line(&mut self, line: &[u8]) -> Result<(), ExportError> {
        let added = self.sums.add(line);
        added.map_err(ExportError::file("write", &self.sums.path))
    }

    /// Lines of files that are there and have no row.
    fn lines_of_others(&mut self) -> Result<(), ExportError> {
        let mut rows = (String::new(), BTreeSet::new());
        let (plan, forgotten, old, out) = (self.plan, self.forgotten, self.old, self.job.out);
        let mut has_row = |session: &str, name: &str| -> Result<bool, ExportError> {
            if Job::take_in(session, name).is_none() {
                return Ok(false);
            }
            if plan.sessions.contains_key(session) || forgotten.contains(session) {
                return Ok(true);
            }
            if rows.0 != session {
                let names = old.rows(session)?.into_iter().map(|row| row.file_name);
                rows = (session.to_owned(), names.collect());
            }
            Ok(rows.1.contains(name))
        };
        let sums = &mut self.sums;
        let added = self.known.each(|line| {
            let is_written = match sums::entry(line) {
                Some((_, METADATA | README | SUMS)) => true,
                Some((_, name)) => {
                    let session = name.split('/').next().unwrap_or(name);
                    !out.join(name).exists() || has_row(session, name).map_err(io::Error::other)?
                }
                None => false,
            };
            if is_written { Ok(()) } else { sums.add(line) }
        });
        added.map_err(ExportError::file("write", &self.sums.path))
    }

    fn finish(mut self) -> Result<usize, ExportError> {
        let readme = hash(&self.job.out.join(README))?;
        self.sum_line(format!("{readme}  {README}\n").as_bytes())?;
        let line = format!("{}  {METADATA}\n", self.table.sha256());
        self.sum_line(line.as_bytes())?;
        self.lines_of_others()?;
        if self.gone > 0 {
            log::warn!(
                "{}: {} rows left it, whose files are gone",
                self.table.path.display(),
                self.gone
            );
        }
        for list in [self.table, self.sums] {
            let path = list.path.clone();
            list.place().map_err(ExportError::file("write", &path))?;
        }
        Ok(self.others)
    }
}

fn hash(path: &Path) -> Result<String, ExportError> {
    let file = File::open(path).map_err(ExportError::file("read", path))?;
    sums::of(file).map_err(ExportError::file("read", path))
}
