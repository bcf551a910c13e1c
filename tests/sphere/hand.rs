//! `booth sphere` by hand, and the doctor.

use std::process::Output;
use std::time::Duration;

use serde_json::Value;

use super::start;
use crate::common::lateness::Lateness;
use crate::common::run;
use crate::common::sphere::{Kind, Sphere};

fn line(output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

fn object(output: &Output) -> Value {
    serde_json::from_str(&line(output)).unwrap()
}

fn by_hand(kind: Kind) {
    let (_alone, sphere) = start(kind);
    let mut witness = sphere.witness();
    let status = line(&sphere.booth(&["sphere", "status"]));
    assert!(
        status.contains("stopped at 0.000 s") && status.contains("studio `noise`"),
        "{status}"
    );
    let located = object(&sphere.booth(&["sphere", "locate", "12.5", "--json"]));
    assert_eq!(located["frame"], 600_000);
    assert_eq!(witness.look().frame, 600_000.0);
    let played = line(&sphere.booth(&["sphere", "play", "--for", "50"]));
    assert!(
        played.contains("rolling") && played.contains("by itself in 60 s"),
        "{played}"
    );
    std::thread::sleep(Duration::from_millis(600));
    assert!(
        witness.look().rolling,
        "it plays on when the command is over"
    );
    let status = object(&sphere.booth(&["sphere", "status", "--json"]));
    assert_eq!(status["state"], "rolling");
    assert_eq!(status["track"], "noise");
    let late = Lateness::watch();
    assert!(line(&sphere.booth(&["sphere", "stop"])).contains("stopped"));
    let took = late.within("a stop by hand", Duration::from_secs(3));
    witness.stands_within(Duration::ZERO);
    println!("{kind:?}: stopped by hand in {took:.1?}");
    drop(witness);
    let track = line(&sphere.booth(&["sphere", "track", "other"]));
    assert!(track.contains("`other` is loaded"), "{track}");
}

#[test]
fn each_verb_prints_one_line_with_the_helper() {
    by_hand(Kind::Helper);
}

#[test]
fn each_verb_prints_one_line_without_it() {
    by_hand(Kind::Plain);
}

#[test]
fn what_cannot_be_done_exits_1_and_what_cannot_be_meant_exits_2() {
    let (_alone, sphere) = start(Kind::Plain);
    let code = |args: &[&str]| {
        let output = sphere.booth(args);
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), said)
    };
    let (exit, said) = code(&["sphere", "track", "nothing"]);
    assert!(exit == Some(1) && said.contains("`nothing`"), "{said}");
    for place in [
        "-1",
        "1e300",
        "nan",
        "inf",
        "1e9",
        "89478.486",
        "4294967296f",
        "-1f",
        "f",
        "1.5f",
    ] {
        let (exit, said) = code(&["sphere", "locate", place]);
        assert!(
            exit == Some(2) && said.contains("position") && said.len() < 250,
            "{place}: {said}"
        );
    }
    for seconds in ["0", "86401", "4294967286", "-1"] {
        assert_eq!(
            code(&["sphere", "play", "--for", seconds]).0,
            Some(2),
            "{seconds}"
        );
    }
    assert_eq!(code(&["sphere", "track", "a\nb"]).0, Some(2));
    assert_eq!(code(&["sphere", "locate", "soon"]).0, Some(2));
    assert_eq!(code(&["sphere"]).0, Some(2));
    sphere.jack_down();
    let (exit, said) = code(&["sphere", "status"]);
    assert!(exit == Some(1) && said.contains("JACK"), "{said}");
    let none = run::booth().args(["sphere", "status"]).output().unwrap();
    assert_eq!(none.status.code(), Some(2));
    // The service's last command on a box without a sphere.
    let none = run::booth().args(["sphere", "stop"]).output().unwrap();
    assert_eq!(none.status.code(), Some(0));
    for bad in [
        "sphere.port=0",
        "sphere.user=",
        "sphere.host=a b",
        "sphere.host=a:22",
        "sphere.key=",
    ] {
        let mut command = run::booth();
        command.args(["sphere", "stop", "--set", "sphere.host=a", "--set", bad]);
        assert_eq!(command.output().unwrap().status.code(), Some(2), "{bad}");
    }
}

#[test]
fn a_position_is_seconds_or_a_frame() {
    let (_alone, sphere) = start(Kind::Helper);
    let mut witness = sphere.witness();
    for (place, frame) in [("12.5", 600_000), ("600001f", 600_001), ("0f", 0)] {
        let located = object(&sphere.booth(&["sphere", "locate", place, "--json"]));
        assert_eq!(located["frame"], frame);
        assert_eq!(witness.look().frame, f64::from(frame));
    }
}

#[test]
fn an_address_is_told_so_that_its_port_can_be_seen() {
    let mut command = run::booth();
    command.args(["sphere", "status", "--set", "sphere.host=::1"]);
    let key = crate::common::folder();
    let path = key.path().join("key");
    crate::common::sphere::keygen(&path);
    command.args(["--set", "sphere.port=1", "--set"]);
    command.arg(format!("sphere.key={}", path.display()));
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("[::1]:1:"), "{said}");
}

fn doctor(sphere: &Sphere, more: &[&str]) -> Value {
    let data = sphere.path("data").display().to_string();
    let mut args = vec!["check", "--json", "--data", &data];
    args.extend(more);
    let output = sphere.booth(&args);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text
        .lines()
        .find(|line| line.contains("\"check\":\"sphere\""));
    serde_json::from_str(line.unwrap()).unwrap()
}

#[test]
fn the_doctor_makes_a_full_round_and_leaves_the_transport_where_it_was() {
    for kind in [Kind::Plain, Kind::Helper] {
        let (_alone, sphere) = start(kind);
        let mut witness = sphere.witness();
        line(&sphere.booth(&["sphere", "locate", "3"]));
        let found = doctor(&sphere, &[]);
        assert_eq!(found["state"], "ok", "{found}");
        assert!(
            found["text"].as_str().unwrap().contains("3 studios"),
            "{found}"
        );
        assert_eq!(witness.look().frame, 144_000.0);
        let sound = doctor(&sphere, &["--sound"]);
        assert!(
            sound["text"].as_str().unwrap().contains("played"),
            "{sound}"
        );
        let sight = witness.look();
        assert!(!sight.rolling && sight.frame == 144_000.0, "{sight:?}");
        line(&sphere.booth(&["sphere", "play"]));
        let rolling = doctor(&sphere, &["--sound"]);
        assert!(
            rolling["text"].as_str().unwrap().contains("rolling"),
            "{rolling}"
        );
        assert!(witness.look().rolling, "what plays is left alone");
        line(&sphere.booth(&["sphere", "stop"]));
        drop(witness);
        sphere.jack_down();
        let none = doctor(&sphere, &[]);
        assert!(
            none["state"] == "fail" && none["text"].to_string().contains("JACK"),
            "{none}"
        );
        sphere.bus_away();
        let none = doctor(&sphere, &[]);
        assert!(none["text"].to_string().contains("linger"), "{none}");
    }
}

#[test]
fn the_doctor_only_looks_at_a_sphere_where_a_box_may_run() {
    let (_alone, sphere) = start(Kind::Helper);
    let mut witness = sphere.witness();
    line(&sphere.booth(&["sphere", "locate", "3"]));
    std::fs::create_dir_all(sphere.path("data")).unwrap();
    let lock = sphere.path("data/.lock");
    // A loop is refused to root too.
    std::os::unix::fs::symlink(".lock", &lock).unwrap();
    let found = doctor(&sphere, &["--sound"]);
    assert_eq!(found["state"], "ok", "{found}");
    let text = found["text"].as_str().unwrap();
    assert!(text.contains("left alone, a box may run ("), "{text}");
    assert_eq!(witness.look().frame, 144_000.0);
}

#[test]
fn the_doctor_names_each_track_of_the_protocol_that_the_gate_refuses() {
    let (_alone, sphere) = start(Kind::Helper);
    let step = |name: &str, track: &str| {
        format!(
            "[[step]]\nname = \"{name}\"\nkind = \"quiet\"\nseconds = 5\n\
             sphere = {{ track = \"{track}\", locate_s = 0 }}\n"
        )
    };
    let tracks = ["noise", "other", "project:hall:/srv/it's", "other"];
    let steps = ["a", "b", "c", "d"].iter().zip(tracks);
    let steps: String = steps.map(|(name, track)| step(name, track)).collect();
    let protocol = sphere.path("protocol.toml");
    std::fs::write(&protocol, format!("name = \"tracks\"\n{steps}")).unwrap();
    let protocol = format!("protocol={}", protocol.display());
    let tracks = sphere.path("home/.local/share/booth-sphere/tracks");
    std::fs::write(&tracks, "noise\n").unwrap();
    let refused = doctor(&sphere, &["--set", &protocol]);
    assert_eq!(refused["state"], "fail", "{refused}");
    let text = refused["text"].as_str().unwrap();
    assert!(
        text.contains("`other`, `project:hall:/srv/it's`") && !text.contains("noise"),
        "{text}"
    );
    let remedy = refused["remedy"].as_str().unwrap();
    assert!(
        remedy.contains(r"setup") && remedy.contains(r"'other' 'project:hall:/srv/it'\''s'"),
        "{remedy}"
    );
    sphere.set_up(&["other", "project:hall:/srv/it's"]);
    let listed = doctor(&sphere, &["--set", &protocol]);
    assert_eq!(listed["state"], "ok", "{listed}");
}
