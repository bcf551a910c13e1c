//! The documents: every link leads somewhere, every page of deploy/doc is reached from the README, and what
//! a newcomer types first does what it says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The documents, relative to the folder of Cargo.toml.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["board", "deploy"].map(PathBuf::from).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if root().join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }
    found.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(PathBuf::from));
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(document: &Path) -> String {
    fs::read_to_string(root().join(document)).unwrap()
}

/// The text without its blocks of code, in which `](` is no link and `#` no heading.
fn prose(document: &Path) -> String {
    let text = read(document);
    let parts = text.split("\n```").step_by(2);
    parts.collect::<Vec<_>>().join("\n")
}

/// What `](…)` holds, but for addresses of the network.
fn links(document: &Path) -> Vec<String> {
    let text = prose(document);
    let targets = text.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .filter(|target| !target.contains("://"))
        .collect()
}

/// What a heading is called in a link: GitHub's way.
fn anchors(document: &Path) -> Vec<String> {
    let text = prose(document);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
            words
                .chars()
                .filter(kept)
                .collect::<String>()
                .replace(' ', "-")
        })
        .collect()
}

#[test]
fn every_link_of_a_document_leads_to_a_file_and_a_heading() {
    let mut wrong = Vec::new();
    for document in documents() {
        for link in links(&document) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => document.clone(),
                file => document.parent().unwrap().join(file),
            };
            let is_there = root().join(&target).exists();
            if !is_there || !anchor.is_empty() && !anchors(&target).iter().any(|a| a == anchor) {
                wrong.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_page_is_linked_from_the_readme() {
    let linked = links(Path::new("README.md"));
    for page in documents()
        .iter()
        .filter(|page| page.starts_with("deploy/doc"))
    {
        let page = page.to_str().unwrap();
        let leads = |link: &String| link.split('#').next() == Some(page);
        assert!(linked.iter().any(leads), "{page} is not in README.md");
    }
}

/// The blocks of code below a heading, without their fences.
fn blocks(document: &str, heading: &str) -> Vec<String> {
    let text = read(Path::new(document));
    let (_, from) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = from.split("\n## ").next().unwrap();
    let fenced = section.split("\n```").skip(1).step_by(2);
    let inside = fenced.map(|block| block.split_once('\n').unwrap().1);
    inside.map(str::to_owned).collect()
}

/// The lines above `mkdir` build the program.
#[test]
fn the_first_recording_of_the_readme_works_with_the_script_of_its_page() {
    let dir = tempfile::tempdir().unwrap();
    let typed = blocks("README.md", "A first recording of your own").remove(0);
    let (_, typed) = typed.split_once("mkdir ").unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_booth"));
    let mut path = program.parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("mkdir {typed}")]);
    let out = shell
        .current_dir(dir.path())
        .env("PATH", path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(said.contains("2 of 2 lines will be shown"), "{said}");
    assert!(said.contains("6 channels"), "{said}");

    let folder = dir.path().join("my-booth");
    let script = blocks("deploy/doc/scripts.md", "A visitor from a file").remove(1);
    fs::write(folder.join("visit.txt"), script).unwrap();
    let mut visit = Command::new(program);
    visit.args("--config booth.toml run --script visit.txt --fast".split(' '));
    let out = visit.current_dir(&folder).output().unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let mut sessions = fs::read_dir(folder.join("voices/sessions")).unwrap();
    let session = sessions.next().unwrap().unwrap().path();
    let record = fs::read(session.join("session.json")).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    assert_eq!(record["audio"]["channels"][5]["name"], "right-ear");
    let rows = fs::read_to_string(session.join("takes.jsonl")).unwrap();
    assert!(rows.contains("Snow covers the roofs."), "{rows}");
}
