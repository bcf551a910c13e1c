//! progress.json: whatever stands in it, lines go on coming.

use std::fs;

use booth::corpus::Corpus;
use booth::corpus::order::{Sequence, Shard};
use booth::corpus::prompter::Prompter;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sha2::{Digest, Sha256};

use super::text::{any_text, edited};
use super::{config, folder};

/// The progress of a corpus whose hash stands for HASH.
const PROGRESS: &str = "[
  {
    \"corpus_sha256\": \"HASH\",
    \"seed\": 1,
    \"shard\": \"1/1\",
    \"round\": 2,
    \"position\": 1,
    \"owed\": [
      { \"round\": 1, \"position\": 2 },
      { \"round\": 2, \"position\": 0 }
    ]
  }
]
";

/// Reads on from `progress`, and once more from what that left.
fn read_on(progress: &str) {
    read_on_from(progress, None);
}

/// The same with these bytes in the place of CORPUS.read.
fn read_on_from(progress: &str, read: Option<&[u8]>) {
    let dir = folder();
    let path = dir.path().join("c.txt");
    fs::write(&path, "one\ntwo\n\nthree\n").unwrap();
    let sha256 = Corpus::open(&path, None).unwrap().learn_sha256().unwrap();
    let progress = progress.replace("HASH", &sha256);
    fs::write(dir.path().join("progress.json"), progress).unwrap();
    if let Some(bytes) = read {
        fs::create_dir(dir.path().join("progress")).unwrap();
        fs::write(dir.path().join("progress/c.txt.read"), bytes).unwrap();
    }
    for sequence in [Sequence::Shuffled, Sequence::SameForAll, Sequence::Shuffled] {
        let every = std::sync::Arc::new(std::sync::Mutex::new(|_: &str| None));
        let mut prompter = Prompter::open(&path, dir.path(), 1, Shard::WHOLE, every).unwrap();
        prompter.rewind(sequence);
        for _ in 0..9 {
            let prompt = prompter.next_prompt().unwrap();
            assert!([1, 2, 4].contains(&prompt.number));
            prompter.done(prompt.ticket).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(config(700))]

    #[test]
    fn lines_come_whatever_the_progress_says(
        progress in prop_oneof![4 => edited(PROGRESS), 1 => any_text(PROGRESS)],
    ) {
        read_on(&progress);
    }

    #[test]
    fn lines_come_whatever_stands_in_the_file_of_lines_read(
        records in vec(prop_oneof![
            4 => select(records()), 1 => any::<u64>(),
        ], 0..40),
        torn in vec(any::<u8>(), 0..8),
    ) {
        let bytes: Vec<u8> = records.iter().flat_map(|record| record.to_le_bytes()).collect();
        read_on_from("[]", Some(&[bytes, torn].concat()));
    }
}

/// Records of the lines, of none, and of rounds.
fn records() -> Vec<u64> {
    let hash = |text: &str| {
        let digest = Sha256::digest(text);
        u64::from_le_bytes(digest[..8].try_into().unwrap())
    };
    let rounds = [0, 1, 7, u32::MAX.into()].map(|round: u64| 0xffff_ffff << 32 | round);
    [hash("one"), hash("two"), hash("three"), hash("four"), 0]
        .into_iter()
        .chain(rounds)
        .collect()
}

/// The count of lines behind it overflowed.
#[test]
fn a_place_beyond_all_lines_is_no_progress() {
    for number in [u64::MAX, u64::MAX - 1, u64::MAX / 4] {
        read_on(&PROGRESS.replace("\"round\": 2", &format!("\"round\": {number}")));
        read_on(&PROGRESS.replace("\"position\": 1", &format!("\"position\": {number}")));
        read_on(&PROGRESS.replace("\"position\": 2", &format!("\"position\": {number}")));
    }
}
