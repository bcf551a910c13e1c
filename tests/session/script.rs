//! What a script means: the same files again, and the same takes at any speed.

use std::fs;
use std::path::Path;

use booth::store::row::Row;
use booth::words::Verdict;

use super::{RATE, SHORT_VIBRAVOX, VISITOR, Visit};

#[test]
fn the_same_script_gives_the_same_files_twice() {
    let visit = || {
        let visit = Visit::new(VISITOR, SHORT_VIBRAVOX);
        let mut command = visit.run_own(&["sphere.host=sim"]);
        let session = visit.complete(command.arg("--fast")).session;
        (visit, session)
    };
    let ((_one, first), (_two, second)) = (visit(), visit());
    let folders = (first, second);
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&folders.0), names(&folders.1));
    let mut takes = 0;
    for name in names(&folders.0) {
        if name == "session.json" {
            // It carries the session's name, which is drawn.
            continue;
        }
        let read = |folder: &Path| {
            let mut bytes = fs::read(folder.join(&name)).unwrap();
            // A take names its session.
            let session = folder.file_name().unwrap().as_encoded_bytes();
            let length = session.len();
            if let Some(at) = bytes.windows(length).position(|it| it == session) {
                bytes[at..at + length].fill(b'0');
            }
            bytes
        };
        assert!(read(&folders.0) == read(&folders.1), "{name:?} differs");
        takes += u32::from(name.to_string_lossy().ends_with(".rf64"));
    }
    assert_eq!(takes, 11);
}

#[test]
fn without_rolls_a_file_ends_at_its_mark_to_the_frame() {
    let script = "until attract\n700 go\nuntil intro\n900 go\nuntil reading\n1234 go\n1501 redo\n\
        1777 redo hold 1300\n1003 go\n999 pause\n903 pause\n1105 stop hold 700\n";
    let visit = Visit::new(script, SHORT_VIBRAVOX);
    let mut command = visit.run_own(&["take.pre_roll_ms=0", "take.post_roll_ms=0"]);
    let rows = visit.complete(command.arg("--fast")).rows;
    let verdicts: Vec<Verdict> = rows.iter().map(|row| row.verdict).collect();
    use Verdict::{Aborted, Kept, Paused, Redone, Skipped};
    assert_eq!(verdicts, [Kept, Redone, Skipped, Kept, Paused, Aborted]);
    for row in &rows {
        let marks = row.press_frames[1] - row.press_frames[0];
        assert_eq!(
            (row.lead_frames, row.tail_frames),
            (0, 0),
            "take {}",
            row.take
        );
        // The press of a held `redo` began the take after it only once it was held long enough.
        let held = if row.take == 4 { RATE } else { 0 };
        assert_eq!(row.frames, marks - held, "take {}", row.take);
    }
}

#[test]
fn the_same_script_means_the_same_paced_and_fast() {
    let rows = |fast: bool| {
        let visit = Visit::new(VISITOR, SHORT_VIBRAVOX);
        let mut command = visit.run_own(&["sphere.host=sim"]);
        if fast {
            command.arg("--fast");
        }
        visit.complete(&mut command).rows
    };
    let (paced, fast) = (rows(false), rows(true));
    assert_eq!(paced.len(), fast.len());
    for (paced, fast) in paced.iter().zip(&fast) {
        let what = |row: &Row| {
            (
                row.kind,
                row.step.clone(),
                row.line,
                row.version,
                row.verdict,
            )
        };
        assert_eq!(what(paced), what(fast));
        // Each wait counts from when a screen was shown: a turn of the loop more or less.
        let off = paced.frames.abs_diff(fast.frames);
        assert!(
            off < RATE / 4,
            "take {}: {} and {} frames",
            paced.take,
            paced.frames,
            fast.frames
        );
    }
}
