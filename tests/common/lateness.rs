//! How late this machine was just now: the control of tests that lean on its timing.
//!
//! A thread of its own sleeps in short steps and adds up by how much longer each took. It has nothing to
//! do with the program under test: what the program does too late is never excused by the program's own
//! measure. It needs the processor as seldom as a thread that waits for the network does, so that it sees
//! a machine that stood still, not one on which long work takes longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two looks.
const STEP: Duration = Duration::from_millis(2);
/// What every sleep takes longer on a machine that has nothing to do, by the kernel's timer slack and the
/// thread's start.
const USUAL: Duration = Duration::from_micros(500);

/// Watches the machine for as long as it lives.
#[derive(Debug)]
pub struct Lateness {
    since: Instant,
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread has seen, nanoseconds.
#[derive(Debug, Default)]
struct Seen {
    worst: AtomicU64,
    total: AtomicU64,
    /// From `since` to when it must wake up next.
    due: AtomicU64,
    is_over: AtomicBool,
}

impl Lateness {
    /// Begins to watch.
    pub fn watch() -> Lateness {
        let (since, seen) = (Instant::now(), Arc::new(Seen::default()));
        seen.expect(since.elapsed() + STEP);
        let theirs = seen.clone();
        let thread = std::thread::spawn(move || {
            while !theirs.is_over.load(Ordering::Relaxed) {
                theirs.expect(since.elapsed() + STEP);
                std::thread::sleep(STEP);
                theirs.add(theirs.late(since.elapsed()));
            }
        });
        Lateness {
            since,
            seen,
            thread: Some(thread),
        }
    }

    /// Since the watch began.
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// The longest that the machine kept a thread waiting: what one reading of a clock may be off.
    pub fn worst(&self) -> Duration {
        let under_way = self.seen.late(self.since.elapsed());
        under_way.max(nanos(&self.seen.worst))
    }

    /// All that it kept a thread waiting: what a work of many steps may take longer.
    pub fn total(&self) -> Duration {
        nanos(&self.seen.total) + self.seen.late(self.since.elapsed())
    }

    /// [`Lateness::worst`] in frames of `rate`.
    pub fn frames(&self, rate: u32) -> u64 {
        (self.worst().as_secs_f64() * f64::from(rate)).ceil() as u64
    }

    /// Checks that `what` took less than `limit` since the watch began, beside what the machine kept
    /// threads waiting; how long it took.
    #[track_caller]
    pub fn within(&self, what: &str, limit: Duration) -> Duration {
        let (took, late) = (self.elapsed(), self.total());
        assert!(
            took < limit + late,
            "{what}: {took:?}, of {limit:?}; the machine was {late:?} late"
        );
        took
    }
}

impl Drop for Lateness {
    fn drop(&mut self) {
        self.seen.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Seen {
    fn expect(&self, due: Duration) {
        self.due.store(due.as_nanos() as u64, Ordering::Relaxed);
    }

    /// By how much more than usual the thread is late at `now`.
    fn late(&self, now: Duration) -> Duration {
        now.saturating_sub(nanos(&self.due) + USUAL)
    }

    fn add(&self, late: Duration) {
        let late = late.as_nanos() as u64;
        self.worst.fetch_max(late, Ordering::Relaxed);
        self.total.fetch_add(late, Ordering::Relaxed);
    }
}

fn nanos(of: &AtomicU64) -> Duration {
    Duration::from_nanos(of.load(Ordering::Relaxed))
}

#[test]
fn what_a_thread_was_kept_waiting_is_added_up_and_the_worst_kept() {
    let seen = Seen::default();
    for (due_ms, woken_ms) in [(10, 10), (20, 27), (30, 33)] {
        seen.expect(Duration::from_millis(due_ms));
        seen.add(seen.late(Duration::from_millis(woken_ms)));
    }
    assert_eq!(nanos(&seen.worst), Duration::from_millis(7) - USUAL);
    assert_eq!(nanos(&seen.total), Duration::from_millis(10) - 2 * USUAL);
    seen.expect(Duration::from_millis(40));
    let now = Duration::from_millis(90);
    assert_eq!(
        seen.late(now),
        Duration::from_millis(50) - USUAL,
        "not yet woken"
    );
}

#[test]
fn a_watch_is_late_by_no_more_than_it_lasted() {
    let late = Lateness::watch();
    std::thread::sleep(10 * STEP);
    let (worst, total) = (late.worst(), late.total());
    assert!(
        worst <= total && total < late.elapsed(),
        "{worst:?}, {total:?}"
    );
}
