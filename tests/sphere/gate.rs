//! The restricted key: the wrapper lets it do what the booth needs and nothing else.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use booth::sphere::remote::Remote;
use booth::sphere::{Peer, SphereError};

use super::start;
use crate::common::sphere::{HOUSE, Kind, PROJECT, Sphere};
use crate::common::wait::wait_for;

/// Whether `output` is a refusal, and nothing of what was asked happened.
#[track_caller]
fn assert_refused(sphere: &Sphere, options: &[&str], command: &str) {
    let output = sphere.ssh(options, command);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.starts_with("refused: "),
        "{options:?} {command:?}: {output:?}"
    );
    assert_eq!(output.status.code(), Some(126), "{command:?}");
    assert!(!said.contains("uid="), "{command:?}: {said}");
    assert!(!sphere.path("home/pwned").exists(), "{command:?}");
}

#[test]
fn hostile_commands_are_refused() {
    let (_alone, sphere) = start(Kind::Helper);
    for command in [
        "id",
        "",
        "sh",
        "play; id",
        "booth-sphere helper; id",
        "booth-sphere helper\nid",
        "id\nbooth-sphere helper",
        "booth-sphere helper && id",
        "booth-sphere  helper",
        " booth-sphere helper",
        "booth-sphere helper ",
        "booth-sphere $(id)",
        "booth-sphere `id`",
        "$(touch ~/pwned)",
        "`touch ~/pwned`",
        "booth-sphere track $(touch ~/pwned)",
        "booth-sphere track `touch ~/pwned`",
        "booth-sphere track noise; touch ~/pwned",
        "booth-sphere track noise\ntouch ~/pwned",
        "booth-sphere track noise\nother",
        "booth-sphere track nois",
        "booth-sphere track ",
        "booth-sphere track",
        "booth-sphere track .*",
        "booth-sphere track -e",
        "booth-sphere track ../../etc/passwd",
        "booth-sphere track project:hall:/srv/other",
        "booth-sphere track *",
        "booth-sphere tracks /etc/passwd",
        "booth-sphere sunload",
        "booth-sphere sdel noise",
        "../../../bin/sh",
        "/bin/sh -c id",
        "ladish_control sload noise",
        "scp -t /tmp",
        "\u{1b}[2Jid",
    ] {
        assert_refused(&sphere, &[], command);
    }
    assert_refused(&sphere, &["-s"], "sftp");
    assert_refused(
        &sphere,
        &["-o", "SendEnv=*", "-o", "SetEnv=LD_PRELOAD=/x"],
        "id",
    );
}

#[test]
fn ports_are_not_forwarded_and_there_is_no_terminal() {
    let (_alone, sphere) = start(Kind::Helper);
    let forward = sphere.ssh(&["-W", "127.0.0.1:22"], "");
    let said = String::from_utf8_lossy(&forward.stderr).into_owned();
    assert!(
        !forward.status.success() && said.contains("prohibited"),
        "{said}"
    );
    let listen = ["-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:22"];
    let listen = sphere.ssh(&listen, "booth-sphere sname");
    assert!(!listen.status.success(), "{listen:?}");
    let pty = sphere.ssh(&["-tt"], "booth-sphere sname");
    let said = String::from_utf8_lossy(&pty.stderr).into_owned();
    assert!(said.contains("PTY allocation request failed"), "{said}");
}

#[test]
fn the_listed_tracks_and_no_others_are_loaded() {
    let (_alone, sphere) = start(Kind::Helper);
    let mut peer = Remote::new(&sphere.config());
    sphere.make_studio("third");
    peer.load("other").unwrap();
    assert_eq!(sphere.studio().as_deref(), Some("other"));
    let error = peer.load("third").unwrap_err();
    assert!(matches!(error, SphereError::Refused(_)), "{error}");
    assert!(error.to_string().contains("not in the list"), "{error}");
    assert_eq!(sphere.studio().as_deref(), Some("other"));
    sphere.load(HOUSE);
    peer.load(&sphere.project_track(PROJECT)).unwrap();
    let folder = sphere.project_folder(PROJECT);
    wait_for("the project", || {
        sphere.project("hall").as_ref() == Some(&folder)
    });
}

#[test]
fn setting_up_twice_changes_nothing_and_the_key_is_never_left_unrestricted() {
    let (_alone, sphere) = start(Kind::Helper);
    let keys = sphere.path("home/.ssh/authorized_keys");
    let once = fs::read_to_string(&keys).unwrap();
    assert!(once.starts_with("restrict,command="), "{once}");
    sphere.set_up(&["noise"]);
    assert_eq!(fs::read_to_string(&keys).unwrap(), once);
    let open = fs::read_to_string(sphere.path("key.pub")).unwrap();
    let other = fs::read_to_string(sphere.path("stranger.pub")).unwrap();
    fs::write(&keys, format!("{open}{other}")).unwrap();
    sphere.set_up(&[]);
    assert_eq!(fs::read_to_string(&keys).unwrap(), format!("{other}{once}"));
}

#[test]
fn hostile_questions_end_the_helper_or_are_refused() {
    let (_alone, sphere) = start(Kind::Helper);
    let mut witness = sphere.witness();
    let ask = |questions: &str| {
        let quoted = format!(
            "printf '{questions}' | ssh {} booth-sphere helper",
            ssh_words(&sphere)
        );
        let output = std::process::Command::new("sh")
            .args(["-c", &quoted])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = ask("1 state\\n2 exec\\n3 locate\\n4 locate 4294967296\\n5 play 7\\n6 stop\\n");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("booth-sphere 2 48000 1024"), "{said}");
    assert!(lines[1].starts_with("1 ok stopped "), "{said}");
    for (line, number) in lines[2..6].iter().zip(2..) {
        assert!(line.starts_with(&format!("{number} refused: ")), "{said}");
    }
    assert_eq!(lines[6], "6 ok");
    for hostile in [
        "state\\n",
        "1 locate -5\\n",
        "1 locate abc\\n",
        "1 locate 1 2\\n",
        "x state\\n",
    ] {
        let said = ask(&format!("{hostile}9 play\\n"));
        assert_eq!(said.lines().count(), 1, "{hostile}: {said}");
    }
    assert!(!witness.look().rolling);
}

#[test]
fn a_shell_profile_that_prints_is_asked_about_and_is_no_refusal() {
    for kind in [Kind::Helper, Kind::Plain] {
        let (_alone, sphere) = start(kind);
        fs::write(sphere.path("home/.bashrc"), "echo Welcome to the sphere\n").unwrap();
        let error = Remote::new(&sphere.config()).connect().unwrap_err();
        let said = error.to_string();
        assert!(!matches!(error, SphereError::Refused(_)), "{said}");
        assert!(
            said.contains("`Welcome to the sphere`") && said.contains("shell profile"),
            "{said}"
        );
    }
}

fn ssh_words(sphere: &Sphere) -> String {
    let config = sphere.config();
    format!(
        "-F none -i {} -o UserKnownHostsFile={} -o BatchMode=yes -p {} {}@127.0.0.1",
        config.key.display(),
        config.known_hosts.display(),
        config.port,
        config.user
    )
}

#[test]
fn what_is_no_ssh_at_all_gets_no_further() {
    let (_alone, sphere) = start(Kind::Helper);
    let mut socket = TcpStream::connect(("127.0.0.1", sphere.config().port)).unwrap();
    socket.write_all(b"play\r\n").unwrap();
    let mut said = Vec::new();
    let _ = socket.read_to_end(&mut said);
    assert!(String::from_utf8_lossy(&said).starts_with("SSH-2.0-"));
}
