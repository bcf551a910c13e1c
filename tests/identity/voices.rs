//! Sound files that lie apart from their session's folder, under any name.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::lab::{Lab, copy, said};
use crate::common::tools::tool;

const PLAIN: [&str; 2] = ["--set", "privacy.seal_audio=false"];

fn names(folder: &Path) -> Vec<String> {
    let tree = crate::common::tree(folder).into_keys();
    let name = |path: std::path::PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
    tree.map(name).collect()
}

/// Applies the tombstones to a folder; the exit code and what was said.
fn applied(lab: &Lab, folder: &Path) -> (Option<i32>, String) {
    let folder = folder.display().to_string();
    let output = lab.booth(&["forget", "--apply-to", &folder], "");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), text + &said(&output))
}

#[test]
fn a_file_that_says_whose_it_is_goes_whatever_its_name_and_place() {
    let lab = Lab::new();
    let (gone, kept) = (lab.record_with(&PLAIN), lab.record_with(&PLAIN));
    let take = |session: &str, name: &str| lab.data().join("sessions").join(session).join(name);
    let out = lab.path("out").display().to_string();
    lab.done(&["export", &out], "");
    let wav = |session: &String| {
        let folder = fs::read_dir(lab.path("out").join(session)).unwrap();
        folder.map(|entry| entry.unwrap().path()).max().unwrap()
    };
    let arch = lab.path("arch");
    fs::create_dir_all(arch.join("2026/deep")).unwrap();
    for (from, to) in [
        (take(&gone, "take-0001.rf64"), "take-0001.rf64"),
        (take(&gone, "take-0002.rf64"), "2026/deep/interview.bin"),
        (wav(&gone), "2026/left channel.WAV"),
        (take(&kept, "take-0001.rf64"), "2026/take-0001.rf64"),
        (wav(&kept), "other.wav"),
    ] {
        fs::copy(from, arch.join(to)).unwrap();
    }
    lab.done(&["forget", "--session", &gone], "");
    let (code, text) = applied(&lab, &arch);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(names(&arch), ["2026/take-0001.rf64", "other.wav"]);
    // A tag that another program made of the description is named, for a person to look at.
    lab.done(&["export", &out], "");
    let (from, to) = (wav(&kept), arch.join("talk.flac"));
    let args = [
        "-v",
        "error",
        "-i",
        from.to_str().unwrap(),
        to.to_str().unwrap(),
    ];
    assert!(tool("ffmpeg", "ffmpeg", &args).status.success());
    lab.done(&["forget", "--session", &kept], "");
    let (code, text) = applied(&lab, &arch);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("talk.flac"), "{text}");
    assert_eq!(names(&arch), ["talk.flac"]);
}

#[test]
fn a_sealed_file_that_nothing_tells_of_is_named_and_one_in_a_persons_folder_is_not() {
    let lab = Lab::new();
    let (gone, kept) = (lab.record(), lab.record());
    let arch = lab.path("arch");
    fs::create_dir(&arch).unwrap();
    copy(&lab.data().join("sessions"), &arch.join("sessions"));
    copy(&lab.data().join("keys"), &arch.join("keys"));
    lab.done(&["forget", "--session", &gone], "");
    let (code, text) = applied(&lab, &arch);
    assert_eq!(code, Some(0), "{text}");
    let moved = arch.join("take.bin");
    fs::copy(
        arch.join(format!("sessions/{kept}/take-0001.rf64.age")),
        &moved,
    )
    .unwrap();
    let (code, text) = applied(&lab, &arch);
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains("take.bin") && text.contains("sealed"),
        "{text}"
    );
    assert!(moved.exists() && !text.contains(&kept), "{text}");
}

#[test]
fn a_take_of_version_0_1_is_known_by_its_samples_and_named_where_nothing_tells() {
    let lab = Lab::new();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recovery/version-0.1/data");
    copy(&old, &lab.data());
    let session = lab.sessions().remove(0);
    let folder = lab.data().join("sessions").join(&session);
    let (whole, alone) = (lab.path("whole"), lab.path("alone"));
    copy(&lab.data(), &whole);
    fs::create_dir(&alone).unwrap();
    for folder_ in [&whole, &alone] {
        fs::copy(folder.join("take-0002.rf64"), folder_.join("a.wav")).unwrap();
    }
    let kept = lab.record_with(&PLAIN);
    let theirs = lab
        .data()
        .join("sessions")
        .join(&kept)
        .join("take-0001.rf64");
    fs::copy(theirs, whole.join("theirs.rf64")).unwrap();
    lab.booth(&["forget", "--session", &session], "");
    assert!(!folder.exists());
    let (code, text) = applied(&lab, &whole);
    assert_eq!(code, Some(0), "{text}");
    assert!(!whole.join("a.wav").exists() && whole.join("theirs.rf64").exists());
    let (code, text) = applied(&lab, &alone);
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains("a.wav") && text.contains("version 0.1"),
        "{text}"
    );
    let row: Value = serde_json::json!(names(&alone));
    assert_eq!(row, serde_json::json!(["a.wav"]));
}

#[test]
fn a_file_of_an_old_export_is_known_by_the_exports_list() {
    let lab = Lab::new();
    let gone = lab.record_with(&PLAIN);
    let copy = lab.path("copy");
    fs::create_dir_all(copy.join("out").join(&gone)).unwrap();
    fs::create_dir(copy.join("apart")).unwrap();
    let tone = |path: &Path, hz: &str| {
        let name = path.to_str().unwrap();
        let args = [
            "-n", "-r", "16000", "-b", "16", name, "synth", "0.1", "sine", hz,
        ];
        assert!(tool("sox", "sox", &args).status.success());
    };
    let own = copy.join("out").join(&gone).join("a.wav");
    tone(&own, "440");
    tone(&copy.join("apart/other.wav"), "880");
    fs::copy(&own, copy.join("apart/renamed.WAV")).unwrap();
    let name = format!("{gone}/a.wav");
    let sums = std::process::Command::new("sha256sum")
        .arg(&name)
        .current_dir(copy.join("out"))
        .output();
    fs::write(copy.join("out/SHA256SUMS"), sums.unwrap().stdout).unwrap();
    let table = format!("file_name,session\n{name},{gone}\n");
    fs::write(copy.join("out/metadata.csv"), table).unwrap();
    lab.done(&["forget", "--session", &gone], "");
    let (code, text) = applied(&lab, &copy);
    assert_eq!(code, Some(0), "{text}");
    assert!(!own.exists());
    assert_eq!(names(&copy.join("apart")), ["other.wav"]);
}
