//! A laboratory: a data folder, an operator's key, and the binary on both.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use booth::audio::rf64::read;
use booth::identity::operator::{PrivateKey, Recipient};
use booth::identity::seal::{self, Sealing};
use serde_json::Value;

use super::tools::tool;
use super::{run, tree};

const PROTOCOL: &str =
    "name = \"short\"\n[[step]]\nname = \"read\"\nkind = \"read\"\nseconds = 5\n";
const VISITOR: &str =
    "until attract\n500 go\nuntil intro\n700 go\nuntil reading\n1500 go\n1500 go\n";

/// Decomposed on purpose: no Unicode normalisation.
pub const NAME: &str = "Ame\u{301}lie Quillfeather";

pub struct Lab {
    pub dir: tempfile::TempDir,
    pub recipient: String,
}

/// A person who was enrolled.
pub struct Person {
    pub number: String,
    pub session: String,
    pub code: String,
}

impl Lab {
    pub fn new() -> Lab {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("operator.key");
        let made = run::booth().arg("keygen").arg(key).output().unwrap();
        let recipient = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        Lab { dir, recipient }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub fn key(&self) -> String {
        self.path("operator.key").display().to_string()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = run::booth();
        command.arg("--data").arg(self.data());
        let recipient = format!("privacy.recipient={}", self.recipient);
        command.args(["--set", &recipient]);
        command.args(args);
        command
    }

    /// Runs the binary with `input` on its standard input.
    pub fn booth(&self, args: &[&str], input: &str) -> Output {
        fed(&mut self.command(args), input)
    }

    /// As `booth`, which must do its work; what it printed.
    #[track_caller]
    pub fn done(&self, args: &[&str], input: &str) -> String {
        let output = self.booth(args, input);
        let printed = String::from_utf8(output.stdout.clone()).unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {said}{printed}");
        printed
    }

    /// As `booth`, which must not do it: exit code 1, a sentence, and nothing changed in DATA.
    #[track_caller]
    pub fn refused(&self, args: &[&str], input: &str, word: &str) {
        let before = tree(&self.data());
        let output = self.booth(args, input);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
        assert!(text.contains(word) && !text.contains("panicked"), "{text}");
        assert_eq!(tree(&self.data()), before, "{args:?} changed DATA");
    }

    #[track_caller]
    pub fn enroll(&self) -> Person {
        let input = serde_json::json!({
            "name": NAME, "contact": "q@example.org", "birth": "1931",
            "answers": {"age": "65 et plus"},
        });
        let text = self.done(&["enroll", "--json"], &input.to_string());
        let object: Value = serde_json::from_str(&text).unwrap();
        let text = |key: &str| object[key].as_str().unwrap().to_owned();
        Person {
            number: text("number"),
            session: text("session"),
            code: text("code"),
        }
    }

    /// A session of two takes or more by the simulated source; its name.
    #[track_caller]
    pub fn record(&self) -> String {
        self.record_with(&[])
    }

    /// As `record`, with further options.
    #[track_caller]
    pub fn record_with(&self, options: &[&str]) -> String {
        fs::write(self.path("protocol.toml"), PROTOCOL).unwrap();
        fs::write(self.path("script"), VISITOR).unwrap();
        let before = self.sessions();
        let protocol = self.path("protocol.toml").display().to_string();
        let script = self.path("script").display().to_string();
        let args = [
            "run",
            "--board",
            "sim",
            "--set",
            "audio.device=sim",
            "--fast",
        ];
        let more = ["--protocol", &protocol, "--script", &script];
        let mut command = self.command(&args);
        let output = command.args(more).args(options).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let new = self
            .sessions()
            .into_iter()
            .find(|one| !before.contains(one));
        new.expect("a session was recorded")
    }

    pub fn sessions(&self) -> Vec<String> {
        booth::store::takes::sessions(&self.data()).unwrap()
    }
}

pub fn fed(command: &mut Command, input: &str) -> Output {
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that needs no input may have ended.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.unwrap().success());
}

/// The samples of a sealed take, up to where it opens.
pub fn samples(sealed: &Path, key: &PrivateKey) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = seal::open(sealed, std::slice::from_ref(key)).unwrap();
    // Of a file that was cut this fails, after all that is whole.
    let _ = reader.read_to_end(&mut bytes);
    let header = |at: u64, into: &mut [u8]| {
        into.copy_from_slice(&bytes[at as usize..][..into.len()]);
        Ok(())
    };
    let info = read::info_of(bytes.len() as u64, header, sealed).unwrap();
    bytes[info.data_start as usize..][..info.held_bytes() as usize].to_vec()
}

/// Seals a file that lies plain; the sealed one.
#[track_caller]
pub fn seal(plain: &Path, recipient: &Recipient) -> PathBuf {
    let mut sealing = Sealing::of(plain, recipient.clone(), false);
    while !sealing.step().unwrap() {}
    seal::sealed_name(plain)
}

/// Stock `age` with an identity file.
#[track_caller]
pub fn age_decrypt(key: &str, sealed: &Path) -> Vec<u8> {
    let output = tool("age", "age", &["-d", "-i", key, sealed.to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output));
    output.stdout
}

/// Debian's Python, which has the package python3-cryptography.
#[track_caller]
pub fn python(program: &str, args: &[&str]) -> Vec<u8> {
    let mut all = vec!["-c", program];
    all.extend(args);
    let output = tool("python3-cryptography", "/usr/bin/python3", &all);
    assert!(output.status.success(), "{}", said(&output));
    output.stdout
}
