//! Typed or piped input that must not be kept: codes and identities.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use zeroize::Zeroizing;

use super::{Failure, could_not};
use crate::files::plain;

/// The longest input that is read: an identity with its answers has a few kilobytes.
const MOST_BYTES: u64 = 1 << 20;

/// Whether standard input is a terminal.
pub(super) fn is_asked() -> bool {
    io::stdin().is_terminal()
}

/// All of standard input.
pub(super) fn all() -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = io::stdin().lock().take(MOST_BYTES).read_to_end(&mut bytes);
    read.map_err(|error| could_not(format!("standard input: {error}")))?;
    let text = plain(&bytes).ok_or_else(|| could_not("standard input: is not UTF-8 text"))?;
    Ok(Zeroizing::new(text.into_owned()))
}

/// A line of standard input without its end; on a terminal, the question is printed.
pub(super) fn line(question: &str) -> Result<Zeroizing<String>, Failure> {
    if is_asked() {
        let mut err = io::stderr().lock();
        // If the question cannot be printed, an answer may come all the same.
        let _ = write!(err, "{question}: ").and_then(|()| err.flush());
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let mut stdin = io::stdin().lock().take(MOST_BYTES);
    let read = stdin.read_until(b'\n', &mut bytes);
    read.map_err(|error| could_not(format!("standard input: {error}")))?;
    let text = plain(&bytes).ok_or_else(|| could_not("standard input: is not UTF-8 text"))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}
