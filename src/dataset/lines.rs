//! A list of one entry a line, of any length, and its change in place.
//!
//! Guarantees: memory does not grow with the list; a list that is already right is not written
//! again, and any other is whole at every instant.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::path::Path;

use super::window::{self, MOST_BYTES, Window};
use crate::files::small::{self, Writing};

/// The lines of a list, each with its end; one that is far too long comes in pieces.
#[derive(Debug)]
pub struct Lines<R> {
    window: Window<R>,
}

impl<R: Read> Lines<R> {
    /// All of them.
    pub fn of(source: R) -> Lines<R> {
        Lines {
            window: Window::of(source),
        }
    }
}

impl<R: Read> Iterator for Lines<R> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        let window = &mut self.window;
        let mut length = window::line(window.rest(), window.is_end());
        if length.is_none() {
            if let Err(error) = window.fill() {
                return Some(Err(error));
            }
            length = window::line(window.rest(), window.is_end());
        }
        let length = length.unwrap_or(MOST_BYTES).min(window.rest().len());
        (length > 0).then(|| Ok(window.eat(length)))
    }
}

/// The lines of a file; none if there is no such file.
///
/// # Errors
/// The file system's.
pub fn of_file(path: &Path) -> io::Result<Option<Lines<std::fs::File>>> {
    Ok(small::open(path)?.map(Lines::of))
}

/// Puts in the place of each line of the file at `path` what `change` makes of it, nothing for
/// `None`. Does nothing if there is no such file.
///
/// # Errors
/// The file system's.
pub fn edit(path: &Path, change: impl Fn(&[u8]) -> Option<Cow<'_, [u8]>>) -> io::Result<()> {
    let lines = || Ok::<_, io::Error>(of_file(path)?.into_iter().flatten());
    let mut is_right = true;
    for line in lines()? {
        let line = line?;
        is_right &= change(&line).is_some_and(|anew| *anew == *line);
    }
    if is_right {
        return Ok(());
    }
    // Held before it is read: nobody else writes it meanwhile.
    let mut writing = Writing::begin(path, small::PUBLIC)?;
    for line in lines()? {
        if let Some(anew) = change(&line?) {
            writing.write_all(&anew)?;
        }
    }
    writing.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_in_one_line_whatever_ends_it() {
        let long = "x".repeat(3 * MOST_BYTES + 5);
        let text = format!("a\nb\rc\r\n\n{long}\r\nlast\r");
        let lines: Vec<Vec<u8>> = Lines::of(text.as_bytes())
            .map(|line| line.expect("read"))
            .collect();
        assert_eq!(lines.concat(), text.as_bytes());
        let short = lines.iter().filter(|line| line.len() < 10);
        let short: Vec<&[u8]> = short.map(Vec::as_slice).collect();
        let expected: [&[u8]; 6] = [b"a\n", b"b\r", b"c\r\n", b"\n", b"xxxxx\r\n", b"last\r"];
        assert_eq!(short, expected);
        assert!(lines.iter().all(|line| line.len() <= MOST_BYTES));
    }
}
