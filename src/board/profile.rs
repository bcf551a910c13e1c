//! A board profile: which panel and which pins, read from a file such as board/*.toml.
//!
//! Everything that can be wrong is found here, before hardware is touched.

mod panel;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::embedded::{self, BOARDS};
use crate::files::read_text;
use crate::files::toml_text::sentence;
use crate::words::Button;
pub use panel::{Colors, Driver, Panel};

/// The free pins of a Pi's header, BCM numbers: 0 and 1 belong to a HAT's memory.
const HEADER: RangeInclusive<u8> = 2..=27;
/// Resistors on the Pi's board hold these at 3.3 V, against any inside the chip.
const PULLED_UP: [u8; 2] = [2, 3];
/// Shorter, and each bounce would be a press; longer, and a tap would be a hold.
const DEBOUNCE_MS: RangeInclusive<u32> = 1..=200;

/// A profile that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Neither an embedded profile nor a file.
    #[error("board `{name}` is unknown; known: {known}, or the path of a .toml file")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The embedded ones.
        known: String,
    },
    /// The file cannot be read.
    #[error("board profile {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The profile is wrong.
    #[error("board profile {name}: {reason}")]
    Faulty {
        /// Which profile.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A board.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The panel.
    pub panel: Panel,
    /// The push buttons; the simulator has its own.
    #[serde(default)]
    pub buttons: BTreeMap<Button, Pin>,
    /// Whether GPIO 18 to 21, and 2 and 3 for its settings, belong to an I2S sound card.
    #[serde(default)]
    pub i2s: bool,
}

/// Which resistor holds an open button's pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pull {
    /// To 3.3 V; the button closes to ground.
    Up,
    /// To ground; the button closes to 3.3 V.
    Down,
    /// One on the board.
    None,
}

/// The level of a pressed button.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Active {
    /// Ground.
    Low,
    /// 3.3 V.
    High,
}

/// One button of `[buttons]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// BCM number.
    pub gpio: u8,
    /// Resistor inside the Pi.
    #[serde(default = "default_pull")]
    pub pull: Pull,
    /// Level when pressed.
    #[serde(default = "default_active")]
    pub active: Active,
    /// Edges closer than this to the last one are bounces.
    #[serde(default = "default_debounce_ms")]
    pub debounce_ms: u32,
    /// GPIO of the lamp inside the button.
    pub lamp: Option<u8>,
}

fn default_pull() -> Pull {
    Pull::Up
}

fn default_active() -> Active {
    Active::Low
}

/// Arcade buttons bounce for 1 to 10 ms; no one presses twice within 20 ms.
fn default_debounce_ms() -> u32 {
    20
}

impl Profile {
    /// The profile of a board by name, or of a `.toml` file.
    ///
    /// # Errors
    /// An unknown name, an unreadable file, or a fault, described in a sentence.
    pub fn load(name: &str) -> Result<Profile, ProfileError> {
        if let Some(text) = embedded::find(BOARDS, name) {
            return Profile::parse(name, text);
        }
        let path = Path::new(name);
        if path.extension().is_none_or(|e| e != "toml") {
            return Err(ProfileError::Unknown {
                name: name.into(),
                known: embedded::names(BOARDS),
            });
        }
        let text = read_text(path).map_err(|source| ProfileError::Unreadable {
            path: path.into(),
            source,
        })?;
        Profile::parse(name, &text)
    }

    fn parse(name: &str, text: &str) -> Result<Profile, ProfileError> {
        let fault = |reason: String| ProfileError::Faulty {
            name: name.into(),
            reason,
        };
        let profile: Profile = toml::from_str(text).map_err(|e| fault(sentence(text, &e)))?;
        profile.panel.check().map_err(fault)?;
        if !profile.panel.driver.is_simulated() {
            profile.check_buttons().map_err(fault)?;
            profile.check_pins().map_err(fault)?;
        }
        Ok(profile)
    }

    /// The buttons that a box of this profile has; the simulated one has all.
    #[must_use]
    pub fn present(&self) -> Vec<Button> {
        if self.panel.driver.is_simulated() {
            Button::ALL.to_vec()
        } else {
            self.buttons.keys().copied().collect()
        }
    }

    fn check_buttons(&self) -> Result<(), String> {
        if !self.buttons.contains_key(&Button::Go) {
            return Err("the button `go` is missing: without it no session can begin".into());
        }
        for (button, pin) in &self.buttons {
            let (button, gpio, ms) = (button.word(), pin.gpio, pin.debounce_ms);
            if !DEBOUNCE_MS.contains(&ms) {
                let (least, most) = (DEBOUNCE_MS.start(), DEBOUNCE_MS.end());
                return Err(format!(
                    "buttons.{button}.debounce_ms is {least} to {most}, not {ms}"
                ));
            }
            if pin.pull == Pull::Down && PULLED_UP.contains(&gpio) {
                return Err(format!(
                    "buttons.{button}: a resistor on the Pi holds GPIO {gpio} at 3.3 V, so pull is \
                     \"up\" there; or take another pin"
                ));
            }
        }
        Ok(())
    }

    fn check_pins(&self) -> Result<(), String> {
        let mut users: BTreeMap<u8, String> = BTreeMap::new();
        if self.i2s {
            for gpio in [2, 3, 18, 19, 20, 21] {
                users.insert(gpio, "the I2S sound card".into());
            }
        }
        for (wire, gpio) in self.panel.wires()? {
            let wire = format!("{wire} of SPI {}", self.panel.spi);
            if let Some(other) = users.insert(gpio, wire.clone()) {
                return Err(twice(gpio, &other, &wire));
            }
        }
        let panel = [
            ("panel.dc", self.panel.dc),
            ("panel.reset", self.panel.reset),
            ("panel.backlight", self.panel.backlight),
        ];
        let panel = panel.map(|(key, gpio)| (key.to_owned(), gpio));
        let buttons = self.buttons.iter().flat_map(|(button, pin)| {
            let key = format!("buttons.{}", button.word());
            [(key.clone(), Some(pin.gpio)), (key + ".lamp", pin.lamp)]
        });
        for (key, gpio) in panel.into_iter().chain(buttons) {
            let Some(gpio) = gpio else { continue };
            if !HEADER.contains(&gpio) {
                let (first, last) = (HEADER.start(), HEADER.end());
                return Err(format!(
                    "{key}: GPIO {gpio} is no free pin of the header; take one of {first} to {last}"
                ));
            }
            if let Some(other) = users.insert(gpio, key.clone()) {
                return Err(twice(gpio, &other, &key));
            }
        }
        Ok(())
    }
}

fn twice(gpio: u8, one: &str, other: &str) -> String {
    format!("GPIO {gpio} is used twice: by {one} and by {other}; give one of them another pin")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../../board/display-hat-mini.toml");

    fn refused(text: &str) -> String {
        Profile::parse("test", text).expect_err(text).to_string()
    }

    #[test]
    fn every_embedded_profile_is_good() {
        for (name, _) in BOARDS {
            Profile::load(name).expect(name);
        }
    }

    #[test]
    fn faults_are_told_in_a_sentence() {
        let swap = |from: &str, to: &str| {
            assert!(GOOD.contains(from), "{from}");
            refused(&GOOD.replace(from, to))
        };
        assert!(swap("gpio = 6", "gpio = 5").contains("GPIO 5 is used twice"));
        assert!(swap("gpio = 6", "gpio = 40").contains("take one of 2 to 27"));
        assert!(swap("gpio = 6", "gpio = 1").contains("take one of 2 to 27"));
        for ms in ["0", "201", "4000000000"] {
            let faulty = swap("gpio = 6", &format!("gpio = 6, debounce_ms = {ms}"));
            assert!(
                faulty.contains("buttons.stop.debounce_ms is 1 to 200"),
                "{faulty}"
            );
        }
        assert!(swap("gpio = 6", "gpio = 3, pull = \"down\"").contains("holds GPIO 3"));
        assert!(swap("go = ", "pause2 = ").contains("pause2"));
        assert!(swap("st7789", "st7788").contains("st7788"));
        assert!(swap("width = 320", "width = 480").contains("480"));
        assert!(swap("rotation = 270", "").contains("the driver st7789"));
        assert!(swap("rotation = 270", "").contains("set rotation to 90 or 270"));
        assert!(swap("width = 320", "width = 30").contains("too small"));
        assert!(swap("hz = 60000000", "hz = 999999").contains("hz is 1000000"));
        assert!(swap("dc = 9", "dc = 9\nspi_mode = 1").contains("spi_mode is 0 or 3"));
        assert!(swap("spi = \"0.1\"", "spi = \"zero\"").contains("BUS.SELECT"));
        assert!(swap("rotation = 270", "rotation = 45").contains("rotation"));
        assert!(swap("dc = 9", "").contains("panel.dc"));
        assert!(swap("backlight = 13", "dim_after_s = 9").contains("nothing to dim"));
        assert!(swap("invert = true", "colors = \"rbg\"").contains("rbg"));
        assert!(swap("gpio = 6", "gpio = 10").contains("MOSI of SPI 0.1"));
        assert!(swap("gpio = 6", "gpio = 7").contains("a select wire of SPI 0.1"));
        assert!(swap("spi = \"0.1\"", "spi = \"0.2\"").contains("header"));
        assert!(swap("spi = \"0.1\"", "spi = \"1.2\"").contains("GPIO 16"));
        let only_panel = GOOD.split("[buttons]").next().expect("panel");
        assert!(refused(only_panel).contains("`go` is missing"));
        let i2s = GOOD
            .replace("[panel]", "i2s = true\n[panel]")
            .replace("gpio = 6", "gpio = 19");
        assert!(refused(&i2s).contains("I2S"));
        assert!(refused(&i2s.replace("gpio = 19", "gpio = 2")).contains("I2S"));
        let i2s = i2s.replace("gpio = 19", "gpio = 6").replace("0.1", "6.0");
        assert!(refused(&i2s).contains("by the I2S sound card and by SCLK of SPI 6.0"));
    }

    #[test]
    fn a_faulty_file_is_told_on_one_line_with_its_number() {
        let faulty = GOOD.replace("stop = { gpio = 6 }", "stop = { lamp = 6 }");
        let message = refused(&faulty);
        assert!(
            message.ends_with("line 17: `buttons.stop.gpio` is missing"),
            "{message}"
        );
        let typed = refused(&GOOD.replace("gpio = 6", "gpio = \"6\""));
        let said =
            "line 17: `buttons.stop.gpio`: takes a whole number from 0 to 255, not the text \"6\"";
        assert!(typed.ends_with(said), "{typed}");
        let broken = refused(&GOOD.replace("[panel]", "[panel"));
        assert!(
            broken.contains("line 2: ") && !broken.contains('\n'),
            "{broken}"
        );
    }

    #[test]
    fn unknown_boards_are_refused_with_the_known_ones() {
        let refused = Profile::load("hat").expect_err("no such board").to_string();
        assert!(refused.contains("`hat`") && refused.contains("display-hat-mini"));
        assert!(Profile::load("/nonexistent/x.toml").is_err());
    }
}
