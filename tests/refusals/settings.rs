//! Configuration, protocol, script, options and device.

use super::{Case, refused};
use crate::common::{plugin, run};

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
        (&["--set", "box="], &["--set box=", "must not be empty"]),
        (
            &["--set", "corpus.shard=9999/9999"],
            &["none of them is of shard 9999/9999", "corpus.shard"],
        ),
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
            "consent.toml",
            &format!(
                "{head}[consent.fr]\nversion = \"1\"\ntext = \"\"\n{}",
                step("a", "seconds = 3")
            ),
        ),
        (
            "letters.toml",
            // A private-use character is in no font.
            &format!(
                "{head}[consent.fr]\nversion = \"1\"\ntext = \"Oui \\uE5E5 ?\"\n{}",
                step("a", "seconds = 3")
            ),
        ),
    ]);
    for (file, words) in [
        ("key.toml", &["key.toml:6", "`colour`"][..]),
        ("zero.toml", &["zero.toml:5", "`seconds`", "more than 0"]),
        ("twice.toml", &["twice.toml:7", "\"a\"", "already"]),
        ("none.toml", &["none.toml", "at least one [[step]]"]),
        ("idle.toml", &["idle.toml:2", "`idle_s`", "more than 0"]),
        ("kind.toml", &["kind.toml:4", "sing"]),
        (
            "consent.toml",
            &["consent.toml:4", "`text`", "[consent.fr]"],
        ),
        ("letters.toml", &["consent text", "1 of its characters"]),
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
        2,
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
fn options_that_a_command_does_not_use_are_refused_by_name_on_both_sides_of_it() {
    let case = Case::new(&[("b.toml", "")]);
    let (config, out) = (case.path("b.toml"), case.path("out"));
    let (config, out) = (config.to_str().unwrap(), out.to_str().unwrap());
    let record = ["record", "--device=null", "--channels=1", "--frames=1", out];
    let commands = [
        &record[..],
        &["keygen", out],
        &["repair", out],
        &["devices"],
    ];
    for command in commands {
        for option in [
            ["--config", config],
            ["--set", "take.mode=auto"],
            ["--data", out],
        ] {
            for args in [[&option[..], command], [command, &option[..]]] {
                let mut booth = run::booth();
                plugin().apply(&mut booth);
                let output = booth.args(args.concat()).output().unwrap();
                refused(&output, 2, &[option[0], command[0]]);
                assert!(!case.path("out").exists());
            }
        }
    }
}

#[test]
fn a_command_does_not_list_what_it_refuses() {
    for (command, lists) in [
        ("record", [false, false]),
        ("repair", [false, false]),
        ("devices", [false, false]),
        ("keygen", [false, false]),
        ("sphere", [true, false]),
        ("takes", [true, true]),
    ] {
        let help = run::booth().args([command, "--help"]).output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let has = ["--config <FILE>", "--data <DIR>"].map(|option| help.contains(option));
        assert_eq!(has, lists, "{help}");
    }
    let mut sphere = run::booth();
    let output = sphere.args(["--data", "x", "sphere", "status"]).output();
    refused(&output.unwrap(), 2, &["--data", "leave it out"]);
}

#[test]
fn a_value_of_a_wrong_type_is_told_with_its_key_and_what_it_takes() {
    let good = "[audio]\ndevice = \"sim\"\nchannels = [\"a\"]\n";
    let step = "name = \"p\"\n[[step]]\nname = \"a\"\nkind = \"read\"\n";
    let case = Case::new(&[
        ("type.toml", &format!("{good}rate = \"48000\"\n")),
        (
            "recipient.toml",
            &format!("{good}[privacy]\nrecipient = 5\n"),
        ),
        ("protocol.toml", &format!("{step}seconds = \"5\"\n")),
    ]);
    let whole = "takes a whole number from 0 to 4294967295, not";
    for (args, words) in [
        (
            ["--config", "@/type.toml"],
            ["type.toml:4: `audio.rate`: ", whole],
        ),
        (
            ["--config", "@/recipient.toml"],
            ["recipient.toml:5: `privacy.recipient`: ", "a list"],
        ),
        (
            ["--protocol", "@/protocol.toml"],
            ["protocol.toml:5: `step.seconds`: ", whole],
        ),
        (
            ["--set", "audio.rate=fast"],
            ["--set audio.rate=fast: `audio.rate`: ", whole],
        ),
        (
            ["--set", "take.mode=both"],
            ["`take.mode`: takes `auto` or `manual`", "\"both\""],
        ),
        (
            ["--set", "audio.buffer_s=-1"],
            ["`audio.buffer_s`: ", whole],
        ),
    ] {
        refused(&case.run(&args), 2, &words);
    }
}

#[test]
fn the_configuration_of_the_present_folder_is_read_and_every_command_says_which_it_was() {
    let good = "[audio]\ndevice = \"sim\"\nchannels = [\"a\"]\n";
    let case = Case::new(&[("booth.toml", good), ("other.toml", good)]);
    let said = |before: &[&str], command: &[&str], variable: &str| {
        let mut booth = run::booth();
        booth.current_dir(case.dir.path()).env(variable, "x");
        booth.args(before).args(["--data", "data"]).args(command);
        let output = booth.output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let here = "booth: configuration: booth.toml\n";
    for command in [
        &["takes"][..],
        &["check"],
        &["export", "out"],
        &["run", "--script", "none"],
    ] {
        assert!(said(&[], command, "ANY").contains(here), "{command:?}");
    }
    let named = said(&["--config", "other.toml"], &["takes"], "ANY");
    assert!(
        named.contains("booth: configuration: other.toml\n"),
        "{named}"
    );
    let service = said(&[], &["takes"], "NOTIFY_SOCKET");
    assert!(!service.contains(here), "{service}");
    std::fs::write(case.path("booth.toml"), format!("{good}rat = 1\n")).unwrap();
    let broken = said(&[], &["takes"], "ANY");
    assert!(
        broken.contains("booth.toml:4: unknown key `rat`"),
        "{broken}"
    );
    // As root, whom all files obey, there can be a file of somebody else.
    if std::os::unix::fs::chown(case.path("booth.toml"), Some(65_534), None).is_ok() {
        let strange = said(&[], &["takes"], "ANY");
        assert!(strange.contains("belongs to another user"), "{strange}");
        assert!(!strange.contains("`rat`"), "{strange}");
    }
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
