//! An enrolled person is taken without asking for their number, and sees no code.

use std::process::{Command, Stdio};

use super::{CONSENT, Visit, codes, files, names};
use crate::common::run;

#[test]
fn an_enrolled_persons_session_has_their_name_and_no_code_is_shown() {
    let visit = Visit::new();
    let key = visit.file("operator.key");
    let made = run::booth().arg("keygen").arg(&key).output().unwrap();
    let recipient = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let set = format!("privacy.recipient={recipient}");
    let mut enroll: Command = run::booth();
    enroll
        .args(["enroll", "--json", "--set", &set, "--data"])
        .arg(visit.data());
    let mut enroll = enroll
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = br#"{"name":"Quillfeather","answers":{"age":"25-44"}}"#;
    std::io::Write::write_all(&mut enroll.stdin.take().unwrap(), said).unwrap();
    let enrolled = enroll.wait_with_output().unwrap().stdout;
    let enrolled: serde_json::Value = serde_json::from_slice(&enrolled).unwrap();
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
