//! Promise 3: a person can take their voice back; and until then nobody but the operator knows who
//! they are. On the real binary, with stock `age` and Python's `cryptography`.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

mod identity {
    mod copies;
    mod counted;
    mod cut;
    mod enroll;
    mod faults;
    mod forget;
    mod full;
    mod hidden;
    mod keys;
    mod kill;
    mod live;
    mod medium;
    mod memory;
    mod odd;
    mod power;
    mod sealing;
    mod segments;
    mod travel;
    mod voices;
}
