//! The corpus: any bytes are lines by number, the same that a plain splitter finds.

use std::fs;
use std::path::Path;

use booth::corpus::check::{Summary, check};
use booth::corpus::lines::MAX_LINE_BYTES;
use booth::corpus::{Corpus, CorpusError, Line, Unusable};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{config, folder, memory};

/// Buffers of the index are the largest.
const ENOUGH_BYTES: usize = 1 << 18;
/// Up to here a corpus without a usable line is refused.
const LOOK_BYTES: usize = 1 << 20;

/// The lines of `bytes`, split in the plainest way.
fn split(bytes: &[u8]) -> Vec<Line> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    let line = |(number, line): (u64, &[u8])| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() <= MAX_LINE_BYTES {
            return Line::parse(number, line);
        }
        Line {
            number,
            id: None,
            text: Err(Unusable::TooLong),
        }
    };
    (1..).zip(lines).map(line).collect()
}

/// Every line of an open corpus (of a very long one, some), and no line beside them.
fn assert_lines(corpus: &Corpus, expected: &[Line]) {
    let count = expected.len() as u64;
    assert_eq!(corpus.len(), count);
    for line in expected.iter().step_by(1 + expected.len() / 5000) {
        let (found, largest) = memory::largest(|| corpus.line(line.number));
        assert_eq!(&found.unwrap(), line);
        assert!(largest <= ENOUGH_BYTES, "asks for {largest} bytes");
    }
    for none in [0, count + 1, u64::MAX] {
        assert!(matches!(
            corpus.line(none),
            Err(CorpusError::NoSuchLine { .. })
        ));
    }
}

/// Opens `path`, whose bytes are `bytes`, and checks it against the plain splitter.
fn assert_splits(path: &Path, bytes: &[u8]) {
    let expected = split(bytes);
    let (opened, largest) = memory::largest(|| Corpus::open(path, None));
    assert!(largest <= ENOUGH_BYTES, "asks for {largest} bytes");
    match opened {
        Ok(corpus) => {
            assert_lines(&corpus, &expected);
            assert_summary(&corpus, &expected);
        }
        Err(error) => {
            assert!(is_no_text(bytes, &expected), "{error}");
            assert!(error.to_string().contains("c.txt"), "{error}");
        }
    }
}

/// Whether none of the lines can be shown, most of those up to one of them are no text, or a byte order
/// mark says that this is no UTF-8.
fn is_no_text(bytes: &[u8], lines: &[Line]) -> bool {
    let marks = [&b"\xff\xfe"[..], b"\xfe\xff", b"\0\0\xfe\xff"];
    let blank = |why: &Unusable| matches!(why, Unusable::Empty | Unusable::Invisible);
    let texts = lines
        .iter()
        .filter(|line| !line.text.as_ref().is_err_and(blank));
    let mut usable = 0;
    let is_mostly_none = texts.enumerate().any(|(before, line)| {
        usable += usize::from(line.text.is_ok());
        usable * 2 < before + 1
    });
    let none = bytes.len() <= LOOK_BYTES && lines.iter().all(|line| line.text.is_err());
    none || is_mostly_none || marks.iter().any(|mark| bytes.starts_with(mark))
}

fn assert_summary(corpus: &Corpus, expected: &[Line]) {
    let summary = check(corpus, |_| None, |_, _| true).unwrap();
    let count = |why: fn(&Unusable) -> bool| {
        let lines = expected
            .iter()
            .filter(|line| line.text.as_ref().is_err_and(why));
        lines.count() as u64
    };
    let plain = Summary {
        lines: expected.len() as u64,
        usable: expected.iter().filter(|line| line.text.is_ok()).count() as u64,
        empty: count(|why| *why == Unusable::Empty),
        too_long: count(|why| *why == Unusable::TooLong),
        not_utf8: count(|why| matches!(why, Unusable::NotUtf8(_))),
        invisible: count(|why| *why == Unusable::Invisible),
        zero: count(|why| matches!(why, Unusable::Zero(_))),
        line_break: count(|why| matches!(why, Unusable::LineBreak(_))),
        ..summary
    };
    assert_eq!(summary, plain);
}

/// Writes a corpus and opens it twice: with an index built and with that index.
fn splits(bytes: &[u8]) {
    let dir = folder();
    let path = dir.path().join("c.txt");
    fs::write(&path, bytes).unwrap();
    assert_splits(&path, bytes);
    assert_splits(&path, bytes);
}

/// What an index of ours begins with.
const MAGIC: &[u8] = b"BOOTHIX";

/// Puts `found` in the place of the index of `path`, whose bytes are `bytes`: it is rebuilt, or
/// refused and kept if it cannot be an index, torn or not.
fn splits_beside(path: &Path, bytes: &[u8], found: &[u8]) {
    let index = path.with_extension("txt.index");
    fs::write(&index, found).unwrap();
    if MAGIC.starts_with(&found[..found.len().min(MAGIC.len())]) {
        return assert_splits(path, bytes);
    }
    let refused = Corpus::open(path, None).map(drop);
    assert!(matches!(refused, Err(CorpusError::NotAnIndex { .. })));
    assert!(fs::read(&index).unwrap() == found);
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let mark = b"\xef\xbb\xbf";
    let ends = select(vec![
        &b"\n"[..],
        b"\r\n",
        b"\r",
        b"\n\n",
        b"\t",
        b" ",
        b"\0",
        mark,
        b"\xff\xfe",
        "\u{200b}".as_bytes(),
        "\u{2028}".as_bytes(),
        b"id|",
        b"\",\"",
    ]);
    prop_oneof![
        8 => ends.prop_map(<[u8]>::to_vec),
        4 => "[a-zé\u{a0}]{0,9}".prop_map(String::into_bytes),
        2 => vec(any::<u8>(), 0..20),
        1 => (MAX_LINE_BYTES - 3..MAX_LINE_BYTES + 4).prop_map(|n| vec![b'x'; n]),
    ]
}

/// Some pieces, and some of them many times over, so that the index has more than one entry.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let many = (vec(piece(), 1..3), 1usize..150).prop_map(|(pieces, times)| {
        let part = pieces.concat();
        let times = if part.len() > 1000 { 1 } else { times };
        part.repeat(times)
    });
    vec(prop_oneof![3 => piece(), 1 => many], 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(config(700))]

    #[test]
    fn any_bytes_are_lines_by_number(bytes in prop_oneof![
        4 => bytes(), 1 => vec(any::<u8>(), 0..300),
    ]) {
        splits(&bytes);
    }

    #[test]
    fn a_damaged_index_gives_no_other_line(
        lines in vec("[a-c]{0,2}", 65..200), at in any::<Index>(), new in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let dir = folder();
        let (path, body) = (dir.path().join("c.txt"), "a\n".to_owned() + &lines.join("\n"));
        fs::write(&path, &body).unwrap();
        drop(Corpus::open(&path, None).unwrap());
        let mut damaged = fs::read(dir.path().join("c.txt.index")).unwrap();
        let at = at.index(damaged.len());
        damaged[at] = new;
        if cut {
            damaged.truncate(at);
        }
        splits_beside(&path, body.as_bytes(), &damaged);
    }

    #[test]
    fn any_bytes_in_the_place_of_an_index_give_no_other_line(
        head in select(vec![MAGIC, b""]), rest in vec(any::<u8>(), 0..300),
    ) {
        let dir = folder();
        let path = dir.path().join("c.txt");
        fs::write(&path, "a\nb\n").unwrap();
        splits_beside(&path, b"a\nb\n", &[head, &rest[..]].concat());
    }
}

#[test]
fn a_long_corpus_without_a_usable_line_is_lines_too() {
    splits(&b"\x01\n".repeat(LOOK_BYTES / 2 + 1)[..LOOK_BYTES + 1]);
}

/// The offset of line 65 with one bit changed is where another line begins.
#[test]
fn an_index_that_leads_to_another_line_is_built_anew() {
    let dir = folder();
    let (path, index) = (dir.path().join("c.txt"), dir.path().join("c.txt.index"));
    let body: String = (10..99).map(|n| format!("{n}x\n")).collect();
    fs::write(&path, &body).unwrap();
    drop(Corpus::open(&path, None).unwrap());
    let good = fs::read(&index).unwrap();
    let mut damaged = good.clone();
    damaged[good.len() - 8] ^= 4;
    fs::write(&index, damaged).unwrap();
    assert_splits(&path, body.as_bytes());
    assert!(fs::read(&index).unwrap() == good);
}
