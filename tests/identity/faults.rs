//! Faults of the disk while takes are sealed: no frame is lost where none is lost of a plain take, and
//! what a full disk cut is whole up to there.

use std::fs;
use std::process::Command;
use std::time::Duration;

use booth::store::row::Row;
use booth::words::{Verdict, hex};
use sha2::{Digest, Sha256};

use super::counted::{Counted, SPEC};
use super::cut::Opened;
use crate::common::lab::Lab;
use crate::common::run;

/// A press every one and a half seconds, also on the screens of a fault.
const SCRIPT: &str = "until attract\n300 go\nuntil consent\n1500 go hold 1200\nuntil code\n300 go\n\
    until intro\n900 go\nrepeat 40\n  1500 go\nend\n";

/// A session in whose second take `fault` happens; its rows, of which each is right.
fn through(name: &str, fault: impl FnOnce(&Counted)) -> Vec<Row> {
    let lab = Lab::new();
    let it = Counted::new(&lab);
    let running = it.start(SCRIPT);
    run::wait_for_take(&lab.data(), 2);
    std::thread::sleep(Duration::from_millis(700));
    fault(&it);
    let run = running.wait();
    assert!(matches!(run.code, Some(0 | 3)), "{}", run.said());
    // The next start completes what the disk had no room to say.
    let takes = it.made_whole();
    let folder = run::session(&lab.data());
    for Opened { row, samples } in &takes {
        if row.samples_sha256.is_some() {
            let hash = hex::encode(Sha256::digest(samples).into());
            assert_eq!(row.samples_sha256.as_ref(), Some(&hash), "{name}: {row:?}");
            let sealed = folder.join(format!("{}.age", row.file));
            let length = fs::metadata(&sealed).unwrap().len();
            assert_eq!(row.sealed_bytes, Some(length), "{name}: {row:?}");
        }
    }
    let bytes: usize = takes.iter().map(|take| take.samples.len()).sum();
    let seconds = bytes / SPEC.frame_bytes() / SPEC.rate as usize;
    println!("{name}: {} takes, {seconds} s, no frame lost", takes.len());
    assert!(takes.len() > 3 && seconds >= 12, "{name}: {}", run.said());
    takes.into_iter().map(|take| take.row).collect()
}

fn refuses(error: &str) -> Vec<Row> {
    through(error, |it| {
        it.shim.fail(error);
        std::thread::sleep(Duration::from_secs(4));
        it.shim.recover();
    })
}

#[test]
fn a_disk_that_refuses_stalls_or_is_away_loses_no_frame_of_a_sealed_take() {
    let loses_nothing =
        |rows: Vec<Row>| assert!(rows.iter().all(|row| row.samples_sha256.is_some()));
    std::thread::scope(|scope| {
        scope.spawn(|| loses_nothing(refuses("EROFS")));
        scope.spawn(|| loses_nothing(refuses("EIO")));
        scope.spawn(|| loses_nothing(through("a stall of 25 s", stalled)));
        scope.spawn(|| loses_nothing(through("a card pulled and pushed back", pulled)));
    });
}

fn stalled(it: &Counted) {
    it.shim.stall();
    std::thread::sleep(Duration::from_secs(25));
    it.shim.go_on();
}

/// Takes the card away for three seconds.
fn pulled(it: &Counted) {
    let shell = "mkdir \"$1\" && mount --bind \"$2\" \"$1\" && umount -l \"$2\" && sleep 3 && \
                 mount --bind \"$1\" \"$2\" && umount -l \"$1\"";
    let mut command = Command::new("sh");
    command.args(["-c", shell, "sh"]);
    command.arg(it.lab.path("elsewhere")).arg(it.lab.data());
    assert!(command.status().unwrap().success(), "mounts, as root");
}

#[test]
fn a_disk_that_is_full_in_a_sealed_take_ends_it_and_what_is_there_opens() {
    let rows = refuses("ENOSPC");
    let is_cut = |row: &&Row| matches!(row.verdict, Verdict::Aborted | Verdict::Recovered);
    let cut: Vec<u64> = rows.iter().filter(is_cut).map(|row| row.frames).collect();
    println!("frames of what was cut: {cut:?}");
    assert!(cut.iter().any(|frames| *frames > 0));
}
