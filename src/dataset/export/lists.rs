//! metadata.csv and SHA256SUMS, written when every take is there.
//!
//! Guarantees: SHA256SUMS is there only while it matches every file that it names; lists that are
//! already right are not written again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::super::table;
use super::super::table::Cells;
use super::super::{README, SUMS};
use super::ExportError;
use super::person::Person;
use crate::dataset::METADATA;
use crate::files::small;
use crate::words::hex;

/// Writes both for `files` of `persons` in the export `out`.
///
/// # Errors
/// The file system's.
pub fn write(out: &Path, persons: &[Person], files: &[(String, Cells)]) -> Result<(), ExportError> {
    for person in persons {
        clear(&out.join(&person.session))?;
    }
    let cells: Vec<&Cells> = files.iter().map(|(_, cells)| cells).collect();
    let table = table::text(&cells);
    let (metadata, path) = (out.join(METADATA), out.join(SUMS));
    let read = |path: &Path| small::read(path).map_err(ExportError::file("read", path));
    let (old_table, old_sums) = (read(&metadata)?, read(&path)?.unwrap_or_default());
    let known = known(&old_sums);
    let mut sums = BTreeMap::new();
    for (name, _) in files {
        let sum = match known.get(name.as_str()) {
            Some(sum) => (*sum).to_owned(),
            None => hash(&out.join(name))?,
        };
        sums.insert(name.as_str(), sum);
    }
    sums.insert(METADATA, hex::encode(Sha256::digest(&table).into()));
    sums.insert(README, hash(&out.join(README))?);
    let lines = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n"));
    let text: String = lines.collect();
    if old_table.as_deref() == Some(table.as_bytes()) && old_sums == text.as_bytes() {
        return Ok(());
    }
    small::remove(&path).map_err(ExportError::file("remove", &path))?;
    small::write(&metadata, table.as_bytes(), small::PUBLIC)
        .map_err(ExportError::file("write", &metadata))?;
    small::write(&path, text.as_bytes(), small::PUBLIC).map_err(ExportError::file("write", &path))
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

/// The hashes in a list, by name; hashes of files are not computed twice.
fn known(sums: &[u8]) -> BTreeMap<&str, &str> {
    let text = std::str::from_utf8(sums).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.split_once("  "));
    lines.map(|(sum, name)| (name, sum)).collect()
}

fn hash(path: &Path) -> Result<String, ExportError> {
    let mut hash = Sha256::new();
    let mut file = File::open(path).map_err(ExportError::file("read", path))?;
    io::copy(&mut file, &mut hash).map_err(ExportError::file("read", path))?;
    Ok(hex::encode(hash.finalize().into()))
}
