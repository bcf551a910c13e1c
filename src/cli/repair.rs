//! `booth repair PATH…`: makes unfinished RF64 files whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Done, Failure};
use crate::files::data::Data;
use crate::forget;
use crate::forget::survey::Round;
use crate::recorder::repair::{Outcome, repair};
use crate::store::lock;

/// Makes unfinished RF64 files whole; leaves healthy files byte-identical.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files, or folders whose .rf64 files are looked at
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// One JSON object per file
    #[arg(long)]
    json: bool,
}

/// Repairs every file, also after one that could not be repaired.
///
/// # Errors
/// Names each file that could not be repaired.
pub fn run(args: &Args) -> Result<Done, Failure> {
    let mut failures = Vec::new();
    let mut out = String::new();
    for path in &args.paths {
        match files(path) {
            Ok(files) => {
                for file in files {
                    match look(&file, args.json) {
                        Ok(line) => out += &line,
                        Err(failure) => failures.push(failure),
                    }
                }
            }
            Err(error) => failures.push(format!("cannot list {}: {error}", path.display())),
        }
    }
    super::print(&out)?;
    if failures.is_empty() {
        Ok(Done::Well)
    } else {
        Err(Failure::CouldNot(failures.join("\nbooth: ")))
    }
}

fn look(file: &Path, json: bool) -> Result<String, String> {
    // A named pipe would make `repair` wait for its writer.
    let kind = fs::metadata(file).map(|file| file.file_type());
    if kind.is_ok_and(|kind| !kind.is_file()) {
        return Err(format!("{}: is no regular file", file.display()));
    }
    let _data = hold_data(file)?;
    let _file = hold_file(file)?;
    let outcome = repair(file).map_err(|error| error.to_string())?;
    let name = file.display();
    if !json {
        return Ok(format!("{name}: {outcome}\n"));
    }
    let row = match outcome {
        Outcome::Healthy { frames } => {
            serde_json::json!({"file": name.to_string(), "action": "none", "frames": frames})
        }
        Outcome::Repaired {
            before,
            frames,
            dropped_bytes,
        } => serde_json::json!({
            "file": name.to_string(), "action": "repaired", "frames": frames,
            "frames_before": before, "dropped_bytes": dropped_bytes,
        }),
    };
    Ok(format!("{row}\n"))
}

/// The file itself, or every .rf64 file below a folder, sorted.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        if entry.is_dir() && !entry.is_symlink() {
            found.extend(files(&entry)?);
        } else if entry.extension().is_some_and(|e| e == "rf64") {
            found.push(entry);
        }
    }
    Ok(found)
}

/// Locks the file itself; `booth record` locks the one that it writes.
fn hold_file(path: &Path) -> Result<Option<fs::File>, String> {
    // A file that cannot be opened is named by `repair`.
    let Ok(file) = fs::File::open(path) else {
        return Ok(None);
    };
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => Err(format!(
            "{}: is being written; left as it is",
            path.display()
        )),
        // Not every file system can lock.
        _ => Ok(Some(file)),
    }
}

/// Locks the data folder that `file` is a take of. A running booth repairs its takes itself, and
/// one of them may be the take it is recording.
fn hold_data(file: &Path) -> Result<Option<fs::File>, String> {
    let whole = file.canonicalize().unwrap_or_default();
    // DATA/sessions/SESSION/take-0001.rf64
    let Some(data) = whole
        .ancestors()
        .nth(3)
        .filter(|data| Data(data).lock().is_file())
    else {
        return Ok(None);
    };
    match lock::lock(data) {
        Ok(None) => Err(format!(
            "{}: a booth is running on {} and repairs its own takes; left as it is",
            file.display(),
            data.display()
        )),
        // Forgotten sessions are not repaired.
        Ok(Some(held)) => {
            let done = forget::carry_out_due(data, None, Round::Full);
            let mut failures = done.map_err(|error| error.to_string())?.failures;
            failures
                .pop()
                .map_or(Ok(()), |error| Err(error.to_string()))?;
            Ok(Some(held))
        }
        // A folder that cannot be locked is on a read-only medium: no booth runs on it.
        Err(_) => Ok(None),
    }
}
