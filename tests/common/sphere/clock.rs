//! A wall clock of the sphere's own, which jumps: see `clock.c`.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::common::shim::library;

/// The clock of everything that runs with its environment.
pub struct Clock {
    folder: tempfile::TempDir,
    ahead_s: File,
}

impl Clock {
    /// One that is right.
    pub fn new() -> Clock {
        let folder = crate::common::folder();
        let path = folder.path().join("clock");
        fs::write(&path, 0_i64.to_ne_bytes()).unwrap();
        let ahead_s = File::options().write(true).open(path).unwrap();
        Clock { folder, ahead_s }
    }

    /// What puts a program under it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let text = |path: &Path| path.display().to_string();
        let library = library("tests/common/sphere/clock.c");
        vec![
            ("LD_PRELOAD", text(&library)),
            ("SPHERE_CLOCK", text(&self.folder.path().join("clock"))),
        ]
    }

    /// It is `hours` ahead of the time from now on.
    pub fn jump(&self, hours: i64) {
        let seconds = (hours * 3600).to_ne_bytes();
        self.ahead_s.write_all_at(&seconds, 0).unwrap();
    }
}
