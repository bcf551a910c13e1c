//! A disk that fills up: what does not fit is not begun, and a session ends before the reserve. One
//! that turns read-only or goes away is a screen until it is back.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use booth::words::Verdict;
use common::run::{self, Run};

// The scripts stay on `intro` for longer than a busy machine needs to bring the first line: without it `go`
// does nothing.
const PROTOCOL: &str = "name = \"short\"\n[[step]]\nname = \"one\"\nkind = \"read\"\nseconds = 8\n\
    [[step]]\nname = \"two\"\nkind = \"read\"\nseconds = 40\n";

/// Runs the booth on a disk of `megabytes` of its own, with `meanwhile` (shell) beside it, where `rows N`
/// waits for N rows of takes; what the booth left is copied to the folder that is given back.
fn run_on_small_disk(megabytes: u32, script: &str, meanwhile: &str) -> (Run, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("protocol.toml"), PROTOCOL).unwrap();
    fs::write(at("script"), script).unwrap();
    fs::create_dir(at("disk")).unwrap();
    let shell = format!(
        "mount -t tmpfs -o size={megabytes}m tmpfs disk || exit 99\n\
         rows() {{ n=0; until [ \"$(cat disk/data/sessions/*/takes.jsonl 2>/dev/null | wc -l)\" -ge $1 ] \
             || [ $n -gt 600 ]; do sleep 0.1; n=$((n + 1)); done; }}\n\
         {booth} run --board sim --protocol ./protocol.toml --script script --data disk/data \
             --set audio.device=sim --set storage.reserve_mb=5 & booth=$!\n\
         {meanwhile}\n\
         wait $booth; code=$?\n\
         rm -f disk/filler; cp -r disk/data left; exit $code\n",
        booth = env!("CARGO_BIN_EXE_booth")
    );
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let mut command = Command::new("unshare");
    command.arg(if root { "-m" } else { "-rm" });
    command.args(["sh", "-c", &shell]).current_dir(dir.path());
    let run = run::start(&mut command).wait();
    assert_ne!(run.code, Some(99), "a tmpfs can be mounted: {}", run.said());
    (run, dir)
}

fn shown(run: &Run) -> Vec<&str> {
    run.stdout.iter().map(|line| line.text.as_str()).collect()
}

fn left(dir: &Path) -> PathBuf {
    dir.join("left")
}

#[test]
fn a_disk_that_fills_up_ends_the_session_before_the_reserve_with_every_take_whole() {
    let script = "until attract\n500 go\nuntil intro\n2500 go\nuntil reading\n1500 go\n60000 go\n";
    // 80 MB hold both steps; then somebody else fills them up.
    let fill = "rows 1; sleep 1; dd if=/dev/zero of=disk/filler bs=1M count=300 2>/dev/null; \
                rows 2; sleep 1; kill -TERM $booth";
    let (run, dir) = run_on_small_disk(120, script, fill);
    assert_eq!(run.code, Some(3), "{}", run.said());
    let session = run::session(&left(dir.path()));
    let rows = run::rows(&session);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].verdict, Verdict::Kept);
    for row in &rows {
        let (spec, bytes) = run::samples(&session.join(&row.file));
        assert_eq!(bytes.len() as u64, row.frames * spec.frame_bytes() as u64);
    }
}

#[test]
fn what_does_not_fit_is_not_begun() {
    // Of 55 MB the first step fits, the second does not: one of one.
    let script = "until attract\n500 go\nuntil intro\n2500 go\nuntil thanks\n300 go\n";
    let (run, dir) = run_on_small_disk(57, script, "");
    assert_eq!(run.code, Some(0), "{}", run.said());
    let minutes = |line: &&str| line.contains("attract") && line.contains("minutes de lecture");
    assert!(shown(&run).iter().any(minutes), "{:?}", shown(&run));
    let steps: Vec<String> = run::rows(&run::session(&left(dir.path())))
        .into_iter()
        .map(|row| row.step)
        .collect();
    assert_eq!(steps, ["one"]);
}

#[test]
fn a_full_disk_is_a_screen_and_no_session() {
    let script = "until fault\n500 go\n500 stop\n";
    let (run, dir) = run_on_small_disk(12, script, "");
    assert_eq!(run.code, Some(0), "{}", run.said());
    let full = |line: &&str| line.contains("fault") && line.contains("place pour enregistrer");
    assert!(shown(&run).iter().any(full), "{:?}", shown(&run));
    assert_eq!(run::sessions(&left(dir.path())), Vec::<PathBuf>::new());
}

/// The screens of a fault of the disk that a run showed, on and off.
fn disk_faults(run: &Run) -> usize {
    let fault = |line: &&&str| line.contains("fault") && line.contains("carte mémoire");
    shown(run).iter().filter(fault).count()
}

#[test]
fn an_idle_box_shows_a_read_only_disk_and_goes_on_once_it_is_writable() {
    let script = "until attract\nuntil fault\n300 go\nuntil attract\n300 go\nuntil intro\n2500 go\n\
                  until reading\n2000 go\n2000 stop\n";
    let remount = "until [ -e disk/data/.lock ]; do sleep 0.1; done; sleep 2; \
                   mount -o remount,ro disk || exit 98; sleep 3; mount -o remount,rw disk";
    let (run, dir) = run_on_small_disk(120, script, remount);
    assert_eq!(run.code, Some(3), "{}", run.said());
    assert_eq!(disk_faults(&run), 1, "{:?}", shown(&run));
    assert!(run.said().contains("read-only"), "{}", run.said());
    let rows = run::rows(&run::session(&left(dir.path())));
    assert_eq!(rows.len(), 2, "{}", run.said());
}

#[test]
fn a_disk_that_is_unmounted_in_a_take_and_mounted_again_loses_nothing() {
    let script = "until attract\n300 go\nuntil intro\n2500 go\nuntil reading\n2000 go\n\
                  until fault\n300 go\nuntil paused\n300 go\n2000 go\n1000 stop\n";
    // Below the mount point lies an empty folder of another disk.
    let away = "rows 1; sleep 1; mkdir keep; mount --bind disk keep; umount -l disk; sleep 3; \
                find disk > below; mount --bind keep disk";
    let (run, dir) = run_on_small_disk(120, script, away);
    assert_eq!(run.code, Some(3), "{}", run.said());
    assert_eq!(disk_faults(&run), 1, "{:?}", shown(&run));
    let below = fs::read_to_string(dir.path().join("below")).unwrap();
    assert_eq!(below, "disk\n", "nothing was written below the mount point");
    let session = run::session(&left(dir.path()));
    let rows = run::rows(&session);
    assert!(rows.len() >= 4, "{rows:?}");
    for row in &rows {
        let (spec, bytes) = run::samples(&session.join(&row.file));
        assert_eq!(bytes.len() as u64, row.frames * spec.frame_bytes() as u64);
        assert_eq!(row.gaps, []);
    }
}
