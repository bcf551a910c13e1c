//! What a visitor is shown of a text, over visits and corrections.

use std::fs;
use std::path::Path;

use crate::common::run::{self, Run};

const PROTOCOL: &str = "name = \"p\"\n[[step]]\nname = \"a\"\nkind = \"read\"\nseconds = 300\n\
                        text.en = \"Read.\"\n";

/// A visitor who reads `lines` lines and stops.
fn visit(dir: &Path, lines: usize) -> Run {
    let script = format!(
        "until attract\n1000 go\nuntil intro\n1000 go\nuntil reading\n{}1500 stop\n",
        "1500 go\n".repeat(lines)
    );
    fs::write(dir.join("visit"), script).expect("script");
    fs::write(dir.join("p.toml"), PROTOCOL).expect("protocol");
    let settings = "board = \"sim\"\nprotocol = \"p.toml\"\nlanguage = \"en\"\ndata = \"data\"\n[audio]\n\
        device = \"sim\"\nrate = 16000\nformat = \"S16_LE\"\nchannels = [\"mic\"]\nreference = \"mic\"\n\
        [corpus]\npath = \"c.txt\"\n";
    fs::write(dir.join("booth.toml"), settings).expect("configuration");
    let mut booth = run::booth();
    booth.arg("--config").arg(dir.join("booth.toml"));
    booth
        .args(["run", "--fast", "--script"])
        .arg(dir.join("visit"));
    run::start(&mut booth).wait()
}

/// The texts of all takes that were kept.
fn kept(dir: &Path) -> Vec<String> {
    let sessions = run::sessions(&dir.join("data"));
    let rows = sessions.iter().flat_map(|session| run::rows(session));
    let kept = rows.filter(|row| row.verdict == booth::words::Verdict::Kept);
    kept.filter_map(|row| row.text).collect()
}

#[test]
fn what_nobody_can_see_or_read_whole_is_passed_over_and_named_once() {
    let dir = tempfile::tempdir().expect("folder");
    let long = "many words ".repeat(150);
    let text = format!("One.\n\u{200b}\n{long}\n\0\n\nTwo.\rThree.\n\u{e000}\nFour.\n");
    fs::write(dir.path().join("c.txt"), text).expect("corpus");
    // Three times round.
    let done = visit(dir.path(), 6);
    assert_eq!(done.code, Some(0), "{}", done.said());
    let mut texts = kept(dir.path());
    texts.sort();
    assert_eq!(texts, ["Four.", "Four.", "Four.", "One.", "One.", "One."]);
    for (line, why) in [
        (2, "has no character that can be seen"),
        (3, "does not fit the panel"),
        (4, "has a zero"),
        (6, "has a line break"),
        (7, "has 1 character without a glyph"),
    ] {
        let named = format!("line {line} {why}");
        assert_eq!(
            done.said().matches(&named).count(),
            1,
            "{named}: {}",
            done.said()
        );
    }
    assert!(!done.said().contains("line 5"));
}

#[test]
fn a_text_that_is_corrected_between_visits_goes_on_where_it_was() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("c.txt");
    let mut lines: Vec<String> = (1..=10).map(|n| format!("Line number {n}.")).collect();
    let write = |lines: &[String]| fs::write(&path, lines.join("\n")).expect("corpus");
    write(&lines);
    assert_eq!(visit(dir.path(), 6).code, Some(0));
    let before = kept(dir.path());
    assert_eq!(before.len(), 6);
    // A read line and one that is not read are corrected, one is new, and the file is sorted.
    let read = lines
        .iter()
        .position(|line| before.contains(line))
        .expect("read");
    let unread = lines
        .iter()
        .position(|line| !before.contains(line))
        .expect("unread");
    for at in [read, unread] {
        lines[at] = lines[at].replace("Line", "line");
    }
    lines.push("A new one.".into());
    lines.sort();
    write(&lines);

    let check = |name: &str| {
        let mut booth = run::booth();
        booth.arg("--config").arg(dir.path().join("booth.toml"));
        match name {
            "corpus" => booth.args(["corpus", "check"]).arg(&path),
            name => booth.arg(name),
        };
        String::from_utf8(booth.output().expect("booth runs").stdout).expect("UTF-8")
    };
    for said in [check("corpus"), check("check")] {
        assert!(
            said.contains("5 lines are read in round 1, 6 are to come"),
            "{said}"
        );
        assert!(
            said.contains("1 that were read are not in it any more"),
            "{said}"
        );
    }

    assert_eq!(visit(dir.path(), 6).code, Some(0));
    let mut all = kept(dir.path());
    assert_eq!(all.len(), 12);
    all.retain(|line| lines.contains(line));
    all.sort();
    assert_eq!(all, lines, "each line of the text once");
    let read = fs::read(dir.path().join("data/progress/c.txt.read")).expect("file");
    // Twelve lines, and that the second round begins.
    assert_eq!(read.len(), 8 * 13);
}
