//! Editions of what lies in a session's folder: a program refuses data of one that it does not know.

use std::io;
use std::path::Path;

use serde::Deserialize;

use super::takes;
use crate::files::data::{Data, SessionFolder};
use crate::files::{self, small};

/// What this version writes.
pub const NEWEST: u32 = 2;

#[derive(Deserialize)]
struct Edition {
    /// Version 0.1 wrote none.
    #[serde(default)]
    schema: u32,
}

/// The names of the sessions in DATA, sorted, all of which this version knows.
///
/// # Errors
/// Those of [`takes::sessions`]; `InvalidData`, in a sentence with the file and the remedy, if one of them
/// was written by a version of booth that knows more than this one.
pub fn sessions(data: &Path) -> io::Result<Vec<String>> {
    let names = takes::sessions(data)?;
    for name in &names {
        check(&Data(data).session(name))?;
    }
    Ok(names)
}

fn check(folder: &Path) -> io::Result<()> {
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
