//! The disk refuses: the file ends true where the disk ended, and older ones keep every byte.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use booth::store::row::Row;
use booth::words::{Spec, Verdict};

use sha2::Digest;

use super::shared;
use super::take::{Audio, RATE, SPEC, assert_opens, device_now};
use crate::common::run::{self, Run, record, row, wait_for_audio};
use crate::common::shim::Shim;
use crate::common::{AlsaEnv, folder, plugin};

/// A file system in memory, unmounted in the end; refused where there is no privilege.
struct Small<'a>(&'a Path);

impl Small<'_> {
    fn mount(at: &Path) -> Option<Small<'_>> {
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(at);
        let mounted = mount.output().is_ok_and(|done| done.status.success());
        mounted.then_some(Small(at))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

/// A take of half a second, finished.
fn older(env: &AlsaEnv, file: &Path) -> Vec<u8> {
    let mut command = record(env, "bpaced", SPEC, file);
    row(&run::start(command.args(["--frames", "24000"])).wait(), 0);
    fs::read(file).unwrap()
}

/// Checks what a run left that the disk refused with `reason`.
#[track_caller]
fn assert_kept(run: &Run, file: &Path, reason: &str, about: u64) -> Row {
    let row = row(run, 3);
    let said = run.said();
    assert!(
        said.contains(file.to_str().unwrap()),
        "names the file: {said}"
    );
    assert!(said.contains(reason), "names the reason: {said}");
    assert_eq!(row.verdict, Verdict::Aborted);
    assert_opens(file, row.frames);
    assert!(row.frames > u64::from(RATE / 2), "{} frames", row.frames);
    Audio::open(file).check(&row.gaps, about);
    assert_eq!(super::kill::repair(file)["action"], "none");
    row
}

/// What fills 8 MiB in two seconds.
const MANY: Spec = Spec {
    channels: 24,
    ..SPEC
};

/// Endless or of 60 s: a take that fills a disk of 8 MiB.
fn fill(options: &[&str]) {
    let _machine = shared();
    let (env, dir) = (plugin(), folder());
    let small = Small::mount(dir.path());
    let (out, shim) = (
        dir.path().join("full.rf64"),
        Shim::over(dir.path()).with_room(7 << 20),
    );
    let finished = older(&env, &dir.path().join("older.rf64"));
    let mut command = record(&env, "bpaced", MANY, &out);
    command.args(options);
    if small.is_none() {
        shim.apply(&mut command);
    }
    let about = device_now(&env, RATE);
    let run = run::start(&mut command).wait();
    let row = assert_kept(&run, &out, "No space left on device", about);
    assert!(fs::read(dir.path().join("older.rf64")).unwrap() == finished);
    let whole = row.frames * MANY.frame_bytes() as u64;
    println!(
        "full disk ({}) {options:?}: {} frames = {whole} bytes kept, exit 3: {}",
        if small.is_some() {
            "tmpfs of 8 MiB"
        } else {
            "7 MiB by the shim"
        },
        row.frames,
        run.said()
    );
    assert!(whole > 6 << 20, "what fits is kept: {whole} bytes");
}

#[test]
fn a_full_disk_ends_an_endless_take_as_a_valid_file() {
    fill(&[]);
}

#[test]
fn a_full_disk_ends_a_take_of_known_length_as_a_valid_file() {
    fill(&["--seconds", "60"]);
}

#[test]
fn a_disk_that_fills_up_in_a_stall_keeps_the_gap_and_what_fits() {
    let _machine = shared();
    let (env, dir) = (plugin(), folder());
    let (out, shim) = (
        dir.path().join("full.rf64"),
        Shim::over(dir.path()).with_room(14 << 20),
    );
    let mut command = record(&env, "bpaced", SPEC, &out);
    command.args(["--buffer-s", "1"]);
    shim.apply(&mut command);
    let about = device_now(&env, RATE);
    let running = run::start(&mut command);
    wait_for_audio(&out, 1.0);
    shim.stall();
    // Longer than the writer's memory and the pool bridge together.
    std::thread::sleep(Duration::from_millis(9000));
    shim.go_on();
    let run = running.wait();
    let row = assert_kept(&run, &out, "No space left on device", about);
    println!(
        "full after a stall: {} frames kept, gaps {:?}",
        row.frames, row.gaps
    );
    // Further ones of a period or two stand where the pool was at its edge.
    let stall = row.gaps.first().expect("the stall is a gap");
    assert!(stall.frames > u64::from(RATE), "{:?}", row.gaps);
}

/// A take of 10 s whose disk refuses everything with `error` for four of them.
fn away(error: &str) {
    let (env, dir) = (plugin(), folder());
    let (out, shim) = (dir.path().join("away.rf64"), Shim::over(dir.path()));
    let mut command = record(&env, "bpaced", SPEC, &out);
    shim.apply(command.args(["--seconds", "10"]));
    let about = device_now(&env, RATE);
    let running = run::start(&mut command);
    wait_for_audio(&out, 2.0);
    shim.fail(error);
    std::thread::sleep(Duration::from_millis(4000));
    shim.recover();
    let run = running.wait();
    let row = row(&run, 3);
    assert_eq!(row.verdict, Verdict::Kept, "{}", run.said());
    assert_eq!((row.frames, &row.gaps[..]), (10 * u64::from(RATE), &[][..]));
    assert_opens(&out, row.frames);
    let audio = Audio::open(&out);
    audio.check(&[], about);
    let samples = run::samples(&out).1;
    assert_eq!(
        row.samples_sha256,
        Some(booth::words::hex::encode(
            sha2::Sha256::digest(&samples).into()
        ))
    );
    assert_eq!(super::kill::repair(&out)["action"], "none");
    println!("{error} for 4 s: {} frames written, 0 lost", row.frames);
}

#[test]
fn a_disk_that_comes_back_gets_every_frame() {
    let _machine = shared();
    std::thread::scope(|scope| {
        scope.spawn(|| away("EROFS"));
        scope.spawn(|| away("EIO"));
    });
}

/// A take whose disk refuses everything with `error` after two seconds.
fn refused(error: &str, reason: &str) {
    let (env, dir) = (plugin(), folder());
    let (out, shim) = (dir.path().join("refused.rf64"), Shim::over(dir.path()));
    let mut command = record(&env, "bpaced", SPEC, &out);
    command.args(["--buffer-s", "2"]);
    shim.apply(&mut command);
    let about = device_now(&env, RATE);
    let running = run::start(&mut command);
    wait_for_audio(&out, 1.5);
    shim.fail(error);
    let run = running.wait();
    assert_eq!(run.code, Some(1), "{}", run.said());
    let said = run.said();
    assert!(
        said.contains(out.to_str().unwrap()) && said.contains(reason),
        "{said}"
    );
    let opened = || {
        let audio = Audio::open(&out);
        assert_opens(&out, audio.frames);
        audio.check(&[], about);
        audio.frames
    };
    let before = opened();
    super::kill::repair(&out);
    let after = opened();
    println!("{error}: {before} frames before repair, {after} after; {said}");
    assert!(before > 0 && after >= before);
}

#[test]
fn a_disk_that_refuses_everything_leaves_what_repair_makes_whole() {
    let _machine = shared();
    std::thread::scope(|scope| {
        scope.spawn(|| refused("EROFS", "Read-only file system"));
        scope.spawn(|| refused("EIO", "Input/output error"));
    });
}
