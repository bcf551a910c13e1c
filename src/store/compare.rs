//! A session's rows compared with its recordings: what one has and the other lacks.
//!
//! Guarantees: nothing is changed. The session that a running booth records is not judged, for its
//! rows follow its files. A row torn by a power cut is nothing to report where the take has a row
//! or no recording.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::row::{Row, take_number};
use super::{lock, session, takes};
use crate::files::data::{Data, SessionFolder};
use crate::files::jsonl::Damaged;
use crate::files::small;

/// What of a session cannot be used as it lies there.
#[derive(Debug)]
pub enum Misfit {
    /// A row that cannot be read, and the take it is of where that can be told.
    Damaged {
        /// takes.jsonl.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// Its take.
        take: Option<u32>,
        /// Why.
        reason: String,
    },
    /// A row without its recording.
    NoFile(PathBuf),
    /// A recording without a row.
    NoRow(PathBuf),
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misfit::Damaged {
                path,
                line,
                take,
                reason,
            } => {
                let path = path.display();
                let of = take.map_or(String::new(), |take| format!(" of take {take}"));
                write!(
                    f,
                    "{path}:{line}: the row{of} cannot be read: {reason}; mend the line, or put the \
                     file back from a backup"
                )
            }
            Misfit::NoFile(path) => write!(
                f,
                "take {}: is not there, sealed or plain; put it back from a backup",
                path.display()
            ),
            Misfit::NoRow(path) => write!(
                f,
                "take {}: has no row in takes.jsonl; the next start of a booth on this data writes \
                 one, or put takes.jsonl back from a backup",
                path.display()
            ),
        }
    }
}

/// A session's rows, and what does not fit.
#[derive(Debug, Default)]
pub struct Compared {
    /// Its takes.
    pub rows: Vec<Row>,
    /// What is damaged or missing; none for the session that is being recorded.
    pub misfits: Vec<Misfit>,
}

/// Reads the rows of `session` in DATA and looks for their recordings, and the other way round.
///
/// # Errors
/// The folder or takes.jsonl is there and cannot be read.
pub fn session(data: &Path, session: &str) -> io::Result<Compared> {
    let folder = Data(data).session(session);
    let found = takes::found(&folder)?;
    let is_live = is_live(data, &folder);
    let misfits = if is_live {
        Vec::new()
    } else {
        misfits(&folder, &found.rows, &found.damaged)?
    };
    let rows = found.rows.into_values().map(|(_, row)| row);
    // One without a hash is of a take that is being recorded.
    let is_over = |row: &Row| !is_live || row.samples_sha256.is_some();
    Ok(Compared {
        rows: rows.filter(is_over).collect(),
        misfits,
    })
}

/// Whether a booth is recording it.
fn is_live(data: &Path, folder: &Path) -> bool {
    let record: Option<Value> = session::record_as(folder);
    let has_ended = record.is_some_and(|record| !record["ended"].is_null());
    !has_ended && lock::is_held(data)
}

fn misfits(
    folder: &Path,
    rows: &BTreeMap<u32, (usize, Row)>,
    damaged: &[(usize, Damaged)],
) -> io::Result<Vec<Misfit>> {
    let mut misfits = Vec::new();
    let mut named = Vec::new();
    for (place, damaged) in damaged {
        let take = take_of(&damaged.text);
        let good = take
            .and_then(|take| rows.get(&take))
            .map(|(place, _)| place);
        let is_torn = damaged.reason.is_eof() || damaged.text.iter().all(|byte| *byte == 0);
        let is_replaced = good.is_some_and(|good| good > place || is_torn);
        if is_replaced || (take.is_none() && is_torn) {
            continue;
        }
        named.extend(take);
        misfits.push(Misfit::Damaged {
            path: SessionFolder(folder).takes(),
            line: damaged.line,
            take,
            reason: damaged.reason.to_string(),
        });
    }
    let names = small::names(folder)?;
    let recordings: HashSet<&str> = names.iter().map(|name| plain(name)).collect();
    let with_row: HashSet<&str> = rows.values().map(|(_, row)| row.file.as_str()).collect();
    for (_, row) in rows.values() {
        if row.frames > 0 && !recordings.contains(row.file.as_str()) {
            misfits.push(Misfit::NoFile(folder.join(&row.file)));
        }
    }
    for name in &names {
        let Some(take) = take_number(plain(name)) else {
            continue;
        };
        if !named.contains(&take) && !with_row.contains(plain(name)) {
            misfits.push(Misfit::NoRow(folder.join(name)));
        }
    }
    Ok(misfits)
}

/// The name of a recording before it was sealed.
fn plain(name: &str) -> &str {
    name.strip_suffix(".age").unwrap_or(name)
}

/// The take that a damaged row still names.
fn take_of(text: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(text);
    let (_, rest) = text.split_once("\"take\":")?;
    let rest = rest.trim_start();
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    // A number at the very end may have been cut.
    (digits < rest.len()).then(|| rest[..digits].parse().ok())?
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::row::take_name;
    use crate::words::{Format, Kind, Spec};

    const NAME: &str = "0123456789ABCDEFGHJK";

    fn line(take: u32) -> String {
        let spec = Spec {
            rate: 48_000,
            channels: 1,
            format: Format::S32Le,
        };
        let row = Row {
            frames: 1,
            ..Row::of(take, take_name(take), Kind::Read, spec)
        };
        serde_json::to_string(&row).expect("a row")
    }

    /// What is said of a session with these lines and the recordings of these takes.
    #[track_caller]
    fn said(lines: &[String], takes: &[u32], record: &str, is_running: bool) -> Vec<String> {
        let data = tempfile::tempdir().expect("a folder");
        let _held = is_running.then(|| lock::lock(data.path()).expect("a lock"));
        let folder = Data(data.path()).session(NAME);
        fs::create_dir_all(&folder).expect("made");
        fs::write(SessionFolder(&folder).record(), record).expect("written");
        fs::write(SessionFolder(&folder).takes(), lines.join("\n")).expect("written");
        for take in takes {
            fs::write(folder.join(take_name(*take)), "").expect("written");
        }
        let compared = session(data.path(), NAME).expect("read");
        let prefix = format!("{}/", folder.display());
        let all = compared.misfits.iter();
        all.map(|one| one.to_string().replace(&prefix, ""))
            .collect()
    }

    #[track_caller]
    fn of(lines: &[String], takes: &[u32]) -> Vec<String> {
        said(lines, takes, r#"{"ended":"completed"}"#, false)
    }

    #[test]
    fn a_row_without_a_file_and_a_file_without_a_row_are_named() {
        assert!(of(&[line(1), line(2)], &[1, 2]).is_empty());
        let found = of(&[line(1), line(2)], &[1, 3]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("take take-0002.rf64: is not there"));
        assert!(found[1].starts_with("take take-0003.rf64: has no row"));
    }

    #[test]
    fn a_damaged_row_is_named_once_with_its_line_and_take() {
        let spoilt = line(2).replace("\"frames\":", "\"frames\";");
        let marked = format!("\u{feff}{}", line(2));
        let garbage = "x".to_owned();
        for (lines, words) in [
            (
                vec![line(1), spoilt.clone()],
                "takes.jsonl:2: the row of take 2 cannot be read",
            ),
            (
                vec![line(1), marked],
                "takes.jsonl:2: the row of take 2 cannot be read",
            ),
            // Its verdict, perhaps.
            (
                vec![line(1), line(2), spoilt.clone()],
                "takes.jsonl:3: the row of take 2 cannot",
            ),
            (
                vec![line(1), garbage, line(2)],
                "takes.jsonl:2: the row cannot be read",
            ),
        ] {
            let found = of(&lines, &[1, 2]);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with(words), "{found:?}");
        }
        assert!(
            of(&[line(1), spoilt, line(2)], &[1, 2]).is_empty(),
            "a later row counts"
        );
    }

    #[test]
    fn a_torn_row_is_nothing_to_report_where_the_take_has_a_row() {
        let whole = line(2);
        for length in 1..whole.len() {
            let torn = whole[..length].to_owned();
            assert!(
                of(&[line(1), line(2), torn.clone()], &[1, 2]).is_empty(),
                "{torn}"
            );
            assert!(
                of(&[line(1), torn.clone(), line(2)], &[1, 2]).is_empty(),
                "{torn}"
            );
            let found = of(&[line(1), torn.clone()], &[1, 2]);
            assert_eq!(found.len(), 1, "{torn}: {found:?}");
        }
        assert!(of(&[line(1), "\0".repeat(4096)], &[1]).is_empty());
    }

    #[test]
    fn a_take_without_frames_needs_no_file() {
        let empty = line(2).replace("\"frames\":1,", "\"frames\":0,");
        assert!(of(&[line(1), empty], &[1]).is_empty());
    }

    #[test]
    fn the_session_that_is_being_recorded_is_not_judged() {
        let (live, over) = (r#"{"ended":null}"#, r#"{"ended":"stopped"}"#);
        for (record, is_running, found) in [
            (live, true, 0),
            ("", true, 0),
            (over, true, 1),
            (live, false, 1),
        ] {
            let said = said(&[line(1)], &[1, 2], record, is_running);
            assert_eq!(said.len(), found, "{record} {is_running}: {said:?}");
        }
    }
}
