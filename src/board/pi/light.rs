//! How bright the panel is: dark until it holds a whole picture, dim while no visitor is here.
//!
//! Time is an argument; touches no pin.

use std::time::Duration;

use crate::rt::Nanos;
use crate::words::ScreenName;

/// What the backlight does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    Off,
    Dim,
    Full,
}

/// Dims a panel when no visitor is here.
#[derive(Debug)]
pub struct Dimmer {
    after: Option<Duration>,
    /// Since when the booth has waited for a visitor.
    idle: Option<Nanos>,
}

impl Dimmer {
    /// Dims when the booth has waited this long; `None`: never.
    pub fn new(after: Option<Duration>) -> Dimmer {
        Dimmer { after, idle: None }
    }

    /// A screen is shown from `now` on.
    pub fn shows(&mut self, name: ScreenName, now: Nanos) {
        self.idle = match name {
            ScreenName::Attract => self.idle.or(Some(now)),
            _ => None,
        };
    }

    /// The light at `now`, on a panel that holds a `whole` picture or does not.
    pub fn light(&self, whole: bool, now: Nanos) -> Light {
        let waited = |after| self.idle.is_some_and(|idle| now.since(idle) >= after);
        match self.after {
            _ if !whole => Light::Off,
            Some(after) if waited(after) => Light::Dim,
            _ => Light::Full,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(300);

    fn at(seconds: u64) -> Nanos {
        Nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_booth_that_waits_is_dimmed_and_whoever_comes_has_full_light() {
        let mut dimmer = Dimmer::new(Some(AFTER));
        dimmer.shows(ScreenName::Attract, at(10));
        dimmer.shows(ScreenName::Attract, at(200));
        assert_eq!(dimmer.light(true, at(309)), Light::Full);
        assert_eq!(dimmer.light(true, at(310)), Light::Dim);
        dimmer.shows(ScreenName::Intro, at(320));
        assert_eq!(dimmer.light(true, at(320)), Light::Full);
        assert_eq!(dimmer.light(true, at(9999)), Light::Full);
        dimmer.shows(ScreenName::Attract, at(10_000));
        assert_eq!(dimmer.light(true, at(10_299)), Light::Full);
    }

    #[test]
    fn a_panel_without_a_whole_picture_is_dark_and_one_never_to_be_dimmed_is_not() {
        let mut dimmer = Dimmer::new(None);
        dimmer.shows(ScreenName::Attract, at(0));
        assert_eq!(dimmer.light(false, at(1)), Light::Off);
        assert_eq!(dimmer.light(true, at(1_000_000)), Light::Full);
    }
}
