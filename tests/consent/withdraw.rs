//! A voice taken back in mid-session.

use super::{CONSENT, READING, Visit, files, holds};
use crate::common::run;
use crate::common::shim::Shim;
use crate::common::wait::wait_for;

#[test]
fn a_withdrawal_leaves_the_tombstone_and_nothing_else_of_the_person() {
    let visit = Visit::new();
    let read = format!("{CONSENT}{READING}1200 stop hold 1300\nuntil withdraw\n");
    let run = visit.fast(&format!("{read}900 go hold 1300\nuntil thanks\n1900 go\n"));
    assert!(run::sessions(&visit.data()).is_empty());
    let forgotten = visit.forgotten();
    let (session, tombstone) = forgotten.first_key_value().unwrap();
    assert_eq!((forgotten.len(), &tombstone["by"]), (1, &"visitor".into()));
    assert_eq!(tombstone["consent_version"], "7");
    for (name, bytes) in files(&visit.data()) {
        let is_tombstone = name.starts_with("forgotten") && !name.ends_with(".reserve");
        let names_it = holds(&bytes, session) || name.to_str().unwrap().contains(session);
        assert_eq!(names_it, is_tombstone, "{}", name.display());
        assert!(!name.to_str().unwrap().ends_with(".rf64"));
    }
    assert!(!run.said().contains(session.as_str()));
    // After the erasure nothing of the code is shown any more.
    let shown = run.stdout.iter().map(|line| line.text.as_str());
    let after: Vec<&str> = shown
        .skip_while(|line| !line.contains("withdraw"))
        .collect();
    let code = &super::codes(&run)[0];
    assert!(!after.iter().any(|line| line.contains(code)), "{after:?}");
}

#[test]
fn who_thinks_better_of_it_reads_on_and_is_kept() {
    let visit = Visit::new();
    let read = format!("{CONSENT}{READING}1200 stop hold 1300\nuntil withdraw\n");
    visit.fast(&format!(
        "{read}900 stop\nuntil paused\n900 go\nuntil reading\n1500 go\n"
    ));
    let session = run::session(&visit.data());
    let rows = run::rows(&session);
    use booth::words::Verdict::{Aborted, Kept};
    let verdicts: Vec<_> = rows.iter().map(|row| row.verdict).collect();
    assert_eq!(verdicts[..3], [Kept, Aborted, Kept]);
    assert_eq!(rows[1].line, rows[2].line);
    assert!(visit.forgotten().is_empty());
}

#[test]
fn the_next_visitor_after_an_erasure_is_recorded() {
    let visit = Visit::new();
    let read = format!("{CONSENT}{READING}");
    visit.fast(&format!(
        "{read}1200 stop hold 1300\nuntil withdraw\n900 go hold 1300\nuntil thanks\n900 go\n{read}"
    ));
    assert_eq!(visit.forgotten().len(), 1);
    let rows = run::rows(&run::session(&visit.data()));
    assert!(rows.len() >= 2 && rows[0].take == 1);
}

#[test]
fn an_erasure_that_the_disk_refuses_is_said_and_done_once_it_is_back() {
    let visit = Visit::new();
    std::fs::create_dir(visit.data()).unwrap();
    let shim = Shim::over(&visit.data());
    let read = format!("{CONSENT}{READING}900 stop hold 1300\nuntil withdraw\n");
    let script = format!("{read}2500 go hold 1300\nuntil fault\nuntil thanks\n900 go\n");
    let mut command = visit.command(&script);
    shim.apply(&mut command);
    let running = run::start(&mut command);
    // The take that the question ended is stored by then.
    wait_for("two rows", || run::takes(&visit.data()) == 2);
    shim.fail("EIO");
    running.wait_for_screen("fault");
    std::thread::sleep(std::time::Duration::from_millis(1000));
    assert!(visit.forgotten().is_empty());
    shim.recover();
    let run = running.wait();
    assert_eq!(run.code, Some(3), "{}", run.said());
    assert!(
        run.stdout
            .iter()
            .any(|line| line.text.contains("sera effacée dès"))
    );
    assert_eq!(visit.forgotten().values().next().unwrap()["by"], "visitor");
    assert!(run::sessions(&visit.data()).is_empty());
}
