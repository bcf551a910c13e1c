//! The lines to read: those read ahead, the one on the screen, and the one before it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Session;
use super::event::{Action, Ask};
use crate::corpus::prompter::Prompt;
use crate::words::{CaptureFrame, FaultKind};

/// The line on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) line: Prompt,
    pub(super) version: u32,
    pub(super) frame: CaptureFrame,
}

/// A take of the running step that ended well, with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Previous {
    pub(super) take: u32,
    pub(super) shown: Shown,
}

/// The lines of the step.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Number of the last request for lines.
    request: u32,
    /// Lines were asked for since the step was entered.
    wanted: bool,
    pub(super) ahead: VecDeque<Prompt>,
    /// Why no further line can be read ahead; a fault once a line is needed.
    pub(super) dry: Option<Arc<str>>,
    pub(super) shown: Option<Shown>,
    /// The step's last take that ended well, for `redo` after the fact.
    pub(super) previous: Option<Previous>,
    /// The line that a crash cut and how often it was taken before.
    pub(super) retaken: Option<(u64, u32)>,
}

impl Lines {
    /// A step is entered, which may want its lines in another sequence: what was read ahead is of no
    /// use.
    pub(super) fn restart(&mut self) {
        self.ahead.clear();
        self.request += 1;
        self.wanted = false;
        self.clear();
    }

    /// Nothing is on the screen, and nothing was.
    pub(super) fn clear(&mut self) {
        self.shown = None;
        self.previous = None;
    }

    /// Whether the line on the screen has its take already (one that reached its limit).
    pub(super) fn are_taken(&self) -> bool {
        let both = self.shown.as_ref().zip(self.previous.as_ref());
        both.is_some_and(|(shown, previous)| shown.line.ticket == previous.shown.line.ticket)
    }

    /// Shows the next line, if one was read ahead.
    fn show_next(&mut self, frame: CaptureFrame) -> bool {
        self.shown = self.ahead.pop_front().map(|line| {
            // A line that a crash cut is taken once more.
            let retaken = self.retaken.take_if(|(number, _)| *number == line.number);
            Shown {
                version: retaken.map_or(1, |(_, version)| version + 1),
                line,
                frame,
            }
        });
        self.shown.is_some()
    }

    /// The line on the screen is shown as of `frame`.
    pub(super) fn show_at(&mut self, frame: CaptureFrame) {
        if let Some(shown) = &mut self.shown {
            shown.frame = frame;
        }
    }

    /// The line on the screen will be taken once more.
    pub(super) fn show_again(&mut self, frame: CaptureFrame) {
        self.previous = None;
        if let Some(shown) = &mut self.shown {
            shown.version += 1;
            shown.frame = frame;
        }
    }
}

impl Session {
    /// Shows the next line; with none read ahead, the next one to come.
    pub(super) fn show_next(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if self.lines.show_next(frame) {
            actions.push(Action::Ask(Ask::WantLine));
        } else {
            self.need_line(frame, actions);
        }
    }

    /// No line can be read ahead; those that were come first.
    pub(super) fn no_line(
        &mut self,
        reason: Arc<str>,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        self.lines.dry = Some(reason);
        self.need_line(frame, actions);
    }

    /// Makes it a fault that no line is left where one is needed now.
    pub(super) fn need_line(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let needed = self.state.scene().needs_line(self)
            && self.plan().kind.reads()
            && self.lines.ahead.is_empty();
        if let Some(reason) = self.lines.dry.clone().filter(|_| needed) {
            self.fault(FaultKind::Corpus, reason, frame, actions);
        }
    }

    /// Asks for lines once nothing is under way that could still use one up.
    pub(super) fn want_lines(&mut self, actions: &mut Vec<Action>) {
        let reading = self.state.scene().wants_lines() && self.plan().kind.reads();
        if reading && !self.lines.wanted && self.takes.unstored.is_empty() {
            self.lines.wanted = true;
            self.lines.request += 1;
            self.lines.ahead.clear();
            actions.push(Action::Ask(Ask::WantLines {
                sequence: self.plan().order,
                first: self.lines.retaken.map(|(line, _)| line),
                request: self.lines.request,
            }));
        }
    }

    /// A line was read ahead; one that answers an older request is not wanted any more.
    pub(super) fn line(
        &mut self,
        request: u32,
        line: Prompt,
        frame: CaptureFrame,
        actions: &mut Vec<Action>,
    ) {
        if request != self.lines.request {
            return;
        }
        self.lines.ahead.push_back(line);
        self.lines.dry = None;
        self.cleared(FaultKind::Corpus, frame, actions);
        if self.plan().kind.reads() {
            self.act(|scene, session| scene.line_came(session, frame, actions));
        }
    }
}
