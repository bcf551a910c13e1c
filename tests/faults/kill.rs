//! SIGKILL at any moment of a take: the file opens as it is, and repair finds what reached the disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use booth::rt::Nanos;

use super::shared;
use super::take::{Audio, RATE, SPEC, assert_opens, device_now};
use crate::common::lateness::Lateness;
use crate::common::random::Random;
use crate::common::run::{self, record};
use crate::common::shim::Shim;
use crate::common::wait::wait_for;
use crate::common::{AlsaEnv, folder, plugin};

/// Seconds that may be missing before and after repair, beside the longest disk call and how late the
/// machine was.
const MOST_MISSING_S: (f64, f64) = (1.1, 0.3);
/// Recorders that run side by side.
const BATCH: usize = 6;

/// A recorder that was killed.
pub struct Killed {
    pub file: PathBuf,
    /// The frame that the card captured when the file appeared.
    pub appeared: u64,
    /// When it was killed.
    pub at: Nanos,
    /// The frames that the card had captured by then.
    pub captured: u64,
}

impl Killed {
    /// The card's frame with which the file begins; where it holds none, about that.
    pub fn first(&self, about: u64) -> u64 {
        let audio = Audio::whole(&self.file);
        match audio.frames {
            0 => self.appeared,
            _ => audio.device_frame(0, about),
        }
    }
}

/// Kills the recorder that `command` starts, which writes `file`, `after` the file was there.
pub fn kill(
    env: &AlsaEnv,
    command: &mut std::process::Command,
    file: &Path,
    after: Duration,
) -> Killed {
    let mut running = run::start(command);
    wait_for("a take", || file.exists());
    let appeared = device_now(env, RATE);
    std::thread::sleep(after);
    let at = Nanos::now();
    let captured = env.frame_at(at, RATE);
    running.child.kill().unwrap();
    let run = running.wait();
    assert_eq!(run.code, None, "{}", run.said());
    Killed {
        file: file.to_owned(),
        appeared,
        at,
        captured,
    }
}

/// `booth repair`'s answer on `file`.
pub fn repair(file: &Path) -> serde_json::Value {
    let mut command = run::booth();
    let done = run::start(command.args(["repair", "--json"]).arg(file)).wait();
    assert_eq!(done.code, Some(0), "{}", done.said());
    serde_json::from_str(&done.stdout[0].text).unwrap()
}

/// Frames that the three tools and the header agree on, every one the card's; and how many the card
/// had captured beyond them.
fn missing_frames(killed: &Killed, first: u64) -> (u64, u64) {
    let audio = Audio::open(&killed.file);
    assert_opens(&killed.file, audio.frames);
    audio.assert_counts(0, audio.frames, first);
    (
        audio.frames,
        killed.captured.saturating_sub(first + audio.frames),
    )
}

/// Checks one file before and after repair: what was missing, seconds.
fn check(killed: &Killed, about: u64) -> (f64, f64) {
    let unrepaired = fs::read(&killed.file).unwrap();
    let seconds = |frames: u64| frames as f64 / f64::from(RATE);
    let first = killed.first(about);
    repair(&killed.file);
    let (_, after) = missing_frames(killed, first);
    let repaired = fs::read(&killed.file).unwrap();
    assert_eq!(repair(&killed.file)["action"], "none");
    assert!(
        fs::read(&killed.file).unwrap() == repaired,
        "repair is idempotent"
    );
    fs::write(&killed.file, &unrepaired).unwrap();
    let (_, before) = missing_frames(killed, first);
    fs::remove_file(&killed.file).unwrap();
    (seconds(before), seconds(after))
}

fn any_moment(kills: usize) {
    let _machine = shared();
    let (env, dir, mut random) = (plugin(), folder(), Random::new());
    let mut missing = Vec::new();
    while missing.len() < kills {
        let about = device_now(&env, RATE);
        let batch = BATCH.min(kills - missing.len());
        let machine = Lateness::watch();
        let killed: Vec<(Killed, Duration)> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..batch)
                .map(|n| {
                    let file = dir.path().join(format!("{}.rf64", missing.len() + n));
                    let after = Duration::from_micros(random.below(4_000_000));
                    let (env, shim) = (&env, Shim::over(dir.path()));
                    scope.spawn(move || {
                        let mut command = record(env, "bpaced", SPEC, &file);
                        shim.apply(&mut command);
                        let killed = kill(env, &mut command, &file, after);
                        let call = shim.longest(killed.at);
                        (killed, call)
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let late = machine.worst();
        for (killed, call) in &killed {
            let (before, after) = check(killed, about);
            let late_s = (*call + late).as_secs_f64();
            let most = (MOST_MISSING_S.0 + late_s, MOST_MISSING_S.1 + late_s);
            assert!(
                before <= most.0 && after <= most.1,
                "{before} s, {after} s, {call:?}, {late:?}"
            );
            missing.push((before, after));
        }
    }
    let worst = |of: fn(&(f64, f64)) -> f64| missing.iter().map(of).fold(0.0, f64::max);
    let mean = |of: fn(&(f64, f64)) -> f64| missing.iter().map(of).sum::<f64>() / kills as f64;
    let (before, after) = (worst(|m| m.0), worst(|m| m.1));
    println!(
        "{kills} kills: every file opens; missing before repair {:.3} s (worst {before:.3}), after \
         it {:.3} s (worst {after:.3})",
        mean(|m| m.0),
        mean(|m| m.1)
    );
}

#[test]
fn a_file_opens_after_a_kill_at_any_moment() {
    any_moment(12);
}

#[test]
#[ignore = "takes minutes; run by tests/faults/run"]
fn a_file_opens_after_200_kills() {
    any_moment(200);
}
