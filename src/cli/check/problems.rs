//! Whether more than one take in ten of the last day has something wrong with it.

use super::Finding;
use crate::cli::takes::problems;
use crate::store::row::Row;
use crate::words::Sound;

/// Words that are worth knowing and spoil no take.
const HARMLESS: [Sound; 2] = [Sound::Loud, Sound::Long];
/// Of the reasons, so many are named.
const NAMED: usize = 3;
/// Characters of an RFC 3339 time that are its day.
const DAY: usize = 10;

/// The takes of the last day of these rows.
pub fn last_day<'a>(rows: impl Iterator<Item = &'a Row> + Clone) -> Finding {
    let day = |row: &'a Row| row.utc.as_deref().and_then(|utc| utc.get(..DAY));
    let Some(last) = rows.clone().map(day).max() else {
        return Finding::ok("heard", "no take yet");
    };
    let of_day = rows.filter(|row| day(row) == last);
    let takes = of_day.clone().count();
    let is_bad = |row: &&Row| row.reasons.iter().any(|reason| spoils(reason));
    let bad = of_day.clone().filter(is_bad).count();
    let day = last.unwrap_or("days that no clock tells");
    let text = format!("{day}: {bad} of {takes} takes with something wrong");
    if bad * 10 <= takes {
        return Finding::ok("heard", text);
    }
    let mut reasons: Vec<(&str, usize)> = problems(of_day).into_iter().collect();
    reasons.retain(|(reason, _)| spoils(reason));
    reasons.sort_by_key(|(_, takes)| std::cmp::Reverse(*takes));
    let named = reasons.iter().take(NAMED);
    let named: Vec<String> = named
        .map(|(reason, takes)| format!("{reason} in {takes}"))
        .collect();
    Finding::warn(
        "heard",
        format!("{text}: {}", named.join(", ")),
        "`booth takes --problems` lists them by session",
    )
}

/// Whether a take is spoilt by this reason, of a channel or of all.
fn spoils(reason: &str) -> bool {
    let word = reason.rsplit(": ").next();
    !HARMLESS
        .iter()
        .any(|harmless| word == Some(&harmless.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use crate::words::{Format, Kind, Spec};

    fn row(utc: Option<&str>, reasons: &[&str]) -> Row {
        let spec = Spec {
            rate: 48_000,
            channels: 1,
            format: Format::S32Le,
        };
        Row {
            utc: utc.map(str::to_owned),
            reasons: reasons.iter().map(|reason| (*reason).into()).collect(),
            ..Row::of(1, "f".into(), Kind::Read, spec)
        }
    }

    #[test]
    fn only_the_last_day_counts_and_only_what_spoils_a_take() {
        let (before, today) = (Some("2026-11-30T09:00:00Z"), Some("2026-12-01T09:00:00Z"));
        let mut rows = vec![row(before, &["headset: dead"]); 9];
        rows.extend(vec![row(today, &[]); 8]);
        rows.push(row(today, &["headset: loud"]));
        rows.push(row(today, &["throat: dead", "silent"]));
        let found = last_day(rows.iter());
        assert_eq!(found.state, State::Ok, "{}", found.text);
        assert_eq!(found.text, "2026-12-01: 1 of 10 takes with something wrong");
        rows.push(row(today, &["throat: dead"]));
        let found = last_day(rows.iter());
        assert_eq!(found.state, State::Warn);
        assert!(
            found
                .text
                .ends_with("2 of 11 takes with something wrong: throat: dead in 2, silent in 1")
        );
    }

    #[test]
    fn takes_of_an_untold_day_are_a_day_and_none_is_no_fault() {
        assert_eq!(last_day([].iter()).state, State::Ok);
        let rows = [row(None, &["silent"])];
        assert_eq!(last_day(rows.iter()).state, State::Warn);
    }
}
