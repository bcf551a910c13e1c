//! The doctor: each line is of the thing itself, and says what to do.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

#[path = "check/card.rs"]
mod card;
#[path = "check/disk.rs"]
mod disk;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Output};

use serde_json::Value;

use common::lab::{Lab, said};
use common::run;

/// What was found, by check.
struct Found {
    code: Option<i32>,
    lines: BTreeMap<String, Value>,
}

impl Found {
    fn of(output: &Output) -> Found {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let lines = text.lines().map(|line| {
            let object: Value = serde_json::from_str(line).unwrap();
            (object["check"].as_str().unwrap().to_owned(), object)
        });
        let found = Found {
            code: output.status.code(),
            lines: lines.collect(),
        };
        assert_eq!(text.lines().count(), found.lines.len(), "one line each");
        let fails = found.lines.values().any(|line| line["state"] == "fail");
        assert_eq!(found.code, Some(i32::from(fails)), "{}", said(output));
        found
    }

    /// The state of a check; its text and remedy hold `words`.
    #[track_caller]
    fn is(&self, check: &str, state: &str, words: &str) {
        let line = &self.lines[check];
        assert_eq!(line["state"], state, "{line}");
        assert!(line.to_string().contains(words), "{line}");
    }
}

fn check(lab: &Lab, options: &[&str]) -> Found {
    let mut args = vec!["check", "--json"];
    args.extend(options);
    Found::of(&lab.booth(&args, ""))
}

/// The binary without a recipient.
fn plain(lab: &Lab, options: &[&str]) -> Command {
    let mut command = run::booth();
    command.args(["check", "--json", "--data"]).arg(lab.data());
    command.args(options);
    command
}

#[test]
fn a_healthy_box_has_a_line_for_each_thing_and_check_leaves_data_alone() {
    let lab = Lab::new();
    let found = check(&lab, &[]);
    assert!(!lab.data().exists(), "made by the first run only");
    let failing = found.lines.values().filter(|line| line["state"] == "fail");
    // The machine that tests may have any swap, and be busy.
    let may = |line: &Value| line["check"] == "swap" || line["check"] == "wake-up";
    assert!(failing.clone().all(may));
    let names: Vec<&str> = found.lines.keys().map(String::as_str).collect();
    let expected = [
        "audio",
        "board",
        "box key",
        "clock",
        "configuration",
        "corpus",
        "disk",
        "disk writes",
        "fonts",
        "heard",
        "keys",
        "language",
        "memory",
        "protocol",
        "real time",
        "recipients",
        "sphere",
        "swap",
        "takes",
        "wake-up",
    ];
    assert_eq!(names, expected);
    for figure in ["wake-up", "disk writes"] {
        let line = &found.lines[figure];
        assert!(line["text"].to_string().contains(" in 2 s "), "{line}");
    }
    found.is("sphere", "ok", "none configured");
    found.is("keys", "ok", "none yet");
    let output = lab.booth(&["check"], "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), expected.len());
    let states = ["ok  ", "warn", "fail"];
    assert!(
        text.lines().all(|line| states.contains(&&line[..4])),
        "{text}"
    );
}

#[test]
fn measuring_takes_the_time_that_it_names() {
    let lab = Lab::new();
    let before = std::time::Instant::now();
    let found = check(&lab, &["--measure"]);
    assert!(before.elapsed().as_secs() >= 29);
    assert!(found.lines["wake-up"].to_string().contains(" in 10 s "));
    assert!(
        found.lines["disk writes"]
            .to_string()
            .contains(" in 30 s took ")
    );
}

#[test]
fn what_is_wrong_with_the_configuration_fails_and_is_named() {
    let lab = Lab::new();
    let found = check(&lab, &["--set", "audio.rat=1"]);
    found.is("configuration", "fail", "audio.rat");
    fs::write(lab.path("lines.txt"), "one\ntwo \u{10fffe}\n").unwrap();
    let corpus = format!("corpus.path={}", lab.path("lines.txt").display());
    let options = [
        "--set",
        &corpus,
        "--set",
        "protocol=nowhere",
        "--set",
        "board=nowhere",
        "--set",
        "language=xx",
        "--set",
        "storage.reserve_mb=1000000000",
        "--set",
        "sphere.host=sim",
    ];
    let found = check(&lab, &options);
    for name in ["protocol", "board", "language", "disk"] {
        assert_eq!(found.lines[name]["state"], "fail", "{name}");
    }
    found.is("corpus", "warn", "1 of 2 lines");
    found.is("sphere", "ok", "configured: sim");
    let step = "[[step]]\nname = \"a\"\nkind = \"read\"\nseconds = 9\n";
    let consent = "[consent.es]\nversion = \"1\"\ntext = \"Hola\"\n";
    let protocol = lab.path("p.toml");
    let set = format!("protocol={}", protocol.display());
    for (text, state, words) in [
        (format!("{consent}{step}"), "fail", "[consent.en]"),
        (
            format!("{step}text.es = \"Lee.\"\n"),
            "warn",
            "is shown in es",
        ),
        (
            format!("{step}text.en = \"{}\"\n", "many words ".repeat(200)),
            "fail",
            "does not fit the panel",
        ),
    ] {
        fs::write(&protocol, format!("name = \"p\"\n{text}")).unwrap();
        let found = check(&lab, &["--set", &set, "--set", "language=en"]);
        found.is("protocol", state, words);
    }
    for (text, state, words) in [
        ("a|One.\nb|Two.\n", "warn", "a tab parts id and text"),
        ("\u{10fffe}\n\u{200b}\n", "fail", "none of 2 lines"),
        ("One.\rTwo.\r", "fail", "tr "),
    ] {
        fs::write(lab.path("lines.txt"), text).unwrap();
        check(&lab, &["--set", &corpus]).is("corpus", state, words);
    }
    fs::write(lab.path("lines.txt"), "one\ntwo\n").unwrap();
    let found = check(&lab, &["--set", "board=display-hat-mini"]);
    found.is("board", "fail", "/dev/");
    let found = check(&lab, &["--set", "corpus.path=/nonexistent"]);
    found.is("corpus", "fail", "/nonexistent");
    let found = check(&lab, &["--set", &corpus, "--set", "corpus.shard=9/9"]);
    found.is(
        "corpus",
        "fail",
        "2 lines, and none of them is of shard 9/9",
    );
}

#[test]
fn the_sound_card_is_opened_with_the_configured_shape_and_closed_again() {
    let lab = Lab::new();
    let plugin = common::plugin();
    let look = |device: &str| {
        let device = format!("audio.device={device}");
        let mut command = plain(&lab, &["--set", &device]);
        plugin.apply(&mut command);
        Found::of(&command.output().unwrap())
    };
    look("bpaced").is("audio", "ok", "6 channels of S32_LE at 48000 Hz");
    look("bpaced").is("audio", "ok", "each channel was heard");
    look("hw:0").is("audio", "warn", "may be another one after the next start");
    look("hw:CARD=here").is("audio", "ok", "each channel was heard");
    look("bplug").is("audio", "fail", "it offers");
    look("bfile").is("audio", "fail", "one value only");
    fs::write(&plugin.freeze_file, "").unwrap();
    look("bfreeze").is("audio", "fail", "0 frames came");
    look("bstereo").is("audio", "fail", "channels");
    look("bbusy").is("audio", "fail", "fuser");
    look("nowhere").is("audio", "fail", "booth devices");
    fs::create_dir(lab.data()).unwrap();
    let path = lab.data().join(".lock");
    let lock = fs::File::create(&path).unwrap();
    lock.try_lock().unwrap();
    look("bbusy").is("audio", "ok", "was not heard");
    fs::remove_file(&path).unwrap();
    symlink(".lock", &path).unwrap();
    look("bbusy").is("audio", "warn", "sudo -u booth");
}

#[test]
fn the_channels_that_give_one_value_only_are_named() {
    let lab = Lab::new();
    let plugin = common::plugin();
    // Channel 2 of 6 is zero, channel 5 a constant.
    let file = lab.path("in.raw");
    let samples = (0..48_000_u32).flat_map(|n| [n << 8, 0, n << 9, n << 10, 77, n << 11]);
    let bytes: Vec<u8> = samples.flat_map(u32::to_le_bytes).collect();
    fs::write(&file, bytes).unwrap();
    let mut command = plain(&lab, &["--set", "audio.device=bfile"]);
    plugin.apply(&mut command);
    command.env("BOOTH_IN", &file);
    let found = Found::of(&command.output().unwrap());
    let config = booth::config::Config::load(None, &[], None, &[]).unwrap();
    let channels = config.audio.channels;
    let names = format!("for half a second: {}, {}", channels[1], channels[4]);
    found.is("audio", "fail", &names);
}

#[test]
fn recipients_are_counted_and_their_want_is_told() {
    let lab = Lab::new();
    let none = Found::of(&plain(&lab, &[]).output().unwrap());
    none.is("recipients", "warn", "names cannot be enrolled");
    check(&lab, &[]).is("recipients", "warn", "one: if its key is lost");
    let open = check(&lab, &["--set", "privacy.seal_audio=false"]);
    open.is("recipients", "warn", "readable by anyone who has the box");
    let other = lab.path("other.key");
    let made = run::booth().arg("keygen").arg(other).output().unwrap();
    let other = String::from_utf8(made.stdout).unwrap();
    let config = format!(
        "[audio]\ndevice = \"sim\"\nchannels = [\"a\"]\nreference = \"a\"\n\
         [privacy]\nrecipient = [\"{}\", \"{}\"]\n",
        lab.recipient,
        other.trim()
    );
    let path = lab.path("booth.toml");
    fs::write(&path, config).unwrap();
    let both = plain(&lab, &["--config", path.to_str().unwrap()]).output();
    Found::of(&both.unwrap()).is("recipients", "ok", "2, each opens");
}

#[test]
fn a_key_is_told_what_it_opens_and_the_box_its_public_half() {
    let lab = Lab::new();
    lab.enroll();
    lab.enroll();
    let found = check(&lab, &["--key", &lab.key()]);
    found.is("key", "ok", "opens 2 sessions of 2, 0 not");
    found.is("keys", "warn", "2 keys on the card of what they seal");
    let other = lab.path("other.key").display().to_string();
    let made = run::booth().args(["keygen", &other]).output().unwrap();
    check(&lab, &["--key", &other]).is("key", "fail", "opens 0 sessions of 2, 2 not");
    check(&lab, &["--key", "/nonexistent"]).is("key", "fail", "/nonexistent");
    let anew = String::from_utf8(made.stdout).unwrap();
    let anew = format!("privacy.recipient={}", anew.trim());
    let moved = check(&lab, &["--key", &lab.key(), "--set", &anew]);
    moved.is("key", "warn", "from now on");
    let mut command = lab.command(&["check", "--json"]);
    command.env("BOOTH_KEYS_REMOTE", "vault:keys");
    // Nothing copies keys, whatever is said to be their place.
    Found::of(&command.output().unwrap()).is("keys", "warn", "no copy of them is known");

    let person = lab.enroll();
    let receipt = lab.done(&["forget", "--json"], &person.code);
    let receipt: Value = serde_json::from_str(&receipt).unwrap();
    check(&lab, &[]).is("box key", "ok", receipt["signer"].as_str().unwrap());
    let keys = lab.data().join("keys");
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o755)).unwrap();
    check(&lab, &[]).is("keys", "fail", "others may look");
}

#[test]
fn keys_may_lie_on_another_medium_and_everything_finds_them_there() {
    let lab = Lab::new();
    // Another file system than that of the build.
    let medium = tempfile::tempdir_in("/dev/shm").unwrap();
    fs::set_permissions(medium.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let data = common::folder();
    symlink(medium.path(), data.path().join("keys")).unwrap();
    symlink(data.path(), lab.data()).unwrap();
    let person = lab.enroll();
    check(&lab, &["--key", &lab.key()]).is(
        "keys",
        "ok",
        "1 sessions, on a file system of their own",
    );
    let there = medium.path().join(format!("{}.age", person.session));
    assert!(there.exists());
    lab.done(&["identity", &person.session, "--key", &lab.key()], "");
    lab.done(&["rekey", "--key", &lab.key()], "");
    let receipt = lab.done(&["forget", "--json"], &person.code);
    assert!(receipt.contains("\"complete\":true"), "{receipt}");
    assert!(!there.exists() && data.path().join("keys").is_symlink());

    let person = lab.enroll();
    let there = medium.path().join(format!("{}.age", person.session));
    let away = medium.path().with_extension("away");
    fs::rename(medium.path(), &away).unwrap();
    check(&lab, &[]).is("keys", "fail", "leads to nothing");
    let output = lab.booth(&["enroll"], "{\"name\":\"Quillfeather\"}");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let output = lab.booth(&["forget", "--json"], &person.code);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let receipt: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(receipt["waiting_for"], serde_json::json!(["keys"]));
    fs::rename(&away, medium.path()).unwrap();
    assert!(there.exists());
    lab.done(&["takes"], "");
    assert!(!there.exists(), "the medium is back");
}
