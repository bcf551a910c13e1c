//! Whom we talk to, and who we are: pinned host keys, and our own key.
//!
//! Guarantees: nothing is said to a machine whose key is not in known_hosts, hashed or not, or is
//! revoked there; pinning one loses nothing else of that file, and no other that is pinned at the same
//! time; the private key reaches no message. There is no password and
//! no agent: nobody is there to be asked.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use ssh2::{CheckResult, KnownHostFileKind, Session};
use zeroize::Zeroizing;

use super::SphereError;
use crate::store::small;

/// Before the name of a systemd credential.
pub const CREDENTIAL: &str = "credential:";
/// Kinds of host keys, best first.
const KINDS: [&str; 6] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// A machine and the key that it showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// Host name as it was asked for.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The key as SSH sends it.
    pub blob: Vec<u8>,
}

/// How a machine's key stands to the pinned ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// It is the pinned one.
    Same,
    /// The machine is not known.
    Unknown,
    /// The machine is known by another key.
    Changed,
}

impl HostKey {
    /// `SHA256:…`, as ssh-keygen prints it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.blob);
        format!("SHA256:{}", BASE64_STANDARD_NO_PAD.encode(digest))
    }

    /// `ssh-ed25519` and so on: the blob begins with its name.
    #[must_use]
    pub fn kind(&self) -> &str {
        let length = self.blob.get(3).map_or(0, |byte| usize::from(*byte));
        let name = self.blob.get(4..4 + length);
        name.and_then(|name| std::str::from_utf8(name).ok())
            .unwrap_or("unknown")
    }

    /// The name that known_hosts has for it.
    fn name(&self) -> String {
        match self.port {
            22 => self.host.clone(),
            port => format!("[{}]:{port}", self.host),
        }
    }

    /// How it stands to one line of known_hosts.
    fn against(&self, session: &Session, line: &str) -> Result<Pinned, ssh2::Error> {
        against(session, line, &self.host, self.port, &self.blob)
    }

    /// How it stands to the pinned keys in `file`; a missing file knows nobody.
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

    /// Whether `file` says that nobody may have this key any more.
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

    /// Pins the key in `file`, in place of other keys of this machine; all other lines stay byte for
    /// byte.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn pin(&self, session: &Session, file: &Path) -> Result<(), SphereError> {
        let unwritten =
            |error: io::Error| bad(file, format!("cannot be written: {}", remedied(&error)));
        let target = target(file);
        // Held until the end: whoever pins another machine reads what is written here.
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

    /// `line` without what it says of this machine; others that share it stay.
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

/// How a machine with this key stands to one line of known_hosts.
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

/// An error of writing, and what to do.
fn remedied(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("{error}; make room on that disk and repeat")
        }
        _ => format!("{error}; may you write that folder?"),
    }
}

/// The file that `file` is, or the one that it is a link to, even if that is not there yet.
fn target(file: &Path) -> PathBuf {
    let next = || {
        let beside = file.parent().unwrap_or(Path::new(""));
        fs::read_link(file).map(|to| beside.join(to))
    };
    fs::canonicalize(file)
        .or_else(|_| next())
        .unwrap_or_else(|_| file.to_owned())
}

/// What is in known_hosts, of which comments may have any encoding; nothing if there is none.
fn read_hosts(file: &Path) -> Result<Vec<u8>, SphereError> {
    let bytes = small::read(file).map_err(|error| bad(file, format!("cannot be read: {error}")))?;
    Ok(bytes.unwrap_or_default())
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    bytes
        .split(|byte| *byte == b'\n')
        .map(String::from_utf8_lossy)
}

/// The kinds of host keys to ask the machine for: those that are pinned of it first, or one that is
/// known by its RSA key alone would look like another one.
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
    // A key that nobody has, since the names of the line are asked about.
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

/// Where our key is: a file, or `credential:NAME`, which systemd lays into a folder of its own.
///
/// # Errors
/// A credential outside of a service that has it.
pub fn key_path(key: &Path) -> Result<PathBuf, SphereError> {
    let Some(name) = key.to_str().and_then(|key| key.strip_prefix(CREDENTIAL)) else {
        return Ok(key.to_owned());
    };
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| SphereError::Key {
        file: key.display().to_string(),
        reason: "there are no credentials here: systemd hands them to the service alone, and not \
                 to ExecStopPost; name a file"
            .into(),
    })?;
    Ok(PathBuf::from(folder).join(name))
}

/// Reads our private key.
///
/// # Errors
/// A file that is missing, open to others, or not an ed25519 key without a passphrase.
pub fn private_key(key: &Path) -> Result<Zeroizing<String>, SphereError> {
    use std::os::unix::fs::PermissionsExt;
    let path = key_path(key)?;
    let bad = |reason: String| SphereError::Key {
        file: path.display().to_string(),
        reason,
    };
    let make = "make one with `ssh-keygen -t ed25519 -N '' -f` and this name";
    let read = small::read(&path).map_err(|error| {
        let denied = error.kind() == io::ErrorKind::PermissionDenied;
        let remedy = if denied {
            "; run this as the booth's user: sudo -u booth"
        } else {
            ""
        };
        bad(format!("cannot be read: {error}{remedy}"))
    })?;
    let bytes = Zeroizing::new(read.ok_or_else(|| bad(format!("is not there; {make}")))?);
    let mode = fs::metadata(&path).map_or(0, |found| found.permissions().mode());
    if mode & 0o007 != 0 {
        return Err(bad("others may read it; chmod 600".into()));
    }
    // The service may be given it by its group.
    if mode & 0o020 != 0 {
        return Err(bad("its group may write it; chmod 640".into()));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| bad(format!("is no key; {make}")))?;
    match shape(text) {
        Some(Shape::Ed25519) => Ok(Zeroizing::new(text.to_owned())),
        Some(Shape::Locked) => Err(bad(
            "has a passphrase, and nobody is there to type it; take it off with `ssh-keygen -p -N ''`"
                .into(),
        )),
        Some(Shape::Other) => Err(bad(format!("is no ed25519 key; {make}"))),
        None => Err(bad(format!("is no private key of OpenSSH; {make}"))),
    }
}

enum Shape {
    Ed25519,
    Locked,
    Other,
}

/// What an OpenSSH private key says of itself in the clear: magic, cipher, key derivation with its
/// options, the count of keys, then the public key (PROTOCOL.key of OpenSSH).
fn shape(text: &str) -> Option<Shape> {
    let body = text
        .trim()
        .strip_prefix("-----BEGIN OPENSSH PRIVATE KEY-----")?;
    let body = body.strip_suffix("-----END OPENSSH PRIVATE KEY-----")?;
    let body: Zeroizing<String> =
        Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    let bytes = Zeroizing::new(BASE64_STANDARD.decode(body.as_bytes()).ok()?);
    let mut rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    let cipher = field(&mut rest)?;
    let (_derivation, _options) = (field(&mut rest)?, field(&mut rest)?);
    rest = rest.get(4..)?;
    let mut public = field(&mut rest)?;
    if cipher != b"none" {
        return Some(Shape::Locked);
    }
    let is_ed25519 = field(&mut public)? == b"ssh-ed25519";
    Some(if is_ed25519 {
        Shape::Ed25519
    } else {
        Shape::Other
    })
}

/// The next length-prefixed field.
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (field, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(field)
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

    #[test]
    fn our_key_is_an_ed25519_key_without_a_passphrase_that_others_cannot_read() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a folder");
        let make = |name: &str, kind: &str, pass: &str| {
            let path = dir.path().join(name);
            let made = std::process::Command::new("ssh-keygen")
                .args(["-q", "-t", kind, "-N", pass, "-f"])
                .arg(&path)
                .output();
            assert!(made.expect("ssh-keygen").status.success());
            path
        };
        let refusal = |path: &Path| private_key(path).expect_err("refused").to_string();
        let good = make("good", "ed25519", "");
        assert!(private_key(&good).expect("a key").contains("OPENSSH"));
        fs::set_permissions(&good, fs::Permissions::from_mode(0o604)).expect("open");
        assert!(refusal(&good).contains("chmod"));
        assert!(refusal(&make("locked", "ed25519", "secret")).contains("passphrase"));
        assert!(refusal(&make("other", "ecdsa", "")).contains("ed25519"));
        let public = dir.path().join("locked.pub");
        fs::set_permissions(&public, fs::Permissions::from_mode(0o600)).expect("closed");
        assert!(refusal(&public).contains("OpenSSH"));
        assert!(refusal(&dir.path().join("nothing")).contains("ssh-keygen"));
        assert!(refusal(Path::new("credential:x")).contains("ExecStopPost"));
    }
}
