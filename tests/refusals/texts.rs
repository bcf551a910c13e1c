//! Texts that never end, are no text or are not there.

use std::fs;
use std::process::{Command, Output};

use super::{Case, refused};
use crate::common::{plugin, run};

/// `booth run` with `args`, `@` being the folder; ended after 20 s, and held to 2 GB of memory.
fn bounded(case: &Case, args: &[&str]) -> Output {
    let booth = run::booth();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 2000000; exec timeout 20 \"$@\"", "sh"]);
    command.arg(booth.get_program()).args(booth.get_args());
    command.args(["run", "--set", "board=sim", "--data"]);
    command.arg(case.path("data"));
    plugin().apply(&mut command);
    let folder = case.dir.path().to_str().unwrap();
    command.args(args.iter().map(|arg| arg.replace('@', folder)));
    command.output().unwrap()
}

#[test]
fn a_text_that_never_ends_or_is_none_is_refused_whatever_it_is_for() {
    let case = Case::new(&[("long.toml", &"#\n".repeat(1 << 20))]);
    fs::write(case.path("bytes.toml"), b"\xff\xfe\n").unwrap();
    fs::create_dir(case.path("folder.toml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", case.path("zero.toml")).unwrap();
    let made = Command::new("mkfifo").arg(case.path("pipe.toml")).status();
    assert!(made.unwrap().success());
    for option in ["--config", "--protocol", "--board", "--script", "language"] {
        for (file, words) in [
            ("pipe.toml", "is no regular file"),
            ("zero.toml", "is no regular file"),
            ("folder.toml", "is no regular file"),
            ("long.toml", "is longer than 1 MiB"),
            ("bytes.toml", "is not UTF-8"),
            ("missing.toml", "No such file"),
        ] {
            let path = format!("@/{file}");
            let output = match option {
                "language" => bounded(&case, &["--set", &format!("language={path}")]),
                _ => bounded(&case, &[option, &path]),
            };
            refused(&output, 2, &[file, words]);
        }
    }
}
