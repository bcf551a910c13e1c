//! A Raspberry Pi's buttons and panel, as the profile names them.
//!
//! Guarantees: on a machine that is not a Pi, or built without the feature `pi`, opening is an
//! error that names the object; the rest of the program does not know that a Pi exists.

#[cfg(feature = "pi")]
mod glass;
#[cfg(feature = "pi")]
mod gpio;
#[cfg(feature = "pi")]
mod light;
#[cfg(feature = "pi")]
mod panel;
#[cfg(feature = "pi")]
mod sender;
#[cfg(feature = "pi")]
mod wire;

use super::profile::Profile;
use super::{BoardError, Open, Options};

/// Opens buttons and panel.
///
/// # Errors
/// What the pins, the bus or the panel said.
#[cfg(feature = "pi")]
pub fn open(profile: &Profile, options: &Options) -> Result<Open, BoardError> {
    let (buttons, lamps) = gpio::PiButtons::open(&profile.buttons)?;
    let panel = panel::PiPanel::open(&profile.panel, lamps, &options.fonts)?;
    Ok((Box::new(buttons), Box::new(panel)))
}

/// Refuses: this build knows no pins.
///
/// # Errors
/// Always.
#[cfg(not(feature = "pi"))]
pub fn open(profile: &Profile, _: &Options) -> Result<Open, BoardError> {
    Err(BoardError {
        object: format!("panel {:?}", profile.panel.driver),
        reason: "this booth was built without the feature `pi`; build it with `cargo build \
                 --features pi`, or use --board sim"
            .into(),
    })
}
