//! What is left of a session in a table that was cleaned: lines that hide it.

use std::collections::{BTreeMap, BTreeSet};

use super::table::Row;
use crate::dataset::exports::Part;

/// More lines than these are counted, not named: all rows of a table may be damaged.
const NAMED: usize = 3;

/// The lines that still mention sessions, and why each stays.
#[derive(Debug, Default)]
pub(super) struct Left(BTreeMap<(String, &'static str), (Vec<u64>, u64)>);

impl Left {
    /// `session` is mentioned in `line`.
    pub(super) fn add(&mut self, session: &str, line: u64, why: &'static str) {
        let (lines, count) = self.0.entry((session.to_owned(), why)).or_default();
        if lines.len() < NAMED {
            lines.push(line);
        }
        *count += 1;
    }

    /// A row that stays mentions `sessions`; those of `known` lines are reported with their file.
    pub(super) fn add_row(
        &mut self,
        row: &Row<'_>,
        sessions: &BTreeSet<&str>,
        known: &BTreeSet<u64>,
    ) {
        if known.contains(&row.record.line) {
            return;
        }
        let why = if row.record.line == 1 {
            "the columns' names mention the session; remove by hand what is theirs"
        } else if row.is_damaged {
            "the row is damaged, a quote or a comma is out of place; mend it, or remove it"
        } else {
            "a row of someone else mentions the session; remove by hand what is theirs"
        };
        for session in sessions {
            self.add(session, row.record.line, why);
        }
    }

    /// Puts all of it into the sessions' parts.
    pub(super) fn report(self, parts: &mut BTreeMap<String, Part>) {
        for ((session, why), (lines, count)) in self.0 {
            let named: Vec<String> = lines.iter().map(u64::to_string).collect();
            let more = count - lines.len() as u64;
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            let word = if count == 1 { "line" } else { "lines" };
            let stays = &mut parts.entry(session).or_default().erased.stays;
            stays.push(format!("{word} {}{more}: {why}", named.join(", ")));
        }
    }
}
