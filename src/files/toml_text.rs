//! Finds the line of a key in a TOML text, and explains the parser's errors.

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

/// The message of a TOML error, with the nearest known key if one was mistyped.
pub(crate) fn explain(text: &str, error: &toml::de::Error) -> (Option<usize>, String) {
    let offset = error.span().map(|s| s.start);
    let mut reason = error.message().to_owned();
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
    }
    (offset.map(|o| line_at(text, o)), reason)
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
}
