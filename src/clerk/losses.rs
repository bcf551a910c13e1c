//! The gaps of a take that a crash cut, taken from events.jsonl: the take's row was never written.

use std::collections::BTreeMap;
use std::path::Path;

use crate::store::events;
use crate::words::{Gap, Note};

/// The gaps of `take` within the `frames` of its file, which begins at `start_frame` of the
/// session's clock; empty if nothing is known.
#[must_use]
pub fn of_take(folder: &Path, take: u32, start_frame: u64, frames: u64) -> Vec<Gap> {
    let mut gaps = BTreeMap::new();
    for entry in events::read(folder).unwrap_or_default() {
        let Some(Note::Loss {
            take: of,
            frames: lost,
            cause,
        }) = entry.note
        else {
            continue;
        };
        if of == take {
            let frame = entry.frame.saturating_sub(start_frame);
            let frames = lost.min(frames.saturating_sub(frame));
            gaps.insert(
                frame,
                Gap {
                    frame,
                    frames,
                    cause,
                },
            );
        }
    }
    gaps.into_values().filter(|gap| gap.frames > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Cause;

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
