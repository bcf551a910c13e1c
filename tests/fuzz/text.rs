//! Texts that a person, an editor or a broken disk could leave in the place of a good one.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Values that no key was made for.
const EXTREMES: [&str; 30] = [
    "0",
    "-1",
    "1",
    "255",
    "256",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "0xffffffff",
    "1e308",
    "1e999",
    "-0.0",
    "5e-324",
    "nan",
    "-inf",
    "inf",
    "true",
    "\"\"",
    "\"\\u0000\"",
    "\"random\"",
    "[]",
    "[[1], [\"a\"]]",
    "{}",
    "{ a = 1 }",
    "1979-05-27T07:32:00Z",
    "'''\nx\n'''",
];

/// One change to a text.
#[derive(Clone, Debug)]
pub enum Edit {
    Delete(Index),
    Duplicate(Index),
    Swap(Index, Index),
    /// What stands behind the `=` of a line, or the `:`.
    Value(Index, String),
    /// A run of digits.
    Number(Index, String),
    Insert(Index, String),
    Cut(Index),
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(EXTREMES.to_vec()).prop_map(String::from),
        1 => any::<u64>().prop_map(|n| n.to_string()),
        1 => any::<f64>().prop_map(|n| format!("{n:?}")),
        1 => any::<String>(),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    let index = any::<Index>;
    prop_oneof![
        2 => index().prop_map(Edit::Delete),
        2 => index().prop_map(Edit::Duplicate),
        2 => (index(), index()).prop_map(|(a, b)| Edit::Swap(a, b)),
        4 => (index(), value()).prop_map(|(at, value)| Edit::Value(at, value)),
        4 => (index(), value()).prop_map(|(at, value)| Edit::Number(at, value)),
        1 => (index(), prop_oneof!["[\\[\\]{}\"'=.,#\n\r\t ]{1,3}", "\\PC{1,3}"])
            .prop_map(|(at, text)| Edit::Insert(at, text)),
        1 => index().prop_map(Edit::Cut),
    ]
}

/// `base` with some edits; half of the time one alone, so that many are accepted.
pub fn edited(base: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![vec(edit(), 1..2), vec(edit(), 1..6)].prop_map(|edits| {
        let text = base.to_owned();
        edits.iter().fold(text, |text, edit| edit.apply(&text))
    })
}

/// Text that is nothing in particular, from words of `base` or from any characters.
pub fn any_text(base: &'static str) -> impl Strategy<Value = String> {
    let word = select(base.split_inclusive([' ', '\n']).collect::<Vec<_>>());
    prop_oneof![
        any::<String>(),
        "[a-z0-9\\[\\]{}\"'=.,#\\\\_ \n\r\t\u{feff}é-]{0,80}",
        vec(word, 0..40).prop_map(|words| words.concat()),
    ]
}

impl Edit {
    fn apply(&self, text: &str) -> String {
        let mut lines: Vec<String> = text.split_inclusive('\n').map(String::from).collect();
        if lines.is_empty() {
            return text.to_owned();
        }
        let count = lines.len();
        match self {
            Edit::Delete(at) => drop(lines.remove(at.index(count))),
            Edit::Duplicate(at) => {
                let at = at.index(count);
                lines.insert(at, lines[at].clone());
            }
            Edit::Swap(a, b) => lines.swap(a.index(count), b.index(count)),
            Edit::Value(at, value) => set_value(&mut lines, at, value),
            Edit::Number(at, value) => return set_number(text, at, value),
            Edit::Insert(at, new) => {
                let at = boundary(text, at);
                return [&text[..at], new, &text[at..]].concat();
            }
            Edit::Cut(at) => {
                let at = boundary(text, at);
                return text[..at].to_owned();
            }
        }
        lines.concat()
    }
}

/// Where a character begins, or the end.
fn boundary(text: &str, at: &Index) -> usize {
    let nth = at.index(text.chars().count() + 1);
    let mut starts = text.char_indices().map(|(start, _)| start);
    starts.nth(nth).unwrap_or(text.len())
}

fn set_value(lines: &mut [String], at: &Index, value: &str) {
    let is_keyed = |line: &&mut String| line.contains(['=', ':']);
    let mut keyed: Vec<&mut String> = lines.iter_mut().filter(is_keyed).collect();
    if keyed.is_empty() {
        return;
    }
    let at = at.index(keyed.len());
    let sign = keyed[at].find(['=', ':']).unwrap_or_default();
    let comma = if keyed[at].trim_end().ends_with(',') {
        ","
    } else {
        ""
    };
    *keyed[at] = format!("{} {value}{comma}\n", &keyed[at][..=sign]);
}

fn set_number(text: &str, at: &Index, value: &str) -> String {
    let starts = |(n, c): (usize, char)| {
        let digit_before = text[..n].ends_with(|c: char| c.is_ascii_digit());
        (c.is_ascii_digit() && !digit_before).then_some(n)
    };
    let runs: Vec<usize> = text.char_indices().filter_map(starts).collect();
    if runs.is_empty() {
        return text.to_owned();
    }
    let from = runs[at.index(runs.len())];
    let rest = text[from..].trim_start_matches(|c: char| c.is_ascii_digit());
    [&text[..from], value, rest].concat()
}
