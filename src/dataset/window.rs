//! The part of a file that is looked at, so that a file of any length is read in little memory.

use std::io::{self, Read};

/// Longest record or line that is read as one.
pub const MOST_BYTES: usize = 1 << 20;

/// What was read of a file and not used yet.
#[derive(Debug)]
pub struct Window<R> {
    source: R,
    bytes: Vec<u8>,
    from: usize,
    is_end: bool,
}

impl<R: Read> Window<R> {
    /// Before its first byte.
    pub fn of(source: R) -> Window<R> {
        Window {
            source,
            bytes: Vec::new(),
            from: 0,
            is_end: false,
        }
    }

    /// What is there.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.from..]
    }

    /// Whether nothing follows it.
    pub fn is_end(&self) -> bool {
        self.is_end
    }

    /// Reads until [`MOST_BYTES`] are there, or the file's end.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn fill(&mut self) -> io::Result<()> {
        self.bytes.drain(..self.from);
        self.from = 0;
        let missing = MOST_BYTES.saturating_sub(self.bytes.len()) as u64;
        let read = (&mut self.source)
            .take(missing)
            .read_to_end(&mut self.bytes)?;
        self.is_end |= (read as u64) < missing;
        Ok(())
    }

    /// Takes the first `length` bytes.
    pub fn eat(&mut self, length: usize) -> Vec<u8> {
        let eaten = self.rest()[..length].to_vec();
        self.from += length;
        eaten
    }
}

/// The length of the first line of `text` with its end: a line feed, a carriage return, or both;
/// `None` if it may go on behind `text`.
pub fn line(text: &[u8], is_end: bool) -> Option<usize> {
    let at = text.iter().position(|byte| b"\r\n".contains(byte));
    match at.map(|at| (at, &text[at..])) {
        Some((at, [b'\r', b'\n', ..])) => Some(at + 2),
        Some((_, [b'\r'])) if !is_end => None,
        Some((at, _)) => Some(at + 1),
        None => is_end.then_some(text.len()),
    }
}
