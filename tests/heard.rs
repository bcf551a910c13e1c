//! Whether the sphere sounds: against a stand-in for ladish 2.1 whose players are JACK clients that make
//! sound, and a listener that is not ours. sshd and JACK are real, as in `sphere.rs`.
//!
//! `tests/faults/run sphere` runs the long ones too.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

mod heard {
    mod faults;
    mod level;
    mod random;
    mod sound;
    mod stand_in;
    mod stuck;

    use crate::common::sphere::alone::start;
}
