//! The recorder alone, through the real libasound: what ALSA delivered is what the file holds.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use booth::words::{Cause, Format, Spec, Verdict};
use common::lateness::Lateness;
use common::run::{self, row, wait_for_audio};
use common::{AlsaEnv, assert_counts, counter, decode, mask, plugin};
use sha2::{Digest, Sha256};

const RATE: u32 = 48_000;

fn record(env: &AlsaEnv, device: &str, format: Format, channels: u16, out: &Path) -> Command {
    let spec = Spec {
        rate: RATE,
        channels,
        format,
    };
    run::record(env, device, spec, out)
}

/// The device frame of `about` or soon after it whose first sample is that of `bytes`; about 0, any
/// frame that the counter could mean.
fn device_frame(bytes: &[u8], spec: Spec, about: u64) -> u64 {
    let first = decode(&bytes[..spec.format.sample_bytes()], spec.format)[0];
    let from = about.saturating_sub(96_000);
    let is = |frame: &u64| counter(*frame, spec.channels, 0) & mask(spec.format) == first;
    (from..from + (1 << 24)).find(is).expect("a frame")
}

#[test]
fn a_file_that_was_removed_meanwhile_is_a_failure() {
    let (env, dir) = (plugin(), tempfile::tempdir().unwrap());
    let folder = dir.path().join("usb");
    fs::create_dir(&folder).unwrap();
    let out = folder.join("take.rf64");
    let mut command = record(&env, "bpaced", Format::S32Le, 1, &out);
    let running = run::start(command.args(["--seconds", "2"]));
    wait_for_audio(&out, 0.8);
    fs::remove_dir_all(&folder).unwrap();
    let run = running.wait();
    assert_eq!(run.code, Some(1), "{}", run.said());
    assert!(run.stdout.is_empty(), "no row of a file that is not there");
    let path = out.display().to_string();
    assert!(run.said().contains(&path) && run.said().contains("is gone"));
}

#[test]
fn every_format_is_recorded_to_the_bit_and_to_the_frame() {
    let (env, dir) = (plugin(), tempfile::tempdir().unwrap());
    for format in Format::ALL {
        for channels in [1, 6, 64] {
            let out = dir.path().join(format!("{format}-{channels}.rf64"));
            let mut command = record(&env, "bpaced", format, channels, &out);
            let done = run::start(command.args(["--frames", "10007"])).wait();
            let row = row(&done, 0);
            let (spec, bytes) = run::samples(&out);
            assert_eq!((row.frames, row.format), (10_007, format.stored()));
            assert_eq!((spec.format, spec.channels), (format.stored(), channels));
            assert_eq!(bytes.len(), 10_007 * spec.frame_bytes());
            // Which frame it began with is the device's affair; each further one follows from it.
            let first = device_frame(&bytes, spec, 0);
            assert_counts(&bytes, spec, first);
            let sha256: String = Sha256::digest(&bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!(row.samples_sha256, Some(sha256));
        }
    }
}

#[test]
fn a_plug_gives_what_the_card_has_and_nothing_else() {
    let (env, dir) = (plugin(), tempfile::tempdir().unwrap());
    let out = dir.path().join("take.rf64");
    let try_it = |device, format, channels| {
        let mut command = record(&env, device, format, channels, &out);
        run::start(command.args(["--frames", "4800"])).wait()
    };
    for (device, format, channels, asked, has) in [
        ("bplug", Format::S32Le, 6, "6 channels", "2 channels"),
        ("bplug", Format::S32Le, 1, "1 channels", "2 channels"),
        (
            "bplug16",
            Format::S32Le,
            2,
            "format S32_LE",
            "it offers S16_LE;",
        ),
    ] {
        let run = try_it(device, format, channels);
        assert_eq!(run.code, Some(1), "{device}");
        let said = run.said();
        assert!(said.contains(&format!("refuses {asked}")), "{said}");
        assert!(said.contains(has) && !out.exists(), "{said}");
    }
    for (device, format) in [("bplug", Format::S32Le), ("bplug16", Format::S16Le)] {
        let done = row(&try_it(device, format, 2), 0);
        assert_eq!((done.channels, done.format), (2, format), "{device}");
        fs::remove_file(&out).unwrap();
    }
    let mut devices = run::booth();
    env.apply(&mut devices);
    let listed = devices.args(["devices", "--json"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let line = listed.lines().find(|line| line.contains("\"bplug\""));
    let line: serde_json::Value = serde_json::from_str(line.expect("listed")).unwrap();
    assert_eq!(
        line["channels"],
        serde_json::json!([2, 2]),
        "the card's own"
    );
}

#[test]
fn a_limit_of_the_file_size_is_a_full_disk() {
    let (env, dir) = (plugin(), tempfile::tempdir().unwrap());
    for (n, length) in [&[][..], &["--seconds", "60"]].into_iter().enumerate() {
        let out = dir.path().join(format!("{n}.rf64"));
        let direct = record(&env, "bpaced", Format::S32Le, 6, &out);
        let mut command = Command::new("sh");
        // 1000 times 512 bytes, by POSIX: less than half a second.
        command.args(["-c", "ulimit -f 1000; exec \"$@\"", "sh"]);
        command.arg(direct.get_program()).args(direct.get_args());
        env.apply(&mut command);
        let done = run::start(command.args(length)).wait();
        let row = row(&done, 3);
        assert_eq!(row.verdict, Verdict::Aborted, "{}", done.said());
        let path = out.display().to_string();
        assert!(done.said().contains(&path), "{}", done.said());
        let (spec, bytes) = run::samples(&out);
        assert_eq!(bytes.len() as u64, row.frames * spec.frame_bytes() as u64);
        assert!(bytes.len() > 250_000, "what fits is kept: {}", bytes.len());
        assert_counts(&bytes, spec, device_frame(&bytes, spec, 0));
    }
}

#[test]
fn a_length_that_cannot_be_meant_is_refused_with_its_option() {
    let (env, dir) = (plugin(), tempfile::tempdir().unwrap());
    let out = dir.path().join("none.rf64");
    for (option, value) in [
        ("--seconds", "2678401"),
        ("--seconds", "1e300"),
        ("--seconds", "inf"),
        ("--seconds", "nan"),
        ("--seconds", "-1"),
        ("--seconds", "0"),
        ("--frames", "128563200001"),
        ("--frames", "18446744073709551615"),
        ("--frames", "0"),
        ("--frames", "-1"),
    ] {
        let mut command = record(&env, "bbusy", Format::S16Le, 1, &out);
        let done = run::start(command.arg(format!("{option}={value}"))).wait();
        let said = done.said();
        assert_eq!(done.code, Some(2), "{option} {value}: {said}");
        assert!(said.contains(option), "{said}");
        let is_long = ["2678401", "1e300", "128563200001"].contains(&value);
        assert_eq!(
            said.contains("31 days"),
            is_long || value.len() == 20,
            "{said}"
        );
        assert!(!out.exists());
    }
}

#[test]
fn a_signal_ends_an_endless_take_well() {
    let (env, dir) = (plugin(), tempfile::tempdir().unwrap());
    for signal in ["TERM", "INT", "QUIT"] {
        let out = dir.path().join(signal);
        let running = run::start(&mut record(&env, "bpaced", Format::S32Le, 2, &out));
        wait_for_audio(&out, 0.8);
        running.signal(signal);
        let row = row(&running.wait(), 0);
        let (spec, bytes) = run::samples(&out);
        assert_eq!(bytes.len() as u64, row.frames * spec.frame_bytes() as u64);
        assert!(row.frames > 24_000, "{} frames", row.frames);
    }
}

#[test]
fn an_overrun_is_silence_of_the_right_length_and_said() {
    let (env, dir) = (plugin(), tempfile::tempdir().unwrap());
    let out = dir.path().join("overrun.rf64");
    let mut command = record(&env, "bpaced", Format::S32Le, 6, &out);
    let late = Lateness::watch();
    let running = run::start(command.args(["--seconds", "4"]));
    wait_for_audio(&out, 0.8);
    running.signal("STOP");
    std::thread::sleep(Duration::from_millis(1300));
    running.signal("CONT");
    let row = row(&running.wait(), 3);
    let (spec, bytes) = run::samples(&out);
    assert_eq!(row.frames, 4 * u64::from(RATE));
    let [gap] = &row.gaps[..] else {
        panic!("{:?}", row.gaps)
    };
    assert_eq!(gap.cause, Cause::Overrun);
    let byte = |frame: u64| frame as usize * spec.frame_bytes();
    let part = |from, to| &bytes[byte(from)..byte(to)];
    let before = part(0, gap.frame);
    let first = device_frame(
        before,
        spec,
        booth::rt::Nanos::now().0 / 1_000_000_000 * 48_000,
    );
    assert_counts(before, spec, first);
    assert!(
        part(gap.frame, gap.frame + gap.frames)
            .iter()
            .all(|b| *b == 0)
    );
    let after = part(gap.frame + gap.frames, row.frames);
    let said = first + gap.frame + gap.frames;
    let real = device_frame(after, spec, said);
    println!(
        "overrun of {} frames; the next is {said}, really {real}",
        gap.frames
    );
    let most = 96 + late.frames(RATE);
    assert!(
        said.abs_diff(real) <= most,
        "said {said}, really {real}, {late:?}"
    );
    assert_counts(after, spec, real);
    // The loss stands in the file, too.
    let file = fs::read(&out).unwrap();
    let label = format!("{} frames lost: overrun", gap.frames);
    assert!(file.windows(label.len()).any(|w| w == label.as_bytes()));
}

#[test]
fn an_unplugged_device_leaves_a_valid_file() {
    let (env, dir) = (plugin(), tempfile::tempdir().unwrap());
    let out = dir.path().join("unplugged.rf64");
    let mut command = record(&env, "bpull", Format::S24Le, 6, &out);
    let running = run::start(command.args(["--seconds", "60"]));
    wait_for_audio(&out, 0.8);
    fs::write(&env.unplug_file, "").unwrap();
    let row = row(&running.wait(), 3);
    assert_eq!(row.verdict, Verdict::Aborted);
    let (spec, bytes) = run::samples(&out);
    assert_eq!(bytes.len() as u64, row.frames * spec.frame_bytes() as u64);
    assert!(row.frames > 24_000, "{} frames", row.frames);
}

#[test]
fn a_device_without_a_clock_is_read_as_fast_as_the_disk_allows_without_loss() {
    let (env, dir) = (plugin(), tempfile::tempdir().unwrap());
    let out = dir.path().join("free.rf64");
    let mut command = record(&env, "bfree", Format::S32Le, 6, &out);
    let row = row(
        &run::start(command.args(["--frames", "960000", "--buffer-s", "1"])).wait(),
        0,
    );
    assert_eq!((row.frames, row.gaps.len()), (960_000, 0));
    let (spec, bytes) = run::samples(&out);
    assert_counts(&bytes, spec, 0);
}

#[test]
fn a_device_faster_than_anybody_gives_its_frames_from_the_first_on() {
    let (env, dir) = (plugin(), tempfile::tempdir().unwrap());
    for (n, frames) in [480, 100_000, 1_000_000].into_iter().enumerate() {
        let out = dir.path().join(format!("{n}.rf64"));
        let mut command = record(&env, "null", Format::S16Le, 1, &out);
        let wanted = frames.to_string();
        let done = run::start(command.args(["--frames", &wanted, "--buffer-s", "1"])).wait();
        let row = row(&done, 0);
        assert_eq!((row.frames, &row.gaps[..]), (frames, &[][..]));
        assert_eq!(run::samples(&out).1.len() as u64, 2 * frames);
    }
}

#[test]
fn a_device_that_cannot_be_had_leaves_no_file() {
    let (env, dir) = (plugin(), tempfile::tempdir().unwrap());
    let out = dir.path().join("none.rf64");
    let mut command = record(&env, "bbusy", Format::S32Le, 1, &out);
    let done = run::start(command.args(["--frames", "480"])).wait();
    assert_eq!(done.code, Some(1), "{}", done.said());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn what_is_there_is_never_overwritten() {
    let (env, dir) = (plugin(), tempfile::tempdir().unwrap());
    let out = dir.path().join("there.rf64");
    fs::write(&out, "mine").unwrap();
    let mut command = record(&env, "bpaced", Format::S32Le, 2, &out);
    let done = run::start(command.args(["--frames", "480"])).wait();
    assert_eq!(done.code, Some(1));
    assert!(
        done.said().contains("there.rf64: is there already"),
        "{}",
        done.said()
    );
    assert_eq!(fs::read(&out).unwrap(), b"mine");
}
