//! Promise 4 at the installed box: the unit is hardened and still lets the program work, and a Pi is
//! set up and restored to the last byte. The package itself is tested by tests/package/run.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

mod deploy {
    mod documents;
    mod install;
    mod keeper;
    mod unit;
}
