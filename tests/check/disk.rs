//! The disk's writes, on disks that misbehave.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::common::run;
use crate::common::shim::Shim;
use crate::{Found, common};

fn look(folder: &Path, shim: &Shim) -> Command {
    let mut command = run::booth();
    command.args(["check", "--json", "--data"]).arg(folder);
    shim.apply(&mut command);
    command
}

#[test]
fn a_disk_that_stalls_or_cannot_be_written_is_found() {
    let folder = common::folder();
    let shim = Shim::over(folder.path());
    let look = || look(folder.path(), &shim);
    shim.stall();
    let stalled = run::start(&mut look());
    std::thread::sleep(Duration::from_secs(5));
    shim.go_on();
    let ended = stalled.wait();
    let text = |line: &&run::Line| line.text.contains("\"disk writes\"");
    let line = ended.stdout.iter().find(text).unwrap();
    assert!(
        line.text.contains("\"fail\"") && line.text.contains("ms"),
        "{}",
        line.text
    );
    shim.fail("EIO");
    let found = Found::of(&look().output().unwrap());
    found.is("disk writes", "fail", "cannot be written");
    shim.recover();
    let left = fs::read_dir(folder.path()).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().contains("check")),
        "{left:?}"
    );
}

#[test]
fn a_disk_that_is_too_slow_for_the_microphones_is_found() {
    let folder = common::folder();
    // Of half a second each; between the two the disk of this machine has its own time.
    for (slow_ms, state, words) in [
        (360, "warn", "the disk is busy for"),
        (600, "fail", "takes less than the microphones give"),
    ] {
        let shim = Shim::over(folder.path()).with_slow_syncs(slow_ms);
        let found = Found::of(&look(folder.path(), &shim).output().unwrap());
        found.is("disk writes", state, words);
    }
}
