//! Mixer controls named in the configuration, with the real binary and the real libasound: set at
//! the start, held through a session, recorded. The mixer is that of `common/alsa/ctl_boothsim.c`.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::lateness::Lateness;
use common::wait::wait_for;
use common::{AlsaEnv, plugin, run};
use serde_json::{Value, json};

/// Two steps to sit still in.
const PROTOCOL: &str = r#"
name = "two-steps"
[[step]]
name = "first"
kind = "quiet"
seconds = 6
[[step]]
name = "second"
kind = "quiet"
seconds = 6
"#;

const VISITOR: &str = "until attract\n500 go\nuntil intro\n900 go\nuntil quiet\nuntil over\n\
    until intro\n900 go\n";

/// How long a control may stay moved: a second between two looks, and some.
const PUT_BACK: Duration = Duration::from_millis(2500);

/// The binary on `device`, with a protocol and a visitor in `dir`.
fn booth(env: &AlsaEnv, dir: &Path, sets: &[&str]) -> Command {
    fs::write(dir.join("script"), VISITOR).unwrap();
    fs::write(dir.join("protocol.toml"), PROTOCOL).unwrap();
    let mut command = run::booth();
    command.args(["run", "--board", "sim", "--protocol"]);
    command.arg(dir.join("protocol.toml"));
    command.arg("--data").arg(dir.join("data"));
    command.arg("--script").arg(dir.join("script"));
    for set in sets {
        command.args(["--set", set]);
    }
    env.apply(&mut command);
    command
}

/// What `amixer` says of the test devices' mixer.
fn amixer(env: &AlsaEnv, args: &[&str]) -> String {
    let mut command = Command::new("amixer");
    env.apply(command.args(["-D", "bpaced"]).args(args));
    let output = command.output().expect("amixer of alsa-utils");
    assert!(output.status.success(), "amixer {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Whether all controls are as configured in these tests, all channels of them.
fn is_held(env: &AlsaEnv) -> bool {
    let all = amixer(env, &["scontents"]);
    let both = ["Front Left: Capture 40 ", "Front Right: Capture 40 "];
    let others = ["Mono: Capture [on]", "Item0: 'Line'"];
    both.iter().chain(&others).all(|line| all.contains(line))
}

/// Waits until `holds`, [`PUT_BACK`] at most, and says how long that took.
#[track_caller]
fn put_back(what: &str, holds: impl Fn() -> bool) -> Duration {
    let late = Lateness::watch();
    wait_for(what, holds);
    late.within(what, PUT_BACK)
}

/// Waits until the step of this number of the only session runs.
#[track_caller]
fn wait_for_step(data: &Path, number: usize) {
    wait_for("a step", || run::count(data, "step", "run") >= number);
}

#[test]
fn controls_are_held_through_all_steps_and_what_moved_them_is_recorded() {
    let env = plugin();
    let dir = tempfile::tempdir().unwrap();
    let sets = [
        "audio.device=bpaced",
        "audio.mixer.Mic Gain=40",
        "audio.mixer.Mic=true",
        "audio.mixer.Source=Line",
    ];
    assert!(!is_held(&env), "the mixer begins otherwise");
    let running = run::start(&mut booth(&env, dir.path(), &sets));
    let data = dir.path().join("data");
    let mut ms = Vec::new();
    // A channel alone counts as moved.
    for (step, moved) in [
        (1, ["Mic Gain", "40,12"]),
        (1, ["Mic", "nocap"]),
        (2, ["Source", "Aux"]),
    ] {
        wait_for_step(&data, step);
        assert!(is_held(&env), "step {step} begins as configured");
        amixer(&env, &["sset", moved[0], moved[1]]);
        assert!(!is_held(&env), "{moved:?} moves something");
        let back = put_back("the configured control", || is_held(&env));
        ms.push(back.as_millis());
    }
    let run = running.wait();
    println!("put back after {ms:?} ms");
    assert_eq!(run.code, Some(0), "no fault: {}", run.said());
    assert!(run.said().contains("`Mic Gain` was moved to 12"));

    let session = run::session(&data);
    let record = fs::read_to_string(session.join("session.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    let configured = json!({ "Mic": true, "Mic Gain": 40, "Source": "Line" });
    assert_eq!(record["audio"]["mixer"], configured);
    assert_eq!(run::rows(&session).len(), 2, "a take for each step");
    let rows = run::events(&session);
    let rows: Vec<_> = rows.iter().filter(|row| row["event"] == "mixer").collect();
    let said = rows
        .iter()
        .map(|row| json!([row["control"], row["found"], row["wanted"]]));
    let expected = [
        json!(["Mic Gain", 12, 40]),
        json!(["Mic", false, true]),
        json!(["Source", "Aux", "Line"]),
    ];
    assert_eq!(said.collect::<Vec<_>>(), expected);
    assert!(rows[0]["frame"].as_u64() < rows[2]["frame"].as_u64());
}

#[test]
fn a_card_that_comes_back_with_gains_of_its_own_is_set_again() {
    let env = plugin();
    let dir = tempfile::tempdir().unwrap();
    let sets = ["audio.device=bpaced", "audio.mixer.Mic Gain=40"];
    let running = run::start(&mut booth(&env, dir.path(), &sets));
    let data = dir.path().join("data");
    wait_for_step(&data, 1);
    let gone = env.mixer_file.with_extension("gone");
    fs::write(&gone, "").unwrap();
    // Long enough for two looks: the second has nothing new to say.
    std::thread::sleep(PUT_BACK);
    fs::remove_file(&env.mixer_file).unwrap();
    fs::remove_file(&gone).unwrap();
    let gain = || amixer(&env, &["sget", "Mic Gain"]);
    assert!(gain().contains("Front Left: Capture 10 "), "{}", gain());
    let back = put_back("the configured gain", || {
        gain().contains("Right: Capture 40 ")
    });
    println!("set again after {back:?}");
    let run = running.wait();
    assert_eq!(
        run.code,
        Some(3),
        "for a while nothing was held: {}",
        run.said()
    );
    assert_eq!(
        run.said().matches("mixer `bpaced`: ").count(),
        1,
        "{}",
        run.said()
    );
    assert!(!run.said().contains("ALSA lib"), "{}", run.said());
    let rows = run::events(&run::session(&data));
    let row = rows.iter().find(|row| row["event"] == "mixer").unwrap();
    assert_eq!(json!([row["found"], row["wanted"]]), json!([10, 40]));
}

#[test]
fn a_session_is_not_taken_up_again_with_another_gain() {
    let env = plugin();
    for (gain, offered) in [(40, true), (50, false)] {
        let dir = tempfile::tempdir().unwrap();
        let sets = ["audio.device=bpaced", "audio.mixer.Mic Gain=40"];
        let running = run::start(&mut booth(&env, dir.path(), &sets));
        let data = dir.path().join("data");
        wait_for_step(&data, 1);
        running.signal("KILL");
        running.wait();
        let sets = [
            "audio.device=bpaced",
            &format!("audio.mixer.Mic Gain={gain}"),
        ];
        let mut command = booth(&env, dir.path(), &sets);
        fs::write(dir.path().join("script"), "until attract\n60000 go\n").unwrap();
        let running = run::start(&mut command);
        if offered {
            running.wait_for_screen("resume");
        } else {
            // It would come within a second, and stand for thirty.
            running.wait_for_screen("attract");
            std::thread::sleep(Duration::from_secs(3));
        }
        running.signal("TERM");
        let run = running.wait();
        let mut screens = run.stdout.iter();
        let asked = screens.any(|line| line.text.contains(" %  resume "));
        assert_eq!(asked, offered, "{gain}: {:?}", run.stdout);
        let session = fs::read_to_string(run::session(&data).join("session.json")).unwrap();
        assert!(session.contains("\"Mic Gain\": 40"), "{session}");
    }
}

#[test]
fn a_session_without_controls_records_an_empty_mixer() {
    let env = plugin();
    let dir = tempfile::tempdir().unwrap();
    let run = run::start(booth(&env, dir.path(), &[]).arg("--fast")).wait();
    assert_eq!(run.code, Some(0), "{}", run.said());
    let session = run::session(&dir.path().join("data"));
    let record = fs::read_to_string(session.join("session.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["audio"]["mixer"], json!({}));
}

#[test]
fn a_control_that_cannot_be_as_configured_ends_the_start() {
    let env = plugin();
    let on = "audio.device=bpaced";
    for (sets, code, words) in [
        (
            [on, "audio.mixer.Nose=1"],
            1,
            "mixer `bpaced`: no control `Nose`; [audio.mixer] may name `Mic`, `Mic Gain`, `Source` \
             or `Stuck`",
        ),
        (
            [on, "audio.mixer.Mic Gain=140"],
            1,
            "control `Mic Gain` cannot be 140; write an integer from 0 to 100 in [audio.mixer]",
        ),
        (
            [on, "audio.mixer.Mic Gain=loud"],
            1,
            "control `Mic Gain` cannot be \"loud\"; write an integer",
        ),
        (
            [on, "audio.mixer.Mic=3"],
            1,
            "control `Mic` cannot be 3; write true or false",
        ),
        (
            [on, "audio.mixer.Source=Tape"],
            1,
            "control `Source` cannot be \"Tape\"; write \"Mic\", \"Line\" or \"Aux\"",
        ),
        (
            [on, "audio.mixer.Source=true"],
            1,
            "control `Source` cannot be true; write \"Mic\"",
        ),
        (
            [on, "audio.mixer.Stuck=9"],
            1,
            "control `Stuck` was set to 9 but reads back 7",
        ),
        (
            ["audio.device=bstereo", "audio.mixer.Mic=true"],
            1,
            "mixer `bstereo`: ",
        ),
        (
            [on, "audio.mixer.Mic Gain=0.5"],
            2,
            "`audio.mixer`: \"Mic Gain\" must be an integer, true, false or a string, not of type \
             float",
        ),
        (
            ["audio.device=sim", "audio.mixer.Mic=true"],
            2,
            "`audio.mixer`: the simulated source has no mixer",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let run = run::start(&mut booth(&env, dir.path(), &sets)).wait();
        assert_eq!(run.code, Some(code), "{sets:?}: {}", run.said());
        assert!(
            run.said().contains(words),
            "{words} is not in: {}",
            run.said()
        );
        let sessions = fs::read_dir(dir.path().join("data/sessions"));
        assert_eq!(sessions.map_or(0, Iterator::count), 0, "{sets:?}");
    }
}

#[test]
fn under_a_service_manager_the_box_comes_up_and_says_once_which_control_is_not_held() {
    let env = plugin();
    let dir = tempfile::tempdir().unwrap();
    let sets = [
        "audio.device=bpaced",
        "audio.mixer.Mic Gain=40",
        "audio.mixer.Nose=1",
    ];
    let mut command = booth(&env, dir.path(), &sets);
    command.env("NOTIFY_SOCKET", dir.path().join("nobody"));
    let run = run::start(&mut command).wait();
    assert_eq!(run.code, Some(3), "{}", run.said());
    assert_eq!(run.said().matches("no control `Nose`").count(), 1);
    let session = run::session(&dir.path().join("data"));
    assert_eq!(run::rows(&session).len(), 2);
    let record = fs::read_to_string(session.join("session.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["audio"]["mixer"], json!({ "Mic Gain": 40 }));
}
