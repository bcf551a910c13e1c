//! Typed or piped input that must not be kept: codes and identities.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use zeroize::Zeroizing;

use super::{Failure, could_not};

/// The longest input that is read: an identity with its answers has a few kilobytes.
const MOST_BYTES: u64 = 1 << 20;

/// Whether standard input is a terminal.
pub(super) fn is_asked() -> bool {
    io::stdin().is_terminal()
}

/// All of standard input.
pub(super) fn all() -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = io::stdin()
        .lock()
        .take(MOST_BYTES)
        .read_to_string(&mut text);
    read.map_err(|error| could_not(format!("standard input: {error}")))?;
    Ok(text)
}

/// A line of standard input without its end; on a terminal, the question is printed.
pub(super) fn line(question: &str) -> Result<Zeroizing<String>, Failure> {
    if is_asked() {
        let mut err = io::stderr().lock();
        // If the question cannot be printed, an answer may come all the same.
        let _ = write!(err, "{question}: ").and_then(|()| err.flush());
    }
    let mut text = Zeroizing::new(String::new());
    let read = io::stdin().lock().take(MOST_BYTES).read_line(&mut text);
    read.map_err(|error| could_not(format!("standard input: {error}")))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}
