//! `booth repair PATH…`: makes unfinished files whole.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Done, Failure};
use crate::audio::rf64::riff::is_wave;
use crate::files::data::Data;
use crate::files::small;
use crate::forget;
use crate::forget::survey::Round;
use crate::identity::seal;
use crate::recorder::repair::{Outcome, repair, repair_any};
use crate::store::{lock, takes};

/// Endings of the files that are looked at in a folder.
const ENDINGS: [&str; 5] = ["rf64", "wav", "wave", "bwf", "bw64"];

/// Makes unfinished RF64 files of booth whole; a file that is whole keeps every byte
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files, or folders whose sound files are looked at: RF64, WAV and BW64, sealed ones too
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Also finishes what another recorder left
    #[arg(long)]
    foreign: bool,
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
                    match look(&file, args) {
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

fn look(file: &Path, args: &Args) -> Result<String, String> {
    // A named pipe would make `repair` wait for its writer.
    let kind = fs::metadata(file).map(|file| file.file_type());
    if kind.is_ok_and(|kind| !kind.is_file()) {
        return Err(format!("{}: is no regular file", file.display()));
    }
    let name = file.display();
    if seal::is_sealed(file) {
        return Ok(sealed(file, args.json));
    }
    let _data = hold_data(file)?;
    let _file = hold_file(file)?;
    let repair = if args.foreign { repair_any } else { repair };
    let outcome = repair(file).map_err(|error| error.to_string())?;
    if !args.json {
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

/// What its length says of a sealed file, which is left as it is.
fn sealed(file: &Path, json: bool) -> String {
    let (name, is_whole) = (file.display(), is_whole(file));
    if json {
        let row = serde_json::json!({
            "file": name.to_string(), "action": "none", "sealed": true, "whole": is_whole,
        });
        return format!("{row}\n");
    }
    let state = match is_whole {
        Some(true) => "sealed, whole",
        Some(false) => "sealed, cut; it opens to its last whole chunk",
        None => "sealed",
    };
    format!(
        "{name}: {state}, left as it is; only its key shows what is inside, as in `booth export \
         --key`\n"
    )
}

/// Whether a sealed take has the length that its row says; `None` where no row says one.
fn is_whole(file: &Path) -> Option<bool> {
    let name = file.file_name()?.to_str()?.strip_suffix(".age")?;
    let rows = takes::read(file.parent()?).ok()?;
    let row = rows.into_iter().find(|row| row.file == name)?;
    match (row.sealed_bytes, row.samples_sha256) {
        (Some(bytes), _) => Some(file.metadata().ok()?.len() == bytes),
        // It was cut, or is being recorded.
        (None, None) => Some(false),
        // Sealed by version 0.1, when it was finished.
        (None, Some(_)) => None,
    }
}

/// The file itself, or every sound file below a folder, sorted.
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
        } else if is_sound(&entry) {
            found.push(entry);
        }
    }
    Ok(found)
}

/// Whether a file in a folder is one to be looked at, by its name in any case or by its first bytes.
fn is_sound(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    let plain = name.strip_suffix(".age").unwrap_or(&name);
    let ending = plain.rsplit_once('.').map(|(_, ending)| ending);
    if ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
        return true;
    }
    let mut head = Vec::new();
    let opened = small::open(file).ok().flatten();
    let read = opened.map(|file| file.take(12).read_to_end(&mut head));
    read.is_some() && is_wave(&head)
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
