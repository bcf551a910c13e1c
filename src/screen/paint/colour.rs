//! The colours of all screens.

use embedded_graphics::pixelcolor::Rgb565;

use crate::words::ScreenName;

/// `rgb` of 24 bits as the panel's 16.
const fn colour(rgb: u32) -> Rgb565 {
    Rgb565::new(
        (rgb >> 19) as u8 & 0x1f,
        (rgb >> 10) as u8 & 0x3f,
        (rgb >> 3) as u8 & 0x1f,
    )
}

pub(super) const GROUND: Rgb565 = colour(0x0c_10_18);
pub(super) const PANEL: Rgb565 = colour(0x1a_21_2e);
pub(super) const TEXT: Rgb565 = colour(0xf8_f4_ea);
pub(super) const MUTED: Rgb565 = colour(0xa8_b4_c4);
pub(super) const TROUGH: Rgb565 = colour(0x2c_36_46);
pub(super) const RECORDING: Rgb565 = colour(0xff_40_48);
pub(super) const GREEN: Rgb565 = colour(0x48_d0_80);
pub(super) const AMBER: Rgb565 = colour(0xff_b8_40);

/// The colour of a kind of screen: seen from afar before a word is read.
pub(super) fn accent(name: ScreenName) -> Rgb565 {
    match name {
        ScreenName::Attract | ScreenName::Thanks => colour(0x3c_d0_c0),
        ScreenName::Consent | ScreenName::Intro | ScreenName::Question => colour(0x60_a8_ff),
        ScreenName::Reading | ScreenName::Code => AMBER,
        ScreenName::Quiet => colour(0xb0_90_ff),
        ScreenName::Paused | ScreenName::Menu => MUTED,
        ScreenName::Over => GREEN,
        ScreenName::Fault | ScreenName::Withdraw => colour(0xff_80_58),
    }
}
