//! `booth takes [SESSION]`: a table of the sessions, or of a session's takes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use super::{Common, Done, Failure, could_not, printable};
use crate::files::data::{Data, SessionFolder};
use crate::store::compare::{self, Compared};
use crate::store::row::Row;
use crate::store::{schema, session};
use crate::words::is_session;

/// Arguments of `booth takes`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A session's name; without one, all sessions are listed
    session: Option<String>,
    /// Only sessions and takes in which something is wrong
    #[arg(long)]
    problems: bool,
    /// One JSON object per line
    #[arg(long)]
    json: bool,
}

/// Runs `booth takes`.
///
/// # Errors
/// No such session, or a data folder that cannot be read; rows that cannot be read, and rows and
/// recordings without the other, are named after all that was found.
pub fn run(args: &Args, common: &Common) -> Result<Done, Failure> {
    let config = common.config()?;
    let forgotten = super::open_data(&config)?;
    match &args.session {
        Some(session) if super::is_code(session) => Err(super::code_as_session()),
        Some(session) if forgotten.contains(session) => Err(Failure::CouldNot(format!(
            "session {session}: was forgotten at its owner's wish"
        ))),
        Some(session) => one(&config.data, session, args),
        None => all(&config.data, &forgotten, args),
    }
}

fn read(data: &Path, session: &str) -> Result<Compared, Failure> {
    let folder = Data(data).session(session);
    if !is_session(session) || !folder.is_dir() {
        return Err(Failure::CouldNot(format!(
            "session {session}: not in {}; `booth takes` lists what is",
            Data(data).sessions().display()
        )));
    }
    if session::is_renamed(&folder) {
        return Err(Failure::CouldNot(format!(
            "{}: session.json is of another session; give its folder that name, or remove it",
            folder.display()
        )));
    }
    compare::session(data, session).map_err(|error| {
        Failure::CouldNot(format!(
            "{}: {error}",
            SessionFolder(&folder).takes().display()
        ))
    })
}

fn one(data: &Path, session: &str, args: &Args) -> Result<Done, Failure> {
    let Compared { mut rows, misfits } = read(data, session)?;
    rows.retain(|row| !args.problems || !row.reasons.is_empty());
    let mut out = String::new();
    if args.json {
        for row in &rows {
            let line = serde_json::to_string(row);
            let line = line.map_err(|error| Failure::CouldNot(format!("take row: {error}")))?;
            let _ = writeln!(out, "{line}");
        }
    } else {
        out = table(&rows);
    }
    super::print(&out)?;
    done(&misfits.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn done(failures: &[String]) -> Result<Done, Failure> {
    if failures.is_empty() {
        Ok(Done::Well)
    } else {
        Err(could_not(failures.join("\nbooth: ")))
    }
}

/// File, line, length, peak and verdict with its reasons of each take.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut out = String::new();
    let longest = rows.iter().map(|row| judged(row).chars().count()).max();
    let width = longest.unwrap_or_default().max(9);
    let _ = writeln!(
        out,
        "{:<18} {:<16} {:>8} {:>9} {:>10}  {:<width$} text",
        "file", "step", "line", "length", "peak", "verdict"
    );
    for row in rows {
        let seconds = row.frames as f64 / f64::from(row.rate.max(1));
        let peak = row
            .peak_dbfs
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let line = row.line.map_or("-".into(), |line| line.to_string());
        let verdict = judged(row);
        let gaps = if row.gaps.is_empty() { "" } else { " (gaps)" };
        let _ = writeln!(
            out,
            "{:<18} {:<16} {line:>8} {seconds:>7.2} s {peak:>5.1} dBFS  {verdict:<width$} {}{gaps}",
            printable(&row.file),
            printable(&row.step),
            printable(row.text.as_deref().unwrap_or(""))
        );
    }
    out
}

/// The verdict, and the reasons for it.
fn judged(row: &Row) -> String {
    let verdict = format!("{:?}", row.verdict).to_lowercase();
    if row.reasons.is_empty() {
        return verdict;
    }
    format!("{verdict} ({})", printable(&row.reasons.join(", ")))
}

/// How many takes each reason was found in.
pub(super) fn problems<'a>(rows: impl IntoIterator<Item = &'a Row>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for reason in rows.into_iter().flat_map(|row| &row.reasons) {
        *counts.entry(reason.as_str()).or_default() += 1;
    }
    counts
}

fn all(data: &Path, forgotten: &BTreeSet<String>, args: &Args) -> Result<Done, Failure> {
    let names = schema::sessions(data).map_err(|error| {
        Failure::CouldNot(format!("{}: {error}", Data(data).sessions().display()))
    })?;
    let mut out = String::new();
    if !args.json {
        let _ = writeln!(
            out,
            "{:<20} {:>5} {:>10}  problems",
            "session", "takes", "recorded"
        );
    }
    let mut failures = Vec::new();
    for name in names.into_iter().filter(|name| !forgotten.contains(name)) {
        let rows = match read(data, &name) {
            Ok(Compared { rows, misfits }) => {
                failures.extend(misfits.iter().map(ToString::to_string));
                rows
            }
            Err(failure) => {
                failures.push(failure.to_string());
                continue;
            }
        };
        let problems = problems(&rows);
        if args.problems && problems.is_empty() {
            continue;
        }
        let seconds: f64 = rows
            .iter()
            .map(|row| row.frames as f64 / f64::from(row.rate.max(1)))
            .fold(0.0, |sum, seconds| sum + seconds);
        let _ = if args.json {
            let object = serde_json::json!({
                "session": name, "takes": rows.len(), "seconds": seconds, "problems": problems
            });
            writeln!(out, "{object}")
        } else {
            let words = problems
                .iter()
                .map(|(reason, takes)| format!("{reason} {takes}"));
            let words = printable(&words.collect::<Vec<_>>().join(", "));
            let line = format!("{name:<20} {:>5} {seconds:>8.1} s  {words}", rows.len());
            writeln!(out, "{}", line.trim_end())
        };
    }
    super::print(&out)?;
    done(&failures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Format, Kind, Spec};

    #[test]
    fn a_row_of_the_table_is_one_line_of_printable_text() {
        let spec = Spec {
            rate: 48_000,
            channels: 1,
            format: Format::S32Le,
        };
        let row = Row {
            step: "s\u{1b}[2J".into(),
            text: Some("t\u{7}\n".into()),
            reasons: vec!["cut".into(), "a\u{7}b".into()],
            ..Row::of(1, "f\r".into(), Kind::Read, spec)
        };
        let table = table(&[row]);
        assert_eq!(table.lines().count(), 2, "{table}");
        assert!(table.lines().all(|line| !line.contains(char::is_control)));
        assert!(table.contains("kept (cut, "), "{table}");
    }
}
