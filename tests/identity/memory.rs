//! What the memory of a running box holds of a voice once its owner has left.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use super::cut::{only_session, paced};
use super::medium::{PLANTED_BYTES, Secrets};
use crate::common::lab::{Lab, samples};
use crate::common::run;
use crate::common::wait::wait_for;

const VISITOR: &str = "until attract\n500 go\nuntil consent\n1500 go hold 1200\nuntil code\n1500 go\n\
    until intro\n1500 go\nuntil reading\n1500 go\n1500 go\n1500 stop\nuntil attract\n90000 go\n";
/// As long as the pool and the history are, and a visitor takes to leave.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(12);

/// Everything that a process can write to.
fn memory(pid: u32) -> Vec<Vec<u8>> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let ranges = maps.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        let (range, rights) = (fields.next()?, fields.next()?);
        let (from, to) = range.split_once('-')?;
        let at = |text| u64::from_str_radix(text, 16).ok();
        rights.starts_with("rw").then_some((at(from)?, at(to)?))
    });
    let read = |(from, to)| {
        let mut bytes = vec![0; (to - from) as usize];
        memory.read_exact_at(&mut bytes, from).ok().map(|()| bytes)
    };
    ranges.filter_map(read).collect()
}

#[test]
fn no_voice_stays_in_memory_after_its_owner_has_left_and_none_reaches_swap_or_a_core() {
    let lab = Lab::new();
    let running = run::start(&mut paced(&lab, &lab.data(), VISITOR));
    let pid = running.child.id();
    wait_for("a session that has ended", || {
        let session = only_session(&lab, &lab.data());
        session.is_some_and(|(_, folder, _)| {
            let record = fs::read_to_string(folder.join("session.json")).unwrap_or_default();
            !record.contains("\"ended\": null") && record.contains("ended")
        })
    });
    let (key, folder, rows) = only_session(&lab, &lab.data()).unwrap();
    std::thread::sleep(FORGOTTEN_AFTER);
    let mut secrets = Secrets::new();
    for row in &rows {
        let samples = samples(&folder.join(format!("{}.age", row.file)), &key);
        for part in 1..8 {
            let at = samples.len() / 8 * part / 2 * 2;
            let piece = &samples[at..at + PLANTED_BYTES];
            if piece.iter().any(|byte| *byte != 0) {
                secrets.plant_as_it_is(&row.file, piece);
            }
        }
    }
    assert!(secrets.len() > 10);
    let memory = memory(pid);
    let bytes: usize = memory.iter().map(Vec::len).sum();
    let found: Vec<&str> = memory.iter().flat_map(|it| secrets.found_in(it)).collect();
    assert_eq!(found, Vec::<&str>::new(), "in {bytes} bytes");
    // No core can be written.
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let core: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"]);
    // Nothing of it was swapped out.
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let swapped = status.lines().find(|line| line.starts_with("VmSwap"));
    assert!(
        swapped.is_none_or(|line| line.contains(" 0 kB")),
        "{swapped:?}"
    );
    println!(
        "{} pieces of {} takes searched in {bytes} bytes of memory",
        secrets.len(),
        rows.len()
    );
    running.signal("TERM");
    running.wait();
}
