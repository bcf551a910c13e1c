//! The lines of a file, one after the other, through one buffer of fixed size.
//!
//! Guarantees: memory stays the same however long a line is; of a line longer than
//! [`MAX_LINE_BYTES`] only its beginning is kept, and it is marked. Never interprets the bytes
//! beyond newlines.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use memchr::memchr;

/// Bytes a line may have, its id included: far more than a screen can hold or a person read aloud.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// Bytes read at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// What [`LineReader::next`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The whole line is in the given vector.
    Whole,
    /// The line is longer than [`MAX_LINE_BYTES`]; the vector holds its beginning.
    TooLong,
    /// There is no further line.
    End,
}

/// Reads lines from a byte offset on.
#[derive(Debug)]
pub struct LineReader<'a> {
    file: &'a File,
    /// Offset in the file of the first byte after the buffer.
    behind: u64,
    buffer: Vec<u8>,
    /// Unread bytes: `buffer[start..end]`.
    start: usize,
    end: usize,
}

impl<'a> LineReader<'a> {
    /// Reads `file` from `offset` on.
    #[must_use]
    pub fn new(file: &'a File, offset: u64) -> LineReader<'a> {
        LineReader {
            file,
            behind: offset,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
        }
    }

    /// Offset of the next unread byte.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.behind - (self.end - self.start) as u64
    }

    /// Reads the next line into `line` (cleared first), without its LF or CRLF. Text after the last
    /// newline is a line; without text there is no further line.
    ///
    /// # Errors
    /// The disk's.
    pub fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Found> {
        line.clear();
        let (mut any, mut too_long) = (false, false);
        loop {
            let unread = self.fill()?;
            if unread.is_empty() {
                break;
            }
            any = true;
            let newline = memchr(b'\n', unread);
            let part = &unread[..newline.unwrap_or(unread.len())];
            // Two bytes more than a line may have: room for the CR of a line just short enough.
            let kept = part.len().min(MAX_LINE_BYTES + 2 - line.len());
            line.extend_from_slice(&part[..kept]);
            too_long |= kept < part.len();
            let used = part.len() + usize::from(newline.is_some());
            self.start += used;
            if newline.is_some() {
                break;
            }
        }
        if !too_long && line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(match (any, too_long || line.len() > MAX_LINE_BYTES) {
            (false, _) => Found::End,
            (true, true) => Found::TooLong,
            (true, false) => Found::Whole,
        })
    }

    /// Passes over `lines` lines; false if the file ended before.
    ///
    /// # Errors
    /// The disk's.
    pub fn skip(&mut self, lines: u64) -> io::Result<bool> {
        let mut left = lines;
        while left > 0 {
            let unread = self.fill()?;
            if unread.is_empty() {
                return Ok(false);
            }
            match memchr(b'\n', unread) {
                Some(at) => {
                    self.start += at + 1;
                    left -= 1;
                }
                None => self.start = self.end,
            }
        }
        Ok(true)
    }

    /// The unread bytes of the buffer, refilled if there are none; empty at the end of the file.
    fn fill(&mut self) -> io::Result<&[u8]> {
        while self.start == self.end {
            match self.file.read_at(&mut self.buffer, self.behind) {
                Ok(0) => return Ok(&[]),
                Ok(bytes) => {
                    (self.start, self.end) = (0, bytes);
                    self.behind += bytes as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read_all(bytes: &[u8]) -> Vec<(Found, usize)> {
        let mut file = tempfile::tempfile().expect("temporary file");
        file.write_all(bytes).expect("write");
        let (mut reader, mut line, mut all) = (LineReader::new(&file, 0), Vec::new(), Vec::new());
        loop {
            match reader.next(&mut line).expect("read") {
                Found::End => return all,
                found => all.push((found, line.len())),
            }
        }
    }

    #[test]
    fn any_ending_ends_a_line() {
        let whole = |n| (Found::Whole, n);
        assert_eq!(read_all(b""), []);
        assert_eq!(
            read_all(b"a\nbc\r\n\nd"),
            [whole(1), whole(2), whole(0), whole(1)]
        );
        assert_eq!(read_all(b"a\n"), [whole(1)]);
        assert_eq!(read_all(b"a\rb\r"), [whole(3)]);
    }

    #[test]
    fn the_limit_is_exact_and_a_longer_line_hides_none_behind_it() {
        for (extra, found) in [
            (0, Found::Whole),
            (1, Found::TooLong),
            (300_000, Found::TooLong),
        ] {
            for ending in ["\n", "\r\n"] {
                let text = "x".repeat(MAX_LINE_BYTES + extra) + ending + "next";
                let all = read_all(text.as_bytes());
                assert_eq!(all.len(), 2);
                assert_eq!(
                    (all[0].0, all[1]),
                    (found, (Found::Whole, 4)),
                    "{extra} {ending:?}"
                );
            }
        }
    }
}
