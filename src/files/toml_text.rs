//! Finds the line of a key in a TOML text, and explains the parser's errors.

use toml::de::DeTable;

use super::nearest::nearest;

/// The line, from 1, of a byte offset.
#[must_use]
pub fn line_at(text: &str, offset: usize) -> usize {
    let end = offset.min(text.len());
    1 + text.as_bytes()[..end]
        .iter()
        .filter(|b| **b == b'\n')
        .count()
}

/// The table that a byte offset is in, for example `[audio]`; empty at the top.
#[must_use]
pub fn table_at(text: &str, offset: usize) -> String {
    text.lines()
        .take(line_at(text, offset))
        .filter_map(header)
        .last()
        .unwrap_or_default()
        .to_owned()
}

/// The line, from 1, of the dotted `key`; `None` where the text leaves it to its default.
#[must_use]
pub fn line_of(text: &str, key: &str) -> Option<usize> {
    let mut table = "";
    for (n, line) in text.lines().enumerate() {
        if let Some(h) = header(line) {
            table = h.trim_matches(['[', ']']).trim();
            if table == key {
                return Some(n + 1);
            }
        } else if let Some((name, _)) = line.split_once('=') {
            let full = match table {
                "" => name.trim().to_owned(),
                _ => format!("{table}.{}", name.trim()),
            };
            if full == key {
                return Some(n + 1);
            }
        }
    }
    None
}

fn header(line: &str) -> Option<&str> {
    let line = line.trim();
    let line = line.split_once('#').map_or(line, |(l, _)| l).trim();
    (line.starts_with('[') && line.ends_with(']')).then_some(line)
}

/// The line of a TOML error, and in a sentence: the key with what it takes, or the nearest known key if
/// one was mistyped.
pub(crate) fn explain(text: &str, error: &toml::de::Error) -> (Option<usize>, String) {
    let offset = error.span().map(|s| s.start);
    let mut reason = error.message().replace('\n', ", ");
    // serde's words: "unknown field `x`, expected one of `a`, `b`" or "expected `a`".
    if let Some(rest) = reason.strip_prefix("unknown field `") {
        let mut quoted = rest.split('`').step_by(2);
        let word = quoted.next().unwrap_or_default().to_owned();
        let near = nearest(&word, quoted.filter(|k| !k.is_empty()))
            .map_or(String::new(), |k| format!("; did you mean `{k}`?"));
        let place = offset.map_or(String::new(), |o| table_at(text, o));
        let place = if place.is_empty() {
            place
        } else {
            format!(" in {place}")
        };
        reason = format!("unknown key `{word}`{place}{near}");
    } else if let Some(key) = key_of(text, error) {
        reason = match reason.strip_prefix("missing field `") {
            Some(field) => format!("`{key}.{} is missing", field),
            None => format!("`{key}`: {}", taken(&reason)),
        };
    }
    (offset.map(|o| line_at(text, o)), reason)
}

/// The same for a file that its reader names itself: `line 3: ...`.
pub(crate) fn sentence(text: &str, error: &toml::de::Error) -> String {
    match explain(text, error) {
        (Some(line), reason) => format!("line {line}: {reason}"),
        (None, reason) => reason,
    }
}

/// The dotted key that an error is about; none for one of grammar.
fn key_of(text: &str, error: &toml::de::Error) -> Option<String> {
    if let Some(span) = error.span() {
        let table = DeTable::parse(text).ok()?;
        return Some(path_at(table.get_ref(), span.start)?.join("."));
    }
    // The error of a value that stands in no text: its words end in the keys.
    let words = error.to_string();
    let key = words.trim_end().rsplit_once("\nin `")?.1;
    key.strip_suffix('`').map(str::to_owned)
}

/// The keys that lead to what stands at a byte offset.
fn path_at<'a>(table: &'a DeTable<'_>, offset: usize) -> Option<Vec<&'a str>> {
    table.iter().find_map(|(key, value)| {
        let value_of = value.get_ref();
        let items = value_of
            .as_array()
            .into_iter()
            .flat_map(|items| items.iter());
        let in_items = items.filter_map(|item| item.get_ref().as_table());
        let mut tables = value_of.as_table().into_iter().chain(in_items);
        let below = tables.find_map(|table| path_at(table, offset));
        let is_here = || {
            let spans = [key.span(), value.span()];
            spans
                .iter()
                .any(|span| span.contains(&offset))
                .then(Vec::new)
        };
        let mut path = below.or_else(is_here)?;
        path.insert(0, key.get_ref());
        Some(path)
    })
}

/// serde's words for a value of the wrong type or out of range, in those of TOML.
fn taken(reason: &str) -> String {
    let of_type = |prefix| reason.strip_prefix(prefix)?.split_once(", expected ");
    let of_type = ["invalid type: ", "invalid value: ", "invalid length "]
        .into_iter()
        .find_map(of_type);
    if let Some((found, expected)) = of_type {
        return format!("takes {}, not {}", expectation(expected), finding(found));
    }
    let of_word = reason.strip_prefix("unknown variant `");
    match of_word.and_then(|rest| rest.split_once("`, expected ")) {
        Some((word, known)) => format!("takes {known}, not \"{word}\""),
        None => reason.to_owned(),
    }
}

fn expectation(expected: &str) -> &str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" => "a whole number from 0 on",
        "i64" => "a whole number",
        "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "a text in quotes",
        "path string" => "a path in quotes",
        "a sequence" => "a list in brackets",
        "a map" => "a table",
        of_struct if of_struct.starts_with("struct ") => "a table",
        other => other,
    }
}

fn finding(found: &str) -> String {
    match found {
        "sequence" => "a list".into(),
        "map" => "a table".into(),
        // `integer `5``: the value says its type.
        found => match found.split_once('`') {
            Some((_, value)) => value.trim_end_matches('`').to_owned(),
            None => found.replacen("string ", "the text ", 1),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_their_table() {
        let text = "a = 1\n[audio] # x\nrate = 3\n";
        assert_eq!(line_of(text, "audio.rate"), Some(3));
        assert_eq!(line_of(text, "rate"), None);
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Thing {
        #[serde(rename = "rate")]
        _rate: Option<u32>,
        #[serde(rename = "names")]
        _names: Option<Vec<String>>,
        #[serde(rename = "gain")]
        _gain: Option<f64>,
        #[serde(rename = "own")]
        _own: Option<Box<Thing>>,
        #[serde(rename = "each")]
        _each: Option<Vec<Thing>>,
        #[serde(rename = "band")]
        _band: Option<[f64; 2]>,
        #[serde(rename = "pin")]
        _pin: Option<Pin>,
    }

    #[derive(Debug, serde::Deserialize)]
    struct Pin {
        #[serde(rename = "gpio")]
        _gpio: u8,
        #[serde(rename = "pull")]
        _pull: Option<Pull>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Pull {
        Up,
        Down,
    }

    #[test]
    fn a_value_of_a_wrong_type_or_out_of_range_is_told_with_its_key_and_what_it_takes() {
        let whole = "a whole number from 0 to 4294967295";
        for (text, line, said) in [
            (
                "rate = \"48000\"",
                1,
                format!("`rate`: takes {whole}, not the text \"48000\""),
            ),
            ("rate = -1", 1, format!("`rate`: takes {whole}, not -1")),
            (
                "\nrate = 4294967296",
                2,
                format!("`rate`: takes {whole}, not 4294967296"),
            ),
            ("rate = 0.5", 1, format!("`rate`: takes {whole}, not 0.5")),
            ("rate = true", 1, format!("`rate`: takes {whole}, not true")),
            ("rate = []", 1, format!("`rate`: takes {whole}, not a list")),
            (
                "[own]\nown.rate = 'x'",
                2,
                format!("`own.own.rate`: takes {whole}, not the text \"x\""),
            ),
            (
                "[own.own]\n# rate\nrate = 'x'",
                3,
                format!("`own.own.rate`: takes {whole}, not the text \"x\""),
            ),
            (
                "own = { gain = 'x' }",
                1,
                "`own.gain`: takes a number, not the text \"x\"".into(),
            ),
            (
                "[[each]]\n[[each]]\nnames = 'a'",
                3,
                "`each.names`: takes a list in brackets, not the text \"a\"".into(),
            ),
            (
                "names = [\n'a',\n2]",
                3,
                "`names`: takes a text in quotes, not 2".into(),
            ),
            ("own = 5", 1, "`own`: takes a table, not 5".into()),
            ("[pin]\npull = 'up'", 1, "`pin.gpio` is missing".into()),
            (
                "pin = { gpio = 300 }",
                1,
                "`pin.gpio`: takes a whole number from 0 to 255, not 300".into(),
            ),
            (
                "pin = { gpio = 3, pull = 'left' }",
                1,
                "`pin.pull`: takes `up` or `down`, not \"left\"".into(),
            ),
        ] {
            let error = toml::from_str::<Thing>(text).expect_err(text);
            assert_eq!(explain(text, &error), (Some(line), said), "{text}");
        }
        let table: toml::Table = "own = { rate = 'x' }".parse().expect("TOML");
        let error = table.try_into::<Thing>().expect_err("a wrong type");
        let said = format!("`own.rate`: takes {whole}, not the text \"x\"");
        assert_eq!(explain("", &error), (None, said));
    }

    #[test]
    fn an_error_of_grammar_is_on_one_line() {
        for text in ["[a", "a = ", "a = 1\na = 2"] {
            let error = toml::from_str::<toml::Table>(text).expect_err(text);
            let (line, said) = explain(text, &error);
            assert!(
                line.is_some() && !said.contains('\n') && !said.is_empty(),
                "{said}"
            );
        }
    }
}
