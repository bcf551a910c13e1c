//! Buttons and panel behind two traits, so that the core knows no hardware.

pub mod contacts;
pub mod debounce;
pub mod pi;
pub mod profile;
pub mod sim;

use std::path::PathBuf;
use std::time::Duration;

use crate::rt::Nanos;
use crate::screen::Screen;
use crate::screen::card::Card;
use crate::screen::paint::Painter;
use crate::screen::test_card::TestCard;
use crate::words::Button;

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
    /// The hardware's; an interrupted wait is not an error.
    fn poll(&mut self, wait: Duration, edges: &mut Vec<Edge>) -> Result<(), BoardError>;

    /// Whether the program is asked to end; only a keyboard can do that.
    fn quit(&self) -> bool {
        false
    }
}

/// The panel of a board.
pub trait Panel {
    /// Takes a screen to be shown, with the withdrawal code if one is to be shown. If drawing would
    /// take long, it is done later.
    ///
    /// # Errors
    /// The hardware's.
    fn show(&mut self, screen: &Screen, card: Option<&Card>) -> Result<(), BoardError>;

    /// Takes a test card to be shown instead of a screen.
    ///
    /// # Errors
    /// The hardware's.
    fn show_test(&mut self, card: &TestCard) -> Result<(), BoardError>;

    /// Sends what has not been sent yet, one band of at most 16 KiB; true while more is left.
    ///
    /// # Errors
    /// The hardware's.
    fn send(&mut self) -> Result<bool, BoardError>;

    /// Lays out `text`, which will be shown next.
    fn prepare(&mut self, text: &str);

    /// What draws its screens: it knows what can be drawn here.
    fn painter(&mut self) -> &mut Painter;

    /// What is wrong with the fonts and what to do about it.
    fn warning(&self) -> Option<&str>;
}

/// What opening a board needs besides its profile.
#[derive(Clone, Debug)]
pub struct Options {
    /// Font files; empty: the installed defaults.
    pub fonts: Vec<PathBuf>,
    /// The simulator writes a PNG of each new screen into this folder.
    pub screens: Option<PathBuf>,
    /// How long a press must last to count as held.
    pub hold: Duration,
    /// Whether the simulator listens to the keyboard; not when a script is played.
    pub keys: bool,
}

/// Buttons and panel of a board.
pub type Open = (Box<dyn Buttons>, Box<dyn Panel>);

/// Opens the board of `profile`.
///
/// # Errors
/// The hardware's; off the Pi, every board but the simulated ones.
pub fn open(profile: &profile::Profile, options: &Options) -> Result<Open, BoardError> {
    if profile.panel.driver.is_simulated() {
        sim::open(profile, options)
    } else {
        pi::open(profile, options)
    }
}
