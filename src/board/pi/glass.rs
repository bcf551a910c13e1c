//! The steps that mipidsi sends to a panel's controller: its set-up, and the rows of a picture.
//!
//! mipidsi writes onto a tape instead of a bus, and its pauses are on the tape too. The caller that
//! plays the steps does the waiting; nothing here sleeps or touches hardware.

use std::cell::RefCell;
use std::convert::Infallible;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use embedded_graphics::geometry::OriginDimensions;
use embedded_graphics::pixelcolor::Rgb565;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType, OutputPin};
use mipidsi::interface::{Interface, InterfaceKind};
use mipidsi::models::{ILI9341Rgb565, Model, ST7789};
use mipidsi::options::{ColorInversion, ColorOrder, Orientation, Rotation};
use mipidsi::{Builder, Display};

use crate::board::profile::{Colors, Driver, Panel as Wiring};
use crate::screen::picture::Picture;

/// One step towards the panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A command and its parameters.
    Command(u8, Vec<u8>),
    /// Pixels, two bytes each, that belong to the last command.
    Pixels(Vec<u8>),
    /// The level of the reset wire: high or not.
    Reset(bool),
    /// The controller needs this much time before the next step.
    Pause(Duration),
}

/// Keeps what mipidsi would send, do and wait for.
#[derive(Clone, Debug, Default)]
struct Tape(Rc<RefCell<Vec<Step>>>);

impl Tape {
    fn add(&self, step: Step) {
        self.0.borrow_mut().push(step);
    }

    fn take(&self) -> Vec<Step> {
        self.0.take()
    }
}

impl Interface for Tape {
    type Word = u8;
    type Error = Infallible;

    const KIND: InterfaceKind = InterfaceKind::Serial4Line;

    fn send_command(&mut self, command: u8, args: &[u8]) -> Result<(), Infallible> {
        self.add(Step::Command(command, args.to_vec()));
        Ok(())
    }

    fn send_pixels<const N: usize>(
        &mut self,
        pixels: impl IntoIterator<Item = [u8; N]>,
    ) -> Result<(), Infallible> {
        self.add(Step::Pixels(pixels.into_iter().flatten().collect()));
        Ok(())
    }

    fn send_repeated_pixel<const N: usize>(
        &mut self,
        pixel: [u8; N],
        count: u32,
    ) -> Result<(), Infallible> {
        self.send_pixels((0..count).map(|_| pixel))
    }
}

impl DelayNs for Tape {
    fn delay_ns(&mut self, ns: u32) {
        self.add(Step::Pause(Duration::from_nanos(ns.into())));
    }
}

impl ErrorType for Tape {
    type Error = Infallible;
}

/// The reset wire.
impl OutputPin for Tape {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.add(Step::Reset(false));
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.add(Step::Reset(true));
        Ok(())
    }
}

/// A controller that is set up writes rows onto its tape.
trait Rows {
    fn write(&mut self, rows: Range<u32>, picture: &Picture);
}

impl<M, RST> Rows for Display<Tape, M, RST>
where
    M: Model<ColorFormat = Rgb565>,
    RST: OutputPin,
{
    fn write(&mut self, rows: Range<u32>, picture: &Picture) {
        let pixels = picture.rows(rows.clone()).iter().copied();
        // Profiles are refused above 320 pixels a side.
        let last = |end: u32| end.saturating_sub(1) as u16;
        let (right, bottom) = (last(picture.size().width), last(rows.end));
        let Ok(()) = self.set_pixels(0, rows.start as u16, right, bottom, pixels);
    }
}

/// A controller and its glass.
pub struct Glass {
    tape: Tape,
    set_up: Vec<Step>,
    rows: Box<dyn Rows>,
}

impl Glass {
    /// The glass that the profile describes.
    ///
    /// # Errors
    /// mipidsi has no such panel.
    pub fn of(wiring: &Wiring) -> Result<Glass, String> {
        match wiring.driver {
            Driver::St7789 => Glass::with(ST7789, wiring),
            Driver::Ili9341 => Glass::with(ILI9341Rgb565, wiring),
            Driver::Sim => Err("the simulated panel is no hardware".into()),
        }
    }

    fn with<M>(model: M, wiring: &Wiring) -> Result<Glass, String>
    where
        M: Model<ColorFormat = Rgb565> + 'static,
    {
        let mut tape = Tape::default();
        let (width, height) = wiring.upright();
        let builder = Builder::new(model, tape.clone())
            .display_size(width as u16, height as u16)
            .display_offset(wiring.offset[0], wiring.offset[1])
            .orientation(Orientation {
                rotation: match wiring.rotation {
                    90 => Rotation::Deg90,
                    180 => Rotation::Deg180,
                    270 => Rotation::Deg270,
                    _ => Rotation::Deg0,
                },
                mirrored: wiring.is_mirrored(),
            })
            .invert_colors(if wiring.invert {
                ColorInversion::Inverted
            } else {
                ColorInversion::Normal
            })
            .color_order(match wiring.colors() {
                Colors::Rgb => ColorOrder::Rgb,
                Colors::Bgr => ColorOrder::Bgr,
            });
        let rows: Box<dyn Rows> = if wiring.reset.is_some() {
            let set_up = builder.reset_pin(tape.clone()).init(&mut tape);
            Box::new(set_up.map_err(|e| format!("{e:?}"))?)
        } else {
            Box::new(builder.init(&mut tape).map_err(|e| format!("{e:?}"))?)
        };
        Ok(Glass {
            set_up: tape.take(),
            tape,
            rows,
        })
    }

    /// Everything the controller needs before it can show a picture.
    pub fn set_up(&self) -> Vec<Step> {
        self.set_up.clone()
    }

    /// Some rows of `picture`.
    pub fn rows(&mut self, rows: Range<u32>, picture: &Picture) -> Vec<Step> {
        self.rows.write(rows, picture);
        self.tape.take()
    }
}
