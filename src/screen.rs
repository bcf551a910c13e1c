//! What is shown, as a value: equal values draw the same picture.

pub mod bitmap;
pub mod card;
pub mod layout;
pub mod pages;
pub mod paint;
pub mod picture;
pub mod style;
pub mod test_card;
pub mod text;

use crate::words::ScreenName;
use std::sync::Arc;

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
    pub name: ScreenName,
    /// A short heading; may be empty.
    pub title: Arc<str>,
    /// What stands between heading and hint.
    pub body: Body,
    /// What the buttons do here; may be empty.
    pub hint: Arc<str>,
    /// Part of the session's steps that has passed, in thousandths; on the simulator only.
    pub session_permille: u16,
}

/// What stands between heading and hint; each has a layout of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A few words, fitted to the largest size that holds them; no time runs.
    Message {
        /// The words; may be empty.
        text: Arc<str>,
    },
    /// A text while a step's time counts.
    Line(Line),
    /// A page of a long text, at a fixed size.
    Page {
        /// The page, as [`pages::cut`] made it.
        text: Arc<str>,
    },
    /// The withdrawal code; the code itself is a [`card::Card`] and never in here.
    Card {
        /// What the code is for.
        text: Arc<str>,
    },
}

/// Where a text is to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// [`Body::Message`].
    Message,
    /// [`Body::Line`].
    Line,
    /// [`Body::Page`].
    Page,
}

/// A text while a step's time counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What is to be read or done, fitted to the largest size that holds it.
    pub text: Arc<str>,
    /// The step's time.
    pub progress: Progress,
    /// Whether a take is running.
    pub recording: bool,
    /// Live level of the loudest channel, 0 to 100; main fills it in while a take runs.
    pub level: Option<u8>,
}

impl Body {
    /// Its text, whatever the layout; may be empty.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        match self {
            Body::Message { text }
            | Body::Line(Line { text, .. })
            | Body::Page { text }
            | Body::Card { text } => text,
        }
    }
}
