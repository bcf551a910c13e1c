//! The folder of an export: a new one, one that was begun, or another folder.
//!
//! Guarantees: nothing is written into a folder that holds something else; two exports never write
//! into one folder at the same time.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::{ExportError, Layout, Source};
use crate::dataset::README;
use crate::embedded::EXPORT_README;
use crate::files::small;

/// A folder that may be exported into.
#[derive(Debug)]
pub struct Place {
    folder: PathBuf,
    readme: String,
    _held: Option<File>,
}

impl Place {
    /// Checks `out` and changes nothing.
    ///
    /// # Errors
    /// It holds something else or an export of another layout, or it is inside a data folder.
    pub fn look(out: &Path, layout: Layout, sources: &[Source]) -> Result<Place, ExportError> {
        let folder = std::path::absolute(out).map_err(ExportError::file("look at", out))?;
        // For a folder that is not there yet: the part of its path that is.
        let mut there = folder.ancestors();
        let real = there.find_map(|folder| folder.canonicalize().ok());
        for Source { data, .. } in sources {
            if let (Some(real), Ok(data)) = (&real, data.canonicalize())
                && real.starts_with(&data)
            {
                return Err(ExportError::Inside(folder, data));
            }
        }
        let readme = readme(layout);
        let names = small::names(&folder).map_err(ExportError::file("list", &folder))?;
        let found =
            small::read(&folder.join(README)).map_err(ExportError::file("read", &folder))?;
        let temporary = small::temporary(Path::new(README));
        let is_new = names.iter().all(|name| Path::new(name) == temporary);
        match found {
            Some(found) if found == readme.as_bytes() => {}
            Some(found) if found == self::readme(layout.other()).as_bytes() => {
                return Err(ExportError::Layout(folder, layout.other()));
            }
            None if is_new => {}
            _ => return Err(ExportError::Foreign(folder)),
        }
        Ok(Place {
            folder,
            readme,
            _held: None,
        })
    }

    /// Makes the folder, locks it, and marks it as an export.
    ///
    /// # Errors
    /// Another export is writing into it, or the file system's.
    pub fn begin(self) -> Result<Place, ExportError> {
        let folder = &self.folder;
        fs::create_dir_all(folder).map_err(ExportError::file("make", folder))?;
        // Whatever path led here, exports.jsonl names the real one.
        let folder = folder
            .canonicalize()
            .map_err(ExportError::file("look at", folder))?;
        let held = File::open(&folder).map_err(ExportError::file("open", &folder))?;
        // Not every file system can lock.
        if let Err(TryLockError::WouldBlock) = held.try_lock() {
            return Err(ExportError::Busy(folder));
        }
        let path = folder.join(README);
        if !path.exists() {
            small::write(&path, self.readme.as_bytes(), small::PUBLIC)
                .map_err(ExportError::file("write", &path))?;
        }
        Ok(Place {
            folder,
            readme: self.readme,
            _held: Some(held),
        })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn readme(layout: Layout) -> String {
    let line = match layout {
        Layout::Channels => {
            "- `SESSION/SESSION-TAKE-NUMBER-CHANNEL.wav`: one channel of a take, with its number and its\n  \
             name."
        }
        Layout::Multichannel => {
            "- `SESSION/SESSION-TAKE.wav`: a take, all channels; `.rf64` beyond 4 GiB."
        }
    };
    EXPORT_README
        .replace("LAYOUT_LINE", line)
        .replace("LAYOUT", layout.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_folder_or_an_export_of_the_layout_is_taken() {
        let dir = tempfile::tempdir().expect("a folder");
        let data = dir.path().join("data");
        fs::create_dir(&data).expect("made");
        let sources = [Source {
            keys: data.join("keys"),
            data,
        }];
        let look = |name: &str, layout| Place::look(&dir.path().join(name), layout, &sources);
        let place = look("new/export", Layout::Channels).expect("a new one");
        let place = place.begin().expect("begun");
        let again = look("new/export", Layout::Channels).expect("known");
        assert!(matches!(again.begin(), Err(ExportError::Busy(_))));
        drop(place);
        let other = look("new/export", Layout::Multichannel);
        assert!(matches!(other, Err(ExportError::Layout(..))));
        let foreign = look("new", Layout::Channels);
        assert!(matches!(foreign, Err(ExportError::Foreign(_))));
        let inside = look("data/export", Layout::Channels);
        assert!(matches!(inside, Err(ExportError::Inside(..))));
    }
}
