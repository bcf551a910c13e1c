//! The session's takes: begun, ended, cut, and what becomes of them on the disk.

use std::sync::Arc;

use super::Session;
use super::event::{Action, Ask, Begin, End, Subject};
use super::hasty::Hasty;
use super::lines::{Previous, Shown};
use crate::corpus::prompter::Prompt;
use crate::words::{CaptureFrame, FaultKind, Judged, Note, TakeState, Verdict};

/// A take that ended and is not on the disk yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unstored {
    pub(super) take: u32,
    line: Option<Prompt>,
    /// Whether its line is done with it; a paused or aborted one is read again by somebody.
    pub(super) done: bool,
}

/// The session's takes.
#[derive(Debug)]
pub(super) struct Takes {
    /// Number of the last one.
    pub(super) number: u32,
    pub(super) open: Option<Begin>,
    /// The capture frame of the last end mark.
    ended: CaptureFrame,
    /// Version of the next take of a step without lines.
    pub(super) version: u32,
    /// Takes ended but not on the disk yet.
    pub(super) unstored: Vec<Unstored>,
    /// The last ones, if they were too short to be readings.
    pub(super) hasty: Vec<Hasty>,
}

impl Default for Takes {
    fn default() -> Takes {
        Takes {
            number: 0,
            open: None,
            ended: CaptureFrame::default(),
            version: 1,
            unstored: Vec::new(),
            hasty: Vec::new(),
        }
    }
}

impl Takes {
    /// Whether none runs and all are on the disk.
    pub(super) fn are_settled(&self) -> bool {
        self.open.is_none() && self.unstored.is_empty()
    }
}

impl Session {
    /// Begins a take at `mark`, or where the one before it ended if that is later (it may have
    /// reached its limit while the button was held), with pre-roll never further back than consent or
    /// the program's start.
    pub(super) fn begin_take(
        &mut self,
        mark: CaptureFrame,
        pressed: Option<CaptureFrame>,
        actions: &mut Vec<Action>,
    ) {
        let plan = &self.protocol.steps[self.steps.at];
        let take_s = plan.take_s(&self.rules.take);
        let (kind, step) = (plan.kind, Arc::from(plan.name.as_str()));
        let shown = self.lines.shown.clone().filter(|_| kind.reads());
        if kind.reads() && shown.is_none() {
            return;
        }
        let mark = mark.max(self.takes.ended);
        self.takes.number += 1;
        let take = self.takes.number;
        let of = Subject {
            take,
            kind: kind.records(),
            step,
            version: shown
                .as_ref()
                .map_or(self.takes.version, |shown| shown.version),
            shown_frame: shown.as_ref().map_or(mark, |shown| shown.frame),
            line: shown.map(|shown| shown.line),
            pressed,
            wanted: self.track_wanted(),
            track: self.track_playing(),
        };
        let pre_roll = self.frames(self.rules.take.pre_roll_ms);
        let begin = Begin {
            of,
            start_frame: mark.back(pre_roll).max(self.clock.earliest),
            start_mark: mark,
            take_s,
        };
        actions.push(Action::Begin(Box::new(begin.clone())));
        self.note_take(take, TakeState::Begin, mark, actions);
        self.takes.open = Some(begin);
        self.hands.slowed_until = None;
    }

    fn note_take(
        &self,
        take: u32,
        state: TakeState,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        self.note(frame, Note::Take { take, state }, actions);
    }

    /// Ends the running take, if any, with its end mark at `mark`; those before it were no haste.
    pub(super) fn end_take(
        &mut self,
        judged: impl Into<Judged>,
        mark: CaptureFrame,
        pressed: Option<CaptureFrame>,
        actions: &mut Vec<Action>,
    ) {
        self.trust_hasty(actions);
        self.finish_take(judged.into(), mark, pressed, actions);
    }

    /// As [`Session::end_take`], whatever those before it were.
    pub(super) fn finish_take(
        &mut self,
        judged: Judged,
        mark: CaptureFrame,
        pressed: Option<CaptureFrame>,
        actions: &mut Vec<Action>,
    ) {
        let Some(Begin { of, start_mark, .. }) = self.takes.open.take() else {
            return;
        };
        let end_mark = mark.max(start_mark);
        self.takes.ended = end_mark;
        if judged.verdict == Verdict::Kept {
            self.lines.previous = of.line.clone().map(|line| Previous {
                take: of.take,
                shown: Shown {
                    line,
                    version: of.version,
                    frame: of.shown_frame,
                    was_cut: false,
                },
            });
        }
        self.note_take(of.take, TakeState::End, end_mark, actions);
        let read = [Verdict::Kept, Verdict::Redone, Verdict::Skipped];
        self.takes.unstored.push(Unstored {
            take: of.take,
            line: of.line.clone(),
            done: read.contains(&judged.verdict),
        });
        actions.push(Action::End(Box::new(End {
            of,
            judged,
            pressed,
            start_mark,
            end_mark,
            end_frame: end_mark + self.frames(self.rules.take.post_roll_ms),
        })));
    }

    /// Ends the running take at a limit: a reading is cut there, all else is as long as was meant.
    pub(super) fn end_at_limit(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if self.plan().kind.reads() {
            self.end_take(Judged::CUT, frame, None, actions);
        } else {
            self.end_take(Verdict::Kept, frame, None, actions);
        }
    }

    /// Ends the take of somebody who left.
    pub(super) fn end_left(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if self.plan().kind.reads() {
            self.end_take(Judged::CUT, frame, None, actions);
        } else {
            self.end_take(Verdict::Aborted, frame, None, actions);
        }
    }

    /// Ends the running take early; its line will be taken once more.
    pub(super) fn cut_take(
        &mut self,
        verdict: Verdict,
        frame: CaptureFrame,
        pressed: Option<CaptureFrame>,
        actions: &mut Vec<Action>,
    ) {
        if self.takes.open.is_some() {
            self.end_take(verdict, frame, pressed, actions);
            self.takes.version += 1;
            self.lines.show_again(frame);
        }
    }

    /// When the running take ends by itself.
    pub(super) fn take_limit(&self) -> Option<CaptureFrame> {
        let open = self.takes.open.as_ref()?;
        let seconds = self.plan().kind.limit_s(&self.rules.take)?;
        Some(open.start_mark + u64::from(seconds) * u64::from(self.rules.rate))
    }

    pub(super) fn stored(&mut self, take: u32, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let Some(unstored) = self.settled(take, TakeState::Stored, frame, actions) else {
            return;
        };
        if self.is_doubtful(take) {
            return;
        }
        if let Some(line) = unstored.line.filter(|_| unstored.done) {
            actions.push(Action::Ask(Ask::LineDone(line.ticket)));
        }
    }

    /// The recorder is done with a take, well or not.
    fn settled(
        &mut self,
        take: u32,
        state: TakeState,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) -> Option<Unstored> {
        let at = self.takes.unstored.iter().position(|it| it.take == take)?;
        self.note_take(take, state, frame, actions);
        Some(self.takes.unstored.remove(at))
    }

    /// The take never reached the disk: its line will be shown again.
    pub(super) fn failed(
        &mut self,
        take: u32,
        reason: Arc<str>,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        if self
            .takes
            .open
            .as_ref()
            .is_some_and(|open| open.of.take == take)
        {
            self.end_take(Verdict::Aborted, frame, None, actions);
        }
        let Some(unstored) = self.settled(take, TakeState::Failed, frame, actions) else {
            return;
        };
        self.lines
            .previous
            .take_if(|previous| previous.take == take);
        self.forget_hasty(take);
        let again = unstored.line.filter(|line| {
            let shown = self.lines.shown.as_ref();
            shown.is_none_or(|shown| shown.line.ticket != line.ticket)
        });
        if let Some(line) = again {
            self.lines.put_back(line);
        }
        // Without a visitor no one could answer it.
        if !self.is_unattended() {
            self.fault(FaultKind::Storage, reason, frame, actions);
        }
    }
}
