//! Frames as moments, on two clocks. A number of frames is a plain `u64`.
//!
//! Guarantees: a frame of one clock is never taken for one of the other; [`Frame0`] alone converts.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// A moment on the capture clock: frames since capture started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaptureFrame(pub u64);

/// A moment of a session: frames since its frame 0.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SessionFrame(pub u64);

/// Where a session's frame 0 lies on the capture clock: before capture's start in a session that was
/// taken up again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Frame0(i64);

impl CaptureFrame {
    /// Frames since `earlier`; none if that is later.
    #[must_use]
    pub fn since(self, earlier: CaptureFrame) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// `frames` before this one, not before capture's start.
    #[must_use]
    pub fn back(self, frames: u64) -> CaptureFrame {
        CaptureFrame(self.0.saturating_sub(frames))
    }
}

impl Add<u64> for CaptureFrame {
    type Output = CaptureFrame;

    fn add(self, frames: u64) -> CaptureFrame {
        CaptureFrame(self.0 + frames)
    }
}

impl AddAssign<u64> for CaptureFrame {
    fn add_assign(&mut self, frames: u64) {
        self.0 += frames;
    }
}

impl Sub for CaptureFrame {
    type Output = u64;

    fn sub(self, earlier: CaptureFrame) -> u64 {
        self.0 - earlier.0
    }
}

impl fmt::Display for CaptureFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Frame0 {
    /// Of a session of which the frame `now` is captured as `captured`.
    #[must_use]
    pub fn of(captured: CaptureFrame, now: SessionFrame) -> Frame0 {
        Frame0(captured.0 as i64 - now.0 as i64)
    }

    /// A frame of the capture clock on the session's; what came before is its frame 0.
    #[must_use]
    pub fn in_session(self, frame: CaptureFrame) -> SessionFrame {
        SessionFrame((frame.0 as i64).saturating_sub(self.0).max(0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_taken_up_again_counts_on_and_nothing_comes_before_its_frame_0() {
        let frame0 = Frame0::of(CaptureFrame(500), SessionFrame(1_000_000));
        assert_eq!(
            frame0.in_session(CaptureFrame(500)),
            SessionFrame(1_000_000)
        );
        let frame0 = Frame0::of(CaptureFrame(500), SessionFrame(0));
        assert_eq!(frame0.in_session(CaptureFrame(499)), SessionFrame(0));
        assert_eq!(frame0.in_session(CaptureFrame(501)), SessionFrame(1));
    }
}
