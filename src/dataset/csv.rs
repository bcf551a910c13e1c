//! A table of comma-separated values, RFC 4180, that may be damaged.
//!
//! Guarantees: every byte of the table is in exactly one record; a misplaced quote spoils only the
//! record of its own line and hides no other.

use crate::words::is_session;

/// A record: one line, or several if a quoted cell holds line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The number of its first line, from 1.
    pub line: usize,
    /// Its bytes with its line end.
    pub bytes: &'a [u8],
}

impl Record<'_> {
    /// Its cells; `None` if its quotes do not fit.
    #[must_use]
    pub fn cells(&self) -> Option<Vec<String>> {
        let (cells, _) = parse(self.bytes)?;
        Some(cells)
    }
}

/// The records of a table, of which the first is its header.
#[must_use]
pub fn records(table: &[u8]) -> Vec<Record<'_>> {
    let mut records: Vec<Record> = Vec::new();
    let (mut rest, mut line, mut width) = (table, 1, 0);
    while !rest.is_empty() {
        let first = rest.split_inclusive(|byte| *byte == b'\n').next();
        let first = first.map_or(rest.len(), <[u8]>::len);
        let length = match parse(rest) {
            Some((cells, length)) if width == 0 => {
                width = cells.len();
                length
            }
            Some((cells, length))
                if cells.len() == width && !hides_a_row(&rest[first..length.max(first)], width) =>
            {
                length
            }
            _ => first,
        };
        let (bytes, after) = rest.split_at(length);
        records.push(Record { line, bytes });
        line += bytes.iter().filter(|byte| **byte == b'\n').count();
        rest = after;
    }
    records
}

/// Whether one of `lines`, which seem to be inside a quoted cell, is a row by itself.
fn hides_a_row(lines: &[u8], width: usize) -> bool {
    let mut lines = lines.split_inclusive(|byte| *byte == b'\n');
    lines.any(|line| {
        parse(line).is_some_and(|(cells, length)| {
            length == line.len() && cells.len() == width && cells.iter().any(|it| is_session(it))
        })
    })
}

/// The cells of the first record of `text`, and its length; `None` if a quoted cell has no end or
/// continues after its closing quote.
fn parse(text: &[u8]) -> Option<(Vec<String>, usize)> {
    let mut cells = Vec::new();
    let mut at = if text.starts_with("\u{feff}".as_bytes()) {
        3
    } else {
        0
    };
    loop {
        let (cell, end) = if text.get(at) == Some(&b'"') {
            quoted(text, at + 1)?
        } else {
            let length = text[at..].iter().position(|byte| b",\n".contains(byte));
            let end = length.map_or(text.len(), |length| at + length);
            let cell = &text[at..end];
            (cell.strip_suffix(b"\r").unwrap_or(cell).to_owned(), end)
        };
        cells.push(String::from_utf8_lossy(&cell).into_owned());
        match text[end..] {
            [b',', ..] => at = end + 1,
            [b'\n', ..] => return Some((cells, end + 1)),
            [b'\r', b'\n', ..] => return Some((cells, end + 2)),
            [] | [b'\r'] => return Some((cells, text.len())),
            _ => return None,
        }
    }
}

/// The cell whose opening quote is before `at`, and the position after its closing quote.
fn quoted(text: &[u8], mut at: usize) -> Option<(Vec<u8>, usize)> {
    let mut cell = Vec::new();
    loop {
        let length = text[at..].iter().position(|byte| *byte == b'"')?;
        cell.extend_from_slice(&text[at..at + length]);
        at += length + 1;
        if text.get(at) != Some(&b'"') {
            return Some((cell, at));
        }
        cell.push(b'"');
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AAAAAAAAAAAAAAAAAAAA";
    const TWO: &str = "BBBBBBBBBBBBBBBBBBBB";

    #[track_caller]
    fn lines(rows: &[&str]) -> Vec<(usize, Option<usize>)> {
        let table = format!("file_name,session,text\r\n{}", rows.concat());
        let records = records(table.as_bytes());
        let bytes: Vec<u8> = records.iter().flat_map(|it| it.bytes.to_vec()).collect();
        assert_eq!(bytes, table.as_bytes());
        let rows = records.iter().skip(1);
        rows.map(|it| (it.line, it.cells().map(|cells| cells.len())))
            .collect()
    }

    #[test]
    fn a_quoted_cell_holds_commas_quotes_and_line_ends() {
        let row = format!("a,{ONE},\"x, \"\"y\"\"\r\nz\"\r\n");
        assert_eq!(lines(&[&row, "b,c,\n"]), [(2, Some(3)), (4, Some(3))]);
        let table = "\u{feff}h\n\"x, \"\"y\"\"\r\nz\"\r\n";
        let records = records(table.as_bytes());
        assert_eq!(records[0].cells(), Some(vec!["h".to_owned()]));
        assert_eq!(records[1].cells(), Some(vec!["x, \"y\"\r\nz".to_owned()]));
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
}
