//! Names of tracks arrive exactly or are refused, and never become a second command.

use std::fs;
use std::sync::MutexGuard;

use booth::sphere::remote::Remote;
use booth::sphere::{Peer, SphereError};

use super::start;
use crate::common::sphere::ladish::Switch;
use crate::common::sphere::{HOUSE, Kind, PROJECT, Sphere};
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
    assert_eq!(sphere.studio().as_deref(), Some(name));
}

/// A sphere with these studios, which are loaded quickly.
fn with_hostile_studios(kind: Kind) -> (MutexGuard<'static, ()>, Sphere) {
    let (alone, sphere) = start(kind);
    for name in HOSTILE {
        sphere.make_studio(name);
    }
    sphere.switch(Switch::KeepsJack);
    (alone, sphere)
}

#[test]
fn hostile_names_are_loaded_exactly_by_the_tools_alone() {
    let (_alone, sphere) = with_hostile_studios(Kind::Plain);
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
    let unknown = peer.load("nothing of that name").unwrap_err();
    let SphereError::UnknownTrack { track, known } = unknown else {
        panic!("{unknown}");
    };
    assert_eq!(track, "nothing of that name");
    assert!(HOSTILE.iter().all(|name| known.iter().any(|it| it == name)));
    let kept = sphere.studio();
    assert_eq!(
        kept.as_deref(),
        Some(HOSTILE[17]),
        "an unknown name leaves what is loaded"
    );
    assert!(!sphere.path("home/pwned").exists());
}

#[test]
fn hostile_names_pass_the_wrapper_exactly_if_they_are_listed() {
    let (_alone, sphere) = with_hostile_studios(Kind::Helper);
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
    sphere.switch_to(Switch::LoadWaits, 1.0);
    let mut peer = Remote::new(&sphere.config());
    peer.load("other").unwrap();
    let position = peer.position().unwrap();
    assert!(
        !position.rolling && position.frame == 0,
        "JACK was started anew: {position:?}"
    );
    let mut witness = sphere.witness();
    assert!(!witness.look().rolling);
    drop(witness);
    sphere.load(HOUSE);
    let track = sphere.project_track(PROJECT);
    peer.load(&track).unwrap();
    let unknown = peer.load(&track.replace("hall", "cellar")).unwrap_err();
    assert!(matches!(unknown, SphereError::NoRoom { .. }), "{unknown}");
}

#[test]
fn a_project_is_loaded_anew_once_somebody_else_has_loaded_a_studio() {
    for kind in [Kind::Plain, Kind::Helper] {
        let (_alone, sphere) = start(kind);
        sphere.switch(Switch::KeepsJack);
        sphere.make_house("another house");
        sphere.make_project("other");
        let has = |name: &str| sphere.project("hall") == Some(sphere.project_folder(name));
        sphere.load(HOUSE);
        let mut peer = Remote::new(&sphere.config());
        let track = sphere.project_track(PROJECT);
        peer.load(&track).unwrap();
        wait_for("two players", || sphere.players().len() == 2);
        let players = sphere.players();
        peer.load(&track).unwrap();
        assert_eq!(sphere.players(), players, "a pause does not load it again");
        sphere.ladish(&["punload", "hall"]);
        sphere.load("another house");
        sphere.ladish(&["pload", "hall", &sphere.project_folder("other")]);
        wait_for("the other project", || has("other"));
        peer.load(&track).unwrap();
        wait_for("the project", || has(PROJECT));
    }
}

#[test]
fn each_failure_of_ladish_is_its_own_error() {
    let (_alone, sphere) = start(Kind::Plain);
    let mut peer = Remote::new(&sphere.config());
    sphere.bus_away();
    assert_eq!(peer.load("other"), Err(SphereError::NoDbus));
    sphere.bus_back();
    sphere.daemon_away();
    let error = peer.load("other").unwrap_err();
    assert!(error.to_string().contains("ServiceUnknown"), "{error}");
    fs::remove_file(sphere.path("bin/ladish_control")).unwrap();
    assert_eq!(
        peer.load("other"),
        Err(SphereError::NoTool("ladish_control".into()))
    );
    let lying = "#!/bin/sh\necho 'all is well'\n";
    sphere.put("bin/ladish_control", lying);
    let error = peer.load("other").unwrap_err();
    assert!(error.to_string().contains("all is well"), "{error}");
}
