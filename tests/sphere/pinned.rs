//! known_hosts: what ssh says of a machine's key by a file, we say by the same file.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use booth::config;
use booth::sphere::known_hosts::Pinned;
use booth::sphere::ssh::Link;

use crate::common::wait::wait_for;

/// An SSH server with a key of its own, which lets nobody in.
struct Machine {
    dir: tempfile::TempDir,
    port: u16,
    sshd: Child,
}

impl Machine {
    fn start() -> Machine {
        let dir = crate::common::folder();
        let path = |name: &str| dir.path().join(name);
        for (kind, name) in [
            ("ed25519", "host"),
            ("ed25519", "other"),
            ("rsa", "rsa"),
            ("ecdsa", "ecdsa"),
        ] {
            let mut make = Command::new("ssh-keygen");
            make.args(["-q", "-t", kind, "-N", "", "-C", "", "-f"]);
            assert!(make.arg(path(name)).status().unwrap().success());
        }
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let settings = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nUsePAM no\n\
             MaxStartups 100\n",
            path("host").display()
        );
        fs::write(path("sshd_config"), settings).unwrap();
        // It asks for that folder, and a container may be without.
        let _ = fs::create_dir_all("/run/sshd");
        let sshd = Command::new("/usr/sbin/sshd")
            .arg("-De")
            .arg("-f")
            .arg(path("sshd_config"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for("sshd", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Machine { dir, port, sshd }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn key(&self, name: &str) -> String {
        let text = fs::read_to_string(self.path(name).with_extension("pub")).unwrap();
        text.trim_end().to_owned()
    }

    /// What ssh says of `host` by this file.
    fn of_ssh(&self, file: &Path, host: &str) -> Pinned {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "/dev/null", "-o", "BatchMode=yes"]);
        ssh.args(["-o", "StrictHostKeyChecking=yes"]);
        ssh.args(["-o", "GlobalKnownHostsFile=/dev/null", "-o"]);
        ssh.arg(format!("UserKnownHostsFile={}", file.display()));
        ssh.args(["-p", &self.port.to_string(), host, "true"]);
        let output = ssh.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let has = |words: &str| said.contains(words);
        match () {
            () if has("REVOKED HOST KEY") => Pinned::Revoked,
            () if has("IDENTIFICATION HAS CHANGED") => Pinned::Changed,
            () if has("host key is known for") => Pinned::Unknown,
            () if has("Permission denied") => Pinned::Same,
            () => panic!("ssh: {said}"),
        }
    }

    /// What we say of it.
    fn of_ours(&self, file: &Path, host: &str) -> Pinned {
        let sphere = config::Sphere {
            host: host.into(),
            port: self.port,
            known_hosts: file.into(),
            ..config::Sphere::default()
        };
        let until = Instant::now() + Duration::from_secs(30);
        let link = Link::shake_hands(&sphere, until).unwrap();
        let key = link.host_key(&sphere).unwrap();
        link.pinned(&key, &sphere).unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
    }
}

/// Files for a machine that is `127.0.0.1` and `localhost`, with what stands for its key and others':
/// `H` its name with the port, `K` its key, `B` the key's text alone, `O R E` other keys.
const FILES: &[&str] = &[
    "",
    "H K\n",
    "H K\r\n",
    "H K comment\r\n",
    "H ssh-ed25519 B\r\r\n",
    "H K",
    "  H\tK\t\n",
    "H ssh-ed25519 B#c\n",
    "H ssh-ed25519 B\0 more\n",
    "H\r K\n",
    "H ssh-ed25519\r B\n",
    "\u{feff}H K\n",
    "# H K\n",
    "#\r\n\r\n \t\r\nH K\r\n",
    "H O\n",
    "H O\r\nH K\r\n",
    "H R\n",
    "H E\n",
    "127.0.0.1 K\n",
    "127.0.0.1 O\n",
    "127.0.0.1 R\n",
    "H O\n127.0.0.1 K\n",
    "[127.0.0.1]:22 K\n",
    "[127.0.0.1]:1 O\n",
    "[127.0.0.1]:1 O\nH K\n",
    "* K\n",
    "* O\n",
    "[127.0.0.?]:* K\n",
    "[127.*.1]:* O\n",
    "*,!H O\n",
    "!H,* K\n",
    "!H,H K\n",
    "!127.0.0.1,!H,* K\n",
    "!other,* K\n",
    "!other K\n",
    "H,!nobody O\n",
    "other,H K\n",
    ",H, K\n",
    "H ,K\n",
    "@revoked H K\n",
    "@revoked H K\nH K\n",
    "H K\n@revoked * K\r\n",
    " @revoked * K\nH K\n",
    "@revoked elsewhere K\nH K\n",
    "@revoked H O\nH K\n",
    "@revoked 127.0.0.1 K\nH K\n",
    "@revoked 127.0.0.1 K\n",
    "@revoked @revoked * K\nH K\n",
    "@revoked\n@revoked *\nH K\n",
    "@Revoked * K\nH K\n",
    "@cert-authority * K\n",
    "@cert-authority * O\nH K\n",
    "@cert-authority H O\n",
    "@other H K\n",
    "@ H K\n",
    "H 1024 35 1234567\n",
    "H 1024 35 1234567\nH K\n",
    "H ssh-new AAAA\nH K\n",
    "H ssh-new AAAA\n",
    "H\nH K\n",
    "H ssh-ed25519\nH K\n",
    "H ssh-ed25519 AAAA\n",
    "H SSH-ED25519 B\n",
    "H ssh-rsa B\n",
    "H ssh-ed25519 !!!!\nH K\n",
    "|1|AAAA|BBBB K\nH K\n",
    "|1|AAAA|BBBB K\n",
    "|1|junk K\nH K\n",
    "|2|junk K\n",
    "| K\n",
];

/// Files for a machine that is called by its name, in large letters or small.
const NAMES: &[(&str, &str)] = &[
    ("localhost", "[LocalHost]:P K\n"),
    ("LOCALHOST", "[localhost]:P K\n"),
    ("LocalHost", "[LOCALHOST]:P O\n"),
    ("localhost", "[LOCAL*]:P K\n"),
    ("LOCALHOST", "LocalHost K\n"),
];

#[test]
fn ssh_says_the_same_of_the_same_file() {
    let machine = Machine::start();
    let file = machine.path("known_hosts");
    let name = format!("[127.0.0.1]:{}", machine.port);
    let (key, port) = (machine.key("host"), machine.port.to_string());
    let base64 = key.split(' ').nth(1).unwrap().to_owned();
    let filled = |text: &str| {
        let part = |letter: char| match letter {
            'H' => name.clone(),
            'K' => key.clone(),
            'B' => base64.clone(),
            'O' => machine.key("other"),
            'R' => machine.key("rsa"),
            'E' => machine.key("ecdsa"),
            'P' => port.clone(),
            letter => letter.to_string(),
        };
        let is_alone = |at: usize| {
            let side = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '-');
            side(text[..at].chars().next_back()) && side(text[at + 1..].chars().next())
        };
        let letters = text.char_indices().map(|(at, letter)| {
            if letter.is_ascii_uppercase() && is_alone(at) {
                part(letter)
            } else {
                letter.to_string()
            }
        });
        letters.collect::<String>()
    };
    let mut seen = Vec::new();
    let numbers = FILES.iter().map(|text| ("127.0.0.1", *text));
    for (host, text) in numbers.chain(NAMES.iter().copied()) {
        for is_hashed in [false, true] {
            fs::write(&file, filled(text)).unwrap();
            if is_hashed {
                // Some of these files it cannot read; then they are as they were.
                let mut hash = Command::new("ssh-keygen");
                hash.args(["-q", "-H", "-f"]).arg(&file);
                hash.output().unwrap();
            }
            let (ssh, ours) = (machine.of_ssh(&file, host), machine.of_ours(&file, host));
            assert_eq!(ours, ssh, "{host} by {text:?}, hashed: {is_hashed}");
            seen.push(ssh);
        }
    }
    for outcome in [
        Pinned::Same,
        Pinned::Unknown,
        Pinned::Changed,
        Pinned::Revoked,
    ] {
        assert!(
            seen.iter().filter(|one| **one == outcome).count() > 3,
            "{outcome:?}"
        );
    }
}

#[test]
fn pairing_one_port_leaves_what_is_pinned_of_others() {
    let machine = Machine::start();
    let file = machine.path("known_hosts");
    let print = Command::new("ssh-keygen")
        .arg("-lf")
        .arg(machine.path("host.pub"))
        .output();
    let print = String::from_utf8(print.unwrap().stdout).unwrap();
    let print = print.split(' ').nth(1).unwrap();
    let others = format!(
        "127.0.0.1 {} the machine at port 22\r\n[127.0.0.1]:1 {}\n",
        machine.key("other"),
        machine.key("rsa")
    );
    fs::write(&file, &others).unwrap();
    let pair = |more: &[&str]| {
        let mut booth = crate::common::run::booth();
        booth
            .arg("--set")
            .arg(format!("sphere.known_hosts={}", file.display()));
        booth
            .arg("--set")
            .arg(format!("sphere.port={}", machine.port));
        booth.args(["sphere", "pair", "127.0.0.1"]).args(more);
        booth.stdin(Stdio::null()).output().unwrap()
    };
    let asked = String::from_utf8(pair(&[]).stderr).unwrap();
    assert!(
        asked.contains(print) && !asked.contains("ANOTHER KEY"),
        "{asked}"
    );
    assert!(pair(&["--fingerprint", print]).status.success());
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with(&others), "{text}");
    assert_eq!(machine.of_ours(&file, "127.0.0.1"), Pinned::Same);
    assert_eq!(machine.of_ssh(&file, "127.0.0.1"), Pinned::Same);
}
