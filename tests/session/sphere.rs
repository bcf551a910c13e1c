//! The simulated sphere, moved by somebody and lost, in a session of the real binary.

use std::time::Duration;

use booth::words::Verdict;

use super::{RATE, Visit};
use crate::common::wait::wait_for;
use crate::common::{plugin, run};

const PROTOCOL: &str = r#"
name = "noise"
[[step]]
name = "noise"
kind = "quiet"
seconds = 9
sphere = { track = "noise", locate_s = 5 }
"#;

#[test]
fn a_sphere_that_somebody_moves_is_told_and_one_that_is_lost_stands_the_step_still() {
    let visit = Visit::new("until attract\n300 go\nuntil intro\n300 go\n", PROTOCOL);
    let trouble = visit.file("trouble");
    let mut command = visit.run_own(&["audio.device=bpaced", "sphere.host=sim"]);
    plugin().apply(&mut command);
    command.env("BOOTH_SIM_SPHERE", &trouble);
    let running = run::start(&mut command);
    let has = |event, word| run::count(&visit.data(), event, word) > 0;
    run::wait_for_take(&visit.data(), 1);
    std::thread::sleep(Duration::from_millis(2000));
    std::fs::write(&trouble, "moved").unwrap();
    wait_for("a move", || has("sphere", "moved"));
    std::fs::write(&trouble, "").unwrap();
    std::thread::sleep(Duration::from_millis(1000));
    std::fs::write(&trouble, "away").unwrap();
    wait_for("a fault", || has("fault", "on"));
    std::fs::write(&trouble, "").unwrap();
    let run = running.wait();
    assert_eq!(run.code, Some(3), "{}", run.said());
    let session = run::session(&visit.data());
    let events = run::events(&session);
    let of = |kind: &str, key: &str| {
        let of_kind = events.iter().filter(|event| event["event"] == kind);
        let word = |event: &serde_json::Value| event[key].as_str().unwrap().to_owned();
        of_kind.map(word).collect::<Vec<_>>()
    };
    assert_eq!(of("fault", "state"), ["on", "off"]);
    let verbs = of("sphere", "verb");
    let expected = [
        "play", "rolling", "moved", "play", "rolling", "stop", "stopped",
    ];
    assert_eq!(verbs, expected, "{}", run.said());
    let rows = run::rows(&session);
    let verdicts: Vec<Verdict> = rows.iter().map(|row| row.verdict).collect();
    assert_eq!(verdicts, [Verdict::Aborted, Verdict::Kept]);
    let places: Vec<_> = rows
        .iter()
        .map(|row| row.sphere.as_ref().unwrap())
        .collect();
    let frames = [0, 1].map(|at: usize| places[at].frame.expect("it played"));
    assert!(frames[0].abs_diff(5 * RATE) < RATE / 4, "{places:?}");
    assert_eq!(places[0].end_frame, None, "it jumped meanwhile");
    assert!(frames[1] > 100 * RATE, "it goes on where it was moved to");
    let marks = rows[1].frames - rows[1].lead_frames - rows[1].tail_frames;
    let end = places[1].end_frame.expect("it rolled on");
    assert!(end.abs_diff(frames[1] + marks) < 100, "{places:?}");
    assert_eq!(
        places[1].at_frame,
        Some(rows[1].start_frame + rows[1].lead_frames)
    );
}
