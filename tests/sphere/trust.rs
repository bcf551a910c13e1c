//! Whom the booth talks to, and as whom.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use booth::sphere::remote::Remote;
use booth::sphere::{Peer, SphereError};

use super::start;
use crate::common::sphere::Kind;

fn fingerprint(path: &std::path::Path) -> String {
    let output = Command::new("ssh-keygen")
        .arg("-lf")
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn a_machine_that_is_not_pinned_is_refused_with_its_fingerprint_and_the_remedy() {
    let (_alone, sphere) = start(Kind::Plain);
    let print = fingerprint(&sphere.path("host_key.pub"));
    let asked = || Remote::new(&sphere.config()).connect();
    assert_eq!(asked(), Ok(()));

    sphere.pin("stranger");
    let error = asked().unwrap_err();
    assert!(
        matches!(error, SphereError::ChangedHostKey { .. }),
        "{error}"
    );
    assert!(error.to_string().contains(&print), "{error}");
    assert!(error.to_string().contains("booth sphere pair"), "{error}");

    fs::remove_file(sphere.path("known_hosts")).unwrap();
    let error = asked().unwrap_err();
    assert!(
        matches!(error, SphereError::UnknownHostKey { .. }),
        "{error}"
    );
    assert!(error.to_string().contains(&print), "{error}");

    sphere.pin("host_key");
    let mut hash = Command::new("ssh-keygen");
    hash.args(["-q", "-H", "-f"])
        .arg(sphere.path("known_hosts"));
    assert!(hash.output().unwrap().status.success());
    assert_eq!(asked(), Ok(()));
}

#[test]
fn a_key_that_is_refused_or_cannot_be_used_is_named() {
    let (_alone, sphere) = start(Kind::Plain);
    let mut config = sphere.config();
    config.key = sphere.path("stranger");
    let error = Remote::new(&config).connect().unwrap_err();
    assert!(matches!(error, SphereError::KeyRefused { .. }), "{error}");
    assert!(error.to_string().contains("authorized_keys"), "{error}");
    config.key = sphere.path("nothing");
    let error = Remote::new(&config).connect().unwrap_err();
    assert!(matches!(error, SphereError::Key { .. }), "{error}");
    config = sphere.config();
    config.user = "nobody-of-that-name".into();
    let start = Instant::now();
    let error = Remote::new(&config).connect().unwrap_err();
    assert!(matches!(error, SphereError::KeyRefused { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(9));
}

#[test]
fn pairing_pins_after_a_yes_or_the_right_fingerprint_and_loses_nothing() {
    let (_alone, sphere) = start(Kind::Plain);
    let print = fingerprint(&sphere.path("host_key.pub"));
    let known = sphere.path("known_hosts");
    let other = "# mine\nelsewhere ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGk\n";
    let stranger = fs::read_to_string(sphere.path("stranger.pub")).unwrap();
    let port = sphere.config().port;
    fs::write(&known, format!("{other}[127.0.0.1]:{port} {stranger}")).unwrap();

    let asked = sphere.booth(&["sphere", "pair", "127.0.0.1"]);
    assert_eq!(asked.status.code(), Some(1));
    let said = String::from_utf8(asked.stderr).unwrap();
    assert!(said.contains(&print) && said.contains("terminal"), "{said}");
    assert!(said.contains("ANOTHER KEY"), "{said}");
    let wrong = sphere.booth(&["sphere", "pair", "127.0.0.1", "--fingerprint", "SHA256:x"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(fs::read_to_string(&known).unwrap().contains(&stranger));

    for words in ["is pinned in", "already"] {
        let right = sphere.booth(&["sphere", "pair", "127.0.0.1", "--fingerprint", &print]);
        let said = String::from_utf8(right.stdout).unwrap();
        assert!(right.status.success() && said.contains(words), "{said}");
    }
    let wrong = sphere.booth(&["sphere", "pair", "127.0.0.1", "--fingerprint", "SHA256:x"]);
    assert_eq!(wrong.status.code(), Some(1), "also of a key that is pinned");
    let text = fs::read_to_string(&known).unwrap();
    assert!(
        text.starts_with(other) && !text.contains(&stranger),
        "{text}"
    );
    assert_eq!(Remote::new(&sphere.config()).connect(), Ok(()));

    fs::write(&known, "").unwrap();
    let yes = format!(
        "printf 'yes\\n' | script -qec '{} sphere pair 127.0.0.1 {}' /dev/null",
        env!("CARGO_BIN_EXE_booth"),
        sphere.options().join(" ")
    );
    let yes = Command::new("sh").args(["-c", &yes]).output().unwrap();
    let said = String::from_utf8_lossy(&yes.stdout).into_owned();
    assert!(said.contains(&print), "{said}");
    assert_eq!(Remote::new(&sphere.config()).connect(), Ok(()), "{said}");
}
