//! A dataset out of DATA: every bit kept, sealed or not, killed or not, and without whoever was
//! forgotten. On the real binary, with stock `age`, Python and `sha256sum`.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

mod export {
    mod archivist;
    mod dataset;
    mod keys;
    mod kill;
    mod laboratory;
    mod large;
    mod merge;
    mod people;
    mod readers;
    mod rows;
    mod setup;
}
