//! A panel by mipidsi over the kernel's SPI.
//!
//! Guarantees: each `send` hands over one band of at most 16 KiB, and only rows that changed; the
//! panel stays dark until it holds a whole picture.

use std::path::PathBuf;
use std::sync::Arc;

use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::{Rgb565, RgbColor};
use embedded_hal::digital::OutputPin;
use linux_embedded_hal::spidev::{SpiModeFlags, SpidevOptions};
use linux_embedded_hal::{Delay, SpidevDevice};
use mipidsi::interface::{Interface, InterfacePixelFormat, SpiInterface};
use mipidsi::models::{ILI9341Rgb565, Model, ST7789};
use mipidsi::options::{ColorInversion, ColorOrder, Orientation, Rotation};
use mipidsi::{Builder, Display};

use super::gpio;
use crate::board::profile::{Driver, Panel as Wiring};
use crate::board::{BoardError, Panel};
use crate::screen::Screen;
use crate::screen::card::Card;
use crate::screen::paint::Painter;
use crate::screen::picture::Picture;

/// Bytes of one `send`: 3.3 ms at 40 MHz, so that a press never waits longer for the bus.
const BAND_BYTES: usize = 16 * 1024;

/// Bytes of one transfer: the kernel's spidev refuses more by default.
const TRANSFER_BYTES: usize = 4096;

/// What any model can do once it is set up.
trait Glass {
    fn rows(&mut self, first: u16, picture: &Picture, end: u16) -> Result<(), String>;
}

impl<DI, M, RST> Glass for Display<DI, M, RST>
where
    DI: Interface,
    DI::Error: std::fmt::Debug,
    M: Model<ColorFormat = Rgb565>,
    Rgb565: InterfacePixelFormat<DI::Word>,
    RST: OutputPin,
{
    fn rows(&mut self, first: u16, picture: &Picture, end: u16) -> Result<(), String> {
        let pixels = picture.rows(first.into()..end.into()).iter().copied();
        // Profiles are refused above 320 pixels a side.
        let right = (picture.size().width as u16).saturating_sub(1);
        self.set_pixels(0, first, right, end.saturating_sub(1), pixels)
            .map_err(|e| format!("{e:?}"))
    }
}

/// A panel, its light and the lamps.
pub struct PiPanel {
    object: String,
    painter: Painter,
    sent: Picture,
    glass: Box<dyn Glass>,
    /// Lit once a whole picture was sent.
    lights: Vec<gpio::Output>,
    lit: bool,
}

impl PiPanel {
    /// Sets the panel up; `lamps` are lit together with it.
    ///
    /// # Errors
    /// What the bus, a pin or the panel said.
    pub fn open(
        wiring: &Wiring,
        lamps: Vec<gpio::Output>,
        fonts: &[PathBuf],
    ) -> Result<PiPanel, BoardError> {
        let object = format!("panel on /dev/spidev{}", wiring.spi);
        let glass = match wiring.driver {
            Driver::Ili9341 => glass(ILI9341Rgb565, wiring, &object)?,
            Driver::St7789 => glass(ST7789, wiring, &object)?,
            Driver::Sim => {
                return Err(BoardError {
                    object,
                    reason: "the simulated panel is no hardware".into(),
                });
            }
        };
        let size = Size::new(wiring.width, wiring.height);
        let mut lights = lamps;
        if let Some(backlight) = wiring.backlight {
            lights.push(gpio::output(backlight, false)?);
        }
        Ok(PiPanel {
            object,
            painter: Painter::new(size, fonts),
            // Of no size, so that every row of the first picture differs.
            sent: Picture::new(Size::zero()),
            glass,
            lights,
            lit: false,
        })
    }
}

fn glass<M>(model: M, wiring: &Wiring, object: &str) -> Result<Box<dyn Glass>, BoardError>
where
    M: Model<ColorFormat = Rgb565> + 'static,
{
    let failed = |reason: String| BoardError {
        object: object.into(),
        reason,
    };
    let path = format!("/dev/spidev{}", wiring.spi);
    let mut spi = SpidevDevice::open(path).map_err(|e| failed(e.to_string()))?;
    let options = SpidevOptions::new()
        .bits_per_word(8)
        .max_speed_hz(wiring.hz)
        .mode(SpiModeFlags::SPI_MODE_0)
        .build();
    spi.0
        .configure(&options)
        .map_err(|e| failed(e.to_string()))?;
    let dc = wiring
        .dc
        .ok_or_else(|| failed("panel.dc is missing".into()))?;
    let dc = gpio::output(dc, false)?;
    // A panel is opened once and lives as long as the program.
    let buffer = Box::leak(Box::new([0; TRANSFER_BYTES]));
    let (width, height) = wiring.upright();
    let rotation = match wiring.rotation {
        90 => Rotation::Deg90,
        180 => Rotation::Deg180,
        270 => Rotation::Deg270,
        _ => Rotation::Deg0,
    };
    let invert = if wiring.invert {
        ColorInversion::Inverted
    } else {
        ColorInversion::Normal
    };
    let order = match wiring.driver {
        Driver::Ili9341 => ColorOrder::Bgr,
        Driver::St7789 | Driver::Sim => ColorOrder::Rgb,
    };
    let builder = Builder::new(model, SpiInterface::new(spi, dc, buffer))
        .display_size(width as u16, height as u16)
        .display_offset(wiring.offset[0], wiring.offset[1])
        .orientation(Orientation::new().rotate(rotation))
        .invert_colors(invert)
        .color_order(order);
    Ok(match wiring.reset {
        Some(reset) => {
            let builder = builder.reset_pin(gpio::output(reset, true)?);
            Box::new(
                builder
                    .init(&mut Delay)
                    .map_err(|e| failed(format!("{e:?}")))?,
            )
        }
        None => Box::new(
            builder
                .init(&mut Delay)
                .map_err(|e| failed(format!("{e:?}")))?,
        ),
    })
}

impl Panel for PiPanel {
    fn show(&mut self, screen: &Screen, card: Option<&Card>) -> Result<(), BoardError> {
        self.painter.paint_with(screen, card);
        Ok(())
    }

    fn send(&mut self) -> Result<bool, BoardError> {
        let picture = self.painter.picture();
        if self.sent.size() != picture.size() {
            // Nothing is known of the panel's memory: a picture that differs in every pixel.
            self.sent = Picture::new(picture.size());
            for (n, pixel) in picture.pixels().iter().enumerate() {
                let other = Rgb565::new(pixel.r() ^ 31, pixel.g() ^ 63, pixel.b() ^ 31);
                let (x, y) = (
                    n as u32 % picture.size().width,
                    n as u32 / picture.size().width,
                );
                self.sent.blend(x as i32, y as i32, other, 255);
            }
        }
        let Some(band) = picture.difference(&self.sent, BAND_BYTES) else {
            return self.light();
        };
        let (first, end) = (band.start as u16, band.end as u16);
        self.glass
            .rows(first, picture, end)
            .map_err(|reason| BoardError {
                object: self.object.clone(),
                reason,
            })?;
        self.sent.copy_rows(picture, band);
        Ok(true)
    }

    fn prepare(&mut self, text: &str) {
        self.painter.prepare(text);
    }

    fn pages(&mut self, text: &str) -> Vec<Arc<str>> {
        self.painter.pages(text)
    }

    fn missing_glyphs(&mut self, text: &str) -> usize {
        self.painter.missing_glyphs(text)
    }

    fn warning(&self) -> Option<&str> {
        self.painter.warning()
    }
}

impl PiPanel {
    fn light(&mut self) -> Result<bool, BoardError> {
        if !self.lit {
            self.lights.iter_mut().for_each(gpio::Output::set_high);
            self.lit = true;
        }
        Ok(false)
    }
}
