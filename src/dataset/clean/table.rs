//! metadata.csv of an export, read row by row, and written anew without some.
//!
//! Guarantees: rows that stay keep every byte; the table is whole at every instant.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::dataset::csv::{Record, Records};
use crate::files::small::{self, Writing};
use crate::identity::mention::Search;
use crate::words::hex;

/// The column of a row's file, relative to the export's folder.
const FILE: &str = "file_name";

/// A table with a column `session`.
#[derive(Debug)]
pub(super) struct Table {
    path: PathBuf,
    width: usize,
    session: usize,
    file: Option<usize>,
}

/// A row, or the header.
pub(super) struct Row<'a> {
    pub(super) record: &'a Record,
    /// It has more or fewer cells than the header, or none.
    pub(super) is_damaged: bool,
    /// Its session, however a spreadsheet saved it.
    pub(super) session: Option<String>,
    /// The file it names.
    pub(super) file: Option<String>,
}

impl Table {
    /// The table at `path`; `None` if it has no column `session`.
    pub(super) fn at(path: &Path) -> io::Result<Option<Table>> {
        let Some(header) = records(path)?.next().transpose()? else {
            return Ok(None);
        };
        let column = |name: &str| {
            let mut columns = header.cells();
            columns.position(|one| one.trim().eq_ignore_ascii_case(name))
        };
        Ok(column("session").map(|session| Table {
            path: path.to_owned(),
            width: header.width().unwrap_or(0),
            session,
            file: column(FILE),
        }))
    }

    fn row<'a>(&self, record: &'a Record) -> Row<'a> {
        let session = record.cell(self.session);
        Row {
            is_damaged: record.width() != Some(self.width),
            session: session.map(|cell| cell.trim().to_ascii_uppercase()),
            file: self
                .file
                .and_then(|file| Some(record.cell(file)?.into_owned())),
            record,
        }
    }

    /// Each row without the header.
    pub(super) fn rows(&self, mut each: impl FnMut(&Row<'_>)) -> io::Result<()> {
        for record in records(&self.path)?.skip(1) {
            each(&self.row(&record?));
        }
        Ok(())
    }

    /// Each row of `sessions`.
    pub(super) fn rows_of(
        &self,
        sessions: &BTreeSet<&str>,
        mut each: impl FnMut(&Row<'_>, &str),
    ) -> io::Result<()> {
        self.rows(|row| {
            if let Some(session) = row.session.as_deref().filter(|it| sessions.contains(it)) {
                each(row, session);
            }
        })
    }

    /// Writes it anew without the rows that `is_gone`, under its temporary name; only reads it if
    /// `is_written` is false. `left` is told which of `sessions` a row that stays mentions.
    pub(super) fn without(
        &self,
        is_written: bool,
        is_gone: impl Fn(&Row<'_>) -> bool,
        mut left: impl FnMut(&Row<'_>, &BTreeSet<&str>),
        sessions: &BTreeSet<&str>,
    ) -> io::Result<Rewritten> {
        // Held before it is read: nobody else writes it meanwhile.
        let mut writing = if is_written {
            Some(Writing::begin(&self.path, small::PUBLIC)?)
        } else {
            None
        };
        let (mut hash, mut search) = (Sha256::new(), Search::of(sessions));
        for (number, record) in records(&self.path)?.enumerate() {
            let record = record?;
            let row = self.row(&record);
            if number > 0 && is_gone(&row) {
                continue;
            }
            hash.update(&record.bytes);
            search.feed(&record.bytes);
            let found = search.found();
            if !found.is_empty() {
                left(&row, &found);
            }
            if let Some(writing) = &mut writing {
                writing.write_all(&record.bytes)?;
            }
        }
        Ok(Rewritten {
            writing,
            sha256: hex::encode(hash.finalize().into()),
        })
    }
}

/// A table that has its temporary name.
pub(super) struct Rewritten {
    writing: Option<Writing>,
    /// Of its bytes.
    pub(super) sha256: String,
}

impl Rewritten {
    /// Puts it in the place of the one before.
    pub(super) fn finish(self) -> io::Result<()> {
        self.writing.map_or(Ok(()), Writing::finish)
    }
}

fn records(path: &Path) -> io::Result<Records<File>> {
    let file = small::open(path)?.ok_or(io::ErrorKind::NotFound)?;
    Ok(Records::of(file))
}
