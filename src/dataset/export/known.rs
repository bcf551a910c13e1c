//! SHA256SUMS of an export that was begun: hashes of files are not computed twice, and lines of
//! others' files stay.
//!
//! Guarantees: memory does not grow with the list, except for one entry each time its lines change
//! from one session's folder to another.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use super::merge::{Parts, part};
use crate::dataset::lines::{self, Lines};
use crate::dataset::sums;
use crate::identity::place::session_of;

/// The list as it lies there; empty if there is none.
#[derive(Debug, Default)]
pub struct Known {
    path: PathBuf,
    parts: Parts,
    /// The session that was asked for last, and its files' hashes.
    last: (String, BTreeMap<String, String>),
}

impl Known {
    /// Reads the list at `path`.
    ///
    /// # Errors
    /// The file system's.
    pub fn look(path: PathBuf) -> io::Result<Known> {
        let mut parts = Parts::default();
        let mut at = 0;
        for line in lines::of_file(&path)?.into_iter().flatten() {
            let line = line?;
            let end = at + line.len() as u64;
            if let Some(session) = sums::entry(&line).and_then(|(_, name)| folder(name)) {
                parts.add(&session, at..end);
            }
            at = end;
        }
        Ok(Known {
            path,
            parts,
            last: Default::default(),
        })
    }

    /// The hash of a file.
    ///
    /// # Errors
    /// The file system's.
    pub fn of(&mut self, name: &str) -> io::Result<Option<String>> {
        let Some(session) = folder(name) else {
            return Ok(None);
        };
        if self.last.0 != session {
            self.last = (session.clone(), self.of_session(&session)?);
        }
        Ok(self.last.1.get(name).cloned())
    }

    fn of_session(&self, session: &str) -> io::Result<BTreeMap<String, String>> {
        let mut hashes = BTreeMap::new();
        let parts = self.parts.of(session);
        if parts.is_empty() {
            return Ok(hashes);
        }
        let mut file = File::open(&self.path)?;
        for one in parts {
            for line in Lines::of(part(&mut file, one)?) {
                let line = line?;
                let entry = sums::entry(&line);
                hashes.extend(entry.map(|(hash, name)| (name.to_owned(), hash.to_owned())));
            }
        }
        Ok(hashes)
    }

    /// Each line.
    ///
    /// # Errors
    /// The file system's.
    pub fn each(&self, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        for line in lines::of_file(&self.path)?.into_iter().flatten() {
            each(&line?)?;
        }
        Ok(())
    }
}

/// The session whose folder a file lies in.
fn folder(name: &str) -> Option<String> {
    session_of(name.split('/').next()?)
}
