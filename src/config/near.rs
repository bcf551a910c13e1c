//! The nearest known word to a mistyped one, and where in a TOML text a key stands.

/// The candidate nearest to `word`, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|k| (distance(word, k), k))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, k)| k)
}

/// Edits that make `b` of `a`, two swapped neighbours counting as one (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let above = &rows[i - 1];
            let change = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// The line, from 1, of a byte offset.
#[must_use]
pub fn line_at(text: &str, offset: usize) -> usize {
    let end = offset.min(text.len());
    1 + text.as_bytes()[..end]
        .iter()
        .filter(|b| **b == b'\n')
        .count()
}

/// The table, as `[audio]`, that the line of a byte offset stands in; empty at the top.
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

/// What a TOML error says, with the nearest known key where one was mistyped.
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
    fn a_typo_finds_its_key_and_a_stranger_none() {
        let known = ["period_frames", "rate", "device"];
        assert_eq!(nearest("perod_frames", known), Some("period_frames"));
        assert_eq!(nearest("zzz", known), None);
    }

    #[test]
    fn keys_are_found_in_their_table() {
        let text = "a = 1\n[audio] # x\nrate = 3\n";
        assert_eq!(line_of(text, "audio.rate"), Some(3));
        assert_eq!(line_of(text, "rate"), None);
    }
}
