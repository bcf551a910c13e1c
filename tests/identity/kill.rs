//! SIGKILL at any moment: the next command finds the person wholly there or wholly forgotten.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::lab::{Lab, copy};
use crate::common::tree;

const KILLS: u32 = 100;

/// Every other one spread over the time that the command takes and a little beyond, the others over
/// the part of it, in hundredths, in which the tombstone or the entry is written.
fn moment(n: u32, whole: Duration, writes: Range<u32>) -> Duration {
    if n.is_multiple_of(2) {
        return whole * n / (KILLS - 5);
    }
    (whole * writes.start + whole * (writes.end - writes.start) * n / KILLS) / 100
}

fn files_of(data: &Path, session: &str) -> usize {
    let names = tree(data).into_keys();
    let names = names.map(|path| path.strip_prefix(data).unwrap().display().to_string());
    let own = names.filter(|name| name.contains(session) && !name.starts_with("forgotten/"));
    own.count()
}

#[test]
fn a_killed_forget_leaves_somebody_whole_or_nobody() {
    let lab = Lab::new();
    let session = lab.record();
    copy(&lab.data(), &lab.path("before"));
    // The tombstone, which names the box by its key, may have a name or not yet.
    let others = |lab: &Lab| {
        let mut files = tree(&lab.data());
        let is_first = |path: &str| path.contains("/forgotten/") || path.contains("/box.key");
        files.retain(|path, _| !is_first(&path.display().to_string()));
        files
    };
    let before = others(&lab);
    let number = files_of(&lab.data(), &session);
    assert!(number > 4, "{number} files of a session");
    let begun = Instant::now();
    lab.done(&["forget", "--session", &session], "");
    let whole = begun.elapsed();
    let (mut there, mut gone) = (0, 0);
    for n in 0..KILLS {
        fs::remove_dir_all(lab.data()).unwrap();
        copy(&lab.path("before"), &lab.data());
        let mut command = lab.command(&["forget", "--session", &session, "--json"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(moment(n, whole, 0..10));
        child.kill().unwrap();
        let receipt = child.wait_with_output().unwrap().stdout;
        if !receipt.is_empty() {
            assert_eq!(files_of(&lab.data(), &session), 0, "a receipt too early");
        }
        let listed = lab.done(&["takes"], "").contains(&session);
        if listed {
            there += 1;
            assert!(others(&lab) == before, "kill {n}");
        } else {
            gone += 1;
            assert_eq!(files_of(&lab.data(), &session), 0, "kill {n}");
            let again = lab.done(&["forget", "--session", &session, "--json"], "");
            assert!(again.contains("\"complete\":true"), "kill {n}: {again}");
        }
    }
    println!("{KILLS} kills within {whole:?}: {there} there, {gone} forgotten");
    assert!(there > 0 && gone > 0, "{there} there, {gone} forgotten");
}

#[test]
fn a_killed_enrolment_leaves_somebody_whole_or_nobody() {
    let lab = Lab::new();
    let begun = Instant::now();
    lab.enroll();
    let whole = begun.elapsed();
    let input = lab.path("input");
    fs::write(&input, "{\"name\":\"Quillfeather\"}").unwrap();
    let mut told = 1;
    for n in 0..KILLS {
        let mut command = lab.command(&["enroll", "--json"]);
        command.stdin(fs::File::open(&input).unwrap());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(moment(n, whole, 50..110));
        child.kill().unwrap();
        told += usize::from(!child.wait_with_output().unwrap().stdout.is_empty());
        lab.done(&["takes"], "");
    }
    let names = |folder: &str| booth::files::small::names(&lab.data().join(folder)).unwrap();
    let mut pending = names("pending");
    pending.retain(|name| name != ".lock");
    println!(
        "{KILLS} kills within {whole:?}: {} people, {told} told",
        pending.len()
    );
    assert!(
        pending.iter().all(|name| name.ends_with(".json")),
        "{pending:?}"
    );
    assert!(pending.len() >= told);
    let keys = names("keys");
    assert_eq!(keys.len(), 2 * pending.len(), "{keys:?}");
    let shown = lab.done(&["identity", "--all", "--key", &lab.key(), "--json"], "");
    assert_eq!(shown.lines().count(), pending.len());
}
