//! A file that appears whole or not at all, and the sweeping up of what a power cut left of one.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Writes a file that appears whole or not at all: temporary name, sync, rename, sync of the folder.
pub(super) fn write_whole(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    /// Two threads of one process must not share a temporary name either.
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let mut name = path
        .file_name()
        .ok_or(io::ErrorKind::InvalidInput)?
        .to_owned();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    name.push(format!(".tmp-{}-{number}", std::process::id()));
    let temporary = path.with_file_name(name);
    sweep(path);
    let write = || -> io::Result<()> {
        let mut out = BufWriter::new(File::create(&temporary)?);
        fill(&mut out)?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => File::open(".")?.sync_all(),
        }
    };
    let written = write();
    if written.is_err() {
        // Nothing may be left of it; it may also never have been there.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Removes temporary files of `path` whose writer is gone: a power cut in mid-writing leaves one.
fn sweep(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return;
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let prefix = format!("{}.tmp-", name.to_string_lossy());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let writer = entry.file_name().to_str().and_then(|file| {
            let (process, number) = file.strip_prefix(&prefix)?.split_once('-')?;
            number.parse::<u32>().ok()?;
            process.parse::<u32>().ok()
        });
        if writer.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists()) {
            // Another process may have swept it first.
            let _ = fs::remove_file(entry.path());
        }
    }
}
