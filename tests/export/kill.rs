//! SIGKILL at any moment: the same command goes on, to the same export.

use std::fs;
use std::time::Instant;

use super::setup::{exported, files, record, seal_takes, table};
use crate::common::lab::{Lab, copy};

const KILLS: u32 = 20;

#[test]
fn an_export_killed_at_any_moment_is_continued_to_the_same_files() {
    let lab = Lab::new();
    seal_takes(&lab, &record(&lab));
    record(&lab);
    let key = lab.key();
    let begun = Instant::now();
    let whole = files(&exported(&lab, "whole", &["--key", &key]));
    let takes_s = begun.elapsed();
    let out = lab.path("out");
    let (mut begun, mut unfinished) = (0, 0);
    for n in 0..KILLS {
        let _ = fs::remove_dir_all(&out);
        let name = out.display().to_string();
        let mut child = lab.command(&["export", &name, "--key", &key]);
        let mut child = child.stdout(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(takes_s * (2 * n + 1) / (2 * KILLS));
        child.kill().unwrap();
        child.wait().unwrap();
        let found = files(&out);
        begun += u32::from(found.keys().any(|name| name.ends_with(".wav")));
        unfinished += u32::from(!found.contains_key("SHA256SUMS"));
        for (name, bytes) in &found {
            let is_whole = whole.get(name) == Some(bytes);
            assert!(is_whole || name.ends_with(".new"), "kill {n}: {name}");
        }
        exported(&lab, "out", &["--key", &key]);
        assert!(files(&out) == whole, "kill {n}");
    }
    println!("{KILLS} kills within {takes_s:?}: {begun} begun, {unfinished} unfinished");
    assert!(
        begun > 3 && unfinished > 3,
        "{begun} begun, {unfinished} unfinished"
    );
}

#[test]
fn a_kill_at_any_moment_loses_no_row_of_another_box() {
    let (one, two) = (Lab::new(), Lab::new());
    record(&one);
    record(&two);
    let base = exported(&one, "base", &[]);
    let (rows, sums) = (
        table(&base),
        fs::read_to_string(base.join("SHA256SUMS")).unwrap(),
    );
    let sums: Vec<&str> = sums.lines().filter(|line| line.ends_with(".wav")).collect();
    let out = one.path("out");
    let name = out.display().to_string();
    let begun = Instant::now();
    copy(&base, &out);
    two.done(&["export", &name], "");
    let takes_s = begun.elapsed();
    let whole = files(&out);
    for n in 0..KILLS {
        fs::remove_dir_all(&out).unwrap();
        copy(&base, &out);
        let mut child = two.command(&["export", &name]);
        let mut child = child.stdout(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(takes_s * (2 * n + 1) / (2 * KILLS));
        child.kill().unwrap();
        child.wait().unwrap();
        let left = table(&out);
        assert!(rows.iter().all(|row| left.contains(row)), "kill {n}");
        let left = fs::read_to_string(out.join("SHA256SUMS")).unwrap();
        assert!(sums.iter().all(|line| left.contains(line)), "kill {n}");
        two.done(&["export", &name], "");
        assert!(files(&out) == whole, "kill {n}");
    }
}
