//! Whom the booth talks to, and as whom.

use std::fs;
use std::process::Command;
use std::time::Duration;

use booth::sphere::known_hosts::{HostKey, Pinned};
use booth::sphere::private_key;
use booth::sphere::remote::Remote;
use booth::sphere::{Peer, SphereError};
use ssh2::Session;

use super::start;
use crate::common::lateness::Lateness;
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
    let late = Lateness::watch();
    let error = Remote::new(&config).connect().unwrap_err();
    assert!(matches!(error, SphereError::KeyRefused { .. }), "{error}");
    late.within("a refusal", Duration::from_secs(9));
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

#[test]
fn what_is_pinned_of_other_machines_raises_no_alarm() {
    let (_alone, mut sphere) = start(Kind::Plain);
    let rsa = sphere.path("host_rsa");
    let mut make = Command::new("ssh-keygen");
    make.args(["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f"]);
    assert!(make.arg(&rsa).status().unwrap().success());
    sphere.sshd_down();
    let config = fs::read_to_string(sphere.path("sshd_config")).unwrap();
    let both = format!("{config}HostKey {}\n", rsa.display());
    fs::write(sphere.path("sshd_config"), both).unwrap();
    sphere.sshd_up();

    let key = fs::read_to_string(sphere.path("host_rsa.pub")).unwrap();
    let [kind, key, ..] = key.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{key}")
    };
    let stranger = fs::read_to_string(sphere.path("stranger.pub")).unwrap();
    let port = sphere.config().port;
    for line in [
        format!("[127.0.0.1]:{port} {kind} {key}"),
        format!("  [127.0.0.1]:{port}\t{kind}\t{key}"),
    ] {
        let text = format!("elsewhere {stranger}{line}\nelse,where {stranger}");
        fs::write(sphere.path("known_hosts"), text).unwrap();
        assert_eq!(Remote::new(&sphere.config()).connect(), Ok(()), "{line}");
    }
}

#[test]
fn a_comment_in_another_encoding_hinders_nothing_and_stays_as_it_is() {
    let (_alone, sphere) = start(Kind::Plain);
    let known = sphere.path("known_hosts");
    let mut text = b"# salle d'\xe9coute\n".to_vec();
    text.extend(fs::read(&known).unwrap());
    text.truncate(text.trim_ascii_end().len());
    text.extend(b" \xe9\n");
    fs::write(&known, &text).unwrap();
    assert_eq!(Remote::new(&sphere.config()).connect(), Ok(()));
    let session = Session::new().unwrap();
    key("other", 7).pin(&session, &known).unwrap();
    assert!(fs::read(&known).unwrap().starts_with(&text));
}

#[test]
fn a_revoked_key_is_neither_trusted_nor_pinned_and_called_so() {
    let (_alone, sphere) = start(Kind::Plain);
    let print = fingerprint(&sphere.path("host_key.pub"));
    let known = sphere.path("known_hosts");
    let pinned = fs::read_to_string(&known).unwrap();
    let public = fs::read_to_string(sphere.path("host_key.pub")).unwrap();
    for blank in ["", " ", "\t"] {
        let text = format!("{pinned}{blank}@revoked\t* {public}");
        fs::write(&known, &text).unwrap();
        for args in [
            &["sphere", "status"][..],
            &["sphere", "pair", "127.0.0.1"],
            &["sphere", "pair", "127.0.0.1", "--fingerprint", &print],
        ] {
            let refused = sphere.booth(args);
            let said = String::from_utf8(refused.stderr).unwrap();
            assert!(
                refused.status.code() == Some(1) && said.contains("is revoked in"),
                "{args:?}: {said}"
            );
        }
        assert_eq!(fs::read_to_string(&known).unwrap(), text);
    }
}

#[test]
fn only_a_machine_on_the_network_can_be_paired_with() {
    for (host, remedy) in [
        ("localhost:22622", "sphere.port"),
        ("[::1]:22622", "sphere.port"),
        ("sphere@localhost", "user"),
        ("", "sphere.local"),
        ("sim", "sphere.local"),
    ] {
        let output = crate::common::run::booth()
            .args(["sphere", "pair", host])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(2) && said.contains(remedy),
            "{host}: {said}"
        );
    }
}

/// A host key of the machine `host`.
fn key(host: &str, last: u8) -> HostKey {
    let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
    blob.extend([last; 32]);
    HostKey {
        host: host.into(),
        port: 22,
        blob,
    }
}

#[test]
fn none_of_many_that_are_paired_at_the_same_time_is_lost() {
    let dir = crate::common::folder();
    let file = dir.path().join("known_hosts");
    let keys: Vec<HostKey> = (0..16).map(|n| key(&format!("sphere-{n}"), n)).collect();
    std::thread::scope(|scope| {
        for key in &keys {
            let file = &file;
            scope.spawn(move || key.pin(&Session::new().unwrap(), file).unwrap());
        }
    });
    let session = Session::new().unwrap();
    for key in &keys {
        assert_eq!(
            key.pinned(&session, &file),
            Ok(Pinned::Same),
            "{}",
            key.host
        );
    }
}

#[test]
fn pinning_through_a_link_leaves_the_link() {
    let dir = crate::common::folder();
    let (link, file) = (dir.path().join("link"), dir.path().join("of/known_hosts"));
    fs::create_dir(dir.path().join("of")).unwrap();
    std::os::unix::fs::symlink("of/known_hosts", &link).unwrap();
    let session = Session::new().unwrap();
    // The first finds no file there, the second has one to replace.
    for (host, lines) in [("sphere", 1), ("other", 2)] {
        key(host, 1).pin(&session, &link).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), lines);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}

#[test]
fn the_group_may_read_our_key_and_nothing_more() {
    use std::os::unix::fs::PermissionsExt;
    let dir = crate::common::folder();
    let path = dir.path().join("key");
    crate::common::sphere::keygen(&path);
    for (mode, is_good) in [
        (0o600, true),
        (0o640, true),
        (0o660, false),
        (0o620, false),
        (0o644, false),
    ] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(private_key::read(&path).is_ok(), is_good, "{mode:o}");
    }
}
