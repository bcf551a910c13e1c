//! What is shown, as a value: equal values draw the same picture.

pub mod bitmap;
pub mod card;
pub mod lang;
pub mod layout;
pub mod pages;
pub mod paint;
pub mod picture;
pub mod style;
pub mod test_card;
pub mod text;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of a screen, as scripts and events.jsonl have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Name {
    /// Nobody is here.
    Attract,
    /// What the visitor agrees to, page by page.
    Consent,
    /// The withdrawal code, for its owner to take along.
    Code,
    /// A question, answered by buttons.
    Question,
    /// What the step is about; waits for `go`.
    Intro,
    /// A line to read, or a free take.
    Reading,
    /// The visitor keeps silent.
    Quiet,
    /// The step's time stands.
    Paused,
    /// Whether everything is to be erased.
    Withdraw,
    /// The step is over.
    Over,
    /// The session is over.
    Thanks,
    /// A keeper chooses who comes next.
    Menu,
    /// Something is wrong, in a visitor's words.
    Fault,
}

impl Name {
    /// Every screen.
    pub const ALL: [Name; 13] = [
        Name::Attract,
        Name::Consent,
        Name::Code,
        Name::Question,
        Name::Intro,
        Name::Reading,
        Name::Quiet,
        Name::Paused,
        Name::Withdraw,
        Name::Over,
        Name::Thanks,
        Name::Menu,
        Name::Fault,
    ];

    /// The word scripts use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Name::Attract => "attract",
            Name::Consent => "consent",
            Name::Code => "code",
            Name::Question => "question",
            Name::Intro => "intro",
            Name::Reading => "reading",
            Name::Quiet => "quiet",
            Name::Paused => "paused",
            Name::Withdraw => "withdraw",
            Name::Over => "over",
            Name::Thanks => "thanks",
            Name::Menu => "menu",
            Name::Fault => "fault",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The step's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Part of the step that has passed, in thousandths.
    pub permille: u16,
    /// Whole seconds left, rounded up.
    pub seconds_left: u32,
}

/// One screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Which screen.
    pub name: Name,
    /// A short heading; may be empty.
    pub title: Arc<str>,
    /// The line to read or the message, fitted to the largest size that holds it.
    pub text: Arc<str>,
    /// What the buttons do here; may be empty.
    pub hint: Arc<str>,
    /// The step's time, where a step runs.
    pub progress: Option<Progress>,
    /// Part of the session's steps that has passed, in thousandths; on the simulator only.
    pub session_permille: u16,
    /// Whether a take is running.
    pub recording: bool,
    /// Live level of the loudest channel, 0 to 100; main's, not the session's.
    pub level: Option<u8>,
}
