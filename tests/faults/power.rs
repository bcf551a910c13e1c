//! A power cut at any moment of a take: the disk holds what was synced, and any of the pages that
//! were not.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::kill::{Killed, kill, repair};
use super::shared;
use super::take::{Audio, RATE, SPEC, assert_opens, device_now};
use crate::common::lateness::Lateness;
use crate::common::random::Random;
use crate::common::run::{self, record, row};
use crate::common::shim::Shim;
use crate::common::{folder, plugin};

/// Seconds that may be missing before and after repair, beside the longest disk call and how late the
/// machine was.
const MOST_MISSING_S: (f64, f64) = (1.5, 1.0);
/// Of the page cache.
const PAGE_BYTES: usize = 4096;
/// Recorders that run side by side.
const BATCH: usize = 6;

/// What a power cut would leave of `file`: exactly what was synced.
fn synced(file: &Path, disk: &Path) -> Vec<u8> {
    let inode = file.metadata().unwrap().ino();
    fs::read(disk.join(inode.to_string())).unwrap()
}

/// What was synced, and each page that was not with even odds; the file as long as its last page.
fn mixed(synced: &[u8], written: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = synced.to_vec();
    for (n, page) in written.chunks(PAGE_BYTES).enumerate() {
        let at = n * PAGE_BYTES;
        if random.below(2) == 1 {
            bytes.resize(bytes.len().max(at + page.len()), 0);
            bytes[at..at + page.len()].copy_from_slice(page);
        }
    }
    bytes
}

/// Checks one file as a cut has left it, before and after repair; seconds missing.
fn check(killed: &Killed, bytes: &[u8], first: u64) -> (f64, f64) {
    let (file, captured) = (&killed.file, killed.captured);
    fs::write(file, bytes).unwrap();
    let missing_s = |frames: u64| captured.saturating_sub(first + frames) as f64 / f64::from(RATE);
    let before = Audio::open(file);
    assert_opens(file, before.frames);
    let claimed = before.frames;
    repair(file);
    let after = Audio::open(file);
    assert_opens(file, after.frames);
    // The header tells of nothing but audio; repair takes what the length tells, to a frame of
    // which pages may be missing.
    after.assert_counts(0, claimed, first);
    let good = after.good_frames(first);
    assert_eq!(repair(file)["action"], "none");
    (missing_s(claimed), missing_s(good))
}

/// Cuts the power of a recorder: the file as written, as synced, and the longest disk call.
fn cut(folder: &Path, after: Duration, env: &crate::common::AlsaEnv) -> (Killed, Vec<u8>, f64) {
    let disk = folder.join("disk");
    let takes = folder.join("takes");
    fs::create_dir_all(&disk).unwrap();
    fs::create_dir_all(&takes).unwrap();
    let shim = Shim::over(&takes).with_disk(&disk);
    let older = takes.join("older.rf64");
    let mut first = record(env, "bpaced", SPEC, &older);
    shim.apply(&mut first);
    row(&run::start(first.args(["--frames", "9600"])).wait(), 0);
    let file = takes.join("cut.rf64");
    let mut command = record(env, "bpaced", SPEC, &file);
    shim.apply(&mut command);
    let killed = kill(env, &mut command, &file, after);
    let whole = fs::read(&older).unwrap();
    assert!(
        synced(&older, &disk) == whole,
        "an older take is on the disk"
    );
    let longest_s = shim.longest(killed.at).as_secs_f64();
    let synced = synced(&file, &disk);
    (killed, synced, longest_s)
}

fn any_moment(cuts: usize) {
    let _machine = shared();
    let (env, dir, mut random) = (plugin(), folder(), Random::new());
    let (mut worst, mut longest, mut done) = ((0.0, 0.0), 0.0_f64, 0);
    while done < cuts {
        let about = device_now(&env, RATE);
        let folders: Vec<(PathBuf, Duration)> = (0..BATCH.min(cuts - done))
            .map(|n| {
                let after = Duration::from_micros(random.below(4_000_000));
                (dir.path().join((done + n).to_string()), after)
            })
            .collect();
        let machine = Lateness::watch();
        let results: Vec<_> = std::thread::scope(|scope| {
            let start = |(folder, after): &(PathBuf, Duration)| {
                let (folder, after, env) = (folder.clone(), *after, &env);
                scope.spawn(move || cut(&folder, after, env))
            };
            let threads: Vec<_> = folders.iter().map(start).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let late_s = machine.worst().as_secs_f64();
        for (killed, synced, call_s) in results {
            let most_s = (
                MOST_MISSING_S.0 + call_s + late_s,
                MOST_MISSING_S.1 + call_s + late_s,
            );
            let first = killed.first(about);
            let written = fs::read(&killed.file).unwrap();
            let mixes = (0..2)
                .map(|_| mixed(&synced, &written, &mut random))
                .collect::<Vec<_>>();
            for bytes in mixes.iter().chain([&synced]) {
                let (before, after) = check(&killed, bytes, first);
                assert!(before <= most_s.0, "{before} s, of {most_s:?}");
                assert!(after <= most_s.1, "{after} s, of {most_s:?}");
                worst = (f64::max(worst.0, before), f64::max(worst.1, after));
            }
            longest = longest.max(call_s);
            done += 1;
        }
    }
    println!(
        "{cuts} power cuts, 3 disks each: missing at most {:.3} s before repair, {:.3} s after it; \
         longest disk call {longest:.3} s",
        worst.0, worst.1
    );
}

#[test]
fn a_power_cut_costs_a_take_its_last_second() {
    any_moment(6);
}

#[test]
#[ignore = "takes minutes; run by tests/faults/run"]
fn sixty_power_cuts_cost_a_take_its_last_second() {
    any_moment(60);
}
