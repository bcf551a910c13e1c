//! The withdrawal code: on the terminal, and nowhere else.

use super::{CONSENT, READING, Visit, codes, files, holds, names};
use crate::common::run;
use crate::common::wait::wait_for;

#[test]
fn the_code_is_on_the_terminal_and_nowhere_else_and_forgets_its_session() {
    let visit = Visit::new();
    let run = visit.fast(&format!(
        "{CONSENT}{READING}1500 go\nuntil thanks\n900 go\n"
    ));
    let codes = codes(&run);
    let [code] = &codes[..] else {
        panic!("{codes:?}")
    };
    let shown: Vec<&str> = run.stdout.iter().map(|line| line.text.as_str()).collect();
    let on = |name: &str| {
        let mut of = shown
            .iter()
            .filter(|line| line.contains(&format!(" %  {name} ")));
        of.any(|line| line.contains(code.as_str()))
    };
    assert!(on("code") && on("thanks") && !on("intro") && !on("attract"));
    let letters = code.replace('-', "");
    let mut everything = files(&visit.data());
    everything.extend(files(&visit.file("screens")));
    everything.insert("stderr".into(), run.said().into_bytes());
    for (path, bytes) in everything {
        for secret in [code.as_str(), &letters, &letters.to_lowercase()] {
            assert!(!holds(&bytes, secret), "{} has the code", path.display());
        }
    }
    let forget = run::booth()
        .arg("forget")
        .arg(code)
        .arg("--data")
        .arg(visit.data())
        .output();
    assert!(forget.unwrap().status.success());
    assert!(run::sessions(&visit.data()).is_empty());
}

#[test]
fn pictures_of_two_different_codes_are_the_same_file() {
    let pictures: Vec<_> = (0..2)
        .map(|_| {
            let visit = Visit::new();
            visit.fast(&format!("{CONSENT}until code\n900 go\n600 stop\n"));
            let all = files(&visit.file("screens")).into_iter();
            let of_code = |name: &str| name.ends_with("-code.png") || name.ends_with("-thanks.png");
            let mut own = all.filter(|(name, _)| of_code(name.to_str().unwrap()));
            let found = [own.next().unwrap(), own.next().unwrap()];
            assert_eq!(own.next(), None);
            found
        })
        .collect();
    assert!(pictures[0] == pictures[1], "a picture depends on the code");
}

#[test]
fn a_code_that_nobody_confirms_leaves_a_tombstone_and_nothing_else() {
    let visit = Visit::new();
    let run = visit.fast(CONSENT);
    assert_eq!(codes(&run).len(), 1);
    assert!(run::sessions(&visit.data()).is_empty());
    let forgotten = visit.forgotten();
    let (session, tombstone) = forgotten.first_key_value().unwrap();
    assert_eq!(
        (forgotten.len(), &tombstone["by"]),
        (1, &"abandoned".into())
    );
    let of_session = |name: &std::path::PathBuf| name.to_str().unwrap().contains(session);
    assert_eq!(
        names(&visit.data())
            .iter()
            .filter(|name| of_session(name))
            .count(),
        1
    );
    assert!(!run.said().contains(session.as_str()));
}

#[test]
fn a_box_that_loses_power_while_the_code_is_shown_forgets_at_the_next_start() {
    let visit = Visit::new();
    let mut running = run::start(&mut visit.command(CONSENT));
    wait_for("the code", || {
        run::count(&visit.data(), "screen", "code") > 0
    });
    running.child.kill().unwrap();
    running.wait();
    visit.fast("until attract\n900 redo\n");
    assert!(run::sessions(&visit.data()).is_empty());
    assert_eq!(
        visit.forgotten().values().next().unwrap()["by"],
        "abandoned"
    );
}
