//! A folder for the files of a demonstration, including a private key; it is removed at the end.
//!
//! Guarantees: no other user can have made it before, guess its name or look into it. Unless it is
//! to be kept, nothing of it is left, even after an error or a panic.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::identity::erase;
use crate::words::hex;

/// Letters of the name that cannot be guessed, each half a byte.
const LETTERS: usize = 24;

/// The folder; erased when this value is dropped.
#[derive(Debug)]
pub struct Temporary {
    path: PathBuf,
    kept: bool,
}

impl Temporary {
    /// A new one in `parent`.
    ///
    /// # Errors
    /// The system's.
    pub fn create(parent: &Path) -> io::Result<Temporary> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let mut name = hex::encode(random);
        name.truncate(LETTERS);
        let path = parent.join(format!("booth-demo-{name}"));
        // Fails if that name exists, even as a link.
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Temporary { path, kept: false })
    }

    /// Keeps it.
    pub fn keep(&mut self) {
        self.kept = true;
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            for stays in erase::all(&self.path, false).stays {
                log::warn!("{stays}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_its_owner_may_open_it_and_it_goes_with_its_content_unless_it_is_kept() {
        let parent = tempfile::tempdir().expect("folder");
        let mut kept = Temporary::create(parent.path()).expect("one");
        let gone = Temporary::create(parent.path()).expect("another");
        for one in [&kept, &gone] {
            let mode = fs::metadata(one.path()).expect("folder").permissions();
            assert_eq!(mode.mode() & 0o777, 0o700);
            fs::create_dir(one.path().join("data")).expect("folder");
            fs::write(one.path().join("data").join("take"), "voice").expect("file");
        }
        kept.keep();
        let path = kept.path().to_owned();
        drop((kept, gone));
        let left = fs::read_dir(parent.path()).expect("folder");
        let left: Vec<_> = left.map(|entry| entry.expect("entry").path()).collect();
        assert_eq!(left, [path]);
    }
}
