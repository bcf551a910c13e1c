//! Bad input: an error that names object, place, reason and remedy, the documented exit code, no
//! panic, nothing written over.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::{plugin, run};

/// A folder for one refusal, and files in it.
struct Case {
    dir: tempfile::TempDir,
}

impl Case {
    fn new(files: &[(&str, &str)]) -> Case {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        Case { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `booth run` on the simulator, with further arguments; `@` stands for the folder.
    fn run(&self, args: &[&str]) -> Output {
        let mut command = run::booth();
        plugin().apply(&mut command);
        command
            .args(["run", "--board", "sim", "--data"])
            .arg(self.path("data"));
        let folder = self.dir.path().to_str().unwrap();
        command.args(args.iter().map(|arg| arg.replace('@', folder)));
        command.output().unwrap()
    }
}

#[track_caller]
fn refused(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

/// `command` as a user without privileges, who cannot read or write what only root may.
fn unprivileged(case: &Case, args: &[&str]) -> Output {
    let folder = case.dir.path().to_str().unwrap();
    let args = args.iter().map(|arg| arg.replace('@', folder));
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    // The build folder may be closed to others.
    let program = case.path("booth");
    // By another process: a test that forks meanwhile would hold a copy of ours open for writing.
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_booth"))
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    let id = Command::new("id").arg("-u").output().unwrap();
    let mut command = if id.stdout == b"0\n" {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        command.arg(&program);
        command
    } else {
        Command::new(&program)
    };
    command.args(args).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn a_device_that_cannot_be_had_is_named_with_what_to_do() {
    let case = Case::new(&[]);
    for (device, words) in [
        ("nosuch", &["`nosuch`", "not there", "booth devices"][..]),
        ("bbusy", &["`bbusy`", "busy", "fuser"]),
        (
            "bstereo",
            &[
                "`bstereo`",
                "refuses 6 channels",
                "2 channels; 8000 to 192000 Hz",
            ],
        ),
    ] {
        refused(
            &case.run(&["--set", &format!("audio.device={device}")]),
            1,
            words,
        );
    }
    let formats = [
        "--set",
        "audio.device=null",
        "--set",
        "audio.period_frames=99999999",
    ];
    refused(
        &case.run(&formats),
        2,
        &["audio.period_frames", "not within 1 to"],
    );
}

#[test]
fn a_pool_that_memory_does_not_allow_is_refused_with_both_figures() {
    let case = Case::new(&[]);
    let channels: Vec<String> = (0..64).map(|n| format!("\"c{n}\"")).collect();
    let channels = format!("audio.channels=[{}]", channels.join(","));
    let sets = [
        "audio.rate=192000",
        "audio.reference=",
        "audio.buffer_s=600",
        &channels,
    ];
    let args: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    refused(
        &case.run(&args),
        1,
        &["pool of 28", "free memory", "audio.buffer_s"],
    );
}

#[test]
fn a_configuration_that_cannot_be_meant_is_refused_by_file_line_and_key() {
    let good = "[audio]\ndevice = \"sim\"\nchannels = [\"a\"]\n";
    let case = Case::new(&[
        ("typo.toml", &format!("{good}perod_frames = 480\n")),
        ("corpus.toml", &format!("{good}[corpus]\nsede = 3\n")),
        ("syntax.toml", "[audio\n"),
        ("good.toml", good),
    ]);
    for (args, words) in [
        (
            &["--config", "@/typo.toml"][..],
            &[
                "typo.toml:4",
                "`perod_frames`",
                "did you mean `period_frames`?",
            ][..],
        ),
        (
            &["--config", "@/corpus.toml"],
            &["corpus.toml:5", "`sede`", "did you mean `seed`?"],
        ),
        (&["--config", "@/syntax.toml"], &["syntax.toml:1"]),
        (
            &["--config", "@/missing.toml"],
            &["missing.toml", "No such file"],
        ),
        (
            &["--set", "audio.rat=8000"],
            &["--set audio.rat=8000", "did you mean `rate`?"],
        ),
        (
            &["--set", "take.hold_ms=0"],
            &["--set take.hold_ms=0", "more than 0"],
        ),
        (&["--set", "corpus.shard=3/2"], &["corpus.shard", "i/n"]),
        (&["--set", "language=xx"], &["\"xx\"", "known: fr, en"]),
        (
            &["--fast", "--script", "@/good.toml"],
            &["good.toml, line 1", "unknown word"],
        ),
    ] {
        refused(&case.run(args), 2, words);
    }
}

#[test]
fn a_board_that_is_unknown_or_not_here_is_refused_before_hardware_is_touched() {
    let case = Case::new(&[]);
    let board = |name: &str| {
        let mut command = run::booth();
        command.args(["run", "--board", name, "--data"]);
        command.arg(case.path("data")).output().unwrap()
    };
    refused(&board("nosuch"), 2, &["nosuch", "display-hat-mini"]);
    refused(
        &board("display-hat-mini"),
        1,
        &["GPIO", "no Raspberry Pi", "--board sim"],
    );
}

#[test]
fn a_protocol_that_cannot_be_done_is_refused_by_file_line_and_key() {
    let step =
        |name: &str, more: &str| format!("[[step]]\nname = \"{name}\"\nkind = \"read\"\n{more}\n");
    let head = "name = \"p\"\n";
    let case = Case::new(&[
        (
            "key.toml",
            &format!("{head}{}colour = 1\n", step("a", "seconds = 3")),
        ),
        ("zero.toml", &format!("{head}{}", step("a", "seconds = 0"))),
        (
            "twice.toml",
            &format!("{head}{0}{0}", step("a", "seconds = 3")),
        ),
        ("none.toml", head),
        (
            "idle.toml",
            &format!("{head}idle_s = 0\n{}", step("a", "seconds = 3")),
        ),
        (
            "kind.toml",
            &format!("{head}[[step]]\nname = \"a\"\nkind = \"sing\"\nseconds = 3\n"),
        ),
        (
            "erase.toml",
            &format!("{head}abandoned = \"erase\"\n{}", step("a", "seconds = 3")),
        ),
    ]);
    for (file, words) in [
        ("key.toml", &["key.toml:6", "`colour`"][..]),
        ("zero.toml", &["zero.toml:5", "`seconds`", "more than 0"]),
        ("twice.toml", &["twice.toml:7", "\"a\"", "already"]),
        ("none.toml", &["none.toml", "at least one [[step]]"]),
        ("idle.toml", &["idle.toml:2", "`idle_s`", "more than 0"]),
        ("kind.toml", &["kind.toml:4", "sing"]),
        ("erase.toml", &["erase.toml:2", "`abandoned`"]),
    ] {
        refused(&case.run(&["--protocol", &format!("@/{file}")]), 2, words);
    }
    refused(
        &case.run(&["--protocol", "vibravx"]),
        2,
        &["vibravx", "did you mean \"vibravox\"?"],
    );
}

#[test]
fn a_script_that_presses_what_is_no_button_is_refused_by_line() {
    let case = Case::new(&[("script", "until attract\n\n300 jump\n")]);
    let output = case.run(&["--script", "@/script"]);
    refused(
        &output,
        2,
        &["script, line 3", "`jump`", "go, redo, pause, stop"],
    );
    refused(
        &case.run(&["--script", "@/missing"]),
        1,
        &["missing", "No such file"],
    );
    let case = Case::new(&[("script", "until quiet\n1 go\n")]);
    let output = case.run(&["--fast", "--script", "@/script"]);
    refused(
        &output,
        1,
        &[
            "line 1",
            "screen quiet was not shown within 60 s",
            "attract",
        ],
    );
}

#[test]
fn a_corpus_that_cannot_be_read_is_refused() {
    let case = Case::new(&[("empty.txt", ""), ("closed.txt", "a line\n")]);
    refused(
        &case.run(&["--corpus", "@/empty.txt"]),
        1,
        &["empty.txt", "is empty"],
    );
    refused(
        &case.run(&["--corpus", "@/missing.txt"]),
        1,
        &["missing.txt", "check the path"],
    );
    let closed = fs::Permissions::from_mode(0o000);
    fs::set_permissions(case.path("closed.txt"), closed).unwrap();
    let output = unprivileged(&case, &["corpus", "line", "@/closed.txt", "1"]);
    refused(&output, 1, &["closed.txt", "ermission denied", "chmod a+r"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let case = Case::new(&[("file", "mine")]);
    let args = ["run", "--board", "sim", "--data", "@/data"];
    refused(
        &unprivileged(&case, &args),
        1,
        &["data folder", "/data", "ermission denied", "--data"],
    );
    let args = [
        "record",
        "--device",
        "sim",
        "--channels",
        "1",
        "--frames",
        "9",
        "@/out.rf64",
    ];
    refused(
        &unprivileged(&case, &args),
        1,
        &["cannot create", "out.rf64", "ermission denied"],
    );
    let args = ["run", "--board", "sim", "--data", "@/file"];
    refused(&unprivileged(&case, &args), 1, &["data folder", "/file"]);
    assert_eq!(fs::read(case.path("file")).unwrap(), b"mine");
}

#[test]
fn an_output_that_exists_is_kept() {
    let case = Case::new(&[("take.rf64", "mine")]);
    let mut command = run::booth();
    command.args([
        "record",
        "--device",
        "sim",
        "--channels",
        "1",
        "--frames",
        "9",
    ]);
    let output = command.arg(case.path("take.rf64")).output().unwrap();
    refused(
        &output,
        1,
        &["take.rf64", "is there already", "never overwritten"],
    );
    assert_eq!(fs::read(case.path("take.rf64")).unwrap(), b"mine");
}

#[test]
fn options_of_record_that_make_no_sense_are_refused_by_name() {
    let record = |args: &[&str]| {
        let mut command = run::booth();
        command.args(["record", "--device", "sim"]).args(args);
        command.arg("/nonexistent/x.rf64").output().unwrap()
    };
    refused(&record(&["--channels", "0"]), 2, &["--channels", "1 to 64"]);
    refused(
        &record(&["--channels", "65"]),
        2,
        &["--channels", "1 to 64"],
    );
    refused(
        &record(&["--channels", "1", "--rate", "7999"]),
        2,
        &["--rate", "8000 to 192000"],
    );
    refused(
        &record(&["--channels", "1", "--frames", "0"]),
        2,
        &["--frames", "at least one"],
    );
    refused(
        &record(&["--channels", "1", "--seconds", "-1"]),
        2,
        &["--seconds"],
    );
    refused(
        &record(&["--channels", "1", "--seconds", "nan"]),
        2,
        &["--seconds"],
    );
    refused(
        &record(&["--channels", "1", "--format", "S20"]),
        2,
        &["S20", "S24_3LE"],
    );
}

#[test]
fn a_second_booth_on_the_same_data_is_refused() {
    let case = Case::new(&[("script", "until attract\n50000 go\n")]);
    let mut first = run::booth();
    first
        .args(["run", "--board", "sim", "--data"])
        .arg(case.path("data"));
    let first = run::start(first.arg("--script").arg(case.path("script")));
    wait_for(&case.path("data/.lock"));
    std::thread::sleep(std::time::Duration::from_millis(300));
    refused(
        &case.run(&[]),
        1,
        &["data folder", "another booth is running"],
    );
    first.signal("TERM");
    assert_eq!(first.wait().code, Some(0));
}

fn wait_for(path: &Path) {
    for _ in 0..500 {
        if path.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{} does not appear", path.display());
}

#[test]
fn what_is_asked_for_and_not_there_is_an_error_of_its_own() {
    let case = Case::new(&[]);
    let booth = |args: &[&str]| {
        let mut command = run::booth();
        command.args(args).arg("--data").arg(case.path("data"));
        command.output().unwrap()
    };
    refused(
        &booth(&["takes", "NOSUCHSESSION"]),
        1,
        &["NOSUCHSESSION", "booth takes"],
    );
    refused(&booth(&["takes", "../etc"]), 1, &["../etc"]);
    refused(
        &booth(&["repair", "/nonexistent/a.rf64"]),
        1,
        &["/nonexistent/a.rf64"],
    );
    refused(&booth(&["dance"]), 2, &["dance"]);
    refused(
        &booth(&["corpus", "line", "/nonexistent/c", "x"]),
        2,
        &["'x'"],
    );
}

#[test]
fn what_cannot_be_sealed_to_is_refused_by_its_key() {
    let private = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ";
    let good = "[audio]\ndevice = \"sim\"\nchannels = [\"a\"]\n[privacy]\n";
    let case = Case::new(&[
        ("one.toml", &format!("{good}recipient = \"age1nobody\"\n")),
        (
            "list.toml",
            &format!("{good}recipient = [\"ssh-ed25519 AAAA\"]\n"),
        ),
        (
            "private.toml",
            &format!("{good}recipient = \"{private}\"\n"),
        ),
    ]);
    for (file, words) in [
        (
            "one.toml",
            &["one.toml:5", "`privacy.recipient`", "age1nobody", "keygen"][..],
        ),
        (
            "list.toml",
            &["list.toml:5", "`privacy.recipient`", "ssh-ed25519"],
        ),
        ("private.toml", &["private.toml:5", "private key"]),
    ] {
        let output = case.run(&["--config", &format!("@/{file}")]);
        refused(&output, 2, words);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("QQQQ"));
    }
}
