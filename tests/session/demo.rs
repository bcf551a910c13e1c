//! What `booth demo` leaves behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::common::run::{self, Run};

fn demo(temporary: &Path, options: &[&str]) -> Run {
    let mut command = run::booth();
    command.env("TMPDIR", temporary).args(["demo", "--fast"]);
    run::start(command.args(options)).wait()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_demonstration_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let done = demo(dir.path(), &[]);
    assert_eq!(done.code, Some(0), "{}", done.said());
    assert!(done.stdout.iter().any(|line| line.text.contains("receipt")));
    assert_eq!(entries(dir.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_demonstration_that_fails_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let done = demo(dir.path(), &["--set", "corpus.path=/nosuch"]);
    assert_eq!(done.code, Some(1), "{}", done.said());
    assert_eq!(entries(dir.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_demonstration_that_is_kept_is_its_owners_alone_and_says_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let done = demo(dir.path(), &["--keep"]);
    assert_eq!(done.code, Some(0), "{}", done.said());
    let [kept] = &entries(dir.path())[..] else {
        panic!("one folder")
    };
    let mode = fs::metadata(kept).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let session = run::session(&kept.join("data"));
    for path in [&session, &kept.join("operator.key")] {
        assert!(path.exists(), "{}", path.display());
        let path = path.to_str().unwrap();
        assert!(
            done.stdout.iter().any(|line| line.text.ends_with(path)),
            "{path}"
        );
    }
}
