//! Texts that travel by hand: configuration, protocol, profile, words, script, keys, tombstones,
//! known hosts, what is piped in.
//!
//! Guarantees: reading one always ends, whatever the path is, and takes little memory. A byte order
//! mark and CR LF, which other systems' editors put there, mean the same as nothing and LF.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::de::DeserializeOwned;

/// Longest text; people write some kilobytes.
const MOST_BYTES: u64 = 1 << 20;
/// U+FEFF in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A text without the byte order mark before it.
#[must_use]
pub fn unmarked(text: &[u8]) -> &[u8] {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// A text as it is meant: without the mark, and each CR LF is LF. `None` if it is not UTF-8.
#[must_use]
pub fn plain(text: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(unmarked(text)).ok()?;
    Some(if text.contains("\r\n") {
        Cow::Owned(text.replace("\r\n", "\n"))
    } else {
        Cow::Borrowed(text)
    })
}

/// JSON that may have been in an editor.
///
/// # Errors
/// It is no JSON, or not that of a `T`.
pub fn json<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(unmarked(text))
}

/// Reads a text, as [`plain`] means it. The caller's message names the path.
///
/// # Errors
/// The file system's; `InvalidInput`, with the remedy, for what is no regular file, is longer than
/// 1 MiB or is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let refused = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why);
    // A pipe without a writer would block.
    let file = File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(refused(
            "is no regular file but a pipe, a device or a folder; write the text into a file and \
             name that",
        ));
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(refused(
            "is longer than 1 MiB; name the file that was meant",
        ));
    }
    let text = plain(&bytes).ok_or_else(|| refused("is not UTF-8; save it as UTF-8 text"))?;
    Ok(text.into_owned())
}

/// Whether an argument that may be a name or a path is a path.
#[must_use]
pub fn is_path(name: &str) -> bool {
    name.contains('/') || name.ends_with(".toml")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_mark_and_cr_lf_are_the_same_as_nothing_and_lf() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("text");
        for bytes in [&b"a\nb\n"[..], b"a\r\nb\r\n", b"\xef\xbb\xbfa\r\nb\n"] {
            fs::write(&path, bytes).expect("write");
            assert_eq!(read_text(&path).expect("text"), "a\nb\n");
        }
        assert_eq!(plain(b"a\rb").as_deref(), Some("a\rb"));
        assert_eq!(plain(b"\xff\xfea\0"), None);
        let read: serde_json::Result<u8> = json(b"\xef\xbb\xbf7\r\n");
        assert_eq!(read.ok(), Some(7));
    }

    #[test]
    fn a_text_ends_within_a_mebibyte_of_a_regular_file() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("text");
        let longest = "é".repeat(1 << 19);
        fs::write(&path, &longest).expect("write");
        assert_eq!(read_text(&path).expect("text"), longest);
        fs::write(&path, longest + "\n").expect("write");
        let too_long = read_text(&path).expect_err("too long");
        assert!(too_long.to_string().contains("1 MiB"), "{too_long}");
        fs::write(&path, b"\xff").expect("write");
        let bytes = read_text(&path).expect_err("no text");
        assert!(bytes.to_string().contains("UTF-8"), "{bytes}");
        for endless in [Path::new("/dev/zero"), dir.path()] {
            let refused = read_text(endless).expect_err("no file");
            assert!(refused.to_string().contains("no regular file"), "{refused}");
        }
        let missing = read_text(&dir.path().join("none")).expect_err("none");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
