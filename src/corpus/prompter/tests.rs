//! What the prompter promises of order and progress.

use std::collections::BTreeSet;

use super::*;
use proptest::collection;
use proptest::prelude::*;

const FIVE: &str = "a\nb\nc\nd\ne\n";

fn open(folder: &Path, text: &str) -> Prompter {
    let path = folder.join("corpus.txt");
    std::fs::write(&path, text).expect("a corpus");
    let look = |text: &str| text.contains('#').then_some(Undrawable::NoRoom);
    let look = Arc::new(Mutex::new(look));
    Prompter::open(&path, folder, 3, Shard::WHOLE, look).expect("a prompter")
}

fn numbers(prompter: &mut Prompter, count: usize) -> Vec<u64> {
    let mut next = || prompter.next_prompt().expect("a line").number;
    (0..count).map(|_| next()).collect()
}

#[test]
fn every_line_comes_once_before_any_comes_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut prompter = open(folder.path(), FIVE);
    for _ in 0..3 {
        let mut round = numbers(&mut prompter, 5);
        round.sort_unstable();
        assert_eq!(round, [1, 2, 3, 4, 5]);
    }
}

#[test]
fn a_line_not_done_is_shown_again_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut prompter = open(folder.path(), FIVE);
    let first = prompter.next_prompt().expect("a line");
    let second = prompter.next_prompt().expect("a line");
    prompter.done(first.ticket).expect("progress");
    let mut again = open(folder.path(), FIVE);
    assert_eq!(again.next_prompt().expect("a line"), second);
}

#[test]
fn a_line_whose_take_failed_comes_first_though_later_ones_are_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut prompter = open(folder.path(), FIVE);
    let shown: Vec<_> = (0..4)
        .map(|_| prompter.next_prompt().expect("a line"))
        .collect();
    for at in [0, 2] {
        prompter.done(shown[at].ticket).expect("progress");
    }
    let mut again = open(folder.path(), FIVE);
    let owed = again.next_prompt().expect("a line");
    assert_eq!(owed, shown[1]);
    // Owed twice over: the second restart finds it still not done.
    let mut again = open(folder.path(), FIVE);
    assert_eq!(again.next_prompt().expect("a line"), owed);
    again.done(owed.ticket).expect("progress");
    let mut last = open(folder.path(), FIVE);
    let rest = numbers(&mut last, 2);
    assert_eq!(rest[0], shown[3].number);
    assert!(shown.iter().all(|prompt| prompt.number != rest[1]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Each run shows some lines. The takes of some of them never reach the disk.
    #[test]
    fn no_line_is_read_twice_more_than_another_through_restarts_and_failures(
        lines in 1usize..40, runs in collection::vec(collection::vec(any::<bool>(), 1..9), 1..30)
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let text: String = (1..=lines).map(|n| format!("line {n}\n")).collect();
        let mut read = vec![0u32; lines];
        // At the end every take is stored: what is owed comes first.
        let last = vec![true; 8 * runs.len() + lines];
        for run in runs.into_iter().chain([last]) {
            let mut prompter = open(folder.path(), &text);
            for stored in run {
                let prompt = prompter.next_prompt().expect("a line");
                if stored {
                    prompter.done(prompt.ticket).expect("progress");
                    // A redo after the fact: the same line is done once more.
                    prompter.done(prompt.ticket).expect("progress");
                    read[prompt.number as usize - 1] += 1;
                }
            }
        }
        let (least, most) = (read.iter().min(), read.iter().max());
        prop_assert!(least.zip(most).is_some_and(|(least, most)| least + 1 >= *most), "{:?}", read);
    }

    /// Between the runs some lines are changed, and the file is turned over.
    #[test]
    fn of_a_text_that_changes_each_line_is_read_once_before_any_is_read_twice(
        lines in 2u64..40, runs in collection::vec((1usize..9, any::<prop::sample::Index>()), 1..30)
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut text: Vec<String> = (1..=lines).map(|n| format!("line {n}")).collect();
        let mut read = BTreeSet::new();
        for (turn, (count, changed)) in runs.into_iter().enumerate() {
            let mut prompter = open(folder.path(), &text.join("\n"));
            for _ in 0..count {
                let prompt = prompter.next_prompt().expect("a line");
                prop_assert!(read.insert(prompt.text.to_string()), "{} again", prompt.text);
                prompter.done(prompt.ticket).expect("progress");
                if text.iter().all(|line| read.contains(line)) {
                    read.clear();
                }
            }
            let at = changed.index(text.len());
            text[at] = format!("turn {turn}");
            text.reverse();
        }
    }
}

#[test]
fn a_line_put_first_comes_first_once_and_moves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let order = numbers(&mut open(folder.path(), FIVE), 5);
    for first in [order[0], order[3]] {
        let mut prompter = open(folder.path(), FIVE);
        prompter.put_first(first);
        let came = numbers(&mut prompter, 5);
        let rest = order
            .iter()
            .copied()
            .filter(|n| first != order[0] || *n != first);
        let expected: Vec<_> = std::iter::once(first).chain(rest).take(5).collect();
        assert_eq!(came, expected);
    }
}

#[test]
fn what_cannot_be_drawn_is_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut round = numbers(&mut open(folder.path(), "a\n#\n\nd\n"), 4);
    round.sort_unstable();
    assert_eq!(round, [1, 1, 4, 4]);
    let mut single = open(folder.path(), "a\n#\n#\n");
    assert_eq!(numbers(&mut single, 9), [1; 9]);
    let nothing = open(folder.path(), "#\n#\n").next_prompt();
    let Err(PromptError::Corpus(error)) = nothing else {
        panic!("{nothing:?}")
    };
    assert!(error.to_string().contains("no line of shard 1/1"));
}

#[test]
fn same_for_all_is_the_order_of_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut prompter = open(folder.path(), "a\nb\nc\n");
    prompter.rewind(Sequence::SameForAll);
    assert_eq!(numbers(&mut prompter, 4), [1, 2, 3, 1]);
}

fn all(prompter: &mut Prompter, count: usize) -> Vec<String> {
    let mut next = || {
        let prompt = prompter.next_prompt().expect("a line");
        prompter.done(prompt.ticket).expect("progress");
        prompt.text.to_string()
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn one_letter_corrected_does_not_start_the_text_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let read = all(&mut open(folder.path(), FIVE), 3);
    let corrected = FIVE.replace(&read[0], "corrected");
    let mut rest = all(&mut open(folder.path(), &corrected), 3);
    rest.sort();
    let mut expected: Vec<String> = corrected.lines().map(str::to_owned).collect();
    expected.retain(|line| !read.contains(line));
    expected.sort();
    assert_eq!(rest, expected);
}

#[test]
fn an_id_or_a_name_or_an_order_given_later_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let read = all(&mut open(folder.path(), FIVE), 3);
    let path = folder.path().join("corpus.txt");
    std::fs::remove_file(&path).expect("moved away");
    let text = "5\te \r\n4\td\r\n3\tc\r\n2\tb\r\n1\ta\r\n";
    let other = folder.path().join("other");
    std::fs::create_dir(&other).expect("a folder");
    let path = other.join("renamed.txt");
    std::fs::write(&path, text).expect("a corpus");
    let look = Arc::new(Mutex::new(|_: &str| None));
    let mut prompter =
        Prompter::open(&path, folder.path(), 4, Shard::WHOLE, look).expect("a prompter");
    let rest = all(&mut prompter, 2);
    assert!(
        rest.iter()
            .all(|line| !read.contains(&line.trim().to_owned())),
        "{rest:?}"
    );
    let files = std::fs::read_dir(folder.path().join("progress")).expect("a folder");
    assert_eq!(files.count(), 1);
}

#[test]
fn two_texts_of_one_name_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let texts = ["a\nb\nc\nd\ne\n", "v\nw\nx\ny\nz\n"];
    let mut read = [Vec::new(), Vec::new()];
    for turn in 0..10 {
        let text = turn % 2;
        read[text].extend(all(&mut open(folder.path(), texts[text]), 1));
    }
    for mut read in read {
        read.sort();
        read.dedup();
        assert_eq!(read.len(), 5);
    }
}

#[test]
fn lines_of_the_same_text_are_each_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "a\nb\na\na\n";
    let mut read: Vec<String> = Vec::new();
    for _ in 0..8 {
        read.extend(all(&mut open(folder.path(), text), 1));
    }
    for round in read.chunks(4) {
        assert_eq!(
            round.iter().filter(|line| *line == "a").count(),
            3,
            "{read:?}"
        );
    }
}

#[test]
fn what_version_0_1_knew_by_the_file_is_known_by_the_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let order = {
        let folder = tempfile::tempdir().expect("another folder");
        numbers(&mut open(folder.path(), FIVE), 10)
    };
    let sha256 = open(folder.path(), FIVE).corpus_sha256().to_owned();
    let key = Key {
        corpus_sha256: sha256,
        seed: 3,
        shard: Shard::WHOLE,
    };
    let mut progress = Progress::open(folder.path()).expect("progress");
    let place = |position| Place { round: 1, position };
    progress
        .reach(&key, place(3), vec![place(1)])
        .expect("progress");
    // Second round: the first and the third line are read, the second is owed.
    let mut prompter = open(folder.path(), FIVE);
    let came = numbers(&mut prompter, 3);
    assert_eq!(came, [order[6], order[8], order[9]]);
    let mut prompter = open(folder.path(), FIVE);
    let first = prompter.next_prompt().expect("a line");
    prompter.done(first.ticket).expect("progress");
    // From here on the old file is not asked any more.
    std::fs::remove_file(folder.path().join("progress.json")).expect("removed");
    assert_eq!(
        numbers(&mut open(folder.path(), FIVE), 2),
        [order[8], order[9]]
    );
}

#[test]
fn a_text_of_more_than_a_million_lines_is_known_by_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "a\n".repeat(1_000_001);
    let first = {
        let mut prompter = open(folder.path(), &text);
        let prompt = prompter.next_prompt().expect("a line");
        prompter.done(prompt.ticket).expect("progress");
        prompt.ticket
    };
    let next = open(folder.path(), &text).next_prompt().expect("a line");
    assert_eq!(next.ticket, first + 1);
    assert!(!folder.path().join("progress").exists());
    assert!(folder.path().join("progress.json").exists());
}

#[test]
fn a_round_that_is_full_on_the_disk_is_followed_by_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    for _ in 0..3 {
        let mut round: Vec<String> = Vec::new();
        for _ in 0..5 {
            round.extend(all(&mut open(folder.path(), FIVE), 1));
        }
        round.sort();
        assert_eq!(round, ["a", "b", "c", "d", "e"]);
    }
    let bytes = std::fs::metadata(folder.path().join("progress/corpus.txt.read"));
    // Fifteen lines, and the beginnings of three rounds.
    assert_eq!(bytes.expect("a file").len(), 8 * 18);
}
