//! The device or the program stands still: overruns, a frozen card, a card pulled and put back.

use std::fs;
use std::time::Duration;

use booth::rt::Nanos;
use booth::words::{Cause, Verdict};

use super::shared;
use super::take::{Audio, RATE, SPEC, assert_opens, device_now, lost};
use crate::common::lateness::Lateness;
use crate::common::run::{self, Run, record, row, wait_for_audio};
use crate::common::{AlsaEnv, folder, plugin};

/// Frames that audio after a measured loss may be off its place: 2 ms.
pub const MOST_LATE: u64 = RATE as u64 / 500;

#[test]
fn a_stopped_process_leaves_a_gap_of_the_right_length() {
    let _machine = shared();
    let (env, dir) = (plugin(), folder());
    let out = dir.path().join("stopped.rf64");
    let mut command = record(&env, "bpaced", SPEC, &out);
    let (about, machine) = (device_now(&env, RATE), Lateness::watch());
    let running = run::start(command.args(["--seconds", "6"]));
    wait_for_audio(&out, 1.5);
    running.signal("STOP");
    std::thread::sleep(Duration::from_millis(3000));
    running.signal("CONT");
    let row = row(&running.wait(), 3);
    assert_eq!(row.frames, 6 * u64::from(RATE));
    assert_opens(&out, row.frames);
    let (_, late) = Audio::open(&out).check(&row.gaps, about);
    println!(
        "stopped for 3 s: {} frames written, {} lost, audio after the gap {late:?} frames late",
        row.frames,
        lost(&row)
    );
    let [gap] = &row.gaps[..] else {
        panic!("{:?}", row.gaps)
    };
    assert_eq!(gap.cause, Cause::Overrun);
    let most = MOST_LATE + machine.frames(RATE);
    assert!(
        late[0].unsigned_abs() <= most,
        "{late:?} frames late, {machine:?}"
    );
}

/// An endless take from `device` that `fault` ends in its second second; when that was, and how late the
/// machine was then.
fn ended_by(device: &str, env: &AlsaEnv, fault: impl FnOnce()) -> (Nanos, Run, Lateness) {
    let dir = folder();
    let out = dir.path().join("ended.rf64");
    let about = device_now(env, RATE);
    let running = run::start(&mut record(env, device, SPEC, &out));
    wait_for_audio(&out, 1.0);
    let (at, late) = (Nanos::now(), Lateness::watch());
    fault();
    let run = running.wait();
    let row = row(&run, 3);
    assert_eq!((row.verdict, &row.gaps[..]), (Verdict::Aborted, &[][..]));
    assert_opens(&out, row.frames);
    let (first, _) = Audio::open(&out).check(&[], about);
    let end = first.expect("audio") + row.frames;
    let missing = env.frame_at(at, RATE).saturating_sub(end);
    println!(
        "{device}: {} frames written, {missing} missing at the fault",
        row.frames
    );
    // The card's own buffer goes with it: what came since capture was woken last, which a busy machine
    // may have put off.
    let most = u64::from(RATE / 4) + late.frames(RATE);
    assert!(missing <= most, "{missing} frames missing, {late:?}");
    (at, run, late)
}

#[test]
fn a_frozen_device_is_found_within_a_second() {
    let _machine = shared();
    let env = plugin();
    let freeze = || fs::write(&env.freeze_file, "").unwrap();
    let (at, run, late) = ended_by("bfreeze", &env, freeze);
    let line = run
        .stderr
        .iter()
        .find(|line| line.text.contains("delivers no frames"));
    let found = line.expect("said").at.since(at);
    println!("frozen device found after {found:.3?}");
    let most = Duration::from_millis(1100) + late.total();
    assert!(found < most, "found after {found:?}, of {most:?}");
}

#[test]
fn a_device_of_long_periods_is_not_taken_for_frozen() {
    let _machine = shared();
    let (env, dir) = (plugin(), folder());
    let out = dir.path().join("slow.rf64");
    let mut command = record(&env, "bfreeze", SPEC, &out);
    command.args(["--period-frames", "48000", "--frames", "200000"]);
    let about = device_now(&env, RATE);
    let row = row(&run::start(&mut command).wait(), 0);
    assert_eq!((row.frames, lost(&row)), (200_000, 0));
    Audio::open(&out).check(&[], about);
    println!("periods of 1 s: {} frames written, 0 lost", row.frames);
}

#[test]
fn a_device_pulled_and_put_back_leaves_a_valid_file() {
    let _machine = shared();
    let env = plugin();
    let unplug = || {
        fs::write(&env.unplug_file, "").unwrap();
        std::thread::sleep(Duration::from_millis(300));
        fs::remove_file(&env.unplug_file).unwrap();
    };
    ended_by("bpull", &env, unplug);
}
