//! A small disk of the sphere's, to be filled.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk that is mounted over a folder.
pub struct Disk(PathBuf);

impl Disk {
    /// Room for some small files, over `folder`.
    pub fn over(folder: &Path) -> Disk {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64k", "none"]);
        assert!(mount.arg(folder).status().unwrap().success(), "mount");
        Disk(folder.to_owned())
    }

    /// Not a byte more goes onto it, nor where a file of `folder` was deleted.
    pub fn fill(&self, folder: &str) {
        fs::create_dir(self.0.join("kept")).unwrap();
        for entry in fs::read_dir(self.0.join(folder)).into_iter().flatten() {
            let entry = entry.unwrap();
            fs::hard_link(entry.path(), self.0.join("kept").join(entry.file_name())).unwrap();
        }
        let mut file = fs::File::create(self.0.join("filling")).unwrap();
        while file.write_all(&[0; 512]).is_ok() {}
    }

    /// There is room again.
    pub fn empty(&self) {
        fs::remove_dir_all(self.0.join("kept")).unwrap();
        fs::remove_file(self.0.join("filling")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What runs there may have it open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
