//! Whose session it is: an enrolled person's or anybody's, and what became of their code.

use crate::words::CaptureFrame;
use std::sync::Arc;

/// An enrolled person who comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) number: Arc<str>,
    /// Not waited for from this frame on; `None` for the one the program was started for.
    pub(super) until: Option<CaptureFrame>,
}

/// The visitor, and the one expected next.
#[derive(Debug, Default)]
pub(super) struct Visitor {
    /// The next session is this enrolled person's.
    pub(super) expected: Option<Expected>,
    /// This one is: their code was given to them when they enrolled.
    pub(super) is_enrolled: bool,
    /// The code may be shown: it is known, and its owner stands here.
    pub(super) shows_code: bool,
    /// The code was on the screen, of this session.
    pub(super) has_seen_code: bool,
    /// The code was shown and its owner has not confirmed it.
    pub(super) is_unconfirmed: bool,
}

impl Visitor {
    /// No visitor is here; the person of this number is expected, if any.
    pub(super) fn expected(number: Option<Arc<str>>) -> Visitor {
        let expected = number.map(|number| Expected {
            number,
            until: None,
        });
        Visitor {
            expected,
            ..Visitor::default()
        }
    }

    /// The one who is expected comes, or somebody else with a new code.
    pub(super) fn comes(&mut self) {
        self.is_enrolled = self.expected.take().is_some();
        self.shows_code = !self.is_enrolled;
        self.has_seen_code = false;
    }

    /// A session is taken up again. The code went with the crash; it was confirmed, or there would
    /// be no step.
    pub(super) fn comes_back(&mut self) {
        (self.is_enrolled, self.shows_code, self.is_unconfirmed) = (false, false, false);
    }

    /// The code leaves the screen with its owner.
    pub(super) fn leaves(&mut self) {
        (self.shows_code, self.is_unconfirmed) = (false, false);
    }
}
