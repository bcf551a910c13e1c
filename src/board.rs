//! Buttons and panel behind two traits, so that the core knows no hardware.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::rt::Nanos;
use crate::screen::Screen;

/// A push button.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Button {
    /// Start, next.
    Go,
    /// Again; held: skip.
    Redo,
    /// Pause and resume.
    Pause,
    /// Stop; held: withdraw.
    Stop,
}

impl Button {
    /// Every button.
    pub const ALL: [Button; 4] = [Button::Go, Button::Redo, Button::Pause, Button::Stop];

    /// The word scripts and profiles use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Button::Go => "go",
            Button::Redo => "redo",
            Button::Pause => "pause",
            Button::Stop => "stop",
        }
    }
}

/// A debounced edge of a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Which button.
    pub button: Button,
    /// Pressed, or released.
    pub down: bool,
    /// When, by the kernel's stamp where there is one.
    pub at: Nanos,
}

/// A board that failed.
#[derive(Debug, thiserror::Error)]
#[error("{object}: {reason}")]
pub struct BoardError {
    /// The pin, bus or terminal.
    pub object: String,
    /// What it said.
    pub reason: String,
}

/// The buttons of a board.
pub trait Buttons {
    /// Waits for edges, `wait` at most, and appends them to `edges` in order of time.
    ///
    /// # Errors
    /// The hardware's; an interrupted wait is no error.
    fn poll(&mut self, wait: Duration, edges: &mut Vec<Edge>) -> Result<(), BoardError>;
}

/// The panel of a board.
pub trait Panel {
    /// Takes a screen to be shown; draws nothing yet if that would take long.
    ///
    /// # Errors
    /// The hardware's.
    fn show(&mut self, screen: &Screen) -> Result<(), BoardError>;

    /// Sends what has not been sent yet, one band of at most 16 KiB; true while more is left.
    ///
    /// # Errors
    /// The hardware's.
    fn send(&mut self) -> Result<bool, BoardError>;

    /// Lays out `text`, which will be shown next.
    fn prepare(&mut self, text: &str);
}
