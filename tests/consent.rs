//! Nothing before consent, the code for its owner's eyes only, and a voice taken back at the box: the
//! real binary, from the simulated source.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

mod consent {
    mod code;
    mod enrolled;
    mod withdraw;

    use std::collections::BTreeMap;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use crate::common::run::{self, Run};
    use crate::common::tree;

    /// What the visitors of these tests agree to.
    pub const TEXT: &str = "  Votre voix est enregistrée.\n\nVoulez-vous ?\n";

    const PROTOCOL: &str = r#"
name = "asking"
idle_s = 8
[consent.fr]
version = "7"
text = "  Votre voix est enregistrée.\n\nVoulez-vous ?\n"
[[step]]
name = "read"
kind = "read"
seconds = 6
"#;

    /// From attract through consent; short presses on the last page mean nothing.
    pub const CONSENT: &str = "until attract\n500 go\nuntil consent\nrepeat 3\n  400 go\nend\n\
        400 go hold 1200\n";
    /// From the code into the first take.
    pub const READING: &str = "until code\n900 go\nuntil intro\n900 go\nuntil reading\n1500 go\n";

    /// A data folder, a protocol, and scripts.
    pub struct Visit {
        dir: tempfile::TempDir,
    }

    impl Visit {
        pub fn new() -> Visit {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("protocol.toml"), PROTOCOL).unwrap();
            Visit { dir }
        }

        pub fn data(&self) -> PathBuf {
            self.file("data")
        }

        pub fn file(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        pub fn command(&self, script: &str) -> Command {
            fs::write(self.file("script"), script).unwrap();
            let mut command = run::booth();
            command.args(["run", "--board", "sim", "--protocol"]);
            command.arg(self.file("protocol.toml"));
            command.arg("--data").arg(self.data());
            command.arg("--script").arg(self.file("script"));
            command.arg("--screens").arg(self.file("screens"));
            command.env("RUST_LOG", "trace");
            command
        }

        /// A fast run to its good end.
        #[track_caller]
        pub fn fast(&self, script: &str) -> Run {
            let run = run::start(self.command(script).arg("--fast")).wait();
            assert_eq!(run.code, Some(0), "{}", run.said());
            run
        }

        /// The tombstones, by session.
        pub fn forgotten(&self) -> BTreeMap<String, serde_json::Value> {
            let entries = fs::read_dir(self.data().join("forgotten"))
                .into_iter()
                .flatten();
            let read = |path: PathBuf| {
                let session = path.file_stem().unwrap().to_str().unwrap().to_owned();
                (
                    session,
                    serde_json::from_slice(&fs::read(path).unwrap()).unwrap(),
                )
            };
            let paths = entries.map(|entry| entry.unwrap().path());
            let is_whole = |path: &PathBuf| path.extension().is_some_and(|end| end == "json");
            paths.filter(is_whole).map(read).collect()
        }
    }

    /// Every file below `folder`, by its path in it, with its bytes.
    pub fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let own = |path: PathBuf| path.strip_prefix(folder).unwrap().to_owned();
        let files = tree(folder).into_iter();
        files.map(|(path, bytes)| (own(path), bytes)).collect()
    }

    pub fn names(folder: &Path) -> Vec<PathBuf> {
        files(folder).into_keys().collect()
    }

    pub fn holds(bytes: &[u8], text: &str) -> bool {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    }

    /// The withdrawal codes that a run showed, each once.
    pub fn codes(run: &Run) -> Vec<String> {
        let words = run
            .stdout
            .iter()
            .flat_map(|line| line.text.split_whitespace());
        let is_code = |word: &&str| {
            let letters = word.chars().filter(char::is_ascii_alphanumeric).count();
            word.len() == 16 && letters == 13 && word.matches('-').count() == 3
        };
        let mut codes: Vec<String> = words.filter(is_code).map(str::to_owned).collect();
        codes.dedup();
        codes
    }

    #[test]
    fn who_leafs_and_leaves_changes_nothing_on_the_disk() {
        let nobody = Visit::new();
        nobody.fast("until attract\n900 redo\n");
        let curious = Visit::new();
        curious.fast(
            "until attract\n500 go\nuntil consent\n900 go\n900 go\n900 redo\n900 go hold 900\n\
             900 stop hold 2000\nuntil attract\n900 go\nuntil consent\n900 redo hold 3000\n",
        );
        assert_eq!(names(&nobody.data()), names(&curious.data()));
        assert!(
            fs::read_dir(curious.data().join("sessions"))
                .unwrap()
                .next()
                .is_none()
        );
    }

    #[test]
    fn consent_stands_in_the_record_with_the_text_kept_and_the_sound_begins_there() {
        let visit = Visit::new();
        let long_before = CONSENT.replace("500 go\n", "5000 go\n");
        visit.fast(&format!("{long_before}{READING}1500 go\n"));
        let session = run::session(&visit.data());
        let record = fs::read_to_string(session.join("session.json")).unwrap();
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        let consent = booth::words::Consent::to(TEXT, "7", "fr");
        assert_eq!(record["consent"], serde_json::to_value(&consent).unwrap());
        let kept = visit.data().join("consents").join(consent.sha256 + ".txt");
        assert_eq!(fs::read_to_string(kept).unwrap(), TEXT);
        // 0.2 s of the hold are left, then 900 ms on the code and on the intro.
        let first = &run::rows(&session)[0];
        let mark = first.start_frame + first.lead_frames;
        assert!(mark.abs_diff(48_000 * 2) < 4800, "{mark}");
        let rows = run::events(&session);
        assert_eq!(
            (&rows[0]["event"], &rows[0]["name"]),
            (&"screen".into(), &"code".into())
        );
    }
}
