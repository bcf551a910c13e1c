//! The lines to read: those read ahead, the one on the screen, and the one before it.

use std::collections::{BTreeMap, VecDeque};

use super::Session;
use super::event::{Action, Ask, NoLine};
use crate::corpus::prompter::Prompt;
use crate::words::{CaptureFrame, FaultKind};

/// The line on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) line: Prompt,
    pub(super) version: u32,
    pub(super) frame: CaptureFrame,
    /// Its last take was cut.
    pub(super) was_cut: bool,
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
    /// Why no further line can be read ahead, which counts once a line is needed.
    pub(super) dry: Option<NoLine>,
    pub(super) shown: Option<Shown>,
    /// The step's last take that ended well, for `redo` after the fact.
    pub(super) previous: Option<Previous>,
    /// Lines that are read once more in this session, by number: how often they were taken.
    pub(super) taken: BTreeMap<u64, u32>,
    /// The line to begin the next step with: what cut it was a crash, or the end of the step before.
    pub(super) first: Option<u64>,
    /// How many of those read ahead were put back: no others are to be read for them.
    put_back: usize,
}

impl Lines {
    /// A step is entered, which may want its lines in another sequence: what was read ahead is of no
    /// use.
    pub(super) fn restart(&mut self) {
        self.forget_ahead();
        self.wanted = false;
        self.clear();
    }

    /// Nothing is on the screen, and nothing was.
    pub(super) fn clear(&mut self) {
        self.shown = None;
        self.previous = None;
    }

    /// What was read ahead is of no use, nor what is still to come of it.
    fn forget_ahead(&mut self) {
        self.ahead.clear();
        self.put_back = 0;
        self.request += 1;
    }

    /// A session begins, which reads no line once more.
    pub(super) fn begin(&mut self) {
        self.taken.clear();
        self.first = None;
    }

    /// A line that was read ahead comes next after all.
    pub(super) fn put_back(&mut self, line: Prompt) {
        self.put_back += 1;
        self.ahead.push_front(line);
    }

    /// A line that was on the screen comes next, and was taken `times` before.
    pub(super) fn comes_again(&mut self, line: Prompt, times: u32) {
        if times > 0 {
            self.taken.insert(line.number, times);
        }
        self.put_back(line);
    }

    /// Whether the line on the screen has its take already (one that was cut for a second time).
    pub(super) fn are_taken(&self) -> bool {
        let both = self.shown.as_ref().zip(self.previous.as_ref());
        both.is_some_and(|(shown, previous)| shown.line.ticket == previous.shown.line.ticket)
    }

    /// Whether the take of the line on the screen was cut, and it waits for a press.
    pub(super) fn waits_to_be_read_again(&self) -> bool {
        self.shown.as_ref().is_some_and(|shown| shown.was_cut)
    }

    /// Shows the next line, if one was read ahead.
    fn show_next(&mut self, frame: CaptureFrame) -> bool {
        self.shown = self.ahead.pop_front().map(|line| {
            self.first.take_if(|first| *first == line.number);
            let taken = self.taken.remove(&line.number).unwrap_or_default();
            Shown {
                version: taken + 1,
                line,
                frame,
                was_cut: false,
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
            shown.was_cut = false;
        }
    }
}

impl Session {
    /// Shows the next line; with none read ahead, the next one to come.
    pub(super) fn show_next(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        if self.lines.show_next(frame) {
            if self.lines.put_back > 0 {
                self.lines.put_back -= 1;
            } else {
                actions.push(Action::Ask(Ask::WantLine));
            }
        } else {
            self.need_line(frame, actions);
        }
    }

    /// No line can be read ahead; those that were come first.
    pub(super) fn no_line(&mut self, why: NoLine, frame: CaptureFrame, actions: &mut Vec<Action>) {
        self.lines.dry = Some(why);
        self.need_line(frame, actions);
    }

    /// A line is needed now and none is left: a text that was replaced ends the step, anything else is
    /// a fault.
    pub(super) fn need_line(&mut self, frame: CaptureFrame, actions: &mut Vec<Action>) {
        let needed = self.state.scene().needs_line(self)
            && self.plan().kind.reads()
            && self.lines.ahead.is_empty();
        let Some(why) = self.lines.dry.clone().filter(|_| needed) else {
            return;
        };
        if why.is_replaced {
            self.act(|scene, session| scene.text_replaced(session, &why, frame, actions));
        } else {
            self.fault(FaultKind::Corpus, why.reason, frame, actions);
        }
    }

    /// Asks for lines once nothing is under way that could still use one up.
    pub(super) fn want_lines(&mut self, actions: &mut Vec<Action>) {
        let reading = self.state.scene().wants_lines() && self.plan().kind.reads();
        if reading && !self.lines.wanted && self.takes.unstored.is_empty() {
            self.lines.forget_ahead();
            self.lines.wanted = true;
            actions.push(Action::Ask(Ask::WantLines {
                sequence: self.plan().order,
                first: self.lines.first,
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
