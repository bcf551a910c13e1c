//! `booth repair`: what is whole is left, whoever wrote it and whatever follows the samples; what
//! another recorder left is finished if asked to. With files of ffmpeg and sox.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use booth::audio::rf64::{Meta, TakeFile};
use booth::words::{Format, Spec};
use common::run;
use common::tools::{frames_read, tool};

const FRAMES: usize = 4801;

fn repair(options: &[&str], path: &Path) -> Output {
    let mut booth = run::booth();
    booth
        .arg("repair")
        .args(options)
        .arg(path)
        .output()
        .unwrap()
}

#[track_caller]
fn said(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let all = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&all).into_owned()
}

/// A file that ffmpeg wrote, of `codec` with an odd number of frames.
fn ffmpeg(path: &Path, codec: &str, options: &[&str]) {
    let tone = format!("sine=440:r=48000:d={}", FRAMES as f64 / 48_000.0);
    let mut args = vec![
        "-v", "error", "-y", "-f", "lavfi", "-i", &tone, "-c:a", codec,
    ];
    args.extend(options);
    args.push(path.to_str().unwrap());
    assert!(tool("ffmpeg", "ffmpeg", &args).status.success());
}

/// A finished take of this program.
fn take(path: &Path, channels: u16) {
    let spec = Spec {
        rate: 48_000,
        channels,
        format: Format::S24Packed,
    };
    let bytes: Vec<u8> = (0..FRAMES * spec.frame_bytes())
        .map(|n| (n * 31 % 251) as u8 | 1)
        .collect();
    let mut take = TakeFile::create(path, spec, &Meta::default(), 0).unwrap();
    take.append(&bytes).unwrap();
    take.finalise(&[]).unwrap();
}

/// Where the body of a chunk begins.
fn chunk(bytes: &[u8], name: &[u8; 4]) -> usize {
    bytes.windows(4).position(|it| it == name).unwrap() + 8
}

#[track_caller]
fn left_as_it_is(path: &Path) {
    let before = fs::read(path).unwrap();
    for options in [&[][..], &["--foreign"]] {
        let text = said(&repair(options, path), 0);
        assert!(text.contains("left as it is"), "{text}");
        assert!(fs::read(path).unwrap() == before, "{path:?} was changed");
    }
}

#[test]
fn a_whole_file_is_left_whoever_wrote_it_and_whatever_follows() {
    let dir = tempfile::tempdir().unwrap();
    let behind: [&[u8]; 5] = [
        b"",
        b"LIST\x06\0\0\0INFOxx",
        b"id3 \x03\0\0\0abc\0LIST\x04\0\0\0INFO",
        &[0; 20_000],
        &[b"TAG", &[b' '; 125][..]].concat(),
    ];
    for (number, more) in behind.into_iter().enumerate() {
        let path = |name: &str| dir.path().join(format!("{number}-{name}"));
        let files = [
            path("own.rf64"),
            path("odd.wav"),
            path("byte.WAV"),
            path("long.rf64"),
        ];
        take(&files[0], 1);
        ffmpeg(&files[1], "pcm_s24le", &[]);
        ffmpeg(&files[2], "pcm_u8", &["-bitexact"]);
        ffmpeg(&files[3], "pcm_s16le", &["-rf64", "always", "-f", "wav"]);
        for file in files {
            let mut bytes = fs::read(&file).unwrap();
            bytes.extend(more);
            fs::write(&file, bytes).unwrap();
            left_as_it_is(&file);
        }
    }
}

/// What recorders leave in the sizes when they are stopped, and the frames that are found then.
#[test]
fn what_another_recorder_left_is_finished_only_if_asked_to_and_never_shortened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("left.WAV");
    let sizes = [0, u32::MAX, 0x7fff_0000, 2 * 1000];
    for (size, torn) in sizes.into_iter().flat_map(|it| [(it, 0), (it, 1)]) {
        ffmpeg(&path, "pcm_s16le", &["-bitexact"]);
        let mut bytes = fs::read(&path).unwrap();
        let data = chunk(&bytes, b"data");
        bytes.truncate(data + 2 * FRAMES);
        // Samples that no chunk's name begins with.
        bytes[data..].iter_mut().for_each(|byte| *byte |= 0x80);
        bytes[data - 4..data].copy_from_slice(&size.to_le_bytes());
        bytes[4..8].copy_from_slice(&size.to_le_bytes());
        bytes.extend(vec![0x80; torn]);
        fs::write(&path, &bytes).unwrap();
        let text = said(&repair(&[], &path), 1);
        assert!(
            text.contains("--foreign") && text.contains("left.WAV"),
            "{text}"
        );
        assert!(fs::read(&path).unwrap() == bytes);
        // In a folder too.
        let text = said(&repair(&["--foreign"], dir.path()), 0);
        assert!(text.contains("repaired, 4801 frames"), "{text}");
        assert_eq!(frames_read(&path), [FRAMES as u64; 3]);
        let after = fs::read(&path).unwrap();
        assert!(after[data..] == bytes[data..data + 2 * FRAMES]);
        left_as_it_is(&path);
    }
}

#[test]
fn long_files_of_other_recorders_are_finished_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.wav");
    for kind in [b"RF64", b"BW64"] {
        for sizes in [[0u64; 3], [u64::MAX; 3], [u64::MAX - 7, 0, 0]] {
            ffmpeg(&path, "pcm_s16le", &["-rf64", "always", "-bitexact"]);
            let mut bytes = fs::read(&path).unwrap();
            let (ds64, data) = (chunk(&bytes, b"ds64"), chunk(&bytes, b"data"));
            bytes.truncate(data + 2 * FRAMES);
            bytes[data..].iter_mut().for_each(|byte| *byte |= 0x80);
            bytes[..4].copy_from_slice(kind);
            for (number, size) in sizes.into_iter().enumerate() {
                bytes[ds64 + 8 * number..][..8].copy_from_slice(&size.to_le_bytes());
            }
            fs::write(&path, &bytes).unwrap();
            said(&repair(&[], &path), 1);
            let text = said(&repair(&["--foreign"], &path), 0);
            assert!(text.contains("4801 frames"), "{text}");
            let after = fs::read(&path).unwrap();
            assert!(after[..4] == kind[..] && after[data..] == bytes[data..]);
            let args = [
                "-v",
                "error",
                "-i",
                path.to_str().unwrap(),
                "-f",
                "s16le",
                "-",
            ];
            let read = tool("ffmpeg", "ffmpeg", &args);
            assert!(read.stdout == bytes[data..], "{kind:?} {sizes:?}");
            left_as_it_is(&path);
        }
    }
}

#[test]
fn every_sound_file_of_a_folder_is_named_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { dir.path().join(name) };
    take(&path("take-0001.rf64"), 2);
    take(&path("TAKE-0002.RF64"), 2);
    ffmpeg(&path("zoom.WAV"), "pcm_s24le", &[]);
    ffmpeg(&path("bare.wav"), "pcm_s16le", &[]);
    fs::rename(path("bare.wav"), path("bare")).unwrap();
    fs::write(
        path("sealed.rf64.age"),
        "age-encryption.org/v1\n-> X25519 x\n",
    )
    .unwrap();
    fs::write(path("notes.txt"), "text").unwrap();
    let text = said(&repair(&[], dir.path()), 0);
    for name in [
        "take-0001.rf64",
        "TAKE-0002.RF64",
        "zoom.WAV",
        "bare",
        "sealed.rf64.age",
    ] {
        assert!(text.contains(&format!("{name}: ")), "{name}: {text}");
    }
    assert!(!text.contains("notes.txt"), "{text}");
    fs::write(path("empty.wav"), "").unwrap();
    let text = said(&repair(&["--json"], dir.path()), 1);
    assert!(
        text.contains("empty.wav") && text.contains("\"sealed\":true"),
        "{text}"
    );
}
