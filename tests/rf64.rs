//! Every file opens: what libsndfile, ffmpeg and sox read of files whole, unfinished and repaired.

mod common;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Output;

use booth::audio::rf64::{Meta, TakeFile};
use booth::recorder::repair::{Outcome, repair};
use booth::words::{Cause, Format, Gap, Spec};
use common::run;
use common::tools::{frames_read, tool};

const SPEC: Spec = Spec {
    rate: 48_000,
    channels: 6,
    format: Format::S24Packed,
};

fn meta() -> Meta {
    let names = ["headset", "rigid", "soft", "temple", "forehead", "throat"];
    Meta {
        description: "take 1".into(),
        originator: "booth".into(),
        time_reference: 123_456_789_012,
        channel_names: names.map(String::from).to_vec(),
        ..Meta::default()
    }
}

fn samples(spec: Spec, frames: usize) -> Vec<u8> {
    let bytes = frames * spec.frame_bytes();
    if spec.format == Format::FloatLe {
        let values = (0..bytes / 4).map(|n| (n % 2000) as f32 / 2000.0 - 0.5);
        return values.flat_map(f32::to_le_bytes).collect();
    }
    (0..bytes).map(|n| (n * 31 % 251) as u8).collect()
}

fn booth_repair(path: &Path) -> Output {
    run::booth()
        .arg("repair")
        .arg(path)
        .output()
        .expect("booth runs")
}

#[test]
fn a_description_of_any_length_hides_no_samples() {
    let dir = tempfile::tempdir().expect("folder");
    for length in 0..4 {
        let path = dir.path().join(format!("{length}.rf64"));
        let meta = Meta {
            ixml: vec![("NOTE".into(), "n".repeat(length))],
            ..meta()
        };
        let mut take = TakeFile::create(&path, SPEC, &meta, 0).expect("create");
        take.append(&samples(SPEC, 100)).expect("append");
        let gap = |frames| Gap {
            frame: 3,
            frames,
            cause: Cause::Overrun,
        };
        let gaps = [gap(1), gap(10)];
        take.finalise(&gaps[..length % 3]).expect("finalise");
        assert_eq!(frames_read(&path), [100; 3], "{path:?}");
    }
}

#[test]
fn every_format_reads_back_to_the_byte() {
    let dir = tempfile::tempdir().expect("folder");
    for format in Format::ALL.into_iter().filter(|f| f.stored() == *f) {
        for channels in [1, 2, 6, 64] {
            let spec = Spec {
                channels,
                format,
                ..SPEC
            };
            let path = dir.path().join(format!("{format}-{channels}.rf64"));
            let audio = samples(spec, 4801);
            let mut take = TakeFile::create(&path, spec, &meta(), 4801).expect("create");
            take.append(&audio).expect("append");
            take.finalise(&[]).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(frames_read(&path), [4801; 3], "{path:?}");
            let codec = match format {
                Format::S16Le => "s16le",
                Format::S32Le => "s32le",
                Format::FloatLe => "f32le",
                _ => "s24le",
            };
            let pcm = format!("pcm_{codec}");
            let name = path.to_str().expect("UTF-8");
            let args = ["-v", "error", "-i", name, "-f", codec, "-c:a", &pcm, "-"];
            assert!(tool("ffmpeg", "ffmpeg", &args).stdout == audio, "{path:?}");
            let raw = dir.path().join("raw.wav");
            let out = raw.to_str().expect("UTF-8");
            let done = tool("sndfile-programs", "sndfile-convert", &[name, out]);
            assert!(done.status.success(), "{done:?}");
            let wav = fs::read(&raw).expect("read");
            let data = wav.windows(4).position(|w| w == b"data").expect("data") + 8;
            assert!(wav[data..data + audio.len()] == audio[..], "{path:?}");
        }
    }
}

#[test]
fn a_killed_take_opens_up_to_its_checkpoint_and_whole_after_repair() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("take-0001.rf64");
    let audio = samples(SPEC, 48_000);
    let frame = SPEC.frame_bytes();
    let mut take = TakeFile::create(&path, SPEC, &meta(), 0).expect("create");
    assert_eq!(frames_read(&path), [0; 3]);
    take.append(&audio[..24_000 * frame]).expect("append");
    take.checkpoint().expect("checkpoint");
    take.append(&audio[24_000 * frame..]).expect("append");
    drop(take);
    let torn = OpenOptions::new().append(true).open(&path).expect("open");
    std::io::Write::write_all(&mut &torn, b"torn7..").expect("write");
    assert_eq!(frames_read(&path), [24_000; 3]);
    let done = booth_repair(&path);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(frames_read(&path), [48_000; 3]);
    let whole = fs::read(&path).expect("read");
    assert!(whole[whole.len() - audio.len()..] == audio[..]);
    assert!(booth_repair(&path).status.success());
    assert!(
        fs::read(&path).expect("read") == whole,
        "repair is idempotent"
    );
    let other = dir.path().join("other.rf64");
    let mut take = TakeFile::create(&other, SPEC, &meta(), 99).expect("create");
    take.append(&audio).expect("append");
    take.finalise(&[]).expect("finalise");
    assert!(
        fs::read(&other).expect("read") == whole,
        "the same audio gives the same bytes"
    );
}

/// ext4 knows the length of a last write before it has its bytes.
#[test]
fn zeros_that_a_power_cut_left_at_the_end_are_no_samples() {
    let dir = tempfile::tempdir().expect("folder");
    let frame = SPEC.frame_bytes();
    let audio = samples(SPEC, 1000);
    for (checkpointed, added, kept) in [(500, 100, 1000), (1000, 100, 1000), (0, 3000, 1000)] {
        let path = dir.path().join(format!("{checkpointed}-{added}.rf64"));
        let mut take = TakeFile::create(&path, SPEC, &meta(), 0).expect("create");
        take.append(&audio[..checkpointed * frame]).expect("append");
        take.checkpoint().expect("checkpoint");
        take.append(&audio[checkpointed * frame..]).expect("append");
        drop(take);
        let file = OpenOptions::new().append(true).open(&path).expect("open");
        let length = file.metadata().expect("length").len();
        let block = length.next_multiple_of(4096).min(length + added);
        file.set_len(block).expect("longer");
        assert!(booth_repair(&path).status.success());
        assert_eq!(frames_read(&path), [kept; 3]);
    }
    let path = dir.path().join("silence.rf64");
    let mut take = TakeFile::create(&path, SPEC, &meta(), 0).expect("create");
    take.append(&vec![0; 1000 * frame]).expect("append");
    take.checkpoint().expect("checkpoint");
    drop(take);
    booth_repair(&path);
    assert_eq!(
        frames_read(&path),
        [1000; 3],
        "silence that was told of stays"
    );
}

#[test]
fn gap_marks_never_become_samples() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("take.rf64");
    let spec = Spec {
        channels: 1,
        ..SPEC
    };
    let mut take = TakeFile::create(&path, spec, &meta(), 0).expect("create");
    take.append(&samples(spec, 4801)).expect("append");
    take.finalise(&[Gap {
        frame: 100,
        frames: 50,
        cause: Cause::Overrun,
    }])
    .expect("finalise");
    assert_eq!(frames_read(&path), [4801; 3]);
    let whole = fs::read(&path).expect("read");
    assert!(matches!(
        repair(&path),
        Ok(Outcome::Healthy { frames: 4801 })
    ));
    assert!(fs::read(&path).expect("read") == whole);
    // Killed before the final header: it still claims the data alone.
    let file = OpenOptions::new().write(true).open(&path).expect("open");
    let data_end = 4096 + 4801 * 3u64;
    file.write_all_at(&(data_end - 8).to_le_bytes(), 20)
        .expect("write");
    // Marks that are whole stay.
    assert!(matches!(
        repair(&path),
        Ok(Outcome::Healthy { frames: 4801 })
    ));
    assert_eq!(frames_read(&path), [4801; 3]);
    for cut in [data_end + 40, data_end + 14, data_end + 6] {
        fs::write(
            dir.path().join("cut.rf64"),
            &fs::read(&path).expect("read")[..cut as usize],
        )
        .expect("write");
        let cut = dir.path().join("cut.rf64");
        assert!(matches!(
            repair(&cut),
            Ok(Outcome::Repaired { frames: 4801, .. })
        ));
        assert_eq!(frames_read(&cut), [4801; 3]);
    }
}

#[test]
fn more_than_4_gib_reads_back() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("long.rf64");
    drop(TakeFile::create(&path, SPEC, &meta(), 0).expect("create"));
    let frames = ((4u64 << 30) + 384_000) / SPEC.frame_bytes() as u64;
    let file = OpenOptions::new().write(true).open(&path).expect("open");
    let length = 4096 + frames * SPEC.frame_bytes() as u64;
    file.set_len(length).expect("sparse");
    file.write_all_at(&[1], length - 1).expect("its end");
    assert!(matches!(
        repair(&path),
        Ok(Outcome::Repaired { before: 0, .. })
    ));
    assert_eq!(frames_read(&path), [frames; 3]);
}

#[test]
fn what_is_there_is_never_touched() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("there.rf64");
    fs::write(&path, "mine").expect("write");
    assert!(TakeFile::create(&path, SPEC, &meta(), 0).is_err());
    assert_eq!(fs::read(&path).expect("read"), b"mine");
    assert_eq!(
        fs::read_dir(dir.path()).expect("list").count(),
        1,
        "no temporary left"
    );
    assert_eq!(booth_repair(&path).status.code(), Some(1));
    assert_eq!(
        booth_repair(&dir.path().join("none")).status.code(),
        Some(1)
    );
    let wav = dir.path().join("plain.wav");
    let name = wav.to_str().expect("UTF-8");
    tool(
        "sox",
        "sox",
        &[
            "-n", "-r", "48000", "-b", "16", name, "synth", "0.1", "sine", "440",
        ],
    );
    let before = fs::read(&wav).expect("sox wrote it");
    assert_eq!(booth_repair(&wav).status.code(), Some(0));
    assert_eq!(fs::read(&wav).expect("read"), before);
}

#[test]
fn names_and_time_reference_are_in_the_file() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("take.rf64");
    let take = TakeFile::create(&path, SPEC, &meta(), 0).expect("create");
    take.finalise(&[]).expect("finalise");
    let name = path.to_str().expect("UTF-8");
    let args = ["-v", "error", "-show_entries", "format_tags", name];
    let tags = String::from_utf8_lossy(&tool("ffmpeg", "ffprobe", &args).stdout).into_owned();
    assert!(tags.contains("time_reference=123456789012"), "{tags}");
    assert!(!tags.contains("date") && !tags.contains("time="), "{tags}");
    let bytes = fs::read(&path).expect("read");
    assert!(String::from_utf8_lossy(&bytes).contains("<NAME>forehead</NAME>"));
}
