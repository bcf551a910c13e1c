//! An enrolled person is taken without asking for their number, and sees no code.

use std::process::{Command, Stdio};

use super::{CONSENT, Visit, codes, files, names};
use crate::common::run;
use crate::common::wait::wait_for;

/// An operator's recipient, as `--set` takes it.
fn operator(visit: &Visit) -> String {
    let key = visit.file("operator.key");
    let made = run::booth().arg("keygen").arg(&key).output().unwrap();
    let recipient = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    format!("privacy.recipient={recipient}")
}

/// Number, session and code of a person who was enrolled.
fn enrolled(visit: &Visit, set: &str) -> serde_json::Value {
    let mut enroll: Command = run::booth();
    enroll
        .args(["enroll", "--json", "--set", set, "--data"])
        .arg(visit.data());
    let mut enroll = enroll
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = br#"{"name":"Quillfeather","answers":{"age":"25-44"}}"#;
    std::io::Write::write_all(&mut enroll.stdin.take().unwrap(), said).unwrap();
    let told = enroll.wait_with_output().unwrap().stdout;
    serde_json::from_slice(&told).unwrap()
}

#[test]
fn an_enrolled_persons_session_has_their_name_and_no_code_is_shown() {
    let visit = Visit::new();
    let key = visit.file("operator.key");
    let set = operator(&visit);
    let enrolled = enrolled(&visit, &set);
    let number = enrolled["number"].as_str().unwrap();

    let script = format!("{CONSENT}until intro\n900 go\nuntil reading\n1500 go\nuntil thanks\n");
    let take = |number: &str| {
        let mut command = visit.command(&script);
        command.args(["--fast", "--participant", number, "--set", &set]);
        run::start(&mut command).wait()
    };
    let unknown = take("x12");
    assert_eq!(unknown.code, Some(1), "{}", unknown.said());
    let run = take(number);
    assert_eq!(run.code, Some(0), "{}", run.said());
    assert!(codes(&run).is_empty());
    let session = run::session(&visit.data());
    assert_eq!(
        session.file_name().unwrap().to_str(),
        enrolled["session"].as_str()
    );
    assert!(run::rows(&session).len() >= 2);
    assert!(
        !names(&visit.data())
            .iter()
            .any(|name| name.ends_with(format!("{number}.json")))
    );
    assert!(session.join("answers.json.age").exists());
    let identity = run::booth()
        .args(["identity", "--all", "--key"])
        .arg(&key)
        .arg("--data")
        .arg(visit.data())
        .output()
        .unwrap();
    let identity = String::from_utf8(identity.stdout).unwrap();
    assert!(identity.contains("Quillfeather"), "{identity}");
    // Their token was made before they agreed.
    let record = std::fs::read(session.join("session.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    let sha256 = record["consent"]["sha256"].as_str().unwrap();
    assert!(identity.contains(sha256), "{identity}");
    for (path, bytes) in files(&visit.data()) {
        assert!(!super::holds(&bytes, "Quillfeather"), "{}", path.display());
    }
    // Recorded, they are pending no more.
    let again = take(number);
    assert_eq!(again.code, Some(1), "{}", again.said());
    let code = enrolled["code"].as_str().unwrap();
    let mut forget = run::booth();
    forget
        .arg("forget")
        .arg(code)
        .arg("--data")
        .arg(visit.data());
    assert!(forget.output().unwrap().status.success());
    assert!(run::sessions(&visit.data()).is_empty());
}

#[test]
fn a_keeper_chooses_from_the_menu_who_comes_next() {
    let visit = Visit::new();
    let set = operator(&visit);
    let mut people = [enrolled(&visit, &set), enrolled(&visit, &set)];
    people.sort_by_key(|person| person["number"].to_string());
    let script = format!(
        "until attract\n500 all hold 10100\nuntil menu\n300 redo\n300 go\n\
         {CONSENT}until intro\n900 go\nuntil reading\n1500 go\nuntil thanks\n900 go\n\
         until attract\n500 all hold 10100\nuntil menu\n300 stop\n"
    );
    let mut command = visit.command(&script);
    let run = run::start(command.args(["--fast", "--set", &set])).wait();
    assert_eq!(run.code, Some(0), "{}", run.said());
    assert!(codes(&run).is_empty(), "{}", run.said());
    let session = run::session(&visit.data());
    let name = session.file_name().unwrap().to_str();
    assert_eq!(name, people[1]["session"].as_str());
    let [first, second] = [0, 1].map(|n| people[n]["number"].as_str().unwrap());
    let shown = run.stdout.iter().map(|line| line.text.as_str());
    let menus: Vec<&str> = shown.filter(|line| line.contains("menu")).collect();
    let listed: Vec<&str> = menus
        .iter()
        .filter_map(|line| line.split_whitespace().last())
        .filter(|word| [first, second].contains(word))
        .collect();
    // One person less the second time.
    assert_eq!(listed, [first, second, first], "{menus:?}");
    let left = format!("{first}.json");
    assert!(
        names(&visit.data())
            .iter()
            .any(|name| name.ends_with(&left))
    );
}

/// Consent by this person, who is called away before the first take.
fn called_away(visit: &Visit, number: &str, set: &str) -> run::Run {
    let script = format!("{CONSENT}until intro\n900 stop\nuntil thanks\n");
    let mut command = visit.command(&script);
    command.args(["--fast", "--participant", number, "--set", set]);
    run::start(&mut command).wait()
}

fn is_pending(visit: &Visit, number: &str) -> bool {
    let entry = format!("{number}.json");
    names(&visit.data())
        .iter()
        .any(|name| name.ends_with(&entry))
}

#[test]
fn a_number_is_spent_by_a_take_and_not_by_a_session_without_one() {
    let visit = Visit::new();
    let set = operator(&visit);
    let enrolled = enrolled(&visit, &set);
    let number = enrolled["number"].as_str().unwrap();
    for _ in 0..2 {
        let run = called_away(&visit, number, &set);
        assert_eq!(run.code, Some(0), "{}", run.said());
        assert!(is_pending(&visit, number) && run::sessions(&visit.data()).is_empty());
    }
    let script = format!("{CONSENT}until intro\n900 go\nuntil reading\n1500 go\nuntil thanks\n");
    let mut command = visit.command(&script);
    command.args(["--fast", "--participant", number, "--set", &set]);
    let run = run::start(&mut command).wait();
    assert_eq!(run.code, Some(0), "{}", run.said());
    let session = run::session(&visit.data());
    assert!(session.join("answers.json.age").exists() && !is_pending(&visit, number));
}

#[test]
fn a_number_outlives_a_kill_before_the_first_take() {
    let visit = Visit::new();
    let set = operator(&visit);
    let enrolled = enrolled(&visit, &set);
    let number = enrolled["number"].as_str().unwrap();
    let script = format!("{CONSENT}until intro\n60000 go\n");
    let mut command = visit.command(&script);
    command.args(["--participant", number, "--set", &set]);
    command.args(["--set", "audio.device=sim"]);
    let running = run::start(&mut command);
    running.wait_for_screen("intro");
    // The screen does not wait for the disk.
    wait_for("the session", || {
        let all = run::sessions(&visit.data());
        all.iter()
            .any(|session| session.join("session.json").exists())
    });
    running.signal("KILL");
    running.wait();
    assert!(is_pending(&visit, number));
    // Whoever stands there then does not go on with it.
    let mut command = visit.command("until resume\n900 stop\nuntil attract\n");
    let run = run::start(command.args(["--fast", "--set", &set])).wait();
    assert_eq!(run.code, Some(0), "{}", run.said());
    assert!(is_pending(&visit, number) && run::sessions(&visit.data()).is_empty());
    let run = called_away(&visit, number, &set);
    assert_eq!(run.code, Some(0), "{}", run.said());
    assert!(is_pending(&visit, number) && run::sessions(&visit.data()).is_empty());
}
