//! How loud the tracks are: measured once, kept beside the protocol, told in the rows when it is
//! another; and the doctor's ear.

use std::fs;
use std::path::{Path, PathBuf};

use booth::sphere::levels::Levels;

use super::start;
use crate::common::plugin;
use crate::common::run;
use crate::common::sphere::ladish::Switch;
use crate::common::sphere::{Kind, STUDIO, Sphere};

const SCRIPT: &str = "until attract\n300 go\nuntil intro\n300 go\nuntil thanks\n";

/// A protocol that plays one track, in this folder.
fn protocol(folder: &Path) -> PathBuf {
    let path = folder.join("study.toml");
    let text = format!(
        "name = \"study\"\n[[step]]\nname = \"loud\"\nkind = \"quiet\"\nseconds = 9\n\
         sphere = {{ track = \"{STUDIO}\", locate_s = 5 }}\n"
    );
    fs::write(&path, text).unwrap();
    path
}

fn measure(sphere: &Sphere, protocol: &Path) -> std::process::Output {
    let set = format!("protocol={}", protocol.display());
    sphere.booth(&["sphere", "level", "--for", "5", "--set", &set])
}

#[test]
fn a_measured_level_is_kept_beside_the_protocol_and_a_row_says_when_it_is_another() {
    let (_alone, sphere) = start(Kind::Helper);
    let folder = crate::common::folder();
    let protocol = protocol(folder.path());
    let output = measure(&sphere, &protocol);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(
        said.contains("`noise`: -") && said.contains("study.levels.toml"),
        "{said}"
    );
    let levels = Levels::read(&folder.path().join("study.levels.toml")).unwrap();
    let outputs = &levels.tracks()[STUDIO].outputs_dbfs;
    // White noise of -20 dBFS.
    assert_eq!(outputs.len(), 2);
    assert!(
        outputs.iter().all(|dbfs| (dbfs + 20.0).abs() < 0.5),
        "{outputs:?}"
    );
    assert!(!sphere.witness().look().rolling, "it is silent afterwards");
    for (level, off) in [(-20.0, None), (-30.0, Some(-10.0_f32))] {
        sphere.switch_to(Switch::PlayerLevel, level);
        let told = visit(&sphere, &protocol);
        match (told, off) {
            (None, None) => {}
            (Some(told), Some(off)) => assert!((told - off).abs() < 0.7, "{told} dB"),
            (told, off) => panic!("{told:?}, not {off:?}"),
        }
    }
}

/// A visit's one take: by how much its row says that the level is off.
fn visit(sphere: &Sphere, protocol: &Path) -> Option<f32> {
    let (env, data) = (plugin(), crate::common::folder());
    let script = data.path().join("script");
    fs::write(&script, SCRIPT).unwrap();
    let mut command = run::booth();
    env.apply(&mut command);
    command.args(["run", "--board", "sim", "--set", "audio.device=bpaced"]);
    command.arg("--data").arg(data.path());
    command.arg("--protocol").arg(protocol);
    command.arg("--script").arg(&script).args(sphere.options());
    let run = run::start(&mut command).wait();
    assert_eq!(run.code, Some(0), "{}", run.said());
    let rows = run::rows(&run::session(data.path()));
    let at = rows[0].sphere.as_ref().unwrap();
    assert!(at.heard.is_some(), "{at:?}");
    at.level_off_db
}

#[test]
fn a_level_needs_the_helper_and_a_track_of_the_protocol() {
    let folder = crate::common::folder();
    let protocol = protocol(folder.path());
    let (_alone, sphere) = start(Kind::Plain);
    let output = measure(&sphere, &protocol);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("run setup"), "{said}");
    assert!(!folder.path().join("study.levels.toml").exists());
    let output = sphere.booth(&["sphere", "level", "--set", "protocol=exhibition"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("plays no track"), "{said}");
}

#[test]
fn the_doctor_loads_each_track_and_says_what_was_connected_and_how_loud() {
    for kind in [Kind::Plain, Kind::Helper] {
        let (_alone, sphere) = start(kind);
        let folder = crate::common::folder();
        let protocol = protocol(folder.path());
        sphere.load("other");
        let (set, data) = (
            format!("protocol={}", protocol.display()),
            format!("--data={}", folder.path().join("data").display()),
        );
        let doctor = || {
            let args = ["check", "--json", "--sound", "--set", &set, &data];
            let args = [&args[..], &["--set", "sphere.change_s=5"]].concat();
            let said = String::from_utf8(sphere.booth(&args).stdout).unwrap();
            let line = said
                .lines()
                .find(|line| line.contains("\"check\":\"sphere\""));
            line.unwrap_or(&said).to_owned()
        };
        let found = doctor();
        assert!(
            found.contains("track `noise` played 2 s: 2 connections"),
            "{found}"
        );
        assert_eq!(found.contains("peak -1"), kind == Kind::Helper, "{found}");
        assert_eq!(sphere.studio().as_deref(), Some(STUDIO));
        sphere.switch(Switch::PlayerFails);
        sphere.signal_players("KILL");
        let found = doctor();
        assert!(
            found.contains("\"fail\"") && found.contains("connected"),
            "{found}"
        );
    }
}
