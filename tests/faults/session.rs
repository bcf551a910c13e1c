//! Faults in the middle of a session: it goes on by itself on the same time line, and every sample
//! of every take is where its row says.

use std::fs;
use std::path::Path;
use std::time::Duration;

use booth::store::row::Row;
use booth::words::Verdict;

use super::device::MOST_LATE;
use super::shared;
use super::take::{Audio, RATE, device_now};
use crate::common::lateness::Lateness;
use crate::common::run::{self, Run};
use crate::common::shim::Shim;
use crate::common::{AlsaEnv, folder, plugin};

/// A step of reading.
const PROTOCOL: &str =
    "name = \"fault\"\n[[step]]\nname = \"read\"\nkind = \"read\"\nseconds = 10\n";
/// A press every one and a half seconds; on `paused` it goes on.
const SCRIPT: &str = "until attract\n300 go\nuntil intro\n900 go\nrepeat 10\n  1500 go\nend\n";

/// A session from `device`, and what happens `meanwhile`, in the middle of its third take.
fn session(
    (env, device): (&AlsaEnv, &str),
    data: &Path,
    shim: &Shim,
    meanwhile: impl FnOnce(),
) -> Run {
    fs::write(data.join("script"), SCRIPT).unwrap();
    fs::write(data.join("protocol.toml"), PROTOCOL).unwrap();
    let mut command = run::booth();
    env.apply(&mut command);
    shim.apply(&mut command);
    command.args(["run", "--board", "sim", "--set"]);
    command.arg(format!("audio.device={device}"));
    command.arg("--data").arg(data);
    command.arg("--protocol").arg(data.join("protocol.toml"));
    command.arg("--script").arg(data.join("script"));
    let running = run::start(command.env("RUST_LOG", "booth=debug"));
    run::wait_for_take(data, 3);
    std::thread::sleep(Duration::from_millis(700));
    meanwhile();
    running.wait()
}

/// Checks that the fault came and went once, and every sample of every take; the takes.
#[track_caller]
fn assert_one_time_line(
    run: &Run,
    data: &Path,
    fault: &str,
    (about, machine): (u64, &Lateness),
) -> Vec<Row> {
    assert_eq!(run.code, Some(3), "{}", run.said());
    let session = run::session(data);
    let faults: Vec<String> = run::events(&session)
        .iter()
        .filter(|event| event["event"] == "fault")
        .map(|event| format!("{} {}", event["kind"], event["state"]).replace('"', ""))
        .collect();
    let once = [format!("{fault} on"), format!("{fault} off")];
    assert_eq!(faults, once, "once each: {}", run.said());
    let rows = run::rows(&session);
    let (mut offset, mut worst) = (None, 0);
    for row in &rows {
        let audio = Audio::open(&session.join(&row.file));
        super::take::assert_opens(&session.join(&row.file), row.frames);
        let (first, late) = audio.check(&row.gaps, about);
        // Where the session's frame 0 lies on the card, by this take.
        let frame0 = first.map(|first| first as i64 - row.start_frame as i64);
        let off = frame0.map(|frame0| frame0 - *offset.get_or_insert(frame0));
        println!(
            "take {}: {:?}, {} frames, gaps {:?}, {off:?} frames late, after gaps {late:?}",
            row.take, row.verdict, row.frames, row.gaps
        );
        let all = late.iter().chain(&off).map(|late| late.unsigned_abs());
        worst = all.fold(worst, u64::max);
    }
    let kept = rows.iter().filter(|row| row.verdict == Verdict::Kept);
    println!(
        "{fault}: {} takes, {} kept, audio at most {worst} frames late",
        rows.len(),
        kept.count()
    );
    let most = MOST_LATE + machine.frames(RATE);
    assert!(worst <= most, "{worst} frames late, {machine:?}");
    rows
}

#[test]
fn a_session_goes_on_when_its_device_thaws() {
    let _machine = shared();
    let (env, dir) = (plugin(), folder());
    let (about, machine) = (device_now(&env, RATE), Lateness::watch());
    let shim = Shim::over(dir.path());
    let run = session((&env, "bfreeze"), dir.path(), &shim, || {
        fs::write(&env.freeze_file, "").unwrap();
        std::thread::sleep(Duration::from_millis(3700));
        fs::remove_file(&env.freeze_file).unwrap();
    });
    let rows = assert_one_time_line(&run, dir.path(), "device", (about, &machine));
    assert!(rows.len() >= 5);
}

/// A session whose disk refuses everything with `error` for four seconds in the middle of a take.
fn refused(error: &str) {
    let (env, dir) = (plugin(), folder());
    let (about, machine) = (device_now(&env, RATE), Lateness::watch());
    let shim = Shim::over(dir.path());
    let run = session((&env, "bpaced"), dir.path(), &shim, || {
        shim.fail(error);
        std::thread::sleep(Duration::from_millis(4000));
        shim.recover();
    });
    let rows = assert_one_time_line(&run, dir.path(), "disk", (about, &machine));
    let lost: u64 = rows.iter().map(super::take::lost).sum();
    println!("{error} for 4 s in a session: {lost} frames lost");
    assert_eq!(lost, 0);
    // The last one is cut by the step's end, and says so.
    let faulty = |row: &&Row| row.verdict == Verdict::Aborted && row.reasons.is_empty();
    let faulty = rows.iter().filter(faulty);
    assert_eq!(faulty.count(), 1, "the take that was under way");
    assert!(rows.len() >= 4, "{} takes", rows.len());
    let said = run.said();
    assert_eq!(said.matches("waits in memory").count(), 1, "{said}");
}

#[test]
fn a_session_goes_on_when_its_disk_is_back_and_every_frame_is_kept() {
    let _machine = shared();
    std::thread::scope(|scope| {
        scope.spawn(|| refused("EROFS"));
        scope.spawn(|| refused("EIO"));
    });
}

/// What a shell does around a booth on a file system of its own, aborted by its driver in mid-take.
const ABORTED: &str = "set -e\n\
    truncate -s 1G image; mkfs.ext4 -q image; mkdir disk; mount -o loop image disk\n\
    set +e; \"$@\" & booth=$!\n\
    sleep 6; mount -o remount,abort disk; sleep 3; kill -TERM $booth; wait $booth; code=$?\n\
    umount disk; e2fsck -fy image; mount -o loop image disk || exit 99\n\
    cp -r disk/data data; umount disk; exit $code\n";

#[test]
#[ignore = "takes 75 s and mounts a loop device; run by tests/faults/run"]
fn a_file_system_that_turns_read_only_in_a_take_keeps_what_was_synced() {
    let _machine = shared();
    let (env, dir) = (plugin(), folder());
    fs::write(dir.path().join("script"), SCRIPT).unwrap();
    fs::write(dir.path().join("protocol.toml"), PROTOCOL).unwrap();
    let mut command = std::process::Command::new("unshare");
    env.apply(&mut command);
    command.args(["-m", "sh", "-c", ABORTED, "sh"]);
    command.arg(env!("CARGO_BIN_EXE_booth")).args([
        "run",
        "--board",
        "sim",
        "--set",
        "audio.device=bpaced",
    ]);
    command.args(["--protocol", "./protocol.toml", "--script", "script"]);
    command
        .args(["--data", "disk/data"])
        .current_dir(dir.path());
    let about = device_now(&env, RATE);
    let run = run::start(&mut command).wait();
    assert_eq!(run.code, Some(3), "{}", run.said());
    let shown = |line: &run::Line| line.text.contains("carte mémoire");
    assert!(run.stdout.iter().any(shown), "the fault is a screen");
    let data = dir.path().join("data");
    let session = run::session(&data);
    super::kill::repair(&session);
    let mut files: Vec<_> = fs::read_dir(&session)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "rf64"))
        .collect();
    files.sort();
    let rows = run::rows(&session);
    let mut frames = Vec::new();
    for file in &files {
        let audio = Audio::open(file);
        super::take::assert_opens(file, audio.frames);
        audio.check(&[], about);
        frames.push(audio.frames);
    }
    println!(
        "ext4 aborted in a take: {} rows, files of {frames:?} frames",
        rows.len()
    );
    assert!(rows.len() >= 2 && files.len() == rows.len() + 1);
    for (row, frames) in rows.iter().zip(&frames) {
        assert_eq!(row.frames, *frames);
    }
}
