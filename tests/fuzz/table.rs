//! metadata.csv as a spreadsheet, an editor or a broken disk leaves it: forgetting never calls it
//! clean while it names a person, and an export refuses it or loses no row.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use booth::dataset::clean;
use booth::dataset::export::{self, Layout, Options};
use booth::identity::place;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{config, folder};
use crate::common::tree;

const GONE: &str = "AAAAAAAAAAAAAAAAAAAA";
const KEPT: &str = "BBBBBBBBBBBBBBBBBBBB";

/// One thing that happened to a table.
#[derive(Clone, Debug)]
enum Damage {
    /// Every line end is another.
    Ends(&'static str),
    /// Line ends of the rest are others.
    EndsFrom(Index, &'static str),
    Insert(Index, &'static str),
    Delete(Index),
    Cut(Index),
    Lower,
    Utf16,
}

fn damage() -> impl Strategy<Value = Damage> {
    let ends = || select(vec!["\r", "\r\n", "\n\r", "\n\n", "\u{2028}"]);
    let pieces = vec![
        "\"", "\"\"", ",", ";", "\0", "\r", "\n", "\u{feff}", " ", "é", GONE, KEPT, "session",
        ",\"",
    ];
    let index = any::<Index>;
    prop_oneof![
        1 => ends().prop_map(Damage::Ends),
        1 => (index(), ends()).prop_map(|(at, ends)| Damage::EndsFrom(at, ends)),
        3 => (index(), select(pieces)).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        1 => index().prop_map(Damage::Delete),
        1 => index().prop_map(Damage::Cut),
        1 => Just(Damage::Lower),
        1 => Just(Damage::Utf16),
    ]
}

fn damaged(mut bytes: Vec<u8>, all: &[Damage]) -> Vec<u8> {
    let replace = |bytes: &[u8], ends: &str| {
        String::from_utf8_lossy(bytes)
            .replace('\n', ends)
            .into_bytes()
    };
    for one in all {
        let length = bytes.len();
        match one {
            Damage::Ends(ends) => bytes = replace(&bytes, ends),
            Damage::EndsFrom(at, ends) => {
                let rest = bytes.split_off(at.index(length + 1));
                bytes.extend(replace(&rest, ends));
            }
            Damage::Insert(at, piece) => {
                let at = at.index(length + 1);
                bytes.splice(at..at, piece.bytes());
            }
            Damage::Delete(at) => {
                let at = at.index(length + 1);
                bytes.splice(at..length.min(at + 1), []);
            }
            Damage::Cut(at) => bytes.truncate(at.index(length + 1)),
            Damage::Lower => bytes.make_ascii_lowercase(),
            Damage::Utf16 => bytes = bytes.iter().flat_map(|byte| [*byte, 0]).collect(),
        }
    }
    bytes
}

/// The rows of a table; each names a file of its session.
fn rows() -> impl Strategy<Value = Vec<(bool, String)>> {
    vec((any::<bool>(), "[a-z ]{0,5}|\"[a-z,\n\r]{0,5}\""), 0..6)
}

fn table(rows: &[(bool, String)]) -> String {
    let row = |(is_gone, text): &(bool, String)| {
        let session = if *is_gone { GONE } else { KEPT };
        format!("{session}/a.wav,{session},{text}\n")
    };
    "file_name,session,text\n".to_owned() + &rows.iter().map(row).collect::<String>()
}

/// An export with a file of each session and this table.
fn with(out: &Path, table: &[u8]) {
    for session in [GONE, KEPT] {
        fs::create_dir_all(out.join(session)).unwrap();
        fs::write(out.join(session).join("a.wav"), session).unwrap();
    }
    fs::write(out.join("metadata.csv"), table).unwrap();
}

/// An export of nothing, into what lies there.
fn exported(out: &Path) -> Result<export::Outcome, export::ExportError> {
    let options = Options {
        sources: &[],
        out,
        layout: Layout::Channels,
        with: &[],
        leave_out: |_, _| 0,
    };
    export::export(&options, &BTreeSet::new())
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn a_table_is_clean_or_what_hides_a_person_is_named(rows in rows(), all in vec(damage(), 0..4)) {
        let dir = folder();
        with(dir.path(), &damaged(table(&rows).into_bytes(), &all));
        let parts = clean::clean(dir.path(), &[GONE].into(), true).unwrap();
        let left = fs::read(dir.path().join("metadata.csv")).unwrap();
        let is_named = parts.get(GONE).is_some_and(|part| !part.erased.stays.is_empty());
        assert!(is_named || !place::mentions(&left, GONE), "{:?}", String::from_utf8_lossy(&left));
        assert!(dir.path().join(KEPT).join("a.wav").exists());
    }

    #[test]
    fn rows_of_others_keep_every_byte_whatever_ends_them(rows in rows(), ends in select(vec!["\n", "\r", "\r\n"])) {
        let dir = folder();
        let text = |rows: &[(bool, String)]| table(rows).replace('\n', ends);
        with(dir.path(), text(&rows).as_bytes());
        clean::clean(dir.path(), &[GONE].into(), true).unwrap();
        let kept: Vec<_> = rows.into_iter().filter(|(is_gone, _)| !is_gone).collect();
        assert_eq!(fs::read_to_string(dir.path().join("metadata.csv")).unwrap(), text(&kept));
    }

    #[test]
    fn an_export_refuses_a_table_or_loses_no_row(rows in rows(), all in vec(damage(), 0..3)) {
        let dir = folder();
        let out = dir.path().join("out");
        exported(&out).unwrap();
        let bytes = damaged(table(&rows).into_bytes(), &all);
        with(&out, &bytes);
        let before = tree(&out);
        let Ok(outcome) = exported(&out) else {
            assert_eq!(tree(&out), before);
            return Ok(());
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let found = fs::read_to_string(out.join("metadata.csv")).unwrap();
        let names = |text: &str| text.matches("/a.wav,").count();
        assert!(outcome.others <= rows.len() + 2);
        if all.is_empty() {
            assert_eq!((outcome.others, names(&found)), (rows.len(), names(&text)));
        }
        let once = tree(&out);
        exported(&out).unwrap();
        assert_eq!(tree(&out), once);
    }
}
