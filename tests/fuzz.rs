//! Whatever stands in a file, the program answers: it never panics, never asks for absurd memory
//! and never spoils what is good.
//!
//! `BOOTH_FUZZ=100 cargo test --test fuzz` tries a hundred times as many cases. What once failed
//! stands as a test of its own beside the property it broke.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

#[path = "fuzz/audio.rs"]
mod audio;
#[path = "fuzz/corpus.rs"]
mod corpus;
#[path = "fuzz/hand.rs"]
mod hand;
#[path = "fuzz/memory.rs"]
mod memory;
#[path = "fuzz/progress.rs"]
mod progress;
#[path = "fuzz/rows.rs"]
mod rows;
#[path = "fuzz/script.rs"]
mod script;
#[path = "fuzz/table.rs"]
mod table;
#[path = "fuzz/take.rs"]
mod take;
#[path = "fuzz/text.rs"]
mod text;
#[path = "fuzz/texts.rs"]
mod texts;

use proptest::prelude::ProptestConfig;

/// So many cases, times `BOOTH_FUZZ`.
fn config(cases: u32) -> ProptestConfig {
    let times = std::env::var("BOOTH_FUZZ").map_or(1, |n| n.parse().unwrap());
    ProptestConfig {
        cases: cases.saturating_mul(times),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A folder in memory where there is one: a sync costs nothing there.
fn folder() -> tempfile::TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    in_memory.or_else(|_| tempfile::tempdir()).unwrap()
}
