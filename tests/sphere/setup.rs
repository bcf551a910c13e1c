//! `deploy/sphere/setup` in a home of its own: what it leaves in authorized_keys and in the list.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Output};

/// A home on the sphere, and the booth's public key.
struct Home {
    dir: tempfile::TempDir,
    key: String,
}

impl Home {
    fn new() -> Home {
        let dir = crate::common::folder();
        let mut home = Home {
            dir,
            key: String::new(),
        };
        home.key = home.new_key("key");
        fs::create_dir(home.path(".ssh")).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Makes a key; its public half, of one line.
    fn new_key(&self, name: &str) -> String {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", "ed25519", "-N", "", "-C", "somebody", "-f"]);
        assert!(command.arg(self.path(name)).status().unwrap().success());
        fs::read_to_string(self.path(name).with_extension("pub")).unwrap()
    }

    fn set_up(&self, public: &str, options: &[&str]) -> Output {
        fs::write(self.path("public"), public).unwrap();
        Command::new("sh")
            .args(["-c", "umask 000 && exec deploy/sphere/setup \"$@\"", "sh"])
            .arg(self.path("public"))
            .args(options)
            .env("HOME", self.dir.path())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap()
    }

    /// With the booth's key, and well.
    fn done(&self, options: &[&str]) {
        let output = self.set_up(&self.key, options);
        assert!(output.status.success(), "{}", said(&output));
    }

    fn keys(&self) -> String {
        fs::read_to_string(self.path(".ssh/authorized_keys")).unwrap()
    }

    fn put_keys(&self, text: &str) {
        fs::write(self.path(".ssh/authorized_keys"), text).unwrap();
    }

    /// The line that the key is to have.
    fn line(&self) -> String {
        let to = self.path(".local/share/booth-sphere/gate");
        format!("restrict,command=\"{}\" {}", to.display(), self.key)
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_key_is_restricted_whatever_stood_there_and_others_keep_theirs() {
    let home = Home::new();
    let other = home.new_key("other");
    let words: Vec<&str> = home.key.split_whitespace().collect();
    let bare = format!("{} {} admin\n", words[0], words[1]);
    for before in [
        String::new(),
        bare.clone(),
        home.key.clone(),
        format!("no-pty {bare}{bare}"),
        home.line(),
        format!("{bare}{}", home.line()),
        bare.trim_end().to_owned(),
    ] {
        home.put_keys(&format!("{other}{before}"));
        home.done(&[]);
        assert_eq!(home.keys(), format!("{other}{}", home.line()), "{before:?}");
    }
    // Without a comment and with the line ends of Windows.
    home.put_keys(&format!("{other}{bare}"));
    let windows = format!("{} {}\r\n", words[0], words[1]);
    assert!(home.set_up(&windows, &[]).status.success());
    assert_eq!(
        home.keys(),
        format!("{other}{}\n", home.line().trim_end_matches(" somebody\n"))
    );
    // What was added before the restriction, and what is a comment, stays.
    let kept = format!("# {bare}{other}from=\"10.0.0.1\",{}", home.line());
    home.put_keys(&kept);
    home.done(&[]);
    assert_eq!(home.keys(), kept);
    home.put_keys(&format!("# {}", home.line()));
    home.done(&[]);
    assert_eq!(home.keys(), format!("# {0}{0}", home.line()));
}

#[test]
fn a_key_that_is_not_whole_changes_nothing() {
    let home = Home::new();
    let others = home.new_key("other") + &home.new_key("another");
    home.put_keys(&others);
    for part in [
        "ssh-ed25519 AAAA",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI",
        &home.key[..60],
        "",
        "ssh-rsa AAAA",
        &format!("{}{}", home.key, home.key),
    ] {
        let output = home.set_up(part, &[]);
        assert!(!output.status.success(), "{part}");
        assert!(said(&output).contains("key"), "{}", said(&output));
        assert_eq!(home.keys(), others, "{part}");
    }
}

#[test]
fn a_list_without_a_last_line_end_loses_no_track_and_nobody_else_may_write_it() {
    let home = Home::new();
    home.done(&["noise"]);
    let to = home.path(".local/share/booth-sphere");
    fs::write(to.join("tracks"), "noise\nstorm").unwrap();
    home.done(&["-rf", "noise"]);
    let tracks = fs::read_to_string(to.join("tracks")).unwrap();
    assert_eq!(tracks, "noise\nstorm\n-rf\n");
    for path in ["", "gate", "helper", "ears.py", "rooms", "tracks"].map(|name| to.join(name)) {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o022, 0, "{}: {mode:o}", path.display());
    }
}

#[test]
fn keys_behind_a_link_stay_there_and_odd_places_are_refused() {
    let home = Home::new();
    fs::write(home.path("elsewhere"), "").unwrap();
    symlink(home.path("elsewhere"), home.path(".ssh/authorized_keys")).unwrap();
    home.done(&[]);
    assert!(home.path(".ssh/authorized_keys").is_symlink());
    assert_eq!(home.keys(), home.line());
    let mut relative = Command::new("deploy/sphere/setup");
    relative.arg(home.path("key.pub"));
    relative
        .env("HOME", home.dir.path())
        .env("BOOTH_SPHERE_DIR", "there");
    let output = relative
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        said(&output).contains("must begin with /"),
        "{}",
        said(&output)
    );
}
