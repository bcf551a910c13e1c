//! A line of SHA256SUMS, as sha256sum(1) reads it: `HASH  name`, or `HASH *name` of a binary file.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::words::hex;

/// Bytes read at once.
const PIECE_BYTES: usize = 1 << 16;

/// The hash of a line and the file it is of; `None` for any other line.
pub fn entry(line: &[u8]) -> Option<(&str, &str)> {
    let line = std::str::from_utf8(line).ok()?;
    let line = line.trim_start_matches('\u{feff}');
    let (hash, name) = line.trim_end_matches(['\r', '\n']).split_once(' ')?;
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let name = name.strip_prefix(['*', ' ']).unwrap_or(name);
    is_hash.then_some((hash, name.strip_prefix("./").unwrap_or(name)))
}

/// The line with another hash.
pub fn with(line: &[u8], hash: &str, anew: &str) -> Vec<u8> {
    String::from_utf8_lossy(line)
        .replacen(hash, anew, 1)
        .into_bytes()
}

/// The hash of all that `source` gives.
///
/// # Errors
/// It cannot be read.
pub fn of(mut source: impl Read) -> io::Result<String> {
    let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE_BYTES]);
    loop {
        match source.read(&mut piece) {
            Ok(0) => return Ok(hex::encode(hash.finalize().into())),
            Ok(length) => hash.update(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
