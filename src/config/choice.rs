//! Which configuration a command reads.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::rt;

/// The configuration of the present folder.
const HERE: &str = "booth.toml";
/// The configuration of the box.
const INSTALLED: &str = "/etc/booth/booth.toml";

/// The file that is named, else booth.toml in the present folder, else that of the box; `None`: the
/// one inside the program.
pub(super) fn choose(named: Option<&Path>) -> Option<PathBuf> {
    if named.is_some() {
        return named.map(Path::to_owned);
    }
    let here = Path::new(HERE);
    // A service has no folder that it was started in on purpose.
    if !rt::is_service() && here.exists() {
        if is_trusted(here, rt::user()) {
            return Some(here.to_owned());
        }
        log::warn!(
            "booth.toml in this folder belongs to another user and is not read; `--config {HERE}` \
             reads it"
        );
    }
    let installed = Path::new(INSTALLED);
    installed.exists().then(|| installed.to_owned())
}

/// Whether a file, and a link that leads to it, belong to `user` or to root: in a folder that all
/// may write, anybody could have left one.
fn is_trusted(path: &Path, user: u32) -> bool {
    let owners = [fs::symlink_metadata(path), fs::metadata(path)];
    let mut owners = owners.into_iter();
    owners.all(|found| found.is_ok_and(|found| [user, 0].contains(&found.uid())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_caller_or_of_root_is_trusted_and_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(HERE);
        fs::write(&file, "").expect("written");
        let owner = fs::metadata(&file).expect("there").uid();
        assert!(is_trusted(&file, owner));
        // As another user: only what root has left is trusted.
        assert_eq!(is_trusted(&file, owner + 1), owner == 0);
        assert!(is_trusted(Path::new("/etc/passwd"), owner + 1));
        std::os::unix::fs::symlink("nowhere", folder.path().join("link")).expect("a link");
        assert!(!is_trusted(&folder.path().join("link"), owner));
    }

    #[test]
    fn a_named_file_is_taken_whether_it_is_there_or_not() {
        let named = Path::new("/nonexistent/b.toml");
        assert_eq!(choose(Some(named)).as_deref(), Some(named));
    }
}
