//! The disk stalls: what fits into the pool is not lost, what does not is known to the frame.

use std::path::Path;
use std::time::{Duration, Instant};

use booth::store::row::Row;
use booth::words::Cause;

use super::shared;
use super::take::{Audio, RATE, SPEC, assert_opens, device_now, lost};
use crate::common::run::{self, record, row, wait_for_audio};
use crate::common::shim::Shim;
use crate::common::{folder, plugin};

/// A take of `seconds` whose disk stalls for `stall_s`; checked sample by sample. With it, by how many
/// frames the audio after each gap is late, and how long the stall was.
fn stalled(seconds: u64, stall_s: u64, options: &[&str], code: i32) -> (Row, Vec<i64>, f64) {
    let (env, dir) = (plugin(), folder());
    let (out, shim) = (dir.path().join("stalled.rf64"), Shim::over(dir.path()));
    let mut command = record(&env, "bpaced", SPEC, &out);
    command
        .args(["--seconds", &seconds.to_string()])
        .args(options);
    shim.apply(&mut command);
    let about = device_now(&env, RATE);
    let running = run::start(&mut command);
    wait_for_audio(&out, 1.0);
    shim.stall();
    let (since, before) = (Instant::now(), written(&out));
    std::thread::sleep(Duration::from_secs(stall_s));
    // At most the write under way when the stall began.
    assert!(written(&out) - before <= 1 << 20, "the disk stalls");
    shim.go_on();
    let lasted_s = since.elapsed().as_secs_f64();
    let row = row(&running.wait(), code);
    assert_eq!(row.frames, seconds * u64::from(RATE));
    assert_opens(&out, row.frames);
    let audio = Audio::open(&out);
    let (_, late) = audio.check(&row.gaps, about);
    println!(
        "stall of {stall_s} s {options:?}: {} frames wanted, {} written, {} lost {:?}",
        seconds * u64::from(RATE),
        row.frames,
        lost(&row),
        row.gaps
    );
    (row, late, lasted_s)
}

fn written(path: &Path) -> u64 {
    path.metadata().map_or(0, |found| found.len())
}

/// What the writer's memory bridges before blocks wait in the pool.
const MEMORY_S: f64 = 3.0;

/// A pool of `pool_s` was too short for the stall: the loss is one gap of what did not fit, and audio
/// follows in its place.
fn assert_located((row, late, stall_s): &(Row, Vec<i64>, f64), pool_s: f64) {
    let [gap] = &row.gaps[..] else {
        panic!("{:?}", row.gaps)
    };
    assert_eq!(gap.cause, Cause::Storage);
    // The counter after the gap is that of the frame it stands at: as many are gone as are said.
    assert_eq!(late, &[0]);
    let missing = (stall_s - pool_s - MEMORY_S) * f64::from(RATE);
    let off_s = (gap.frames as f64 - missing) / f64::from(RATE);
    println!("the gap is {off_s:+.3} s longer than stall less memory and pool");
    assert!(off_s.abs() < 1.2, "{off_s} s");
}

#[test]
fn stalls_of_5_s_and_25_s_lose_nothing() {
    let _machine = shared();
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(stalled(8, 5, &[], 0).0.gaps, []));
        scope.spawn(|| assert_eq!(stalled(27, 25, &[], 0).0.gaps, []));
    });
}

#[test]
fn a_stall_longer_than_the_pool_is_a_gap_of_the_frames_lost() {
    let _machine = shared();
    // 5 s, 2 s under way; the history of 1 s is in use.
    let stalled = stalled(17, 14, &["--buffer-s", "5"], 3);
    assert_located(&stalled, 7.0);
}

#[test]
#[ignore = "takes 50 s; run by tests/faults/run"]
fn a_stall_of_45_s_is_a_gap_of_the_frames_lost() {
    let _machine = shared();
    let stalled = stalled(50, 45, &[], 3);
    assert_located(&stalled, 32.0);
}
