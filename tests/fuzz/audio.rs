//! Headers and repair: of any bytes, of takes that something happened to, of every single byte.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

use booth::audio::rf64::header::CHANGING_BYTES;
use booth::audio::rf64::read;
use booth::recorder::repair::{Outcome, repair};
use booth::words::Format;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::take::{Plan, Stage, Take, appended, damage, damaged_sizes, filling, plan};
use super::{config, folder, memory};

/// What repair reads of the end of a file, where gap marks may stand.
const END_BYTES: usize = 1 << 20;

/// Repairs a file of `bytes` and checks what holds for every file. Gives the outcome and the bytes
/// that are there then.
fn repaired(path: &Path, bytes: &[u8]) -> (Result<Outcome, String>, Vec<u8>) {
    fs::write(path, bytes).unwrap();
    let once = || {
        let (outcome, largest) = memory::largest(|| repair(path));
        assert!(
            largest <= bytes.len().max(END_BYTES),
            "asks for {largest} bytes"
        );
        outcome.map_err(|error| error.to_string())
    };
    let (first, after) = (once(), fs::read(path).unwrap());
    let (second, at_last) = (once(), fs::read(path).unwrap());
    assert!(after == at_last, "a second repair changes the file");
    match &first {
        Ok(Outcome::Repaired { frames, .. }) => {
            assert_eq!(second, Ok(Outcome::Healthy { frames: *frames }));
            assert_kept(path, bytes, &after);
        }
        unchanged => {
            assert_eq!(&second, unchanged);
            assert!(after == bytes, "{unchanged:?} and yet changed");
        }
    }
    if let Err(message) = &first {
        assert!(message.contains(path.to_str().unwrap()), "{message}");
    }
    (first, after)
}

/// A repaired file has a header that is true, and its samples and what follows them are those that
/// were there.
fn assert_kept(path: &Path, before: &[u8], after: &[u8]) {
    let info = read::info(&File::open(path).unwrap(), path).unwrap();
    assert!(info.healthy() && info.file_length == after.len() as u64);
    let end = (info.data_start + info.data_bytes) as usize;
    assert!(after[CHANGING_BYTES..end] == before[CHANGING_BYTES..end]);
    let behind = &after[end + (end - info.data_start as usize) % 2..];
    assert!(before.ends_with(behind), "nothing is made up");
}

/// Whatever repair said, every whole frame of `take` is in the file and its header tells of no
/// fewer and no more.
#[track_caller]
fn assert_whole(take: &Take, outcome: &Result<Outcome, String>, after: &[u8]) {
    let audio = take.audio();
    assert!(&after[take.data_start..][..audio.len()] == audio);
    if let Ok(Outcome::Healthy { frames } | Outcome::Repaired { frames, .. }) = outcome {
        assert_eq!(*frames, take.frames);
    }
}

fn chunks() -> impl Strategy<Value = Vec<u8>> {
    let magic = select(vec![b"RF64", b"RIFF"]);
    let chunk = (filling(), filling(), vec(any::<u8>(), 0..64));
    (magic, filling(), vec(chunk, 0..8)).prop_map(|(magic, size, chunks)| {
        let mut size = size;
        size.resize(4, 0xff);
        let mut bytes = [&magic[..], &size, b"WAVE"].concat();
        for (name, size, body) in chunks {
            let mut head = name;
            head.resize(4, b' ');
            head.extend(size);
            head.resize(8, 0);
            bytes.extend(head);
            bytes.extend(body);
        }
        bytes
    })
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn any_bytes_are_answered(bytes in prop_oneof![vec(any::<u8>(), 0..300), chunks()]) {
        let dir = folder();
        let _ = repaired(&dir.path().join("any.rf64"), &bytes);
    }

    #[test]
    fn a_damaged_take_is_answered(plan in plan(), damage in damage()) {
        let dir = folder();
        let mut bytes = plan.write(dir.path()).bytes;
        damage.iter().for_each(|damage| damage.apply(&mut bytes));
        let _ = repaired(&dir.path().join("damaged.rf64"), &bytes);
    }

    #[test]
    fn a_take_keeps_every_frame_at_any_moment_of_its_life(plan in plan()) {
        let dir = folder();
        let take = plan.write(dir.path());
        let (outcome, after) = repaired(&dir.path().join("take.rf64"), &take.bytes);
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_whole(&take, &outcome, &after);
    }

    #[test]
    fn what_others_put_behind_a_finished_take_stays(plan in plan(), behind in appended()) {
        let dir = folder();
        let mut take = Plan { stage: Stage::Finished, ..plan }.write(dir.path());
        take.bytes.extend(behind);
        let (outcome, after) = repaired(&dir.path().join("take.rf64"), &take.bytes);
        assert_whole(&take, &outcome, &after);
        if take.frames > 0 {
            assert_eq!(outcome, Ok(Outcome::Healthy { frames: take.frames }));
        }
    }

    #[test]
    fn chunks_behind_a_take_that_no_header_tells_of_never_become_samples(plan in plan(), n in 0u8..9) {
        let dir = folder();
        let unfinished = Plan { stage: Stage::Unfinished, torn: 0, ..plan };
        let mut take = unfinished.write(dir.path());
        if take.bytes.len() % 2 == 1 {
            take.bytes.push(0);
        }
        take.bytes.extend([b"LIST", &[n, 0, 0, 0][..], &vec![1; usize::from(n)]].concat());
        let (outcome, after) = repaired(&dir.path().join("take.rf64"), &take.bytes);
        assert_whole(&take, &outcome, &after);
    }

    #[test]
    fn a_cut_take_keeps_every_whole_frame_that_is_left(plan in plan(), cut in any::<Index>()) {
        let dir = folder();
        let mut take = plan.write(dir.path());
        let left = cut.index(take.bytes.len() - take.data_start + 1);
        take.bytes.truncate(take.data_start + left);
        take.frames = take.frames.min((left / take.frame) as u64);
        let (outcome, after) = repaired(&dir.path().join("cut.rf64"), &take.bytes);
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_whole(&take, &outcome, &after);
    }

    #[test]
    fn damaged_sizes_cost_no_frame(plan in plan(), damage in damaged_sizes()) {
        let dir = folder();
        let take = plan.write(dir.path());
        let mut bytes = take.bytes.clone();
        damage.iter().for_each(|damage| damage.apply(&mut bytes));
        bytes[CHANGING_BYTES..].copy_from_slice(&take.bytes[CHANGING_BYTES..]);
        let (outcome, after) = repaired(&dir.path().join("sizes.rf64"), &bytes);
        assert_whole(&take, &outcome, &after);
    }
}

/// A take of 23 frames, small enough to damage each byte of.
fn small(format: Format, channels: u16, gaps: u64, stage: Stage) -> Plan {
    Plan {
        format,
        channels,
        frames: 23,
        gaps,
        stage,
        checkpoint: 3,
        torn: 1,
    }
}

#[test]
fn any_damaged_byte_of_a_header_costs_no_frame() {
    let dir = folder();
    let path = dir.path().join("damaged.rf64");
    for plan in [
        small(Format::S24Packed, 1, 0, Stage::Finished),
        small(Format::S24Packed, 1, 2, Stage::Finished),
        small(Format::S16Le, 1, 2, Stage::Marked),
        small(Format::FloatLe, 2, 0, Stage::Unfinished),
        small(Format::S32Le, 6, 0, Stage::Unfinished),
    ] {
        let take = plan.write(dir.path());
        let (mut bytes, mut refused) = (take.bytes.clone(), 0);
        for at in 0..take.data_start {
            let good = take.bytes[at];
            for bad in [0xff, 0, good ^ 1 << (at % 8)] {
                bytes[at] = bad;
                let outcome = damaged_byte(&path, &bytes, &take);
                assert!(outcome.is_some(), "byte {at} is {bad:#x}: {plan:?}");
                refused += usize::from(outcome == Some(true));
            }
            bytes[at] = good;
        }
        assert!(refused < 200, "{refused} refused: {plan:?}");
    }
}

/// Whether repair refuses a file with a damaged byte; `None` if it spoils the file or hides a
/// frame.
fn damaged_byte(path: &Path, bytes: &[u8], take: &Take) -> Option<bool> {
    fs::write(path, bytes).unwrap();
    let outcome = repair(path);
    let after = fs::read(path).unwrap();
    let audio = take.data_start..take.data_start + take.audio().len();
    let good = match outcome {
        Err(_) => after == bytes,
        Ok(Outcome::Healthy { frames }) => after == bytes && frames == take.frames,
        Ok(Outcome::Repaired { frames, .. }) => {
            after[audio.clone()] == bytes[audio] && frames == take.frames
        }
    };
    good.then_some(outcome.is_err())
}

/// Repairs `plan`'s take with `new` at byte `at` of its header.
#[track_caller]
fn assert_keeps(plan: &Plan, new: &[(usize, &[u8])]) {
    let dir = folder();
    let take = plan.write(dir.path());
    let mut bytes = take.bytes.clone();
    for (at, new) in new {
        bytes[*at..at + new.len()].copy_from_slice(new);
    }
    let (outcome, after) = repaired(&dir.path().join("take.rf64"), &bytes);
    assert_whole(&take, &outcome, &after);
}

/// A byte count that fell below the true one passed for healthy: the file's length still agreed.
#[test]
fn a_byte_count_that_ds64_contradicts_is_no_healthy_one() {
    let plan = small(Format::S24Packed, 1, 0, Stage::Finished);
    assert_keeps(&plan, &[(28, &6u64.to_le_bytes())]);
    assert_keeps(&plan, &[(28, &[0; 16])]);
}

/// With the header's count of bytes damaged the marks behind the data became samples.
#[test]
fn gap_marks_never_become_samples_whatever_the_header_says() {
    for stage in [Stage::Finished, Stage::Marked] {
        let plan = small(Format::S16Le, 1, 2, stage);
        assert_keeps(&plan, &[(28, &[0xff; 8])]);
        assert_keeps(&plan, &[(28, &[0; 8])]);
    }
}

/// Marks torn within their name became a sample.
#[test]
fn gap_marks_torn_anywhere_never_become_samples() {
    let dir = folder();
    for format in [Format::S16Le, Format::S24Packed] {
        let take = small(format, 1, 2, Stage::Marked).write(dir.path());
        let end = take.data_start + take.audio().len();
        for cut in end..take.bytes.len() {
            let (outcome, after) = repaired(&dir.path().join("cut.rf64"), &take.bytes[..cut]);
            assert_whole(&take, &outcome, &after);
        }
    }
}

/// Twice the channels in frames of twice the bytes took the last of an odd number of frames.
#[test]
fn a_format_that_contradicts_its_bytes_a_second_is_refused() {
    let plan = small(Format::S16Le, 1, 0, Stage::Unfinished);
    assert_keeps(&plan, &[(58, &[2]), (68, &[4])]);
}

/// A cue point names the chunk `data`, and a header damaged in its chunks' sizes led there.
#[test]
fn a_data_chunk_that_ds64_contradicts_is_refused() {
    let plan = Plan {
        frames: 4,
        ..small(Format::S24Packed, 4, 3, Stage::Finished)
    };
    assert_keeps(&plan, &[(53, &[16])]);
    assert_keeps(&plan, &[(72, b"data")]);
}

/// A file of a terabyte of nothing costs no more memory or time than a small one.
#[test]
fn a_sparse_file_of_any_length_is_answered_at_once() {
    let dir = folder();
    let take = small(Format::S16Le, 1, 0, Stage::Unfinished).write(dir.path());
    let path = dir.path().join("long.rf64");
    fs::write(&path, &take.bytes).unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    for length in [1u64 << 32, 1 << 40] {
        file.set_len(length).unwrap();
        let (outcome, largest) = memory::largest(|| repair(&path));
        assert!(largest <= END_BYTES, "asks for {largest} bytes");
        // Zeros at the end of the last block may never have been written.
        let frames = (length - 4096 - take.data_start as u64) / 2;
        assert!(matches!(outcome, Ok(Outcome::Repaired { frames: n, .. }) if n == frames));
    }
}
