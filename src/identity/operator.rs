//! The operator's key pair: an age X25519 identity file, which stock `age` reads, and its public
//! half, the recipient in booth.toml.
//!
//! Guarantees: a key file has mode 0600, is synced, and never replaces another. The private half
//! belongs on no booth; in memory it is zeroized with its last use.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret;
pub use age::x25519::{Identity as PrivateKey, Recipient};
use zeroize::Zeroizing;

use crate::config::Recipients;
use crate::config::load::Reason;
use crate::files::{small, unmarked};

/// Longest key file that is read.
const MOST_KEY_FILE_BYTES: u64 = 1 << 20;
/// The beginning of every private half.
const PRIVATE: &str = "AGE-SECRET-KEY-";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// A key file would be overwritten.
    #[error("key file {}: is there already, and a key is never overwritten; name another file", named(.0))]
    Exists(PathBuf),
    /// A key file cannot be read or written.
    #[error("key file {}: {source}", named(path))]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A key file without a key.
    #[error("key file {}: {reason}", named(path))]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Not a valid recipient.
    #[error(
        "{recipient:?} is no age recipient: {reason}; `booth keygen FILE` prints one, as age1…"
    )]
    Recipient {
        /// As configured; the start of it.
        recipient: String,
        /// What is wrong.
        reason: &'static str,
    },
}

/// The path of a key file for a message. A key that was pasted in place of the path is not shown.
fn named(path: &Path) -> String {
    let text = path.display().to_string();
    match text.to_ascii_uppercase().find(PRIVATE) {
        Some(at) => format!("{}{PRIVATE}…", &text[..at]),
        None => text,
    }
}

/// Writes a new key pair into `path` and returns its recipient.
///
/// # Errors
/// The file is there already, or the file system's.
pub fn keygen(path: &Path) -> Result<Recipient, OperatorError> {
    let failed = |source: io::Error| {
        if source.kind() == io::ErrorKind::AlreadyExists {
            return OperatorError::Exists(path.to_owned());
        }
        let path = path.to_owned();
        OperatorError::File { path, source }
    };
    let key = PrivateKey::generate();
    let recipient = key.to_public();
    let private = key.to_string();
    let private = private.expose_secret();
    let text = Zeroizing::new(format!("# public key: {recipient}\n{private}\n"));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(small::PRIVATE)
        .open(path)
        .map_err(failed)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| small::sync_folder(path));
    if let Err(source) = written {
        // Half a key is useless.
        let _ = small::remove(path);
        return Err(failed(source));
    }
    Ok(recipient)
}

/// The recipients of the configuration, in its order; empty if it has none.
///
/// # Errors
/// [`OperatorError::Recipient`].
pub fn recipients(configured: &Recipients) -> Result<Vec<Recipient>, OperatorError> {
    let all = match configured {
        Recipients::One(one) if one.trim().is_empty() => &[],
        Recipients::One(one) => std::slice::from_ref(one),
        Recipients::Several(all) => all.as_slice(),
    };
    all.iter().map(|text| recipient(text)).collect()
}

/// Refuses recipients to which nothing could be sealed.
///
/// # Errors
/// The key and what is wrong with its value.
pub fn check_settings(configured: &Recipients) -> Result<(), Reason> {
    match recipients(configured) {
        Ok(_) => Ok(()),
        Err(error) => Err(("privacy.recipient".into(), error.to_string())),
    }
}

/// Reads one recipient.
///
/// # Errors
/// [`OperatorError::Recipient`].
pub fn recipient(text: &str) -> Result<Recipient, OperatorError> {
    let text = text.trim().trim_start_matches('\u{feff}');
    // A private half that was pasted by mistake must not reach a log.
    let is_private = text.to_ascii_uppercase().starts_with(PRIVATE);
    let refused = |reason| OperatorError::Recipient {
        recipient: if is_private {
            format!("{PRIVATE}…")
        } else {
            text.chars().take(80).collect()
        },
        reason,
    };
    if is_private {
        return Err(refused("it is a private key, which belongs on no booth"));
    }
    text.parse().map_err(refused)
}

/// The private keys in an age identity file: one a line, `#` begins a comment.
///
/// # Errors
/// The file cannot be read or holds no key that opens what a booth seals.
pub fn read_keys(path: &Path) -> Result<Vec<PrivateKey>, OperatorError> {
    let failed = |source| OperatorError::File {
        path: path.to_owned(),
        source,
    };
    let no_key = |reason: &str| OperatorError::NoKey {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    // A pipe is welcome: the key may come from another program.
    let mut bytes = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(failed)?;
    let read = file.take(MOST_KEY_FILE_BYTES).read_to_end(&mut bytes);
    read.map_err(failed)?;
    let begin = unmarked(&bytes);
    if begin.starts_with(b"age-encryption.org/") || begin.starts_with(b"-----BEGIN AGE") {
        return Err(no_key(
            "is itself sealed; open it with `age --decrypt` and name the result",
        ));
    }
    let text = std::str::from_utf8(begin).map_err(|_| no_key("is no text"))?;
    let mut keys = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let key = line.parse().map_err(|reason| {
            no_key(&format!(
                "line {}: {reason}; expected AGE-SECRET-KEY-1…, as `booth keygen` writes it",
                number + 1
            ))
        })?;
        keys.push(key);
    }
    if keys.is_empty() {
        return Err(no_key(
            "holds no key; expected AGE-SECRET-KEY-1…, as `booth keygen` writes it",
        ));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_never_overwritten_and_reads_back() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("key");
        let made = keygen(&path).expect("made");
        assert!(matches!(keygen(&path), Err(OperatorError::Exists(_))));
        let keys = read_keys(&path).expect("read");
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].to_public().to_string(), made.to_string());
    }

    #[test]
    fn several_keys_and_comments_are_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        keygen(&a).expect("made");
        keygen(&b).expect("made");
        let text = |path| std::fs::read_to_string(path).expect("text");
        let both = format!("# two\r\n\n{}{}", text(&a), text(&b));
        std::fs::write(&a, both).expect("written");
        assert_eq!(read_keys(&a).expect("read").len(), 2);
    }

    #[test]
    fn a_damaged_key_file_is_named_by_line_and_its_text_is_not_shown() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("key");
        std::fs::write(&path, "# x\nAGE-SECRET-KEY-1QQQQ\n").expect("written");
        let Err(error) = read_keys(&path) else {
            panic!("a damaged key was read");
        };
        let said = error.to_string();
        assert!(said.contains("line 2") && !said.contains("QQQQ"), "{said}");
    }

    #[test]
    fn a_private_key_as_recipient_is_refused_without_being_shown() {
        let private = PrivateKey::generate().to_string();
        let private = private.expose_secret();
        let Err(error) = recipient(private) else {
            panic!("a private key is no recipient");
        };
        assert!(!error.to_string().contains(&private[20..40]), "{error}");
    }

    #[test]
    fn no_recipients_are_an_empty_list() {
        let none = [
            Recipients::One(String::new()),
            Recipients::Several(Vec::new()),
        ];
        for none in none {
            assert!(recipients(&none).expect("none").is_empty());
        }
    }
}
