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
    mod sound;
    mod stand_in;
    mod stand_in_stuck;
    mod takes;
    mod trust;
    mod turns;
    mod verbs;
    mod visit;

    use std::sync::{Mutex, MutexGuard, PoisonError};

    use crate::common::sphere::{Kind, Sphere};

    /// One sphere at a time: they share the machine's two cores, and times are measured.
    static ONE: Mutex<()> = Mutex::new(());

    /// A sphere that no other test has.
    fn start(kind: Kind) -> (MutexGuard<'static, ()>, Sphere) {
        start_with(kind, Vec::new())
    }

    /// The same, with an environment for all that runs there.
    fn start_with(
        kind: Kind,
        environment: Vec<(&'static str, String)>,
    ) -> (MutexGuard<'static, ()>, Sphere) {
        let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let sphere = Sphere::start(kind, environment);
        (alone, sphere)
    }
}
