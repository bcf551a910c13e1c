//! Visitors who leave, who come after somebody left, and whose hands are faster than their eyes.

use std::collections::BTreeMap;
use std::fs;

use booth::store::row::Row;
use booth::words::Verdict;

use super::Visit;
use crate::common::run;

const CONSENT: &str = "until attract\n1200 go\nuntil consent\nrepeat 4\n  800 go\nend\n\
    800 go hold 1200\nuntil code\n2000 go\nuntil intro\n1500 go\nuntil reading\n";

/// The rows of each session, by its name.
type Sessions = BTreeMap<String, Vec<Row>>;

/// What a script of the shipped exhibition leaves.
#[track_caller]
fn exhibition(script: &str) -> Sessions {
    let visit = Visit::new(script, "");
    let sets = ["audio.device=sim", "language=en"];
    let run = run::start(visit.run("exhibition", &sets).arg("--fast")).wait();
    assert_eq!(run.code, Some(0), "{}", run.said());
    let folders = fs::read_dir(visit.data().join("sessions")).unwrap();
    let session = |folder: std::path::PathBuf| {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        (name, run::rows(&folder))
    };
    folders
        .map(|entry| session(entry.unwrap().path()))
        .collect()
}

fn is_good(row: &&Row) -> bool {
    row.verdict == Verdict::Kept && row.reasons.is_empty()
}

#[test]
fn whoever_comes_after_somebody_left_is_asked_and_has_a_session_of_their_own() {
    let script = format!(
        "{CONSENT}2500 go\n100000 go\nuntil consent\nrepeat 4\n  800 go\nend\n800 go hold 1200\n\
         until code\n2000 go\nuntil intro\n1500 go\nuntil reading\n2500 go\n2500 go\n800 stop\n"
    );
    let sessions = exhibition(&script);
    assert_eq!(sessions.len(), 2, "{:?}", sessions.keys());
    let takes: Vec<usize> = sessions.values().map(Vec::len).collect();
    assert!(takes.contains(&2) && takes.contains(&3), "{takes:?}");
    // The first one's last reading was left: it is cut, and says so.
    let left = sessions.values().find(|rows| rows.len() == 2).unwrap();
    assert_eq!(left[1].verdict, Verdict::Aborted);
    assert_eq!(left[1].reasons, ["cut"]);
    assert!(is_good(&&left[0]));
}

#[test]
fn a_reading_that_its_limit_cut_is_read_once_more_and_counts_then() {
    let script = format!("{CONSENT}2500 go\n31000 go\n4000 go\n2500 go\n800 stop\n");
    let sessions = exhibition(&script);
    let rows = sessions.values().next().unwrap();
    assert_eq!(rows[1].reasons, ["cut"]);
    assert_eq!((rows[1].line, rows[2].line), (rows[2].line, rows[1].line));
    assert_eq!((rows[1].version, rows[2].version), (1, 2));
    assert!(is_good(&&rows[2]) && rows[3].line != rows[2].line);
}

#[test]
fn a_hand_that_hammers_reads_nothing() {
    let script = format!("{CONSENT}repeat 500\n  330 go\nend\n");
    let sessions = exhibition(&script);
    let rows = sessions.values().next().unwrap();
    assert!(rows.len() > 50, "{} takes", rows.len());
    assert!(rows.iter().filter(is_good).count() <= 2, "{rows:?}");
}
