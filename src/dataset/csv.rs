//! A table of comma-separated values, RFC 4180, that may be damaged, of any length.
//!
//! Guarantees: every byte of the table is in exactly one record; a misplaced quote spoils only the
//! record of its own line and hides no other; a carriage return ends a line as a line feed does.
//! Memory does not grow with the table.

use std::borrow::Cow;
use std::io::{self, Read};
use std::ops::Range;

use super::window::{self, MOST_BYTES, Window};
use crate::words::is_session;

/// A record: one line, or several if a quoted cell holds line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The number of its first line, from 1.
    pub line: u64,
    /// Where it begins in the table.
    pub at: u64,
    /// Its bytes with its line end.
    pub bytes: Vec<u8>,
    cells: Option<Vec<Cell>>,
}

/// Where a cell lies in its record, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cell {
    at: Range<usize>,
    is_quoted: bool,
}

impl Record {
    /// How many cells it has; `None` if its quotes do not fit or it is far too long.
    #[must_use]
    pub fn width(&self) -> Option<usize> {
        self.cells.as_ref().map(Vec::len)
    }

    /// A cell.
    #[must_use]
    pub fn cell(&self, number: usize) -> Option<Cow<'_, str>> {
        let cell = self.cells.as_ref()?.get(number)?;
        let text = String::from_utf8_lossy(&self.bytes[cell.at.clone()]);
        let is_plain = !cell.is_quoted || !text.contains('"');
        Some(if is_plain {
            text
        } else {
            text.replace("\"\"", "\"").into()
        })
    }

    /// All cells; none if its quotes do not fit.
    pub fn cells(&self) -> impl Iterator<Item = Cow<'_, str>> {
        (0..self.width().unwrap_or(0)).filter_map(|number| self.cell(number))
    }

    /// A line with nothing in it, such as a spreadsheet leaves at the end.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.bytes.iter().all(|byte| b"\r\n".contains(byte))
    }
}

/// The records of a table, of which the first is its header.
#[derive(Debug)]
pub struct Records<R> {
    window: Window<R>,
    at: u64,
    line: u64,
    /// Cells of the header; 0 before it.
    width: usize,
    /// A line is being read in pieces, because it is far too long.
    is_within: bool,
}

/// What the window begins with.
enum First {
    Record(usize, Option<Vec<Cell>>),
    /// The record goes on behind the window.
    Open,
}

impl<R: Read> Records<R> {
    /// All of them.
    pub fn of(table: R) -> Records<R> {
        Records {
            window: Window::of(table),
            at: 0,
            line: 1,
            width: 0,
            is_within: false,
        }
    }

    /// Those of a part of a table whose header has `width` cells; it begins at the beginning of a
    /// record.
    pub fn of_part(part: R, width: usize) -> Records<R> {
        Records {
            width,
            ..Records::of(part)
        }
    }

    fn first(&self) -> First {
        let (text, is_end) = (self.window.rest(), self.window.is_end());
        let Some(line) = window::line(text, is_end) else {
            return First::Open;
        };
        if self.is_within {
            return First::Record(line, None);
        }
        match parse(text, is_end) {
            Parsed::Open if text.len() < MOST_BYTES => First::Open,
            Parsed::Whole(cells, length) if self.is_row(&cells, text, line..length) => {
                First::Record(length, Some(cells))
            }
            // A quote is out of place: the line stands for itself.
            _ => match parse(&text[..line], true) {
                Parsed::Whole(cells, length) if length == line => First::Record(line, Some(cells)),
                Parsed::Whole(..) | Parsed::Open | Parsed::Broken => First::Record(line, None),
            },
        }
    }

    /// Whether `cells` are a row that hides no other in its further lines.
    fn is_row(&self, cells: &[Cell], text: &[u8], further: Range<usize>) -> bool {
        let further = text.get(further).unwrap_or_default();
        self.width == 0 || (cells.len() == self.width && !hides_a_row(further, self.width))
    }

    fn next_record(&mut self) -> io::Result<Option<Record>> {
        let mut found = self.first();
        if matches!(found, First::Open) {
            self.window.fill()?;
            found = self.first();
        }
        self.is_within = matches!(found, First::Open);
        let (length, cells) = match found {
            First::Record(length, cells) => (length, cells),
            First::Open => (self.window.rest().len(), None),
        };
        if length == 0 {
            return Ok(None);
        }
        if self.width == 0 {
            self.width = cells.as_ref().map_or(0, Vec::len);
        }
        let bytes = self.window.eat(length);
        let record = Record {
            line: self.line,
            at: self.at,
            bytes,
            cells,
        };
        self.line += line_ends(&record.bytes);
        self.at += length as u64;
        Ok(Some(record))
    }
}

impl<R: Read> Iterator for Records<R> {
    type Item = io::Result<Record>;

    fn next(&mut self) -> Option<io::Result<Record>> {
        self.next_record().transpose()
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    let mut rest = bytes;
    let mut count = 0;
    while !rest.is_empty() {
        let length = window::line(rest, true).unwrap_or(rest.len());
        count += u64::from(b"\r\n".contains(&rest[length - 1]));
        rest = &rest[length..];
    }
    count
}

/// Whether one of `lines`, which seem to be inside a quoted cell, is a row by itself.
fn hides_a_row(mut lines: &[u8], width: usize) -> bool {
    while !lines.is_empty() {
        let (line, rest) = lines.split_at(window::line(lines, true).unwrap_or(lines.len()));
        lines = rest;
        let Parsed::Whole(cells, length) = parse(line, true) else {
            continue;
        };
        let is_name =
            |cell: &Cell| std::str::from_utf8(&line[cell.at.clone()]).is_ok_and(is_session);
        if length == line.len() && cells.len() == width && cells.iter().any(is_name) {
            return true;
        }
    }
    false
}

/// The first record of a text.
enum Parsed {
    /// Its cells, and its length.
    Whole(Vec<Cell>, usize),
    /// It may go on behind the text.
    Open,
    /// A quoted cell has no end or continues after its closing quote.
    Broken,
}

fn parse(text: &[u8], is_end: bool) -> Parsed {
    let open = if is_end { Parsed::Broken } else { Parsed::Open };
    let mut cells = Vec::new();
    let mut at = if text.starts_with("\u{feff}".as_bytes()) {
        3
    } else {
        0
    };
    loop {
        let is_quoted = text.get(at) == Some(&b'"');
        let (from, to, end) = if is_quoted {
            let Some(end) = closing(text, at + 1) else {
                return open;
            };
            (at + 1, end, end + 1)
        } else {
            let length = text[at..].iter().position(|byte| b",\r\n".contains(byte));
            let end = length.map_or(text.len(), |length| at + length);
            (at, end, end)
        };
        cells.push(Cell {
            at: from..to,
            is_quoted,
        });
        match text[end..] {
            [b',', ..] => at = end + 1,
            [b'\r', b'\n', ..] => return Parsed::Whole(cells, end + 2),
            [] | [b'\r'] if !is_end => return Parsed::Open,
            [] => return Parsed::Whole(cells, end),
            [b'\r' | b'\n', ..] => return Parsed::Whole(cells, end + 1),
            _ => return Parsed::Broken,
        }
    }
}

/// Where the quote is that closes a cell whose opening quote is before `at`.
fn closing(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += text[at..].iter().position(|byte| *byte == b'"')?;
        if text.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AAAAAAAAAAAAAAAAAAAA";
    const TWO: &str = "BBBBBBBBBBBBBBBBBBBB";

    #[track_caller]
    fn lines(rows: &[&str]) -> Vec<(u64, Option<usize>)> {
        let table = format!("file_name,session,text\r\n{}", rows.concat());
        let records = records(&table);
        let rows = records.iter().skip(1);
        rows.map(|it| (it.line, it.width())).collect()
    }

    /// The records of a table, in which every byte must be.
    #[track_caller]
    fn records(table: &str) -> Vec<Record> {
        let records = Records::of(table.as_bytes());
        let records: Vec<Record> = records.map(|it| it.expect("read")).collect();
        let bytes: Vec<u8> = records.iter().flat_map(|it| it.bytes.clone()).collect();
        assert!(bytes == table.as_bytes());
        for pair in records.windows(2) {
            assert_eq!(pair[0].at + pair[0].bytes.len() as u64, pair[1].at);
        }
        records
    }

    #[test]
    fn a_quoted_cell_holds_commas_quotes_and_line_ends() {
        let row = format!("a,{ONE},\"x, \"\"y\"\"\r\nz\"\r\n");
        assert_eq!(lines(&[&row, "b,c,\n"]), [(2, Some(3)), (4, Some(3))]);
        let table = "\u{feff}h\n\"x, \"\"y\"\"\r\nz\"\r\n";
        let records = records(table);
        assert_eq!(records[0].cells().collect::<Vec<_>>(), ["h"]);
        assert_eq!(records[1].cells().collect::<Vec<_>>(), ["x, \"y\"\r\nz"]);
    }

    #[test]
    fn a_stray_quote_hides_no_later_row() {
        let (one, two) = (format!("{ONE}/a,{ONE},"), format!("{TWO}/a,{TWO},"));
        let good = format!("{two}\"x, y\"\n");
        for (stray, is_read) in [
            ("he said \" so", true),
            ("\"hello", false),
            ("\"a\" b", false),
        ] {
            let stray = format!("{one}{stray}\n");
            for (rows, expected) in [
                (vec![stray.as_str(), &good, &good], [is_read, true, true]),
                (vec![&good, &stray, &good], [true, is_read, true]),
                (vec![&good, &good, &stray], [true, true, is_read]),
            ] {
                let found = lines(&rows);
                let expected = expected.map(|is_read| is_read.then_some(3));
                let numbered: Vec<_> = (2..).zip(expected).collect();
                assert_eq!(found, numbered, "{rows:?}");
            }
        }
        // Two stray quotes that match as if they were one cell.
        let strays = [format!("{one}\"x\n"), format!("{two}y \"\n")];
        let found = lines(&[&strays[0], &strays[1]]);
        assert_eq!(found, [(2, None), (3, Some(3))]);
    }

    #[test]
    fn a_carriage_return_ends_a_row_and_one_in_quotes_does_not() {
        for end in ["\n", "\r", "\r\n"] {
            let rows = [
                format!("a,{ONE},x{end}"),
                format!("b,{TWO},\"y{end}z\"{end}"),
            ];
            assert_eq!(
                lines(&[&rows[0], &rows[1], &rows[0]]),
                [(2, Some(3)), (3, Some(3)), (5, Some(3))]
            );
        }
        let table = format!("file_name,session\ra,{ONE}\rb,{TWO}\nc,{ONE}\r\rd,{TWO}");
        let found: Vec<String> = records(&table)
            .iter()
            .filter_map(|it| it.cell(1).map(Cow::into_owned))
            .collect();
        assert_eq!(found, ["session", ONE, TWO, ONE, TWO]);
    }

    #[test]
    fn what_is_far_too_long_is_damaged_and_hides_no_later_row() {
        let row = format!("b,{TWO},y\n");
        let long = "x".repeat(2 * MOST_BYTES + 9);
        // In a line, and in a quoted cell without an end, which would be the rest of the table.
        let table = format!("file_name,session,text\na,{ONE},{long}\n{row}");
        let found = records(&table);
        assert!(
            found[1..found.len() - 1]
                .iter()
                .all(|it| it.width().is_none())
        );
        assert_eq!(
            found.last().map(|it| (it.line, it.width())),
            Some((3, Some(3)))
        );
        let open = format!("file_name,session,text\na,{ONE},\"{}", row.repeat(200_000));
        let found = records(&open);
        assert_eq!(found.len(), 200_001);
        assert_eq!(
            found.iter().filter(|it| it.width() == Some(3)).count(),
            200_000
        );
    }
}
