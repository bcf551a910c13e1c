//! Editions of what lies in a session's folder: a program refuses data of one that it does not know.

use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::files::data::SessionFolder;
use crate::files::{self, small};

/// What this version writes.
pub const NEWEST: u32 = 2;

/// That of version 0.1, whose session.json does not say it.
#[must_use]
pub fn first() -> u32 {
    1
}

#[derive(Deserialize)]
struct Edition {
    #[serde(default = "first")]
    schema: u32,
}

/// Refuses a session that was written by a version of booth that knows more than this one.
///
/// # Errors
/// `InvalidData`, in a sentence with the file and the remedy.
pub fn check(folder: &Path) -> io::Result<()> {
    let path = SessionFolder(folder).record();
    let text = small::read(&path).ok().flatten().unwrap_or_default();
    match files::json(&text) {
        Ok(Edition { schema }) if schema > NEWEST => {
            let why = format!(
                "{}: schema = {schema}, and this version of booth knows {NEWEST} at most; use the \
                 version that wrote it, or a newer one",
                path.display()
            );
            Err(io::Error::new(io::ErrorKind::InvalidData, why))
        }
        _ => Ok(()),
    }
}
