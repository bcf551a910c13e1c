//! A picture as a PNG file, by embedded-graphics' simulator.

use std::path::{Path, PathBuf};

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::OriginDimensions;
use embedded_graphics::pixelcolor::{Rgb565, Rgb888};
use embedded_graphics_simulator::{OutputSettings, SimulatorDisplay};

use crate::board::BoardError;
use crate::screen::picture::Picture;

/// Where the `number`th picture goes.
#[must_use]
pub fn path(folder: &Path, number: u32, name: &str) -> PathBuf {
    folder.join(format!("{number:04}-{name}.png"))
}

/// Writes `picture` to `path`, replacing what is there.
///
/// # Errors
/// The file system's.
pub fn save(picture: &Picture, path: &Path) -> Result<(), BoardError> {
    let mut display = SimulatorDisplay::<Rgb565>::new(picture.size());
    let area = embedded_graphics::primitives::Rectangle::new(Default::default(), picture.size());
    // The display's error type is Infallible.
    let _ = display.fill_contiguous(&area, picture.pixels().iter().copied());
    let image = display.to_rgb_output_image(&OutputSettings::default());
    let image: &embedded_graphics_simulator::OutputImage<Rgb888> = &image;
    image.save_png(path).map_err(|e| BoardError {
        object: format!("picture {}", path.display()),
        reason: e.to_string(),
    })
}
