//! The name of a screen, in scripts and in events.jsonl.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a screen, as scripts and events.jsonl have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScreenName {
    /// No visitor is here.
    Attract,
    /// What the visitor agrees to, page by page.
    Consent,
    /// The withdrawal code, for its owner to take along.
    Code,
    /// A question; rows written by former versions have it for `resume`.
    Question,
    /// What the step is about; waits for `go`.
    Intro,
    /// A line to read, or a free take.
    Reading,
    /// The visitor keeps silent.
    Quiet,
    /// The step's time is stopped.
    Paused,
    /// Whether everything is to be erased.
    Withdraw,
    /// The step is over.
    Over,
    /// The session is over.
    Thanks,
    /// A keeper chooses who comes next.
    Menu,
    /// Whether a session that a crash cut goes on.
    Resume,
    /// Something is wrong, in a visitor's words.
    Fault,
}

impl ScreenName {
    /// Every screen.
    pub const ALL: [ScreenName; 14] = [
        ScreenName::Attract,
        ScreenName::Consent,
        ScreenName::Code,
        ScreenName::Question,
        ScreenName::Intro,
        ScreenName::Reading,
        ScreenName::Quiet,
        ScreenName::Paused,
        ScreenName::Withdraw,
        ScreenName::Over,
        ScreenName::Thanks,
        ScreenName::Menu,
        ScreenName::Resume,
        ScreenName::Fault,
    ];

    /// The word scripts use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ScreenName::Attract => "attract",
            ScreenName::Consent => "consent",
            ScreenName::Code => "code",
            ScreenName::Question => "question",
            ScreenName::Intro => "intro",
            ScreenName::Reading => "reading",
            ScreenName::Quiet => "quiet",
            ScreenName::Paused => "paused",
            ScreenName::Withdraw => "withdraw",
            ScreenName::Over => "over",
            ScreenName::Thanks => "thanks",
            ScreenName::Menu => "menu",
            ScreenName::Resume => "resume",
            ScreenName::Fault => "fault",
        }
    }
}

impl fmt::Display for ScreenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
