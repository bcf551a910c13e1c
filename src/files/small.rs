//! Small files that are whole at every instant: temporary name, sync, rename, sync of the folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Mode of files that only their owner may read.
pub const PRIVATE: u32 = 0o600;
/// Mode of files that every user may read.
pub const PUBLIC: u32 = 0o644;

/// Where `path` is written before it gets its name; a start removes what a kill left there.
#[must_use]
pub fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// Writes `path`, replacing the one before. A second writer of the same file waits.
///
/// # Errors
/// The file system's.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut writing = Writing::begin(path, mode)?;
    writing.write_all(bytes)?;
    writing.finish()
}

/// A file being written, which replaces the one of its name when it is whole. A second writer of
/// the same file waits; nothing is left of one that is given up.
#[derive(Debug)]
pub struct Writing {
    path: PathBuf,
    temporary: PathBuf,
    file: BufWriter<File>,
    is_done: bool,
}

impl Writing {
    /// Begins `path` under its temporary name.
    ///
    /// # Errors
    /// The file system's.
    pub fn begin(path: &Path, mode: u32) -> io::Result<Writing> {
        let temporary = temporary(path);
        let file = alone(&temporary, mode)?;
        // What a kill left there may have another mode.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.set_len(0)?;
        Ok(Writing {
            path: path.to_owned(),
            temporary,
            file: BufWriter::with_capacity(1 << 16, file),
            is_done: false,
        })
    }

    /// Syncs it and gives it its name.
    ///
    /// # Errors
    /// The file system's.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        self.is_done = true;
        sync_folder(&self.path)
    }
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = remove(&self.temporary);
        }
    }
}

/// The file `temporary`, which no other writer touches until this one is closed or has its final
/// name.
fn alone(temporary: &Path, mode: u32) -> io::Result<File> {
    loop {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(mode)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(temporary)
            .and_then(|file| regular(&file).map(|()| file));
        let file = file.map_err(|error| named(temporary, &error))?;
        file.lock()?;
        // The writer that held it before may have renamed or removed it.
        let held = file.metadata()?;
        if absent(fs::symlink_metadata(temporary))?.is_some_and(|it| it.ino() == held.ino()) {
            return Ok(file);
        }
    }
}

/// The error together with its file, because the caller would name another one.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Syncs the folder that `path` is in.
///
/// # Errors
/// The file system's.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Makes `folder` and those above it, synced; only its owner may look into a new one of mode 0700.
///
/// # Errors
/// The file system's.
pub fn folder(folder: &Path, mode: u32) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(folder)?;
    sync_folder(folder)
}

/// Removes a file; false if there was none. The folder is not synced.
///
/// # Errors
/// The file system's.
pub fn remove(path: &Path) -> io::Result<bool> {
    absent(fs::remove_file(path)).map(|removed| removed.is_some())
}

/// Longest file that is read; the small ones of a booth have a few kilobytes.
const MOST_BYTES: u64 = 64 << 20;

/// Reads a file; `None` if there is none.
///
/// # Errors
/// The file system's; `InvalidData` for anything but a regular file, which might never end, and for
/// one that is far too long.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = open(path)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "is far too long",
        ));
    }
    Ok(Some(bytes))
}

/// Opens a file for reading; `None` if there is none.
///
/// # Errors
/// The file system's; `InvalidData` for anything but a regular file, since opening a pipe would
/// block.
pub fn open(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    let unwaiting = options.read(true).custom_flags(libc::O_NONBLOCK);
    let Some(file) = absent(unwaiting.open(path))? else {
        return Ok(None);
    };
    regular(&file)?;
    Ok(Some(file))
}

fn regular(file: &File) -> io::Result<()> {
    if file.metadata()?.is_file() {
        Ok(())
    } else {
        let why = "is no regular file; move it away";
        Err(io::Error::new(io::ErrorKind::InvalidData, why))
    }
}

/// The names in a folder, sorted; none if there is no such folder.
///
/// # Errors
/// The file system's.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let Some(entries) = absent(fs::read_dir(folder))? else {
        return Ok(Vec::new());
    };
    let name = |entry: io::Result<fs::DirEntry>| {
        entry.map(|entry| entry.file_name().to_string_lossy().into_owned())
    };
    let mut names = entries.map(name).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// A file that does not exist is not an error.
fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_with_its_mode_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a");
        fs::write(temporary(&path), "torn").expect("what a kill left");
        write(&path, b"one", PUBLIC).expect("written");
        write(&path, b"two", PRIVATE).expect("written");
        assert_eq!(read(&path).expect("read"), Some(b"two".to_vec()));
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, PRIVATE);
        assert_eq!(names(dir.path()).expect("listed"), ["a"]);
    }

    #[test]
    fn a_pipe_is_an_error_and_never_waited_for() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a");
        for pipe in [&path, &temporary(&path)] {
            let made = std::process::Command::new("mkfifo").arg(pipe).status();
            assert!(made.expect("mkfifo").success());
        }
        assert!(read(&path).is_err());
        let error = write(&path, b"x", PUBLIC).expect_err("a pipe").to_string();
        assert!(error.contains("a.new"), "{error}");
    }

    #[test]
    fn writers_of_one_file_do_not_hinder_each_other() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a");
        std::thread::scope(|scope| {
            for writer in 0..4_u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..25 {
                        write(path, &[writer; 5000], PUBLIC).expect("written");
                    }
                });
            }
        });
        let last = read(&path).expect("read").expect("there");
        assert_eq!(last.len(), 5000);
        assert!(last.iter().all(|byte| *byte == last[0]));
        assert_eq!(names(dir.path()).expect("listed"), ["a"]);
    }

    #[test]
    fn what_is_not_there_is_no_failure() {
        let nowhere = Path::new("/nonexistent/a");
        assert!(!remove(nowhere).expect("no failure"));
        assert_eq!(read(nowhere).expect("no failure"), None);
        assert!(names(nowhere).expect("no failure").is_empty());
    }
}
