//! What travels by hand: texts out of any editor, tombstones, receipts, and copies with any file in
//! them.

use std::fs;

use booth::files;
use booth::forget::copies;
use booth::identity::code::Proof;
use booth::identity::tombstone::{self, Tombstone};
use booth::identity::{operator, receipt};
use booth::words::By;
use proptest::collection::vec;
use proptest::prelude::*;

use super::take::{appended, damage, plan};
use super::{config, folder};

/// As an editor of another system saves a text.
fn saved(text: &str) -> Vec<u8> {
    format!("\u{feff}{}", text.replace('\n', "\r\n")).into_bytes()
}

fn tombstone() -> Tombstone {
    Tombstone::of(&Proof([7; 32]), By::Code)
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn a_mark_and_cr_lf_change_no_text(text in "[^\r\u{feff}]{0,80}") {
        let saved = saved(&text);
        prop_assert_eq!(files::plain(&saved).unwrap(), text.as_str());
    }

    #[test]
    fn any_bytes_are_no_tombstone_no_receipt_and_no_key(bytes in vec(any::<u8>(), 0..200)) {
        let dir = folder();
        let path = dir.path().join("any");
        fs::write(&path, &bytes).unwrap();
        prop_assert!(tombstone::of_bytes(&bytes).is_none());
        prop_assert!(operator::read_keys(&path).is_err());
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(receipt::verify(&text, None).is_err());
    }

    #[test]
    fn a_tombstone_out_of_an_editor_is_one_and_no_other_session_goes(at in 0usize..999, bit in 0u8..8) {
        let whole = serde_json::to_string_pretty(&tombstone()).unwrap();
        let mut bytes = saved(&whole);
        prop_assert_eq!(tombstone::of_bytes(&bytes), Some(tombstone()));
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Some(found) = tombstone::of_bytes(&bytes) {
            prop_assert_eq!(found.session, tombstone().session);
        }
    }

    #[test]
    fn a_copy_keeps_what_is_not_theirs(
        plan in plan(), damage in damage(), behind in appended(), broken in any::<bool>()
    ) {
        let dir = folder();
        let mut bytes = plan.write(dir.path()).bytes;
        bytes.extend(behind);
        if broken {
            damage.iter().for_each(|damage| damage.apply(&mut bytes));
        }
        let path = dir.path().join("take.rf64");
        fs::write(&path, &bytes).unwrap();
        let cleaned = copies::apply_to(dir.path(), &[tombstone()]).unwrap();
        prop_assert!(cleaned.sessions.is_empty());
        prop_assert!(fs::read(&path).unwrap() == bytes);
    }
}
