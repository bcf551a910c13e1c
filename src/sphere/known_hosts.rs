//! The machines that this program trusts: pinned host keys.
//!
//! Guarantees: nothing is sent to a machine whose key is not in known_hosts (hashed or not) or is
//! revoked there; ssh says the same of the same file. Pinning a key loses nothing else of that file,
//! and no other key that is pinned at the same time.

mod entry;

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use ssh2::Session;

use self::entry::{Entry, Marker};
use super::SphereError;
use crate::files::small;

/// The port that names without one mean.
const SSH: u16 = 22;
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
    /// No machine of that name may have it any more.
    Revoked,
}

impl HostKey {
    /// `SHA256:…`, as ssh-keygen prints it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.blob);
        format!("SHA256:{}", BASE64_STANDARD_NO_PAD.encode(digest))
    }

    /// The type, for example `ssh-ed25519`.
    #[must_use]
    pub fn kind(&self) -> &str {
        kind_of(&self.blob)
    }

    /// How it compares with the pinned keys in `file`; a missing file has no keys.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn pinned(&self, session: &Session, file: &Path) -> Result<Pinned, SphereError> {
        let text = read_hosts(file)?;
        let found = self.against(session, &text, &name(&self.host, self.port));
        if found != Pinned::Unknown || self.port == SSH {
            return Ok(found);
        }
        // As ssh has it: the same key under the plain name will do, another one says nothing.
        let plain = self.against(session, &text, &name(&self.host, SSH));
        Ok(match plain {
            Pinned::Same | Pinned::Revoked => plain,
            Pinned::Unknown | Pinned::Changed => Pinned::Unknown,
        })
    }

    /// How it compares with the keys that `text` has for the machine `name`.
    fn against(&self, session: &Session, text: &[u8], name: &str) -> Pinned {
        let mut found = Pinned::Unknown;
        for entry in entries(text).filter(|entry| entry.is_of(name, session)) {
            let is_same = entry.key == self.blob;
            match entry.marker {
                Marker::Revoked if is_same => return Pinned::Revoked,
                Marker::Host if is_same => found = Pinned::Same,
                Marker::Host if found == Pinned::Unknown => found = Pinned::Changed,
                Marker::Host | Marker::Revoked | Marker::Authority => {}
            }
        }
        found
    }

    /// Pins the key in `file`, in place of other keys of this machine at this port; all other lines
    /// stay byte for byte.
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
        let (name, key) = (
            name(&self.host, self.port),
            BASE64_STANDARD.encode(&self.blob),
        );
        text.extend(format!("{name} {} {key}\n", self.kind()).bytes());
        small::write(&target, &text, small::PUBLIC).map_err(unwritten)
    }

    /// `line` without this machine; other machines that share the line stay.
    fn without_us(&self, session: &Session, line: &[u8]) -> Vec<u8> {
        let name = name(&self.host, self.port);
        let ours = Entry::read(line)
            .filter(|entry| entry.marker == Marker::Host && entry.is_of(&name, session));
        let Some(entry) = ours else {
            return line.to_owned();
        };
        let Some(others) = entry.names_without(&name, session) else {
            return Vec::new();
        };
        let Range { start, end } = entry.place;
        [&line[..start], others.as_bytes(), &line[end..]].concat()
    }
}

/// The machine's name in known_hosts.
fn name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    match port {
        SSH => host,
        port => format!("[{host}]:{port}"),
    }
}

/// The type of a key: its blob begins with it.
fn kind_of(blob: &[u8]) -> &str {
    let length = blob.get(3).map_or(0, |byte| usize::from(*byte));
    let name = blob.get(4..4 + length);
    name.and_then(|name| std::str::from_utf8(name).ok())
        .unwrap_or("unknown")
}

fn entries(text: &[u8]) -> impl Iterator<Item = Entry> {
    text.split(|byte| *byte == b'\n').filter_map(Entry::read)
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
    let (text, name) = (read_hosts(file)?, name(host, port));
    let ours: Vec<Entry> = entries(&text)
        .filter(|entry| entry.marker == Marker::Host && entry.is_of(&name, session))
        .collect();
    let is_pinned = |kind: &&str| {
        let family = if kind.starts_with("rsa-") {
            "ssh-rsa"
        } else {
            kind
        };
        ours.iter().any(|entry| kind_of(&entry.key) == family)
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
        assert_eq!(ours.pinned(&session, &file), Ok(Pinned::Revoked));
        assert_eq!(
            key("sphere", 22, 2).pinned(&session, &file),
            Ok(Pinned::Changed)
        );
    }

    #[test]
    fn a_kind_of_key_that_is_pinned_of_this_machine_is_asked_for_first() {
        let session = Session::new().expect("a session");
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("known_hosts");
        let first = |lines: &[(&str, &str)]| {
            let line = |(names, kind): &(&str, &str)| {
                let part = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes(), bytes].concat();
                let parts = match *kind {
                    "ssh-rsa" => [part(&[3]), part(&[0x7f; 256])].concat(),
                    _ => part(&[7; 32]),
                };
                let blob = [part(kind.as_bytes()), parts].concat();
                format!("{names}\t{kind} {}\n", BASE64_STANDARD.encode(blob))
            };
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
    fn pinning_one_port_leaves_the_others() {
        let session = Session::new().expect("a session");
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("known_hosts");
        let blob = |last| BASE64_STANDARD.encode(key("", 22, last).blob);
        let others = format!(
            "sphere ssh-ed25519 {} of port 22\r\n[sphere]:2223 ssh-ed25519 {}\n\
             @cert-authority *  ssh-ed25519 {}\n  [sphere]:*\tssh-ed25519 {}\r\n",
            blob(1),
            blob(2),
            blob(3),
            blob(4)
        );
        fs::write(&file, &others).expect("written");
        let ours = key("Sphere", 2222, 9);
        assert_eq!(ours.pinned(&session, &file), Ok(Pinned::Changed));
        ours.pin(&session, &file).expect("pinned");
        assert_eq!(ours.pinned(&session, &file), Ok(Pinned::Same));
        assert_eq!(
            key("sphere", 2222, 4).pinned(&session, &file),
            Ok(Pinned::Changed)
        );
        let text = fs::read_to_string(&file).expect("read");
        let expected = others.replace("[sphere]:*\t", "[sphere]:*,![sphere]:2222\t");
        let ours = format!("[sphere]:2222 ssh-ed25519 {}\n", blob(9));
        assert_eq!(text, expected + &ours);
    }

    #[test]
    fn a_full_disk_has_a_remedy_of_its_own() {
        let full = remedied(&io::ErrorKind::StorageFull.into());
        assert!(full.contains("room"), "{full}");
        let denied = remedied(&io::ErrorKind::PermissionDenied.into());
        assert!(denied.contains("write that folder"), "{denied}");
    }
}
