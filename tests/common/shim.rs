//! A disk that misbehaves: see `shim.c`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use booth::rt::Nanos;

/// What happens to the files below one folder, as the processes see it that it is applied to.
pub struct Shim {
    below: PathBuf,
    control: tempfile::TempDir,
    room: Option<u64>,
    slow_ms: u32,
    disk: Option<PathBuf>,
    hold: Option<(&'static str, u32)>,
}

impl Shim {
    /// Over the files below `below`; harmless until told otherwise.
    pub fn over(below: &Path) -> Shim {
        Shim {
            below: below.canonicalize().unwrap(),
            control: super::folder(),
            room: None,
            slow_ms: 0,
            disk: None,
            hold: None,
        }
    }

    /// No file grows beyond `bytes`.
    pub fn with_room(self, bytes: u64) -> Shim {
        Shim {
            room: Some(bytes),
            ..self
        }
    }

    /// Each sync takes so much longer.
    pub fn with_slow_syncs(self, slow_ms: u32) -> Shim {
        Shim { slow_ms, ..self }
    }

    /// `disk` receives what a power cut would leave, by inode.
    pub fn with_disk(self, disk: &Path) -> Shim {
        Shim {
            disk: Some(disk.to_owned()),
            ..self
        }
    }

    /// The process stops before the `call`-th call of `thread`, counted from 1.
    pub fn with_hold(self, thread: &'static str, call: u32) -> Shim {
        Shim {
            hold: Some((thread, call)),
            ..self
        }
    }

    /// Puts it between `command` and its disk.
    pub fn apply(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", library("tests/common/shim.c"))
            .env("FAULT_BELOW", &self.below)
            .env("FAULT_STALL", self.file("stall"))
            .env("FAULT_SLOW", self.slow_ms.to_string())
            .env("FAULT_FAIL", self.file("fail"))
            .env("FAULT_SHORT", self.file("short"))
            .env("FAULT_HANG", self.file("hang"))
            .env("FAULT_TIMES", self.file("times"));
        if let Some(bytes) = self.room {
            command.env("FAULT_ROOM", bytes.to_string());
        }
        if let Some(disk) = &self.disk {
            command.env("FAULT_DISK", disk);
        }
        if let Some((thread, call)) = self.hold {
            command.env("FAULT_THREAD", thread);
            command.env("FAULT_HOLD", call.to_string());
        }
    }

    /// The disk answers nothing from now on.
    pub fn stall(&self) {
        fs::write(self.file("stall"), "").unwrap();
    }

    /// The disk answers again.
    pub fn go_on(&self) {
        fs::remove_file(self.file("stall")).unwrap();
    }

    /// Every call fails from now on, with `error` by its name.
    pub fn fail(&self, error: &str) {
        // Appears with its content.
        fs::write(self.file("new"), error).unwrap();
        fs::rename(self.file("new"), self.file("fail")).unwrap();
    }

    /// Every call does again what it should.
    pub fn recover(&self) {
        fs::remove_file(self.file("fail")).unwrap();
    }

    /// The thread of this name does not come back from its next wait for another.
    pub fn hang(&self, thread: &str) {
        fs::write(self.file("hang"), thread).unwrap();
    }

    /// It does.
    pub fn unhang(&self) {
        fs::remove_file(self.file("hang")).unwrap();
    }

    /// The longest write or sync up to `until`, one that was under way then included.
    pub fn longest(&self, until: Nanos) -> Duration {
        // None before the program has begun.
        let times = fs::read(self.file("times")).unwrap_or_default();
        if times.len() < 16 {
            return Duration::ZERO;
        }
        let [longest, since] =
            [0, 8].map(|at| u64::from_ne_bytes(times[at..at + 8].try_into().unwrap()));
        let under_way = if since == 0 {
            Duration::ZERO
        } else {
            until.since(Nanos(since))
        };
        under_way.max(Duration::from_nanos(longest))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.control.path().join(name)
    }
}

/// The library of a source of the tests, to be preloaded.
pub fn library(source: &str) -> PathBuf {
    built(source, "so", &["-fPIC", "-shared", "-ldl", "-lpthread"])
}

/// The program of a source of the tests, a client of JACK.
pub fn program(source: &str) -> PathBuf {
    built(source, "bin", &["-lm", "-lpthread", "-l:libjack.so.0"])
}

fn built(source: &str, kind: &str, options: &[&str]) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap();
    let file = built
        .entry(source.to_owned())
        .or_insert_with(|| build(source, kind, options));
    file.clone()
}

fn build(source: &str, kind: &str, options: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let name = source.file_stem().unwrap().to_string_lossy();
    let new = folder.join(format!("{name}-{}.{kind}", std::process::id()));
    let built = Command::new("cc")
        .args(["-O2", "-Wall", "-o"])
        .args([&new, &source])
        .args(options)
        .status()
        .expect("cc is installed");
    assert!(built.success(), "cc builds {}", source.display());
    let kept = folder.join(format!("{name}.{kind}"));
    // One that is in use is not written to: moved into place.
    fs::rename(new, &kept).unwrap();
    kept
}
