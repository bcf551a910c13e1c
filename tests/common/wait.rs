//! Waiting for a thing instead of for a time in which it should have come.

use std::time::{Duration, Instant};

/// Ends the wait for what never comes; no machine is so slow.
const MOST: Duration = Duration::from_secs(60);

/// Waits until `is_there`; how long that took.
#[track_caller]
pub fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !is_there() {
        assert!(start.elapsed() < MOST, "{what} does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
    start.elapsed()
}
