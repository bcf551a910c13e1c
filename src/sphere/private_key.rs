//! The booth's own private key, which it logs in with.
//!
//! Guarantees: the private key never appears in a message. There is no password and no agent,
//! because no one is there to be asked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::SphereError;
use crate::config::CREDENTIAL;
use crate::files::{plain, small};

/// Where the key is: a file, or `credential:NAME`, which systemd puts into a folder of its own.
///
/// # Errors
/// A credential that is not available outside of its service.
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

/// Reads the private key.
///
/// # Errors
/// A file that is missing, readable by others, or not an ed25519 key without a passphrase.
pub fn read(key: &Path) -> Result<Zeroizing<String>, SphereError> {
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
    // The service may get access through the key's group.
    if mode & 0o020 != 0 {
        return Err(bad("its group may write it; chmod 640".into()));
    }
    let text = plain(&bytes).ok_or_else(|| bad(format!("is no key; {make}")))?;
    let text = Zeroizing::new(text.into_owned());
    match shape(&text) {
        Some(Shape::Ed25519) => Ok(text),
        Some(Shape::Locked) => Err(bad(
            "has a passphrase, and no one is there to type it; take it off with `ssh-keygen -p -N ''`"
                .into(),
        )),
        Some(Shape::Other) => Err(bad(format!("is no ed25519 key; {make}"))),
        None => Err(bad(format!("is no private key of OpenSSH; {make}"))),
    }
}

/// The kind of a private key.
enum Shape {
    Ed25519,
    Locked,
    Other,
}

/// The unencrypted header of an OpenSSH private key: magic, cipher, key derivation with its
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
        let refusal = |path: &Path| read(path).expect_err("refused").to_string();
        let good = make("good", "ed25519", "");
        assert!(read(&good).expect("a key").contains("OPENSSH"));
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
