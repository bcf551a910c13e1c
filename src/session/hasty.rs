//! Presses that come faster than anybody reads: a hand that hammers, or a child's.
//!
//! Guarantees: of three takes in a row below a second none counts as a reading; their lines come again,
//! in their order, and the corpus never hears that they were read. One or two such takes are kept.

use super::Session;
use super::event::{Action, Ask};
use super::lines::Shown;
use crate::words::{CaptureFrame, Judged, Verdict};

/// A take below this is doubted, milliseconds.
const DOUBTED_MS: u32 = 1000;
/// So many doubted takes in a row are none.
const IN_A_ROW: usize = 3;
/// For how long presses mean nothing then, milliseconds.
const IGNORED_MS: u32 = 2000;

/// A take that was kept although it is too short to be a reading; not yet known to be one of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hasty {
    take: u32,
    shown: Shown,
    /// It is on the disk, and the corpus waits to hear of its line.
    is_stored: bool,
}

impl Session {
    /// `go` ends the running take of a line; returns whether the next one is due.
    pub(super) fn end_reading(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) -> bool {
        let Some(open) = &self.takes.open else {
            return true;
        };
        let (take, doubted) = (open.of.take, self.frames(DOUBTED_MS));
        let shown = self.lines.shown.clone();
        let shown = shown.filter(|_| frame < open.start_mark + doubted);
        let Some(shown) = shown else {
            self.end_take(Verdict::Kept, frame, Some(frame), actions);
            return true;
        };
        let is_last = self.takes.hasty.len() + 1 == IN_A_ROW;
        let judged = if is_last {
            Judged::SHORT
        } else {
            Verdict::Kept.into()
        };
        self.finish_take(judged, frame, Some(frame), actions);
        self.takes.hasty.push(Hasty {
            take,
            shown,
            is_stored: false,
        });
        if is_last {
            self.slow_down(frame, actions);
        }
        !is_last
    }

    /// None of the last takes was a reading: their lines come again, the first at once, and the
    /// visitor is asked to go slowly.
    fn slow_down(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let hasty = std::mem::take(&mut self.takes.hasty);
        let (_, earlier) = hasty.split_last().unzip();
        for one in earlier.into_iter().flatten() {
            actions.push(Action::Amend(one.take, Judged::SHORT));
            let unstored = self.takes.unstored.iter_mut();
            for unstored in unstored.filter(|unstored| unstored.take == one.take) {
                unstored.done = false;
            }
        }
        for one in hasty.into_iter().rev() {
            self.lines.comes_again(one.shown.line, one.shown.version);
        }
        self.lines.clear();
        self.show_next(frame, actions);
        self.hands.slowed_until = Some(frame + self.frames(IGNORED_MS));
    }

    /// The last takes are readings, however short: no third one followed.
    pub(super) fn trust_hasty(&mut self, actions: &mut Vec<Action>) {
        for one in std::mem::take(&mut self.takes.hasty) {
            if one.is_stored {
                actions.push(Action::Ask(Ask::LineDone(one.shown.line.ticket)));
            }
        }
    }

    /// A take never reached the disk: its line comes again by itself.
    pub(super) fn forget_hasty(&mut self, take: u32) {
        self.takes.hasty.retain(|one| one.take != take);
    }

    /// Whether a take that was stored just now is one that may turn out to be no reading.
    pub(super) fn is_doubtful(&mut self, take: u32) -> bool {
        let one = self.takes.hasty.iter_mut().find(|one| one.take == take);
        if let Some(one) = one {
            one.is_stored = true;
            true
        } else {
            false
        }
    }
}
