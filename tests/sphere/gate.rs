//! The restricted key: the wrapper lets it do what the booth needs and nothing else.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use booth::sphere::remote::Remote;
use booth::sphere::{Peer, SphereError};

use super::start;
use crate::common::sphere::ladish::Switch;
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
        "booth-sphere punload",
        "booth-sphere punload ",
        "booth-sphere punload hal",
        "booth-sphere punload *",
        "booth-sphere punload hall:",
        "booth-sphere punload hall:/",
        "booth-sphere punload hall ",
        "booth-sphere punload -h",
        "booth-sphere punload hall; touch ~/pwned",
        "booth-sphere punload $(touch ~/pwned)",
        "booth-sphere punload hall\ntouch ~/pwned",
        "booth-sphere rooms hall",
        "booth-sphere loading; touch ~/pwned",
        "booth-sphere loaded",
        "booth-sphere stray `touch ~/pwned`",
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

/// What the gate prints for a command that it does not refuse.
#[track_caller]
fn said(sphere: &Sphere, command: &str) -> String {
    let output = sphere.ssh(&[], &format!("booth-sphere {command}"));
    assert!(output.status.success(), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_projects_of_rooms_are_told_and_unloaded() {
    let (_alone, sphere) = start(Kind::Helper);
    assert_eq!(said(&sphere, "rooms"), "--- rooms\n[]\n");
    sphere.load(HOUSE);
    let none = "--- rooms\n[[\"hall\", null]]\n";
    assert_eq!(said(&sphere, "rooms"), none);
    let track = format!("track {}", sphere.project_track(PROJECT));
    assert_eq!(said(&sphere, &track), "--- load project\n");
    let folder = sphere.project_folder(PROJECT);
    let runs = format!("--- rooms\n[[\"hall\", \"{folder}\"]]\n");
    wait_for("the project", || said(&sphere, "rooms") == runs);
    assert_eq!(said(&sphere, "punload hall"), "--- unload project\n");
    wait_for("its end", || said(&sphere, "rooms") == none);
    sphere.bus_away();
    let output = sphere.ssh(&[], "booth-sphere rooms");
    assert!(output.stdout.is_empty() && output.status.code() == Some(1));
    sphere.bus_back();
    sphere.module_away();
    for verb in ["rooms", "slist", "punload hall"] {
        assert_eq!(said(&sphere, verb), "no module dbus\n", "{verb}");
    }
}

#[test]
fn odd_rooms_and_folders_pass_exactly_and_a_folder_that_is_not_there_changes_nothing() {
    let (_alone, sphere) = start(Kind::Helper);
    let log = sphere.path("words");
    let script = format!("#!/bin/sh\nprintf '%s|' \"$@\" >>{}\n", log.display());
    sphere.put("bin/ladish_control", &script);
    for room in [
        "a b",
        "-x",
        "$(touch ~/pwned)",
        "*",
        "it's",
        "\"`id`\"",
        "é\\",
        " ",
    ] {
        let folder = sphere.path(&format!("projects/{}/x", room.replace('/', "_")));
        fs::create_dir_all(&folder).unwrap();
        let (folder, track) = (
            folder.display(),
            format!("project:{room}:{}", folder.display()),
        );
        sphere.set_up(&[&track]);
        let gone = format!("no project {folder}\n");
        assert_eq!(said(&sphere, &format!("track {track}")), gone);
        assert!(!log.exists() && said(&sphere, "loading") == "--- loading\n");
        fs::write(format!("{folder}/ladish-project.xml"), "").unwrap();
        said(&sphere, &format!("track {track}"));
        let mark = said(&sphere, "loading");
        assert!(mark.ends_with(&format!(" {track}\n")), "{mark}");
        assert_eq!(said(&sphere, &format!("loaded {track}")), "done\n");
        said(&sphere, &format!("punload {room}"));
        let words = fs::read_to_string(&log).unwrap();
        assert_eq!(words, format!("pload|{room}|{folder}|punload|{room}|"));
        fs::remove_file(&log).unwrap();
    }
    assert!(!sphere.path("home/pwned").exists());
}

#[test]
fn the_mark_of_a_load_tells_its_age_and_one_of_an_earlier_boot_is_none() {
    let (_alone, sphere) = start(Kind::Helper);
    sphere.put("bin/ladish_control", "#!/bin/sh\necho --- studio load\n");
    assert_eq!(said(&sphere, "loading"), "--- loading\n");
    assert_eq!(said(&sphere, "track other"), "--- studio load\n");
    let mark = said(&sphere, "loading");
    assert!(
        ["--- loading\n0 other\n", "--- loading\n1 other\n"].contains(&&*mark),
        "{mark}"
    );
    let path = sphere.path("run/.booth-sphere/loading");
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    let now: u64 = uptime.split('.').next().unwrap().parse().unwrap();
    fs::write(&path, format!("{}  a  b \n", now - 40)).unwrap();
    let mark = said(&sphere, "loading");
    assert!(
        mark.starts_with("--- loading\n4") && mark.ends_with("  a  b \n"),
        "{mark:?}"
    );
    for none in [
        format!("{} other\n", now + 1000),
        "x y\n".into(),
        "".into(),
        "$(id) y\n".into(),
    ] {
        fs::write(&path, &none).unwrap();
        assert_eq!(said(&sphere, "loading"), "--- loading\n", "{none}");
        assert_eq!(said(&sphere, "track other"), "--- studio load\n", "{none}");
        for another in ["noise", "$(touch ~/pwned)", "*"] {
            assert_eq!(said(&sphere, &format!("loaded {another}")), "done\n");
        }
        assert!(path.exists(), "that of another load stays");
        for _ in 0..2 {
            assert_eq!(said(&sphere, "loaded other"), "done\n");
            assert!(!path.exists());
        }
    }
    assert!(!sphere.path("home/pwned").exists());
}

#[test]
fn of_many_who_load_at_once_one_does() {
    let (_alone, sphere) = start(Kind::Helper);
    sphere.switch_to(Switch::LoadWaits, 1.0);
    let mut all = std::thread::scope(|scope| {
        let sphere = &sphere;
        let load = |track| scope.spawn(move || said(sphere, track));
        let loads = ["track other", "track house", "track other", "track house"].map(load);
        loads.map(|load| load.join().unwrap())
    });
    all.sort_unstable();
    assert_eq!(all[0], "--- studio load\n");
    assert!(all[1..].iter().all(|it| it == "another load\n"), "{all:?}");
}

#[test]
fn a_jackd_beside_ladish_is_told() {
    let (_alone, sphere) = start(Kind::Helper);
    let stray = sphere.stray_jackd();
    assert_eq!(said(&sphere, "stray"), "--- stray\nyes\n");
    drop(stray);
}

#[test]
fn a_ladish_that_hangs_is_told_as_such_both_ways() {
    for kind in [Kind::Helper, Kind::Plain] {
        let (_alone, sphere) = start(kind);
        let mut peer = Remote::new(&sphere.config());
        peer.studios().unwrap();
        sphere.put("bin/ladish_control", "#!/bin/sh\nexec sleep 20\n");
        let hangs = Err(SphereError::Hangs("ladish_control"));
        assert_eq!(peer.studios(), hangs, "{kind:?}");
        if kind == Kind::Helper {
            let output = sphere.ssh(&[], "booth-sphere slist");
            assert_eq!(output.status.code(), Some(137), "{output:?}");
        }
        sphere.put(
            "bin/ladish_control",
            "#!/bin/sh\nkill -s KILL $PPID; kill -s KILL $$\n",
        );
        assert_eq!(peer.studios(), hangs, "the signal itself");
    }
}

#[test]
fn a_gate_that_is_gone_asks_for_setup() {
    let (_alone, sphere) = start(Kind::Helper);
    let mut peer = Remote::new(&sphere.config());
    peer.studios().unwrap();
    fs::remove_dir_all(sphere.path("home/.local/share/booth-sphere")).unwrap();
    assert_eq!(peer.studios(), Err(SphereError::GateGone));
    let mut anew = Remote::new(&sphere.config());
    assert_eq!(anew.position(), Err(SphereError::GateGone));
    let said = SphereError::GateGone.to_string();
    assert!(said.contains("run setup"), "{said}");
    sphere.set_up(&[]);
    anew.position().unwrap();
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
