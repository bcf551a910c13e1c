//! Names of tracks arrive exactly or are refused, and never become a second command.

use std::fs;
use std::process::Command;

use booth::sphere::remote::Remote;
use booth::sphere::{Peer, SphereError};

use super::start;
use crate::common::sphere::{Kind, Sphere};
use crate::common::wait::wait_for;

const HOSTILE: [&str; 18] = [
    "two words",
    " lead and trail ",
    "it's",
    "a \"quoted\" one",
    "a;touch $HOME/pwned",
    "$(touch $HOME/pwned)",
    "`touch $HOME/pwned`",
    "&& touch $HOME/pwned",
    "| touch $HOME/pwned",
    "'; touch $HOME/pwned; '",
    "-n",
    "--help",
    "*",
    "~root",
    "back\\slash",
    "bruit rosé 雑音 ضوضاء",
    "a\" last modified on b",
    "../../etc/passwd",
];

#[track_caller]
fn loads_exactly(sphere: &Sphere, peer: &mut Remote, name: &str) {
    peer.load(name)
        .unwrap_or_else(|error| panic!("{name:?}: {error}"));
    let loaded = fs::read_to_string(sphere.path("ladish/loaded")).unwrap();
    assert_eq!(loaded, name);
}

#[test]
fn hostile_names_are_loaded_exactly_by_the_tools_alone() {
    let (_alone, sphere) = start(Kind::Plain);
    fs::write(sphere.path("ladish/studios"), HOSTILE.join("\n") + "\n").unwrap();
    fs::write(sphere.path("ladish/leaves-jack"), "").unwrap();
    let mut peer = Remote::new(&sphere.config());
    for name in HOSTILE {
        loads_exactly(&sphere, &mut peer, name);
        assert_eq!(peer.loaded(), Ok(Ok(name.to_owned())));
    }
    for name in ["a\nid", "a\0", "\u{1b}[2J", "", "a\r"] {
        let refused = peer.load(name);
        assert!(
            matches!(refused, Err(SphereError::BadTrack { .. })),
            "{name:?}"
        );
    }
    let unknown = peer.load("nothing of that name");
    assert_eq!(
        unknown,
        Err(SphereError::UnknownTrack("nothing of that name".into()))
    );
    let kept = fs::read_to_string(sphere.path("ladish/loaded")).unwrap();
    assert_eq!(kept, HOSTILE[17], "an unknown name leaves what is loaded");
    assert!(!sphere.path("home/pwned").exists());
}

#[test]
fn hostile_names_pass_the_wrapper_exactly_if_they_are_listed() {
    let (_alone, sphere) = start(Kind::Helper);
    fs::write(sphere.path("ladish/studios"), HOSTILE.join("\n") + "\n").unwrap();
    fs::write(sphere.path("ladish/leaves-jack"), "").unwrap();
    sphere.set_up(&HOSTILE);
    let mut peer = Remote::new(&sphere.config());
    for name in HOSTILE {
        loads_exactly(&sphere, &mut peer, name);
    }
    assert!(!sphere.path("home/pwned").exists());
}

#[test]
fn a_track_is_there_only_once_its_name_and_jack_are() {
    let (_alone, sphere) = start(Kind::Plain);
    fs::write(sphere.path("ladish/slow"), "1").unwrap();
    let mut peer = Remote::new(&sphere.config());
    peer.load("other").unwrap();
    let position = peer.position().unwrap();
    assert!(
        !position.rolling && position.frame == 0,
        "JACK was started anew: {position:?}"
    );
    let mut witness = sphere.witness();
    assert!(!witness.look().rolling);
    peer.load("project:hall:/srv/noise").unwrap();
    let unknown = peer.load("project:cellar:/srv/noise").unwrap_err();
    assert!(matches!(unknown, SphereError::UnknownTrack(_)), "{unknown}");
}

#[test]
fn a_project_is_loaded_anew_once_somebody_else_has_loaded_a_studio() {
    for kind in [Kind::Plain, Kind::Helper] {
        let (_alone, sphere) = start(kind);
        fs::write(sphere.path("ladish/leaves-jack"), "").unwrap();
        let project = || fs::read_to_string(sphere.path("ladish/project")).unwrap();
        let mut peer = Remote::new(&sphere.config());
        peer.load("project:hall:/srv/noise").unwrap();
        fs::write(sphere.path("ladish/project"), "as it was\n").unwrap();
        peer.load("project:hall:/srv/noise").unwrap();
        assert_eq!(project(), "as it was\n", "a pause does not load it again");
        let mut by_hand = Command::new(sphere.path("bin/ladish_control"));
        by_hand.args(["sload", "other", "pload", "hall", "/srv/other"]);
        let by_hand = by_hand.env("LADISH", sphere.path("ladish")).output();
        assert!(by_hand.unwrap().status.success());
        wait_for("the studio", || sphere.path("ladish/loaded").exists());
        assert_eq!(project(), "hall\n/srv/other\n");
        peer.load("project:hall:/srv/noise").unwrap();
        assert_eq!(project(), "hall\n/srv/noise\n", "{kind:?}");
    }
}

#[test]
fn each_failure_of_ladish_is_its_own_error() {
    let (_alone, sphere) = start(Kind::Plain);
    let mut peer = Remote::new(&sphere.config());
    let mut with = |switch: &str| {
        fs::write(sphere.path("ladish").join(switch), "").unwrap();
        let error = peer.load("other").unwrap_err();
        fs::remove_file(sphere.path("ladish").join(switch)).unwrap();
        error
    };
    assert_eq!(with("no-bus"), SphereError::NoDbus);
    assert!(with("no-daemon").to_string().contains("ServiceUnknown"));
    assert!(matches!(with("busy"), SphereError::AlreadyLoaded { .. }));
    fs::remove_file(sphere.path("bin/ladish_control")).unwrap();
    assert_eq!(
        peer.load("other"),
        Err(SphereError::NoTool("ladish_control".into()))
    );
    let lying = "#!/bin/sh\necho 'all is well'\n";
    fs::write(sphere.path("bin/ladish_control"), lying).unwrap();
    let chmod = Command::new("chmod")
        .arg("755")
        .arg(sphere.path("bin/ladish_control"))
        .status();
    assert!(chmod.unwrap().success());
    let error = peer.load("other").unwrap_err();
    assert!(error.to_string().contains("all is well"), "{error}");
}
