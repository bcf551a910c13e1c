//! Tables of any length in little memory: what an export and forgetting need of it is measured by
//! the limit under which they run. `BOOTH_TEST_LONG` makes the table 1 GB and two million rows.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Output};

use super::setup::{exported, record};
use crate::common::lab::{Lab, said};
use crate::common::tools;

/// Address space of the program, which has 70 MB of code and threads' stacks.
const MOST_KB: &str = "160000";
const FILES: u64 = 10;

/// Runs it with a limit on its memory.
fn limited(lab: &Lab, args: &[&str]) -> Output {
    let program = lab.command(args);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {MOST_KB}; exec \"$0\" \"$@\"")]);
    command.arg(program.get_program()).args(program.get_args());
    command.output().unwrap()
}

/// Adds rows of `rows / 1000` other sessions of a thousand rows each, one of them `gone`, to the
/// table and to the sums.
fn grow(out: &Path, gone: &str, rows: u64, row_bytes: usize) {
    let path = out.join("metadata.csv");
    let width = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .split(',')
        .count();
    let append = |name| {
        let file = fs::OpenOptions::new().append(true).open(out.join(name));
        BufWriter::new(file.unwrap())
    };
    let (mut table, mut sums) = (append("metadata.csv"), append("SHA256SUMS"));
    let hash = "0".repeat(64);
    for number in 0..rows {
        let session = match number / 1000 {
            7 => gone.to_owned(),
            other => format!("Z{other:019}"),
        };
        let name = format!("{session}/{session}-{:04}.wav", number % FILES);
        if number % 1000 < FILES {
            fs::create_dir_all(out.join(&session)).unwrap();
            fs::write(out.join(&name), "").unwrap();
        }
        let line = format!("{name},{session},");
        let pad = row_bytes.saturating_sub(line.len() + width);
        writeln!(table, "{line}{}{}", "x".repeat(pad), ",".repeat(width - 3)).unwrap();
        writeln!(sums, "{hash}  {name}").unwrap();
    }
    table.flush().unwrap();
    sums.flush().unwrap();
}

fn lines(path: &Path) -> usize {
    let counted = tools::tool("coreutils", "wc", &["-l", path.to_str().unwrap()]);
    let text = String::from_utf8(counted.stdout).unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_table_larger_than_the_memory_is_merged_and_cleaned() {
    let is_long = std::env::var_os("BOOTH_TEST_LONG").is_some();
    let (rows, row_bytes) = if is_long {
        (2_000_000, 500)
    } else {
        (150_000, 1300)
    };
    let lab = Lab::new();
    let gone = lab.record_with(&["--set", "privacy.seal_audio=false"]);
    fs::rename(lab.data().join("sessions").join(&gone), lab.path("moved")).unwrap();
    record(&lab);
    let out = exported(&lab, "out", &[]);
    let (table, sums) = (out.join("metadata.csv"), out.join("SHA256SUMS"));
    let before = (lines(&table), lines(&sums));
    grow(&out, &gone, rows, row_bytes);
    let length = fs::metadata(&table).unwrap().len();
    let name = out.display().to_string();
    record(&lab);
    let output = limited(&lab, &["export", &name]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(lines(&table) > before.0 + rows as usize);
    assert!(lines(&sums) > before.1 + rows as usize);
    let merged = (lines(&table), lines(&sums));

    let output = limited(&lab, &["forget", "--session", &gone, "--json"]);
    assert_ne!(output.status.code(), Some(1), "{}", said(&output));
    let output = limited(&lab, &["forget", "--apply-to", &name, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(
        (lines(&table), lines(&sums)),
        (merged.0 - 1000, merged.1 - 1000)
    );
    assert!(!out.join(&gone).exists());
    println!("a table of {length} bytes and {rows} rows within {MOST_KB} kB of address space");
}
