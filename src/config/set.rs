//! `--set KEY=VALUE`: one dotted key of the configuration, for one run.

use toml::{Table, Value};

/// Parts that a key can have: the deepest, `audio.sensor.NAME.model`, has four. A table is nested
/// as deep as its key has parts, and ten thousand parts would overflow the stack.
const MOST_PARTS: usize = 8;

/// Writes `KEY=VALUE` into `table`. The value is read as TOML, else taken as a string.
///
/// # Errors
/// What is wrong with the assignment, in words.
pub fn apply(table: &mut Table, assignment: &str) -> Result<(), String> {
    let (key, value) = assignment
        .split_once('=')
        .ok_or_else(|| "expected KEY=VALUE".to_owned())?;
    let mut place = table;
    let mut parts: Vec<&str> = key.trim().split('.').collect();
    let last = parts.pop().unwrap_or_default();
    if last.is_empty() || parts.iter().any(|p| p.is_empty()) {
        return Err("the key is empty or has an empty part".to_owned());
    }
    if parts.len() >= MOST_PARTS {
        return Err(format!("no key has more than {MOST_PARTS} parts"));
    }
    for part in parts {
        place = place
            .entry(part)
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
            .ok_or_else(|| format!("`{part}` is a value, not a table"))?;
    }
    place.insert(last.to_owned(), read(value));
    Ok(())
}

fn read(value: &str) -> Value {
    format!("v = {value}")
        .parse::<Table>()
        .ok()
        .filter(|t| t.len() == 1)
        .and_then(|mut t| t.remove("v"))
        .unwrap_or_else(|| Value::String(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_toml_or_else_strings() {
        let mut t = Table::new();
        for s in [
            "audio.device=sim",
            "audio.rate=8000",
            r#"audio.channels=["a","b"]"#,
        ] {
            apply(&mut t, s).expect(s);
        }
        assert_eq!(t["audio"]["device"].as_str(), Some("sim"));
        assert_eq!(t["audio"]["rate"].as_integer(), Some(8000));
        assert_eq!(t["audio"]["channels"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn bad_assignments_are_refused() {
        for s in ["x", "=1", "a..b=1", "a.=1"] {
            assert!(apply(&mut Table::new(), s).is_err(), "{s}");
        }
    }
}
