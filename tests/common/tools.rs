//! The stock tools that must open every file.

use std::path::Path;
use std::process::{Command, Output};

/// Runs a tool of a package that the tests need.
pub fn tool(package: &str, program: &str, args: &[&str]) -> Output {
    Command::new(program)
        .args(args)
        .output()
        .unwrap_or_else(|error| {
            panic!("{program} is needed for this test: apt-get install {package} ({error})")
        })
}

/// Frames that libsndfile, ffmpeg and sox read.
pub fn frames_read(path: &Path) -> [u64; 3] {
    let name = path.to_str().expect("UTF-8");
    let info = tool("sndfile-programs", "sndfile-info", &[name]);
    let info = String::from_utf8_lossy(&info.stdout).into_owned();
    let frames = |line: &str| line.split(':').nth(1).and_then(|n| n.trim().parse().ok());
    let libsndfile = info
        .lines()
        .find(|l| l.starts_with("Frames"))
        .and_then(frames);
    let args = [
        "-v",
        "error",
        "-show_entries",
        "stream=duration_ts",
        "-of",
        "csv=p=0",
        name,
    ];
    let ffmpeg = tool("ffmpeg", "ffprobe", &args);
    let sox = tool("sox", "soxi", &["-s", name]);
    let number = |o: Output| {
        String::from_utf8_lossy(&o.stdout)
            .trim()
            .parse()
            .unwrap_or(0)
    };
    [libsndfile.unwrap_or(0), number(ffmpeg), number(sox)]
}
