//! Where the names of sessions stand in a text of any length.
//!
//! Guarantees: a name is found in any case, inside longer words, in UTF-16 and UTF-32, and across
//! the pieces that a text comes in; memory does not grow with the text.

use std::collections::BTreeSet;
use std::io::{self, Read};

/// Letters and digits of a session's name.
pub const NAME_CHARS: usize = 20;
/// Letters and digits, without regard to case, fit six bits.
const BITS: u32 = 6;
const NAME_MASK: u128 = (1 << (NAME_CHARS as u32 * BITS)) - 1;
/// Read at once.
const PIECE_BYTES: usize = 64 << 10;

/// A search for some sessions.
#[derive(Debug)]
pub struct Search<'a> {
    /// Sorted.
    names: Vec<(u128, &'a str)>,
    /// The letters and digits just seen, the last one lowest.
    last: u128,
    run: usize,
    found: BTreeSet<&'a str>,
}

impl<'a> Search<'a> {
    /// Before the first byte.
    #[must_use]
    pub fn of(sessions: &BTreeSet<&'a str>) -> Search<'a> {
        let packed = |session: &'a str| {
            let digits = session.bytes().map(|byte| digit(byte).map(u128::from));
            let packed = digits.reduce(|all, one| Some(all? << BITS | one?))??;
            (session.len() == NAME_CHARS).then_some((packed, session))
        };
        let mut names: Vec<_> = sessions.iter().filter_map(|one| packed(one)).collect();
        names.sort_unstable();
        Search {
            names,
            last: 0,
            run: 0,
            found: BTreeSet::new(),
        }
    }

    /// Reads on.
    pub fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let Some(digit) = digit(*byte) else {
                // In UTF-16 a name's letters have zeros between them.
                if *byte != 0 {
                    self.run = 0;
                }
                continue;
            };
            self.last = (self.last << BITS | u128::from(digit)) & NAME_MASK;
            self.run += 1;
            if self.run < NAME_CHARS {
                continue;
            }
            let place = self
                .names
                .binary_search_by_key(&self.last, |(name, _)| *name);
            if let Ok(place) = place {
                self.found.insert(self.names[place].1);
            }
        }
    }

    /// What was found since the last call.
    pub fn found(&mut self) -> BTreeSet<&'a str> {
        std::mem::take(&mut self.found)
    }
}

/// The sessions that are mentioned in what `source` gives.
///
/// # Errors
/// It cannot be read.
pub fn within<'a>(
    mut source: impl Read,
    sessions: &BTreeSet<&'a str>,
) -> io::Result<BTreeSet<&'a str>> {
    let mut search = Search::of(sessions);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match source.read(&mut piece) {
            Ok(0) => return Ok(search.found()),
            Ok(length) => search.feed(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'Z' => Some(byte - b'A' + 10),
        b'a'..=b'z' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "0123456789ABCDEFGHJK";

    #[test]
    fn a_name_is_found_however_it_is_written_and_whatever_pieces_the_text_comes_in() {
        let utf16: Vec<u8> = NAME.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for text in [
            NAME.into(),
            NAME.to_lowercase().into_bytes(),
            format!("x{NAME}y").into_bytes(),
            format!("a\r{NAME}\r").into_bytes(),
            utf16,
        ] {
            for length in [1, 7, 1000] {
                let mut search = Search::of(&[NAME, "ZZZZZZZZZZZZZZZZZZZZ"].into());
                text.chunks(length).for_each(|piece| search.feed(piece));
                assert_eq!(search.found(), [NAME].into());
                search.feed(&text[..1]);
                assert!(search.found().is_empty(), "told once");
            }
            assert_eq!(
                within(&text[..], &[NAME].into()).expect("read"),
                [NAME].into()
            );
        }
        let (begin, end) = NAME.split_at(10);
        let cut = format!("{begin}-{end} {begin}");
        assert!(
            within(cut.as_bytes(), &[NAME].into())
                .expect("read")
                .is_empty()
        );
    }
}
