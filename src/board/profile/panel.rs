//! `[panel]` of a board profile: the controller, its wires, and how its glass is mounted.

use std::time::Duration;

use embedded_graphics::geometry::Size;
use serde::Deserialize;

/// A SPI bus and its wires on the header.
struct Bus {
    bus: &'static str,
    sclk: u8,
    mosi: u8,
    miso: Option<u8>,
    selects: &'static [u8],
}

/// The buses of overlays/README of the firmware (3 to 6 on a Pi 4). No panel is read: on bus 0
/// `no_miso` of deploy/install.sh leaves MISO free, and the Display HAT Mini has DC there.
#[rustfmt::skip]
const BUSES: [Bus; 6] = [
    Bus { bus: "0", sclk: 11, mosi: 10, miso: None, selects: &[8, 7] },
    Bus { bus: "1", sclk: 21, mosi: 20, miso: Some(19), selects: &[18, 17, 16] },
    Bus { bus: "3", sclk: 3, mosi: 2, miso: Some(1), selects: &[0, 24] },
    Bus { bus: "4", sclk: 7, mosi: 6, miso: Some(5), selects: &[4, 25] },
    Bus { bus: "5", sclk: 15, mosi: 14, miso: Some(13), selects: &[12, 26] },
    Bus { bus: "6", sclk: 21, mosi: 20, miso: Some(19), selects: &[18, 27] },
];

/// Frame memory of ST7789 and ILI9341, upright: both datasheets say 240 x 320.
const MEMORY: (u32, u32) = (240, 320);

/// Which controller drives the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// The simulator.
    Sim,
    /// Sitronix ST7789.
    St7789,
    /// Ilitek ILI9341.
    Ili9341,
}

impl Driver {
    /// Whether there is no hardware behind it.
    #[must_use]
    pub fn is_simulated(self) -> bool {
        self == Driver::Sim
    }

    /// Its word in a profile.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Driver::Sim => "sim",
            Driver::St7789 => "st7789",
            Driver::Ili9341 => "ili9341",
        }
    }
}

/// `[panel]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    /// The controller.
    pub driver: Driver,
    /// Pixels from left to right as the visitor sees them.
    pub width: u32,
    /// Pixels from top to bottom as the visitor sees them.
    pub height: u32,
    /// `BUS.SELECT`, for example 0.1 for /dev/spidev0.1.
    #[serde(default)]
    pub spi: String,
    /// Clock of the bus, Hz.
    #[serde(default = "default_hz")]
    pub hz: u32,
    /// Mode of the bus: 0, or 3 for modules without a select wire.
    #[serde(default)]
    pub spi_mode: u8,
    /// GPIO that separates data from commands.
    pub dc: Option<u8>,
    /// GPIO that resets the panel; none: by command.
    pub reset: Option<u8>,
    /// GPIO that lights the panel; none: always lit.
    pub backlight: Option<u8>,
    /// Seconds without a visitor after which the backlight is dimmed; 0: never.
    pub dim_after_s: Option<u32>,
    /// Degrees, clockwise: 0, 90, 180 or 270.
    #[serde(default)]
    pub rotation: u16,
    /// Whether the glass has the controller's columns from right to left; none: as panels with this
    /// driver mostly do.
    pub mirror: Option<bool>,
    /// Whether the glass shows colours inverted, as IPS panels do.
    #[serde(default)]
    pub invert: bool,
    /// Order of the glass's colours; none: what panels with this driver mostly have.
    pub colors: Option<Colors>,
    /// Where the glass starts in the controller's memory, upright.
    #[serde(default)]
    pub offset: [u16; 2],
}

/// A visitor who only looks around comes back sooner than this.
const DIM_AFTER_S: u32 = 300;

fn default_hz() -> u32 {
    40_000_000
}

/// In which order the glass has its colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colors {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

impl Panel {
    /// Its pixels.
    #[must_use]
    pub fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }

    /// The wires that the panel's bus takes: the kernel claims each select wire up to the panel's.
    pub(super) fn wires(&self) -> Result<Vec<(&'static str, u8)>, String> {
        let (number, select) = self.spi.split_once('.').unwrap_or_default();
        let select = select.parse().unwrap_or(usize::MAX);
        let bus = BUSES.iter().find(|bus| bus.bus == number);
        let Some((bus, selects)) = bus.and_then(|bus| Some((bus, bus.selects.get(..=select)?)))
        else {
            return Err(format!(
                "spi {:?} is no bus and select wire of a Pi's header, such as \"0.0\" or \"0.1\"",
                self.spi
            ));
        };
        let mut wires = vec![("SCLK", bus.sclk), ("MOSI", bus.mosi)];
        wires.extend(bus.miso.map(|gpio| ("MISO", gpio)));
        wires.extend(selects.iter().map(|gpio| ("a select wire", *gpio)));
        Ok(wires)
    }

    /// Width and height as the controller has them, before rotation.
    #[must_use]
    pub fn upright(&self) -> (u32, u32) {
        match self.rotation {
            90 | 270 => (self.height, self.width),
            _ => (self.width, self.height),
        }
    }

    /// The order of the glass's colours.
    #[must_use]
    pub fn colors(&self) -> Colors {
        self.colors.unwrap_or(match self.driver {
            Driver::Ili9341 => Colors::Bgr,
            Driver::St7789 | Driver::Sim => Colors::Rgb,
        })
    }

    /// Whether the glass has the controller's columns from right to left: those of the ILI9341 do,
    /// see `ili9341.c` and `fb_ili9340.c` of Linux.
    #[must_use]
    pub fn is_mirrored(&self) -> bool {
        self.mirror.unwrap_or(self.driver == Driver::Ili9341)
    }

    /// How long the booth waits for a visitor before the backlight is dimmed; `None`: it never is.
    #[must_use]
    pub fn dim_after(&self) -> Option<Duration> {
        let seconds = self.dim_after_s.unwrap_or(DIM_AFTER_S);
        (self.backlight.is_some() && seconds > 0).then(|| Duration::from_secs(seconds.into()))
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let (width, height) = (self.width, self.height);
        if self.driver.is_simulated() {
            let sane = |side| (64..=1024).contains(&side);
            return if sane(width) && sane(height) {
                Ok(())
            } else {
                Err(format!(
                    "a simulated panel has 64 to 1024 pixels a side, not {width}x{height}"
                ))
            };
        }
        if ![0, 90, 180, 270].contains(&self.rotation) {
            return Err(format!(
                "rotation is 0, 90, 180 or 270, not {}",
                self.rotation
            ));
        }
        self.check_size()?;
        let numbers = self.spi.split_once('.');
        let digits = |s: &str| s.len() == 1 && s.bytes().all(|b| b.is_ascii_digit());
        if !numbers.is_some_and(|(bus, select)| digits(bus) && digits(select)) {
            let spi = &self.spi;
            return Err(format!("spi is BUS.SELECT, such as \"0.1\", not {spi:?}"));
        }
        if !(1_000_000..=125_000_000).contains(&self.hz) {
            return Err(format!("hz is 1000000 to 125000000, not {}", self.hz));
        }
        if ![0, 3].contains(&self.spi_mode) {
            return Err(format!("spi_mode is 0 or 3, not {}", self.spi_mode));
        }
        if self.backlight.is_none() && self.dim_after_s.is_some_and(|seconds| seconds > 0) {
            return Err("dim_after_s: without `backlight` there is nothing to dim".into());
        }
        match self.dc {
            Some(_) => Ok(()),
            None => Err("panel.dc is missing: the pin that separates data from commands".into()),
        }
    }

    fn check_size(&self) -> Result<(), String> {
        let (width, height) = (self.width, self.height);
        if width < 64 || height < 64 {
            return Err(format!(
                "a panel of {width} x {height} is too small to be read: 64 pixels a side at least"
            ));
        }
        let (w, h) = self.upright();
        let [x, y] = self.offset.map(u32::from);
        let fits =
            |w: u32, h: u32| w.saturating_add(x) <= MEMORY.0 && h.saturating_add(y) <= MEMORY.1;
        if fits(w, h) {
            return Ok(());
        }
        let remedy = if fits(h, w) {
            let turned = if self.rotation.is_multiple_of(180) {
                "90 or 270"
            } else {
                "0 or 180"
            };
            format!("set rotation to {turned}, or exchange width and height")
        } else {
            "look at width, height and offset".into()
        };
        let driver = self.driver.word();
        Err(format!(
            "the driver {driver} has {} x {} pixels upright, and a panel of {width} x {height} at \
             rotation {} and offset {x}, {y} does not fit in: {remedy}",
            MEMORY.0, MEMORY.1, self.rotation
        ))
    }
}
