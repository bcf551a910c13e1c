//! The machines that this program trusts: pinned host keys.
//!
//! Guarantees: nothing is sent to a machine whose key is not in known_hosts (hashed or not) or is
//! revoked there. Pinning a key loses nothing else of that file, and no other key that is pinned at
//! the same time.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use ssh2::{CheckResult, KnownHostFileKind, Session};

use super::SphereError;
use crate::files::small;

/// Kinds of host keys, best first.
const KINDS: [&str; 6] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// A machine and the host key that it showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// The host name that was asked for.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The key as SSH sends it.
    pub blob: Vec<u8>,
}

/// How a machine's key compares with the pinned ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// It is the pinned one.
    Same,
    /// The machine is not known.
    Unknown,
    /// The machine is known with another key.
    Changed,
}

impl HostKey {
    /// `SHA256:…`, as ssh-keygen prints it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.blob);
        format!("SHA256:{}", BASE64_STANDARD_NO_PAD.encode(digest))
    }

    /// The type, for example `ssh-ed25519`: the blob begins with it.
    #[must_use]
    pub fn kind(&self) -> &str {
        let length = self.blob.get(3).map_or(0, |byte| usize::from(*byte));
        let name = self.blob.get(4..4 + length);
        name.and_then(|name| std::str::from_utf8(name).ok())
            .unwrap_or("unknown")
    }

    /// The machine's name in known_hosts.
    fn name(&self) -> String {
        match self.port {
            22 => self.host.clone(),
            port => format!("[{}]:{port}", self.host),
        }
    }

    /// How it compares with one line of known_hosts.
    fn against(&self, session: &Session, line: &str) -> Result<Pinned, ssh2::Error> {
        against(session, line, &self.host, self.port, &self.blob)
    }

    /// How it compares with the pinned keys in `file`; a missing file has no keys.
    ///
    /// # Errors
    /// A file or line that cannot be read.
    pub fn pinned(&self, session: &Session, file: &Path) -> Result<Pinned, SphereError> {
        let mut found = Pinned::Unknown;
        for (number, line) in lines(&read_hosts(file)?).enumerate() {
            if !is_entry(&line) {
                continue;
            }
            let unreadable = |error: ssh2::Error| {
                let number = number + 1;
                bad(
                    file,
                    format!("line {number} is no host key ({error}); remove it"),
                )
            };
            match self.against(session, &line).map_err(unreadable)? {
                Pinned::Same => found = Pinned::Same,
                Pinned::Changed if found == Pinned::Unknown => found = Pinned::Changed,
                _ => {}
            }
        }
        Ok(found)
    }

    /// Whether `file` says that no machine may have this key any more.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn is_revoked(&self, file: &Path) -> Result<bool, SphereError> {
        let key = BASE64_STANDARD.encode(&self.blob);
        Ok(lines(&read_hosts(file)?).any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some("@revoked") && words.any(|word| word == key)
        }))
    }

    /// Pins the key in `file`, in place of other keys of this machine; all other lines stay byte
    /// for byte.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn pin(&self, session: &Session, file: &Path) -> Result<(), SphereError> {
        let unwritten =
            |error: io::Error| bad(file, format!("cannot be written: {}", remedied(&error)));
        let target = target(file);
        // Held until the end: a process that pins another machine reads what is written here.
        let folder = target.parent().filter(|it| *it != Path::new(""));
        let folder = File::open(folder.unwrap_or(Path::new("."))).map_err(unwritten)?;
        folder.lock().map_err(unwritten)?;
        let mut text = Vec::new();
        for line in read_hosts(file)?.split_inclusive(|byte| *byte == b'\n') {
            text.extend(self.without_us(session, line));
        }
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        let key = BASE64_STANDARD.encode(&self.blob);
        text.extend(format!("{} {} {key}\n", self.name(), self.kind()).bytes());
        small::write(&target, &text, small::PUBLIC).map_err(unwritten)
    }

    /// `line` without this machine; other machines that share the line stay.
    fn without_us(&self, session: &Session, line: &[u8]) -> Vec<u8> {
        let is_ours = |line: &str| {
            let found = self.against(session, line.trim_end());
            is_entry(line) && found.is_ok_and(|found| found != Pinned::Unknown)
        };
        let text = String::from_utf8_lossy(line);
        if !is_ours(&text) {
            return line.to_owned();
        }
        let Some((names, key)) = text.trim_start().split_once(char::is_whitespace) else {
            return line.to_owned();
        };
        let is_other = |name: &&str| !is_ours(&format!("{name} {key}"));
        let others: Vec<&str> = names.split(',').filter(is_other).collect();
        if others.is_empty() {
            return Vec::new();
        }
        format!("{} {key}", others.join(",")).into_bytes()
    }
}

/// How a machine with this key compares with one line of known_hosts.
fn against(
    session: &Session,
    line: &str,
    host: &str,
    port: u16,
    key: &[u8],
) -> Result<Pinned, ssh2::Error> {
    let mut known = session.known_hosts()?;
    known.read_str(line, KnownHostFileKind::OpenSSH)?;
    Ok(match known.check_port(host, port, key) {
        CheckResult::Match => Pinned::Same,
        CheckResult::Mismatch => Pinned::Changed,
        CheckResult::NotFound | CheckResult::Failure => Pinned::Unknown,
    })
}

fn is_entry(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with(['#', '@'])
}

fn bad(file: &Path, reason: String) -> SphereError {
    SphereError::KnownHosts {
        file: file.display().to_string(),
        reason,
    }
}

/// A write error, and what to do.
fn remedied(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("{error}; make room on that disk and repeat")
        }
        _ => format!("{error}; may you write that folder?"),
    }
}

/// The real path of `file`: itself, or the target if it is a link, even if the target is not there
/// yet.
fn target(file: &Path) -> PathBuf {
    let next = || {
        let beside = file.parent().unwrap_or(Path::new(""));
        fs::read_link(file).map(|to| beside.join(to))
    };
    fs::canonicalize(file)
        .or_else(|_| next())
        .unwrap_or_else(|_| file.to_owned())
}

/// The content of known_hosts, whose comments may have any encoding; empty if there is no file.
fn read_hosts(file: &Path) -> Result<Vec<u8>, SphereError> {
    let bytes = small::read(file).map_err(|error| bad(file, format!("cannot be read: {error}")))?;
    Ok(bytes.unwrap_or_default())
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    bytes
        .split(|byte| *byte == b'\n')
        .map(String::from_utf8_lossy)
}

/// The kinds of host keys to ask the machine for: first those that are pinned for it. Otherwise a
/// machine that is known by its RSA key alone would look like another one.
///
/// # Errors
/// A file that cannot be read.
pub fn wanted_kinds(
    session: &Session,
    host: &str,
    port: u16,
    file: &Path,
) -> Result<String, SphereError> {
    let text = read_hosts(file)?;
    // A key that no machine has, because the question is about the names of the line.
    let is_ours = |line: &str| {
        let found = against(session, line, host, port, b"none");
        is_entry(line) && found.is_ok_and(|found| found != Pinned::Unknown)
    };
    let ours: Vec<_> = lines(&text).filter(|line| is_ours(line)).collect();
    let is_pinned = |kind: &&str| {
        let family = if kind.starts_with("rsa-") {
            "ssh-rsa"
        } else {
            kind
        };
        let mut kinds = ours
            .iter()
            .filter_map(|line| line.split_whitespace().nth(1));
        kinds.any(|kind| kind == family)
    };
    let (mut first, rest): (Vec<&str>, Vec<&str>) = KINDS.iter().partition(|kind| is_pinned(kind));
    first.extend(rest);
    Ok(first.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(host: &str, port: u16, last: u8) -> HostKey {
        let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
        blob.extend([last; 32]);
        HostKey {
            host: host.into(),
            port,
            blob,
        }
    }

    #[test]
    fn pinning_replaces_our_line_and_keeps_all_others() {
        let session = Session::new().expect("a session");
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("known_hosts");
        let (ours, other) = (key("sphere", 22, 1), key("other", 2222, 2));
        assert_eq!(ours.pinned(&session, &file), Ok(Pinned::Unknown));
        ours.pin(&session, &file).expect("pinned");
        other.pin(&session, &file).expect("pinned");
        assert_eq!(ours.pinned(&session, &file), Ok(Pinned::Same));
        assert_eq!(other.pinned(&session, &file), Ok(Pinned::Same));
        let text = fs::read_to_string(&file).expect("read");
        let shared = text.replace("sphere ", "sphere,mirror ") + "# a comment\n@revoked x y z";
        fs::write(&file, shared).expect("written");
        let anew = key("sphere", 22, 9);
        assert_eq!(anew.pinned(&session, &file), Ok(Pinned::Changed));
        anew.pin(&session, &file).expect("pinned");
        assert_eq!(anew.pinned(&session, &file), Ok(Pinned::Same));
        assert_eq!(ours.pinned(&session, &file), Ok(Pinned::Changed));
        let text = fs::read_to_string(&file).expect("read");
        assert_eq!(text.lines().count(), 5, "{text}");
        assert!(text.starts_with("mirror ssh-ed25519 "), "{text}");
        assert!(text.contains("# a comment\n@revoked x y z\n"), "{text}");
        assert_eq!(
            key("mirror", 22, 1).pinned(&session, &file),
            Ok(Pinned::Same)
        );
        assert_eq!(other.pinned(&session, &file), Ok(Pinned::Same));
    }

    #[test]
    fn a_hashed_name_is_found_and_a_revoked_key_is_not_trusted() {
        let session = Session::new().expect("a session");
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("known_hosts");
        let ours = key("sphere", 22, 1);
        ours.pin(&session, &file).expect("pinned");
        let hashed = std::process::Command::new("ssh-keygen")
            .args(["-q", "-H", "-f"])
            .arg(&file)
            .output();
        assert!(hashed.expect("ssh-keygen").status.success());
        let text = fs::read_to_string(&file).expect("read");
        assert!(text.starts_with("|1|"), "{text}");
        assert_eq!(ours.pinned(&session, &file), Ok(Pinned::Same));
        assert_eq!(
            key("sphere", 22, 2).pinned(&session, &file),
            Ok(Pinned::Changed)
        );
        let blob = BASE64_STANDARD.encode(&ours.blob);
        fs::write(&file, format!("{text}@revoked * ssh-ed25519 {blob}\n")).expect("written");
        assert_eq!(ours.is_revoked(&file), Ok(true));
        assert_eq!(key("sphere", 22, 2).is_revoked(&file), Ok(false));
    }

    #[test]
    fn a_kind_of_key_that_is_pinned_of_this_machine_is_asked_for_first() {
        let session = Session::new().expect("a session");
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("known_hosts");
        let first = |lines: &[(&str, &str)]| {
            let line =
                |(names, kind): &(&str, &str)| format!("{names}\t{kind} {}\n", "A".repeat(64));
            let text: String = lines.iter().map(line).collect();
            fs::write(&file, text).expect("written");
            let kinds = wanted_kinds(&session, "sphere", 22, &file).expect("kinds");
            kinds.split(',').next().unwrap_or_default().to_owned()
        };
        let other = ("other", "ssh-ed25519");
        assert_eq!(first(&[]), "ssh-ed25519");
        assert_eq!(first(&[("sphere", "ssh-rsa")]), "rsa-sha2-512");
        assert_eq!(first(&[other, ("a,sphere", "ssh-rsa")]), "rsa-sha2-512");
        assert_eq!(first(&[("other", "ssh-rsa")]), "ssh-ed25519");
    }

    #[test]
    fn a_full_disk_has_a_remedy_of_its_own() {
        let full = remedied(&io::ErrorKind::StorageFull.into());
        assert!(full.contains("room"), "{full}");
        let denied = remedied(&io::ErrorKind::PermissionDenied.into());
        assert!(denied.contains("write that folder"), "{denied}");
    }
}
