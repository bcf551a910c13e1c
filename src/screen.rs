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
