//! Pins by rppal, the only file that knows it: it is retired upstream, and `rpi-pal` has its calls.
//!
//! Interrupts carry the kernel's stamps (CLOCK_MONOTONIC); levels are read as well, in case none
//! come. On drop pins go back to what they did before, without a resistor.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::time::Duration;

use rppal::gpio::{Bias, Error, Gpio, InputPin, Level, OutputPin, Trigger};

use super::light::Light;
use crate::board::contacts::Contacts;
use crate::board::profile::{Pin, Pull};
use crate::board::{BoardError, Buttons, Edge};
use crate::rt::Nanos;
use crate::words::Button;

/// Edges taken in one poll at most: a pin that oscillates must not hold up the box.
const EDGES_PER_POLL: usize = 64;
/// Time between two reads of levels that have no interrupts: how late a press may be stamped.
const POLLED: Duration = Duration::from_millis(2);
/// The pin's 50 kOhm charge the 1 nF of ten metres of cable in a twentieth of this time.
const MOVES: Duration = Duration::from_millis(1);
/// An interrupt that has not come within this time will not come.
const REPORTED_WITHIN: Duration = Duration::from_millis(50);

/// Fast enough not to be seen to flicker; rppal spends 0.4 ms of each period on exact edges.
const DIM_HZ: f64 = 200.0;
const DIM_PART: f64 = 0.15;

/// A pin that the panel drives.
pub type Output = OutputPin;

/// Claims a pin as output.
///
/// # Errors
/// The pin is in use, or this is no Pi.
pub fn output(gpio: u8, high: bool) -> Result<Output, BoardError> {
    let pin = Gpio::new()
        .and_then(|g| g.get(gpio))
        .map_err(|e| failed(gpio, &e))?;
    Ok(if high {
        pin.into_output_high()
    } else {
        pin.into_output_low()
    })
}

/// Lights a panel. Dimming is a thread of rppal that switches the pin, since the Pi's own PWM has
/// four pins, an overlay and files that the service may not write; it runs only while no visitor is
/// here, and has ended when this returns.
///
/// # Errors
/// The thread cannot be had or panicked.
pub fn shine(pin: &mut Output, light: Light) -> Result<(), BoardError> {
    let done = match light {
        Light::Dim => pin.set_pwm_frequency(DIM_HZ, DIM_PART),
        Light::Off | Light::Full => pin.clear_pwm(),
    };
    match light {
        Light::Off => pin.set_low(),
        Light::Full => pin.set_high(),
        Light::Dim => {}
    }
    done.map_err(|e| failed(pin.pin(), &e))
}

fn failed(gpio: u8, error: &Error) -> BoardError {
    BoardError {
        object: format!("GPIO {gpio}"),
        reason: match error {
            Error::UnknownModel => "this is no Raspberry Pi; use --board sim".into(),
            e => e.to_string(),
        },
    }
}

/// The push buttons.
#[derive(Debug)]
pub struct PiButtons {
    gpio: Gpio,
    pins: Vec<InputPin>,
    contacts: Contacts,
}

impl PiButtons {
    /// Claims the buttons' pins; gives their lamps too, dark.
    ///
    /// # Errors
    /// A pin is in use, or this is no Pi.
    pub fn open(wiring: &BTreeMap<Button, Pin>) -> Result<(PiButtons, Vec<Output>), BoardError> {
        let first = wiring.values().next().map_or(0, |pin| pin.gpio);
        let gpio = Gpio::new().map_err(|e| failed(first, &e))?;
        let mut buttons = PiButtons {
            gpio,
            pins: Vec::new(),
            contacts: Contacts::new(wiring),
        };
        let mut lamps = Vec::new();
        for pin in wiring.values() {
            buttons.claim(pin).map_err(|e| failed(pin.gpio, &e))?;
            if let Some(lamp) = pin.lamp {
                lamps.push(output(lamp, false)?);
            }
        }
        buttons.self_test(wiring.values())?;
        for (n, pin) in buttons.pins.iter().enumerate() {
            buttons.contacts.found(n, pin.is_high());
        }
        Ok((buttons, lamps))
    }

    fn claim(&mut self, wiring: &Pin) -> Result<(), Error> {
        let pin = self.gpio.get(wiring.gpio)?;
        let mut pin = match wiring.pull {
            Pull::Up => pin.into_input_pullup(),
            Pull::Down => pin.into_input_pulldown(),
            Pull::None => pin.into_input(),
        };
        // The pin may belong to another booth process: if claiming fails here, its resistor must
        // stay.
        pin.set_reset_on_drop(false);
        // No kernel debouncing: it would stamp the end of the bounces.
        match pin.set_interrupt(Trigger::Both, None) {
            Err(Error::Io(e)) if !matches!(e.kind(), ErrorKind::ResourceBusy) => {
                log::debug!("GPIO {}: {e}", wiring.gpio);
                self.contacts.has_no_interrupts(self.pins.len());
            }
            set => set?,
        }
        pin.set_reset_on_drop(true);
        self.pins.push(pin);
        Ok(())
    }

    /// Moves each pin by its resistor: an interrupt must report that edge. A pin held by its
    /// contact or by an outside resistor does not move; its first press decides.
    fn self_test<'a>(&mut self, wiring: impl Iterator<Item = &'a Pin>) -> Result<(), BoardError> {
        let mut moved = Vec::new();
        let pulls: Vec<Pull> = wiring.map(|pin| pin.pull).collect();
        for (pin, pull) in self.pins.iter_mut().zip(&pulls) {
            moved.push(pin.read());
            match pull {
                Pull::Up => pin.set_bias(Bias::PullDown),
                Pull::Down => pin.set_bias(Bias::PullUp),
                Pull::None => {}
            }
        }
        std::thread::sleep(MOVES);
        let moved: Vec<(Level, bool)> = moved
            .into_iter()
            .zip(&self.pins)
            .map(|(rest, pin)| (rest, pin.read() != rest))
            .collect();
        let mut reported = vec![false; self.pins.len()];
        let until = Nanos::now() + REPORTED_WITHIN;
        while moved
            .iter()
            .zip(&reported)
            .any(|((_, moved), reported)| *moved && !reported)
            && Nanos::now() < until
        {
            if let Some((n, _, _)) = self.interrupt(MOVES)? {
                reported[n] = true;
            }
        }
        for (n, (pin, pull)) in self.pins.iter_mut().zip(&pulls).enumerate() {
            pin.set_bias(bias(*pull));
            self.contacts.tested(n, moved[n].1, reported[n]);
        }
        let until = Nanos::now() + REPORTED_WITHIN;
        let back = |pins: &[InputPin]| {
            let mut pins = pins.iter().zip(&moved);
            pins.all(|(pin, (rest, moved))| !moved || pin.read() == *rest)
        };
        while !back(&self.pins) && Nanos::now() < until {
            std::thread::sleep(MOVES);
        }
        while self.interrupt(MOVES)?.is_some() && Nanos::now() < until {}
        Ok(())
    }

    /// The next edge that an interrupt reports within `wait`: which pin, its level, and when.
    fn interrupt(&mut self, wait: Duration) -> Result<Option<(usize, bool, Nanos)>, BoardError> {
        let pins: Vec<&InputPin> = self.pins.iter().collect();
        let (gpio, event) = match self.gpio.poll_interrupts(&pins, false, Some(wait)) {
            Ok(Some((pin, event))) => (pin.pin(), event),
            Ok(None) => return Ok(None),
            Err(Error::Io(e)) if e.kind() == ErrorKind::Interrupted => return Ok(None),
            Err(e) => return Err(failed(pins.first().map_or(0, |p| p.pin()), &e)),
        };
        let at = Nanos(u64::try_from(event.timestamp.as_nanos()).unwrap_or(u64::MAX));
        let high = event.trigger == Trigger::RisingEdge;
        let pin = pins.iter().position(|pin| pin.pin() == gpio);
        Ok(pin.map(|pin| (pin, high, at)))
    }

    /// Takes what interrupts report within `wait`, then reads the levels.
    fn look(&mut self, mut wait: Duration, edges: &mut Vec<Edge>) -> Result<(), BoardError> {
        let mut taken = 0;
        while taken < EDGES_PER_POLL
            && let Some((pin, high, at)) = self.interrupt(wait)?
        {
            self.contacts.edge(pin, high, at, edges);
            (wait, taken) = (Duration::ZERO, taken + 1);
        }
        let now = Nanos::now();
        // With interrupts left to be taken, the levels are ahead of what is known.
        if taken < EDGES_PER_POLL {
            for (n, pin) in self.pins.iter().enumerate() {
                self.contacts.level(n, pin.is_high(), now, edges);
            }
        }
        self.contacts.settle(now, edges);
        Ok(())
    }
}

fn bias(pull: Pull) -> Bias {
    match pull {
        Pull::Up => Bias::PullUp,
        Pull::Down => Bias::PullDown,
        Pull::None => Bias::Off,
    }
}

impl Buttons for PiButtons {
    fn poll(&mut self, wait: Duration, edges: &mut Vec<Edge>) -> Result<(), BoardError> {
        let before = edges.len();
        // Below a millisecond rppal's wait rounds to none, and the loop would spin.
        let wait = wait.max(Duration::from_millis(1));
        if self.contacts.are_polled() {
            let until = Nanos::now() + wait;
            while edges.len() == before && Nanos::now() < until {
                self.look(POLLED, edges)?;
            }
        } else {
            self.look(wait, edges)?;
        }
        edges[before..].sort_by_key(|edge| edge.at);
        Ok(())
    }
}
