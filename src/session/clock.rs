//! The session's clock: where its frame 0 lies on the capture clock.

use crate::words::{CaptureFrame, Frame0, SessionFrame};

/// Where the session lies on the capture clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    pub(super) frame0: Frame0,
    /// No take reaches further back than this.
    pub(super) earliest: CaptureFrame,
}

impl Clock {
    /// A session begins.
    pub(super) fn at(frame: CaptureFrame) -> Clock {
        Clock::going_on(frame, SessionFrame::default())
    }

    /// A session goes on, at the frame `next` of its own.
    pub(super) fn going_on(frame: CaptureFrame, next: SessionFrame) -> Clock {
        Clock {
            frame0: Frame0::of(frame, next),
            earliest: frame,
        }
    }
}
