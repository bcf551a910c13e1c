//! The step's timer: start, pause, resume, reset; it counts frames and reads no clock.
//!
//! It never runs while paused and never counts a frame twice.

use crate::words::CaptureFrame;

/// A stop-watch over a budget of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    budget: u64,
    used: u64,
    running_since: Option<CaptureFrame>,
}

impl Timer {
    /// A standing timer of `budget` frames.
    #[must_use]
    pub fn new(budget: u64) -> Timer {
        Timer {
            budget,
            used: 0,
            running_since: None,
        }
    }

    /// A standing timer of which some frames were used before.
    #[must_use]
    pub fn used(budget: u64, used: u64) -> Timer {
        Timer {
            used: used.min(budget),
            ..Timer::new(budget)
        }
    }

    /// Starts or resumes at `frame`; a running timer runs on.
    pub fn run(&mut self, frame: CaptureFrame) {
        self.running_since.get_or_insert(frame);
    }

    /// Stands still from `frame` on.
    pub fn pause(&mut self, frame: CaptureFrame) {
        self.used = self.used_at(frame);
        self.running_since = None;
    }

    /// Back to the full budget, standing.
    pub fn reset(&mut self) {
        *self = Timer::new(self.budget);
    }

    /// Whether it runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running_since.is_some()
    }

    /// Frames used up at `frame`, never more than the budget.
    #[must_use]
    pub fn used_at(&self, frame: CaptureFrame) -> u64 {
        let running = self.running_since.map_or(0, |since| frame.since(since));
        (self.used + running).min(self.budget)
    }

    /// Frames left at `frame`.
    #[must_use]
    pub fn left_at(&self, frame: CaptureFrame) -> u64 {
        self.budget - self.used_at(frame)
    }

    /// Frames in all.
    #[must_use]
    pub fn budget(&self) -> u64 {
        self.budget
    }

    /// The frame at which it ends if it runs on; `None` while it stands.
    #[must_use]
    pub fn ends_at(&self) -> Option<CaptureFrame> {
        self.running_since
            .map(|since| since + (self.budget - self.used))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paused_timer_stands() {
        let mut timer = Timer::new(100);
        timer.run(CaptureFrame(10));
        timer.pause(CaptureFrame(40));
        assert_eq!(
            (timer.left_at(CaptureFrame(1000)), timer.ends_at()),
            (70, None)
        );
        timer.run(CaptureFrame(1000));
        assert_eq!(timer.ends_at(), Some(CaptureFrame(1070)));
    }

    #[test]
    fn running_twice_counts_once() {
        let mut timer = Timer::new(100);
        timer.run(CaptureFrame(0));
        timer.run(CaptureFrame(50));
        assert_eq!(timer.left_at(CaptureFrame(60)), 40);
    }

    #[test]
    fn reset_gives_the_whole_budget_back() {
        let mut timer = Timer::new(100);
        timer.run(CaptureFrame(0));
        timer.pause(CaptureFrame(99));
        timer.reset();
        assert_eq!(
            (timer.left_at(CaptureFrame(500)), timer.is_running()),
            (100, false)
        );
    }
}
