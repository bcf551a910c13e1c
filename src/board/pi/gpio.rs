//! Pins by rppal, the only file that knows it: it is retired upstream, and `rpi-pal` has its calls.
//!
//! Edges carry the kernel's stamps (CLOCK_MONOTONIC) and are debounced on them. Pins go back to
//! what they were on drop.

use std::collections::BTreeMap;
use std::time::Duration;

use rppal::gpio::{Error, Gpio, InputPin, OutputPin, Trigger};

use crate::board::debounce::Debounce;
use crate::board::profile::{Active, Pin, Pull};
use crate::board::{BoardError, Button, Buttons, Edge};
use crate::rt::Nanos;

/// Edges taken in one poll at most: a pin that oscillates must not hold up the box.
const EDGES_PER_POLL: usize = 64;

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

fn failed(gpio: u8, error: &Error) -> BoardError {
    BoardError {
        object: format!("GPIO {gpio}"),
        reason: match error {
            Error::UnknownModel => "this is no Raspberry Pi; use --board sim".into(),
            e => e.to_string(),
        },
    }
}

#[derive(Debug)]
struct Contact {
    button: Button,
    active: Active,
    debounce: Debounce,
}

/// The push buttons.
#[derive(Debug)]
pub struct PiButtons {
    gpio: Gpio,
    pins: Vec<InputPin>,
    contacts: Vec<Contact>,
}

impl PiButtons {
    /// Claims the buttons' pins; gives their lamps too, dark.
    ///
    /// # Errors
    /// A pin is in use, or this is no Pi.
    pub fn open(buttons: &BTreeMap<Button, Pin>) -> Result<(PiButtons, Vec<Output>), BoardError> {
        let first = buttons.values().next().map_or(0, |pin| pin.gpio);
        let gpio = Gpio::new().map_err(|e| failed(first, &e))?;
        let (mut pins, mut contacts, mut lamps) = (Vec::new(), Vec::new(), Vec::new());
        for (&button, wiring) in buttons {
            let claim = gpio.get(wiring.gpio).map_err(|e| failed(wiring.gpio, &e))?;
            let mut pin = match wiring.pull {
                Pull::Up => claim.into_input_pullup(),
                Pull::Down => claim.into_input_pulldown(),
                Pull::None => claim.into_input(),
            };
            // No kernel debouncing: it would stamp the end of the bounces.
            pin.set_interrupt(Trigger::Both, None)
                .map_err(|e| failed(wiring.gpio, &e))?;
            pins.push(pin);
            contacts.push(Contact {
                button,
                active: wiring.active,
                debounce: Debounce::new(Duration::from_millis(wiring.debounce_ms.into())),
            });
            if let Some(lamp) = wiring.lamp {
                lamps.push(output(lamp, false)?);
            }
        }
        let buttons = PiButtons {
            gpio,
            pins,
            contacts,
        };
        Ok((buttons, lamps))
    }
}

impl Buttons for PiButtons {
    fn poll(&mut self, wait: Duration, edges: &mut Vec<Edge>) -> Result<(), BoardError> {
        let before = edges.len();
        let pins: Vec<&InputPin> = self.pins.iter().collect();
        // Below a millisecond rppal's wait rounds to none, and the loop would spin.
        let mut wait = wait.max(Duration::from_millis(1));
        for _ in 0..EDGES_PER_POLL {
            let event = match self.gpio.poll_interrupts(&pins, false, Some(wait)) {
                Ok(Some((pin, event))) => (pin.pin(), event),
                Ok(None) => break,
                Err(Error::Io(e)) if e.kind() == std::io::ErrorKind::Interrupted => break,
                Err(e) => return Err(failed(pins.first().map_or(0, |p| p.pin()), &e)),
            };
            wait = Duration::ZERO;
            let (gpio, event) = event;
            let Some(at) = pins.iter().position(|pin| pin.pin() == gpio) else {
                continue;
            };
            let Contact {
                button,
                active,
                debounce,
            } = &mut self.contacts[at];
            let high = event.trigger == Trigger::RisingEdge;
            let stamp = Nanos(u64::try_from(event.timestamp.as_nanos()).unwrap_or(u64::MAX));
            debounce.contact(high == (*active == Active::High), stamp, |down, at| {
                edges.push(Edge {
                    button: *button,
                    down,
                    at,
                });
            });
        }
        let now = Nanos::now();
        for contact in &mut self.contacts {
            if let Some((down, at)) = contact.debounce.settle(now) {
                edges.push(Edge {
                    button: contact.button,
                    down,
                    at,
                });
            }
        }
        edges[before..].sort_by_key(|edge| edge.at);
        Ok(())
    }
}
