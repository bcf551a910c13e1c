//! A fast run's next turn: the first in which anything can happen.
//!
//! Guarantees: a turn is left out only where the one before did nothing, nothing is due in it, and
//! every thread has answered: it would have done nothing either. So the same script gives the same
//! files with and without those turns.

use super::Booth;
use super::hands::ends_repeat;
use crate::screen::Body;
use crate::words::CaptureFrame;

/// What is known of the turns to come.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Something came, was due or was asked for in this turn: the next one may have to do with it.
    pub(super) busy: bool,
    /// Where takes end of which no row is known yet.
    pub(super) ends: Vec<CaptureFrame>,
}

impl Booth {
    /// Fast: goes on to the next turn.
    pub(super) fn go_ahead(&mut self) {
        if !self.time.is_fast() {
            return;
        }
        let due = self.next_due();
        let busy = std::mem::take(&mut self.ahead.busy);
        let body = self.face.last.as_ref().map(|screen| &screen.body);
        let shown = matches!(body, Some(Body::Line(line)) if line.recording);
        self.time
            .advance(&self.threads.chain, due.filter(|_| !busy), shown);
        let now = self.frame_now();
        self.ahead.busy = due.is_none_or(|due| due <= now);
        self.ahead.ends.retain(|end| *end > now);
    }

    /// The frame at which something is due that is known now. Where somebody may press a key at any
    /// time, nothing is known.
    fn next_due(&self) -> Option<CaptureFrame> {
        let player = self.hands.player.as_ref()?;
        let name = self.session.screen_name();
        let press = player.due(name, ends_repeat(name));
        let press = press.map(|at| self.time.stamp(at, &self.threads.chain).frame);
        let ends = self.ahead.ends.iter().copied();
        let known = self.session.next_due().into_iter().chain(press).chain(ends);
        Some(known.min().unwrap_or(CaptureFrame(u64::MAX)))
    }
}
