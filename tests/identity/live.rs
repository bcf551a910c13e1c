//! `booth forget` beside a running box: the session that is recorded now goes too.

use std::fs;

use serde_json::Value;

use crate::common::lab::Lab;
use crate::common::{run, tree};

#[test]
fn the_session_that_is_recorded_now_is_aborted_and_erased() {
    let lab = Lab::new();
    // One that is over, too.
    let older = lab.record();
    let script = "until attract\n300 go\nuntil intro\n900 go\nuntil reading\n900 go\n900 go\n\
                  until attract\n300 pause\n";
    fs::write(lab.path("script"), script).unwrap();
    let protocol = "name = \"long\"\n[[step]]\nname = \"read\"\nkind = \"read\"\nseconds = 60\n";
    fs::write(lab.path("long.toml"), protocol).unwrap();
    let mut command = lab.command(&["run", "--board", "sim", "--set", "audio.device=sim"]);
    command.arg("--protocol").arg(lab.path("long.toml"));
    command.arg("--script").arg(lab.path("script"));
    let takes = run::count(&lab.data(), "take", "begin");
    let running = run::start(command.env("RUST_LOG", "trace"));
    run::wait_for_take(&lab.data(), takes + 2);
    let live = lab.sessions().into_iter().find(|name| *name != older);
    let live = live.expect("a session is recorded");
    for session in [&live, &older] {
        let receipt = lab.done(&["forget", "--session", session, "--json"], "");
        let receipt: Value = serde_json::from_str(&receipt).unwrap();
        assert_eq!(receipt["complete"], true, "{receipt}");
    }
    assert_eq!(lab.sessions(), Vec::<String>::new());
    let run = running.wait();
    assert_eq!(run.code, Some(0), "{}", run.said());
    assert!(!run.said().contains(&live), "a log never names a session");
    // Nothing but the tombstones knows of either.
    for (path, bytes) in tree(&lab.data()) {
        let name = path.display().to_string();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let known = |session: &String| name.contains(session) || text.contains(session.as_str());
        let is_tombstone = name.contains("/forgotten/");
        assert!(
            is_tombstone || ![&live, &older].into_iter().any(known),
            "{name}"
        );
    }
}
