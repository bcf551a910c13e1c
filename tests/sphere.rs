//! The sphere with real parts: OpenSSH's sshd, jackd, JACK's own tools, OpenSSH's client; a stand-in
//! for ladish alone, whose players are JACK clients that make sound. What is claimed is confirmed by a
//! JACK client that is not ours, and by one that listens.
//!
//! Each test prints its figures. `tests/faults/run sphere` runs the long ones too.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

mod sphere {
    mod course;
    mod deadman;
    mod faults;
    mod gate;
    mod hand;
    mod killed;
    mod latency;
    mod names;
    mod peers;
    mod pinned;
    mod session;
    mod setup;
    mod takes;
    mod trust;
    mod turns;
    mod verbs;
    mod visit;

    use crate::common::sphere::alone::{start, start_with};
}
