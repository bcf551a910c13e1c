//! Takes and lines of a running step: what `go`, `redo` and skipping mean.

use std::sync::Arc;

use super::event::{Action, Begin, End, Subject};
use super::{Session, Shown, State};
use crate::config::Mode;
use crate::corpus::prompter::Prompt;
use crate::words::{FaultKind, Kind, Note, TakeState, Verdict};

/// A take that ended and is not on the disk yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unstored {
    take: u32,
    line: Option<Prompt>,
    /// Whether its line is done with it; a paused or aborted one is read again by somebody.
    done: bool,
}

/// A take of the running step that ended well, with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Previous {
    take: u32,
    shown: Shown,
}

impl Session {
    /// Begins a take at `mark`, or where the one before it ended if that is later (it may have
    /// reached its limit while the button was held), with pre-roll never further back than consent or
    /// the program's start.
    pub(super) fn begin_take(
        &mut self,
        mark: u64,
        pressed: Option<u64>,
        actions: &mut Vec<Action>,
    ) {
        let plan = &self.protocol.steps[self.step];
        let (kind, step): (Kind, Arc<str>) = (plan.kind, plan.name.as_str().into());
        let shown = if kind == Kind::Read {
            self.shown.clone()
        } else {
            None
        };
        if kind == Kind::Read && shown.is_none() {
            return;
        }
        let mark = mark.max(self.ended);
        self.takes += 1;
        let take = self.takes;
        let of = Subject {
            take,
            kind,
            step,
            version: shown.as_ref().map_or(self.version, |shown| shown.version),
            shown_frame: shown.as_ref().map_or(mark, |shown| shown.frame),
            line: shown.map(|shown| shown.line),
            pressed,
            track: self.track_playing(),
        };
        let pre_roll = self.frames(self.rules.take.pre_roll_ms);
        let begin = Begin {
            of,
            start_frame: mark.saturating_sub(pre_roll).max(self.earliest),
            start_mark: mark,
        };
        actions.push(Action::Begin(Box::new(begin.clone())));
        self.note_take(take, TakeState::Begin, mark, actions);
        self.open = Some(begin);
    }

    fn note_take(&self, take: u32, state: TakeState, frame: u64, actions: &mut Vec<Action>) {
        self.note(frame, Note::Take { take, state }, actions);
    }

    /// Ends the running take, if any, with its end mark at `mark`.
    pub(super) fn end_take(
        &mut self,
        verdict: Verdict,
        mark: u64,
        pressed: Option<u64>,
        actions: &mut Vec<Action>,
    ) {
        let Some(Begin { of, start_mark, .. }) = self.open.take() else {
            return;
        };
        let end_mark = mark.max(start_mark);
        self.ended = end_mark;
        if verdict == Verdict::Kept {
            self.previous = of.line.clone().map(|line| Previous {
                take: of.take,
                shown: Shown {
                    line,
                    version: of.version,
                    frame: of.shown_frame,
                },
            });
        }
        self.note_take(of.take, TakeState::End, end_mark, actions);
        let read = [Verdict::Kept, Verdict::Redone, Verdict::Skipped];
        self.unstored.push(Unstored {
            take: of.take,
            line: of.line.clone(),
            done: read.contains(&verdict),
        });
        actions.push(Action::End(Box::new(End {
            of,
            verdict,
            pressed,
            start_mark,
            end_mark,
            end_frame: end_mark + self.frames(self.rules.take.post_roll_ms),
        })));
    }

    /// Ends the running take early; its line will be taken once more.
    pub(super) fn cut_take(
        &mut self,
        verdict: Verdict,
        frame: u64,
        pressed: Option<u64>,
        actions: &mut Vec<Action>,
    ) {
        if self.open.is_some() {
            self.end_take(verdict, frame, pressed, actions);
            self.version += 1;
            self.show_again(frame);
        }
    }

    /// When the running take ends by itself.
    pub(super) fn take_limit(&self) -> Option<u64> {
        let open = self.open.as_ref()?;
        let seconds = match open.of.kind {
            Kind::Read => self.rules.take.max_s,
            Kind::Free => self.rules.take.segment_s,
            Kind::Quiet => return None,
        };
        Some(open.start_mark + u64::from(seconds) * u64::from(self.rules.rate))
    }

    /// A read take stops and its line stays until the next press; a free one goes on in the next
    /// file.
    pub(super) fn limit_reached(&mut self, frame: u64, actions: &mut Vec<Action>) {
        let kind = self.plan().kind;
        self.end_take(Verdict::Kept, frame, None, actions);
        if kind == Kind::Free {
            self.begin_take(frame, None, actions);
        }
    }

    /// `go` in a running step.
    pub(super) fn go_on(&mut self, frame: u64, actions: &mut Vec<Action>) {
        match self.plan().kind {
            Kind::Quiet => {}
            Kind::Free => {
                self.end_take(Verdict::Kept, frame, Some(frame), actions);
                self.step_over(frame, actions);
            }
            Kind::Read => self.next_line_or_take(frame, actions),
        }
    }

    fn next_line_or_take(&mut self, frame: u64, actions: &mut Vec<Action>) {
        let auto = self.rules.take.mode == Mode::Auto;
        if self.open.is_some() {
            self.end_take(Verdict::Kept, frame, Some(frame), actions);
            self.show_next(frame, actions);
        } else if self.taken() {
            self.show_next(frame, actions);
        }
        // In auto a press begins the next take; in manual only one on a line still to be read.
        if auto || (self.open.is_none() && self.shown.as_ref().is_some_and(|s| s.frame < frame)) {
            self.begin_take(frame, Some(frame), actions);
        }
    }

    /// Whether the line on the screen has its take already (one that reached its limit).
    pub(super) fn taken(&self) -> bool {
        match (&self.shown, &self.previous) {
            (Some(shown), Some(previous)) => shown.line.ticket == previous.shown.line.ticket,
            _ => false,
        }
    }

    /// Shows the next line; with none read ahead, the next one to come.
    pub(super) fn show_next(&mut self, frame: u64, actions: &mut Vec<Action>) {
        self.shown = self.lines.pop_front().map(|line| {
            // A line that a crash cut is taken once more.
            let retaken = self.retaken.take_if(|(number, _)| *number == line.number);
            Shown {
                version: retaken.map_or(1, |(_, version)| version + 1),
                line,
                frame,
            }
        });
        if self.shown.is_some() {
            actions.push(Action::WantLine);
        } else {
            self.need_line(frame, actions);
        }
    }

    /// A short `redo`, pressed at `pressed`: the same line again, the old take kept on the disk.
    pub(super) fn redo(&mut self, pressed: u64, actions: &mut Vec<Action>) {
        if self.state != State::Running {
            return;
        }
        if self.plan().kind != Kind::Read {
            self.end_take(Verdict::Redone, pressed, Some(pressed), actions);
            return self.restart_step(pressed, actions);
        }
        if self.open.is_some() {
            self.end_take(Verdict::Redone, pressed, Some(pressed), actions);
            self.show_again(pressed);
        } else if let Some(previous) = self.previous.take() {
            actions.push(Action::Amend(previous.take, Verdict::Redone));
            if let Some(fresh) = self.shown.take()
                && fresh.line.ticket != previous.shown.line.ticket
            {
                self.lines.push_front(fresh.line);
            }
            self.shown = Some(previous.shown);
            self.show_again(pressed);
        } else {
            return;
        }
        if self.rules.take.mode == Mode::Auto {
            self.begin_take(pressed, Some(pressed), actions);
        }
    }

    /// The line on the screen will be taken once more.
    pub(super) fn show_again(&mut self, frame: u64) {
        self.previous = None;
        if let Some(shown) = &mut self.shown {
            shown.version += 1;
            shown.frame = frame;
        }
    }

    /// `redo` held since `pressed`, long enough at `frame`: the next line, or the next step.
    pub(super) fn skip(&mut self, pressed: u64, frame: u64, actions: &mut Vec<Action>) {
        if self.state != State::Running {
            return;
        }
        let had_take = self.open.is_some();
        self.end_take(Verdict::Skipped, pressed, Some(pressed), actions);
        if self.plan().kind != Kind::Read {
            return self.step_over(frame, actions);
        }
        if let Some(shown) = &self.shown
            && !had_take
            && !self.taken()
        {
            actions.push(Action::LineDone(shown.line.ticket));
        }
        self.previous = None;
        self.show_next(frame, actions);
        if self.rules.take.mode == Mode::Auto {
            self.begin_take(frame, Some(pressed), actions);
        }
    }

    /// Asks for lines once nothing is under way that could still use one up.
    pub(super) fn want_lines(&mut self, actions: &mut Vec<Action>) {
        let reading = matches!(self.state, State::Intro(_)) && self.plan().kind == Kind::Read;
        if reading && !self.wanted && self.unstored.is_empty() {
            self.wanted = true;
            self.request += 1;
            self.lines.clear();
            actions.push(Action::WantLines {
                sequence: self.plan().order,
                first: self.retaken.map(|(line, _)| line),
                request: self.request,
            });
        }
    }

    /// A line was read ahead; one that answers an older request is not wanted any more.
    pub(super) fn line(
        &mut self,
        request: u32,
        line: Prompt,
        frame: u64,
        actions: &mut Vec<Action>,
    ) {
        if request != self.request {
            return;
        }
        self.lines.push_back(line);
        self.dry = None;
        self.cleared(FaultKind::Corpus, frame, actions);
        let waiting = self.state == State::Running
            && self.plan().kind == Kind::Read
            && self.shown.is_none()
            && self.open.is_none();
        if waiting {
            self.show_next(frame, actions);
            if self.rules.take.mode == Mode::Auto {
                self.begin_take(frame, None, actions);
            }
        }
    }

    pub(super) fn stored(&mut self, take: u32, frame: u64, actions: &mut Vec<Action>) {
        let Some(unstored) = self.settled(take, TakeState::Stored, frame, actions) else {
            return;
        };
        if let Some(line) = unstored.line.filter(|_| unstored.done) {
            actions.push(Action::LineDone(line.ticket));
        }
    }

    /// The recorder is done with a take, well or not.
    fn settled(
        &mut self,
        take: u32,
        state: TakeState,
        frame: u64,
        actions: &mut Vec<Action>,
    ) -> Option<Unstored> {
        let at = self.unstored.iter().position(|it| it.take == take)?;
        self.note_take(take, state, frame, actions);
        Some(self.unstored.remove(at))
    }

    /// The take never reached the disk: its line will be shown again.
    pub(super) fn failed(
        &mut self,
        take: u32,
        reason: Arc<str>,
        frame: u64,
        actions: &mut Vec<Action>,
    ) {
        if self.open.as_ref().is_some_and(|open| open.of.take == take) {
            self.end_take(Verdict::Aborted, frame, None, actions);
        }
        let Some(unstored) = self.settled(take, TakeState::Failed, frame, actions) else {
            return;
        };
        self.previous.take_if(|previous| previous.take == take);
        let again = unstored.line.filter(|line| {
            let shown = self.shown.as_ref();
            shown.is_none_or(|shown| shown.line.ticket != line.ticket)
        });
        if let Some(line) = again {
            self.lines.push_front(line);
        }
        // Without a visitor nobody could answer it.
        if !self.is_unattended() {
            self.fault(FaultKind::Storage, reason, frame, actions);
        }
    }
}
