//! The table that lies in the folder of an export, which the next export is merged into.
//!
//! Guarantees: what cannot be merged is refused; memory does not grow with the table, except for one
//! entry each time its rows change from one session to another.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::ExportError;
use crate::dataset::METADATA;
use crate::dataset::csv::{Record, Records};
use crate::files::small;

/// A part of a file.
pub type Part = std::ops::Range<u64>;

/// The parts of a file that are of each session.
#[derive(Debug, Default)]
pub struct Parts(BTreeMap<String, Vec<Part>>);

impl Parts {
    /// `session` has this part too.
    pub fn add(&mut self, session: &str, part: Part) {
        match self.0.get_mut(session) {
            Some(parts) => match parts.last_mut().filter(|last| last.end == part.start) {
                Some(last) => last.end = part.end,
                None => parts.push(part),
            },
            None => drop(self.0.insert(session.to_owned(), vec![part])),
        }
    }

    /// Those of a session.
    pub fn of(&self, session: &str) -> &[Part] {
        self.0.get(session).map_or(&[], Vec::as_slice)
    }
}

/// A file from which a part is read.
pub fn part<'a>(file: &'a mut File, part: &Part) -> io::Result<io::Take<&'a mut File>> {
    file.seek(SeekFrom::Start(part.start))?;
    Ok(file.take(part.end - part.start))
}

/// The table of an export that was begun; empty if there is none yet.
#[derive(Debug, Default)]
pub struct Old {
    path: PathBuf,
    /// Its columns, in order.
    pub columns: Vec<String>,
    file_name: usize,
    session: usize,
    sha256: Option<usize>,
    parts: Parts,
}

/// A row of it.
#[derive(Debug)]
pub struct OldRow {
    record: Record,
    /// The file it names.
    pub file_name: String,
    /// Its session, however a spreadsheet saved it.
    pub session: String,
    /// The hash of its take's samples; empty if it has none.
    pub sha256: String,
}

impl OldRow {
    /// The cell of a column of the old table.
    #[must_use]
    pub fn cell(&self, column: usize) -> std::borrow::Cow<'_, str> {
        self.record.cell(column).unwrap_or_default()
    }
}

impl Old {
    /// Reads the whole table in the folder of an export.
    ///
    /// # Errors
    /// It is not a table that rows can be added to, with the line; or it cannot be read.
    pub fn look(out: &Path) -> Result<Old, ExportError> {
        let path = out.join(METADATA);
        let failed = || ExportError::file("read", &path);
        let Some(file) = small::open(&path).map_err(failed())? else {
            return Ok(Old::default());
        };
        let refused = |line: u64, why: String| ExportError::Table {
            path: path.clone(),
            line,
            why,
        };
        let mut records = Records::of(file);
        let header = records.next().transpose().map_err(failed())?;
        let mut old = Old::of(&path, header.as_ref()).map_err(|why| refused(1, why))?;
        for record in records {
            let record = record.map_err(failed())?;
            if record.is_blank() {
                continue;
            }
            let (line, part) = (
                record.line,
                record.at..record.at + record.bytes.len() as u64,
            );
            let row = old.row(record).map_err(|why| refused(line, why))?;
            old.parts.add(&row.session, part);
        }
        Ok(old)
    }

    fn of(path: &Path, header: Option<&Record>) -> Result<Old, String> {
        let columns: Vec<String> = header
            .into_iter()
            .flat_map(Record::cells)
            .map(|cell| cell.into_owned())
            .collect();
        let place = |name: &str| columns.iter().position(|column| column == name);
        let needed = |name: &str| {
            place(name).ok_or_else(|| {
                format!(
                    "there is no column `{name}`; a table of this program is UTF-8 with commas \
                     between its cells"
                )
            })
        };
        let (file_name, session) = (needed("file_name")?, needed("session")?);
        for (number, column) in columns.iter().enumerate() {
            if columns[..number].contains(column) {
                return Err(format!("there are two columns `{column}`"));
            }
        }
        Ok(Old {
            path: path.to_owned(),
            file_name,
            session,
            sha256: place("samples_sha256"),
            columns,
            parts: Parts::default(),
        })
    }

    fn row(&self, record: Record) -> Result<OldRow, String> {
        if std::str::from_utf8(&record.bytes).is_err() {
            return Err("the row is not UTF-8".into());
        }
        match record.width() {
            Some(width) if width == self.columns.len() => {}
            Some(width) => {
                let columns = self.columns.len();
                return Err(format!("the row has {width} cells for {columns} columns"));
            }
            None => return Err("the row is damaged, a quote is out of place".into()),
        }
        let cell = |column: usize| record.cell(column).unwrap_or_default().into_owned();
        Ok(OldRow {
            file_name: cell(self.file_name),
            session: cell(self.session).trim().to_ascii_uppercase(),
            sha256: self.sha256.map(cell).unwrap_or_default(),
            record,
        })
    }

    /// All rows, in order.
    ///
    /// # Errors
    /// See [`Old::look`].
    pub fn each<E: From<ExportError>>(
        &self,
        mut each: impl FnMut(OldRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = || ExportError::file("read", &self.path);
        let Some(file) = self.open()? else {
            return Ok(());
        };
        for record in Records::of(file).skip(1) {
            let record = record.map_err(failed())?;
            if !record.is_blank() {
                each(self.known(record)?)?;
            }
        }
        Ok(())
    }

    /// The rows of a session.
    ///
    /// # Errors
    /// The table cannot be read.
    pub fn rows(&self, session: &str) -> Result<Vec<OldRow>, ExportError> {
        let parts = self.parts.of(session);
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        let failed = || ExportError::file("read", &self.path);
        let Some(mut file) = self.open()? else {
            return Ok(Vec::new());
        };
        let mut rows = Vec::new();
        for one in parts {
            let source = part(&mut file, one).map_err(failed())?;
            for record in Records::of_part(source, self.columns.len()) {
                rows.push(self.known(record.map_err(failed())?)?);
            }
        }
        Ok(rows)
    }

    /// Where a column is.
    #[must_use]
    pub fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|one| one == column)
    }

    /// Whether it has rows of a session.
    #[must_use]
    pub fn has(&self, session: &str) -> bool {
        !self.parts.of(session).is_empty()
    }

    fn open(&self) -> Result<Option<File>, ExportError> {
        if self.columns.is_empty() {
            return Ok(None);
        }
        small::open(&self.path).map_err(ExportError::file("read", &self.path))
    }

    /// A row that was looked at before.
    fn known(&self, record: Record) -> Result<OldRow, ExportError> {
        let line = record.line;
        self.row(record).map_err(|why| ExportError::Table {
            path: self.path.clone(),
            line,
            why,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[track_caller]
    fn refused(table: impl AsRef<[u8]>) -> String {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join(METADATA), table).expect("written");
        let error = Old::look(dir.path()).expect_err("refused").to_string();
        error
            .split_once("metadata.csv:")
            .expect("names it")
            .1
            .to_owned()
    }

    #[test]
    fn what_rows_cannot_be_added_to_is_refused_by_its_line() {
        let header = "file_name,session,note";
        assert!(refused("").starts_with("1: there is no column `file_name`"));
        assert!(refused("file_name;session\n").starts_with("1: there is no column"));
        assert!(refused("file_name,session,a,a\n").starts_with("1: there are two columns `a`"));
        let short = refused(format!("{header}\na,b,c\nd,e\n"));
        assert!(
            short.starts_with("3: the row has 2 cells for 3 columns"),
            "{short}"
        );
        assert!(refused(format!("{header}\r\"a,b,c\r")).starts_with("2: the row is damaged"));
        let latin = [header.as_bytes(), b"\na,b,\xe9\n"].concat();
        assert!(refused(latin).starts_with("2: the row is not UTF-8"));
    }

    #[test]
    fn the_rows_of_a_session_are_found_wherever_they_stand() {
        let dir = tempfile::tempdir().expect("a folder");
        let table = "\u{feff}file_name,session,note\r\n\
                     1,aa,\"x\r\ny\"\r\n2,AA,\r\n3,BB,\r\n\r\n4, aa ,z\r\n\r\n";
        fs::write(dir.path().join(METADATA), table).expect("written");
        let old = Old::look(dir.path()).expect("a table");
        let names = |session: &str| -> Vec<String> {
            let rows = old.rows(session).expect("read").into_iter();
            rows.map(|row| row.file_name).collect()
        };
        assert_eq!(names("AA"), ["1", "2", "4"]);
        assert_eq!(names("BB"), ["3"]);
        assert!(!old.has("CC") && names("CC").is_empty());
        assert_eq!(old.rows("AA").expect("read")[0].cell(2), "x\r\ny");
        let mut all = Vec::new();
        old.each::<ExportError>(|row| {
            all.push(row.file_name);
            Ok(())
        })
        .expect("read");
        assert_eq!(all, ["1", "2", "3", "4"]);
    }
}
