//! The session's clock: where its frame 0 lies on the capture clock.

/// Where the session lies on the capture clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// The capture frame of the session's frame 0: before the program's start in one taken up again.
    pub(super) frame0: i64,
    /// No take reaches further back than this capture frame.
    pub(super) earliest: u64,
}

impl Clock {
    /// A session begins at this capture frame.
    pub(super) fn at(frame: u64) -> Clock {
        Clock::going_on(frame, 0)
    }

    /// A session goes on at this capture frame, which is frame `next` of its own.
    pub(super) fn going_on(frame: u64, next: u64) -> Clock {
        Clock {
            frame0: frame as i64 - next as i64,
            earliest: frame,
        }
    }

    /// A capture frame on the session's clock.
    pub(super) fn in_session(self, frame: u64) -> u64 {
        (frame as i64).saturating_sub(self.frame0).max(0) as u64
    }
}
