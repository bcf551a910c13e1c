//! The wires to the panel: the kernel's SPI, the pin that separates data from commands, the reset
//! pin.

use embedded_hal::spi::SpiDevice;
use linux_embedded_hal::SpidevDevice;
use linux_embedded_hal::spidev::{SpiModeFlags, SpidevOptions};

use super::glass::Step;
use super::gpio::{self, Output};
use crate::board::BoardError;
use crate::board::profile::Panel as Wiring;

/// Bytes of one transfer: more gains nothing.
const TRANSFER_BYTES: usize = 4096;
/// What the kernel takes in one transfer, where that is less.
const SPIDEV_BYTES: &str = "/sys/module/spidev/parameters/bufsiz";

/// The wires.
pub struct Wire {
    object: String,
    spi: SpidevDevice,
    dc: Output,
    reset: Option<Output>,
    transfer_bytes: usize,
}

impl Wire {
    /// Claims the bus and the pins of a panel.
    ///
    /// # Errors
    /// What the bus or a pin said.
    pub fn open(wiring: &Wiring) -> Result<Wire, BoardError> {
        let path = format!("/dev/spidev{}", wiring.spi);
        let object = format!("panel on {path}");
        let failed = |reason: String| BoardError {
            object: object.clone(),
            reason,
        };
        let mut spi = SpidevDevice::open(path).map_err(|e| failed(e.to_string()))?;
        let options = SpidevOptions::new()
            .bits_per_word(8)
            .max_speed_hz(wiring.hz)
            .mode(match wiring.spi_mode {
                3 => SpiModeFlags::SPI_MODE_3,
                _ => SpiModeFlags::SPI_MODE_0,
            })
            .build();
        spi.0
            .configure(&options)
            .map_err(|e| failed(e.to_string()))?;
        let dc = wiring.dc.ok_or_else(|| failed("it has no dc".into()))?;
        let kernel = std::fs::read_to_string(SPIDEV_BYTES).ok();
        let kernel = kernel.and_then(|bytes| bytes.trim().parse().ok());
        Ok(Wire {
            spi,
            dc: gpio::output(dc, false)?,
            reset: wiring
                .reset
                .map(|reset| gpio::output(reset, true))
                .transpose()?,
            transfer_bytes: kernel.unwrap_or(TRANSFER_BYTES).clamp(1, TRANSFER_BYTES),
            object,
        })
    }

    /// Sends `steps`; the sender waits for the pauses.
    ///
    /// # Errors
    /// The bus's.
    pub fn send(&mut self, steps: &[Step]) -> Result<(), BoardError> {
        for step in steps {
            match step {
                Step::Command(command, args) => {
                    self.dc.set_low();
                    self.write(&[*command])?;
                    self.dc.set_high();
                    self.write(args)?;
                }
                Step::Pixels(bytes) => self.write(bytes)?,
                Step::Reset(high) => {
                    if let Some(reset) = &mut self.reset {
                        reset.write((*high).into());
                    }
                }
                Step::Pause(_) => {}
            }
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), BoardError> {
        for piece in bytes.chunks(self.transfer_bytes) {
            self.spi.write(piece).map_err(|e| BoardError {
                object: self.object.clone(),
                reason: e.to_string(),
            })?;
        }
        Ok(())
    }
}
