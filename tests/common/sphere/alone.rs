//! One sphere at a time in a program of tests: they share the machine's two cores, and times are
//! measured.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Kind, Sphere};

static ONE: Mutex<()> = Mutex::new(());

/// A sphere that no other test has.
pub fn start(kind: Kind) -> (MutexGuard<'static, ()>, Sphere) {
    start_with(kind, Vec::new())
}

/// The same, with an environment for all that runs there.
pub fn start_with(
    kind: Kind,
    environment: Vec<(&'static str, String)>,
) -> (MutexGuard<'static, ()>, Sphere) {
    let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let sphere = Sphere::start(kind, environment);
    (alone, sphere)
}
