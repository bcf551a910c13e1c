//! What events.jsonl knows of the gaps of a take that a crash cut: its row was never written.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::files::small;
use crate::words::{Cause, Gap};

/// A row of events.jsonl that tells of a loss.
#[derive(Deserialize)]
struct Loss {
    event: String,
    frame: u64,
    take: u32,
    frames: u64,
    cause: Cause,
}

/// The gaps of `take` within the `frames` of its file, which begins at `start_frame` of the session's
/// clock; none if nothing is known.
#[must_use]
pub fn of_take(folder: &Path, take: u32, start_frame: u64, frames: u64) -> Vec<Gap> {
    let text = small::read(&folder.join("events.jsonl"));
    let text = text.ok().flatten().unwrap_or_default();
    let rows = text.split(|byte| *byte == b'\n');
    let losses = rows.filter_map(|row| serde_json::from_slice::<Loss>(row).ok());
    let own = losses.filter(|loss| loss.event == "loss" && loss.take == take);
    let mut gaps = BTreeMap::new();
    for loss in own {
        let frame = loss.frame.saturating_sub(start_frame);
        let length = loss.frames.min(frames.saturating_sub(frame));
        let (frames, cause) = (length, loss.cause);
        gaps.insert(
            frame,
            Gap {
                frame,
                frames,
                cause,
            },
        );
    }
    gaps.into_values().filter(|gap| gap.frames > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_of_a_loss_counts_up_to_the_end_of_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let rows = concat!(
            "{\"utc\":null,\"frame\":1100,\"event\":\"loss\",\"take\":2,\"frames\":48,\"cause\":\"device\"}\n",
            "{\"utc\":null,\"frame\":1100,\"event\":\"loss\",\"take\":2,\"frames\":96,\"cause\":\"device\"}\n",
            "{\"utc\":null,\"frame\":1150,\"event\":\"take\",\"take\":2,\"state\":\"begin\"}\n",
            "{\"utc\":null,\"frame\":1300,\"event\":\"loss\",\"take\":1,\"frames\":9,\"cause\":\"overrun\"}\n",
            "{\"utc\":null,\"frame\":1400,\"event\":\"loss\",\"take\":2,\"frames\":500,\"cause\":\"storage\"}\n{",
        );
        std::fs::write(folder.path().join("events.jsonl"), rows).expect("written");
        let gap = |frame, frames, cause| Gap {
            frame,
            frames,
            cause,
        };
        let expected = [gap(100, 96, Cause::Device), gap(400, 50, Cause::Storage)];
        assert_eq!(of_take(folder.path(), 2, 1000, 450), expected);
    }
}
