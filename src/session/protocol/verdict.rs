//! `[verdict]`: by which numbers takes are judged, and `[verdict.CHANNEL]` where a channel has its own.

use toml::{Table, Value};

use crate::files::nearest::nearest;
use crate::words::{ChannelRules, VerdictRules};

/// Keys of all channels together.
const KEYS: [&str; 5] = ["voice", "off", "short", "long", "letters_per_s"];
/// Keys that a channel may have of its own.
const NUMBERS: [&str; 6] = [
    "dead_dbfs",
    "deaf",
    "loud_dbfs",
    "quiet_snr_db",
    "quiet_dbfs",
    "drift_db",
];

/// A key, whole, and what is wrong with it.
type Refusal = (String, String);

/// Checks the table.
pub(super) fn check(table: Table) -> Result<VerdictRules, Refusal> {
    let mut rules = VerdictRules::default();
    let (mut numbers, mut own) = (Table::new(), Vec::new());
    for (key, value) in table {
        let place = format!("verdict.{key}");
        match (key.as_str(), value) {
            (_, Value::Table(table)) => own.push((key, table)),
            ("voice", value) => rules.voice = Some(typed(place, value)?),
            ("off", value) => rules.off = typed(place, value)?,
            ("short", value) => rules.short = share(place, &value)?,
            ("long", value) => rules.long = share(place, &value)?,
            ("letters_per_s", value) => rules.letters_per_s = share(place, &value)?,
            ("required", _) => {
                let reason = "this version cannot show the fitting; remove it";
                return Err((place, reason.into()));
            }
            (_, value) => drop(numbers.insert(key, value)),
        }
    }
    rules.channels = channel("verdict", numbers.clone())?;
    for (name, more) in own {
        let place = format!("verdict.{name}");
        channel(&place, more.clone())?;
        let mut all = numbers.clone();
        all.extend(more);
        rules.channel.insert(name, channel(&place, all)?);
    }
    Ok(rules)
}

fn channel(place: &str, numbers: Table) -> Result<ChannelRules, Refusal> {
    for (key, value) in &numbers {
        let place = format!("{place}.{key}");
        if !NUMBERS.contains(&key.as_str()) {
            let near = nearest(key, NUMBERS.into_iter().chain(KEYS));
            let near = near.map_or(String::new(), |it| format!("; did you mean `{it}`?"));
            return Err((place, format!("no such key{near}")));
        }
        number(place, value)?;
    }
    let rules = numbers.try_into();
    rules.map_err(|error: toml::de::Error| (place.into(), error.message().to_owned()))
}

fn number(place: String, value: &Value) -> Result<f32, Refusal> {
    let number = match value {
        Value::Integer(number) => Some(*number as f32),
        Value::Float(number) => Some(*number as f32),
        _ => None,
    };
    let finite = number.filter(|it| it.is_finite());
    finite.ok_or_else(|| (place, "must be a number".into()))
}

fn share(place: String, value: &Value) -> Result<f32, Refusal> {
    let number = number(place.clone(), value)?;
    if number > 0.0 {
        return Ok(number);
    }
    Err((place, "must be more than 0".into()))
}

fn typed<T: serde::de::DeserializeOwned>(place: String, value: Value) -> Result<T, Refusal> {
    let typed = value.try_into();
    typed.map_err(|error: toml::de::Error| (place, error.message().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Sound;

    fn checked(text: &str) -> Result<VerdictRules, Refusal> {
        check(text.parse().expect("TOML"))
    }

    #[test]
    fn a_channel_has_the_numbers_of_all_but_its_own() {
        let rules = checked(
            "voice = \"throat\"\noff = [\"loud\", \"cut-end\"]\nquiet_dbfs = -50\nlong = 3\n\
             [throat]\nquiet_snr_db = 6.5\n",
        );
        let rules = rules.expect("good");
        assert_eq!(rules.voice.as_deref(), Some("throat"));
        assert!(rules.off.contains(&Sound::CutEnd) && rules.off.len() == 2);
        let [throat, other] = ["throat", "headset"].map(|it| *rules.of(it));
        assert_eq!([throat.quiet_dbfs, other.quiet_dbfs], [-50.0; 2]);
        assert_eq!([throat.quiet_snr_db, other.quiet_snr_db], [6.5, 12.0]);
        assert_eq!((rules.long, rules.short), (3.0, 0.6));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, key, words) in [
            ("offf = []", "offf", "did you mean `off`?"),
            ("off = [\"hmm\"]", "off", "hmm"),
            ("quiet_dbfs = \"x\"", "quiet_dbfs", "must be a number"),
            ("drift_db = nan", "drift_db", "must be a number"),
            ("short = 0", "short", "more than 0"),
            ("[throat]\ndeff = 1", "throat.deff", "did you mean `deaf`?"),
            ("required = [\"a\"]", "required", "fitting"),
        ] {
            let (found, reason) = checked(text).expect_err(text);
            let is_named = found == format!("verdict.{key}");
            assert!(is_named && reason.contains(words), "{found}: {reason}");
        }
    }
}
