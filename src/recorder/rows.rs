//! The rows of the present session, on the disk and in memory: an amended one is appended again.

use std::io;
use std::path::PathBuf;

use super::messages::Amendment;
use crate::audio::rf64::Error;
use crate::files::data::SessionFolder;
use crate::store::row::Row;
use crate::store::takes;

/// The rows of the present session; without a session they are in memory only.
#[derive(Debug, Default)]
pub struct Rows {
    folder: Option<PathBuf>,
    rows: Vec<Row>,
}

impl Rows {
    /// Rows of the session in `folder`, which is made if the clerk has not made it yet: a take that
    /// begins at once need not wait for that. The folder above it is there while the disk is.
    ///
    /// # Errors
    /// The disk refuses or is away.
    pub fn of(folder: PathBuf) -> Result<Rows, Error> {
        match std::fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(Error::io("create", &folder)(error))
            }
            _ => Ok(Rows {
                // The rows of a resumed session; a row that cannot be read cannot be amended.
                rows: takes::read(&folder).unwrap_or_default(),
                folder: Some(folder),
            }),
        }
    }

    /// Appends and keeps a row.
    ///
    /// # Errors
    /// The system's.
    pub fn append(&mut self, row: Row) -> Result<Row, Error> {
        if let Some(folder) = &self.folder {
            takes::append(folder, &row)
                .map_err(Error::io("append to", &SessionFolder(folder).takes()))?;
        }
        self.rows.retain(|old| old.take != row.take);
        self.rows.push(row.clone());
        Ok(row)
    }

    /// Appends a take's row again, judged anew.
    ///
    /// # Errors
    /// No such row in this session, or the system's.
    pub fn amend(&mut self, take: u32, amendment: &Amendment) -> Result<Row, Error> {
        match self.rows.iter().find(|row| row.take == take) {
            Some(row) => {
                let mut row = row.clone();
                amendment.apply(&mut row);
                self.append(row)
            }
            None => Err(Error::Malformed {
                path: "takes.jsonl".into(),
                reason: format!("no row of take {take} in this session"),
            }),
        }
    }
}
