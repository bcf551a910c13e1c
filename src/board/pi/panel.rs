//! A panel on the kernel's SPI, its light, and the buttons' lamps.
//!
//! Guarantees: each `send` hands over one band of 4 ms, or a few commands, and never sleeps; the
//! panel stays dark until it holds a whole picture; it is set up again at each return to the first
//! screen and when the keeper's menu opens, since without a read line a lost panel cannot be
//! detected. When it is dropped it is black, and light and lamps are off.

use std::path::PathBuf;
use std::time::Duration;

use embedded_graphics::geometry::Size;

use super::glass::{Glass, Step};
use super::gpio::{self, Output};
use super::light::{Dimmer, Light};
use super::sender::{Sender, Turn};
use super::wire::Wire;
use crate::board::profile::Panel as Wiring;
use crate::board::{BoardError, Panel};
use crate::rt::Nanos;
use crate::screen::Screen;
use crate::screen::card::Card;
use crate::screen::paint::Painter;
use crate::screen::test_card::TestCard;
use crate::words::ScreenName;

/// Time between a failed transfer and the next set-up: each may block the box for a while.
const RECOVERS: Duration = Duration::from_millis(500);
/// With no good transfer for this long the panel counts as broken.
const BROKEN: Duration = Duration::from_secs(15);

/// A panel, its light and the lamps.
pub struct PiPanel {
    painter: Painter,
    sender: Sender,
    wire: Wire,
    /// Since when transfers have failed.
    failing: Option<Nanos>,
    shown: Option<ScreenName>,
    dimmer: Dimmer,
    backlight: Option<Output>,
    light: Light,
    lamps: Vec<Output>,
}

impl PiPanel {
    /// Claims the panel's wires; `lamps` are lit once it shows something.
    ///
    /// # Errors
    /// What the bus or a pin said.
    pub fn open(
        wiring: &Wiring,
        lamps: Vec<Output>,
        fonts: &[PathBuf],
    ) -> Result<PiPanel, BoardError> {
        let size = Size::new(wiring.width, wiring.height);
        let glass = Glass::of(wiring).map_err(|reason| BoardError {
            object: format!("panel {}", wiring.driver.word()),
            reason,
        })?;
        let dark = |backlight| gpio::output(backlight, false);
        Ok(PiPanel {
            wire: Wire::open(wiring)?,
            failing: None,
            painter: Painter::new(size, fonts),
            sender: Sender::new(glass, size, wiring.hz),
            shown: None,
            dimmer: Dimmer::new(wiring.dim_after()),
            backlight: wiring.backlight.map(dark).transpose()?,
            light: Light::Off,
            lamps,
        })
    }

    fn shine(&mut self, light: Light) -> Result<(), BoardError> {
        if light == self.light {
            return Ok(());
        }
        self.light = light;
        if light != Light::Off {
            self.lamps.iter_mut().for_each(Output::set_high);
        }
        match &mut self.backlight {
            Some(backlight) => gpio::shine(backlight, light),
            None => Ok(()),
        }
    }

    /// A failed transfer, for example on a busy kernel, costs a moment of the picture and no
    /// recording.
    fn hand_over(&mut self, steps: &[Step]) -> Result<(), BoardError> {
        let sent = self.wire.send(steps);
        let now = Nanos::now();
        self.sender.sent(now);
        let Err(error) = sent else {
            self.failing = None;
            return Ok(());
        };
        let since = *self.failing.get_or_insert(now);
        if now.since(since) >= BROKEN {
            return Err(error);
        }
        log::warn!("{error}; the panel is set up anew");
        self.sender.set_up_at(now + RECOVERS);
        Ok(())
    }
}

impl Panel for PiPanel {
    fn show(&mut self, screen: &Screen, card: Option<&Card>) -> Result<(), BoardError> {
        let returned = self.shown.is_some_and(|shown| shown != screen.name);
        if returned && matches!(screen.name, ScreenName::Attract | ScreenName::Menu) {
            self.sender.set_up();
        }
        self.shown = Some(screen.name);
        self.dimmer.shows(screen.name, Nanos::now());
        self.painter.paint_with(screen, card);
        Ok(())
    }

    fn show_test(&mut self, card: &TestCard) -> Result<(), BoardError> {
        self.painter.paint_test_card(card);
        Ok(())
    }

    fn send(&mut self) -> Result<bool, BoardError> {
        let now = Nanos::now();
        self.shine(self.dimmer.light(self.sender.is_whole(), now))?;
        match self.sender.next(Nanos::now(), self.painter.picture()) {
            Turn::Send(steps) => self.hand_over(&steps).map(|()| true),
            Turn::Later => Ok(true),
            Turn::Done => Ok(false),
        }
    }

    fn prepare(&mut self, text: &str) {
        self.painter.prepare(text);
    }

    fn painter(&mut self) -> &mut Painter {
        &mut self.painter
    }

    fn warning(&self) -> Option<&str> {
        self.painter.warning()
    }
}

impl Drop for PiPanel {
    fn drop(&mut self) {
        // Black too, because on some panels the light comes on by itself when its pin is released.
        let steps = self.sender.black();
        let ended = self.shine(Light::Off).and(self.wire.send(&steps));
        self.lamps.iter_mut().for_each(Output::set_low);
        if let Err(error) = ended {
            log::warn!("{error}");
        }
    }
}
