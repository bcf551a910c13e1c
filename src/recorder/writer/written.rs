//! A take that is being written: its file, and its row.

use crate::audio::rf64::Error;
use crate::recorder::op::Finish;
use crate::recorder::rows::Rows;
use crate::recorder::sink::{self, Held, Sink};
use crate::store::row::Row;
use crate::words::{CaptureFrame, Spec, Verdict};

/// A take whose file is there.
pub(super) struct Take {
    pub(super) number: u32,
    pub(super) sink: Box<dyn Sink>,
    /// The row that a sealed one has from its begin.
    pub(super) begun: Option<Box<Row>>,
    /// The disk refused for good: it ended where it was.
    pub(super) is_cut: bool,
}

impl Take {
    /// Gives its file a name, once there is something in it; its row is there before.
    pub(super) fn place(&mut self, rows: &mut Rows) -> Result<(), Error> {
        if self.sink.is_placed() || !self.sink.prepare()? {
            return Ok(());
        }
        if let Some(begun) = &self.begun {
            rows.append((**begun).clone())?;
        }
        self.sink.place()
    }

    /// Makes all that was taken in durable.
    pub(super) fn sync(&mut self, rows: &mut Rows) -> Result<(), Error> {
        self.place(rows)?;
        self.sink.checkpoint()
    }
}

/// The row of a take whose file holds `held`.
pub(super) fn row(spec: Spec, finish: &Finish, is_cut: bool, held: Held) -> Row {
    let Finish {
        end,
        start,
        gaps,
        levels,
        found,
    } = finish;
    let mut row = end.row.clone();
    if is_cut {
        row.verdict = Verdict::Aborted;
    }
    row.start_frame = end.frame0.in_session(CaptureFrame(*start)).0;
    row.frames = held.frames;
    row.lead_frames = end.start_mark.0.saturating_sub(*start);
    row.tail_frames = (start + held.frames).saturating_sub(end.end_mark.0);
    row.rate = spec.rate;
    row.channels = spec.channels;
    row.format = spec.format.stored();
    row.gaps = sink::within(gaps, held.frames);
    row.measure(levels);
    row.add_reasons(&found.reasons);
    row.voice = found.voice;
    row.snr_db.clone_from(&found.snr_db);
    row.samples_sha256 = Some(held.samples_sha256);
    row.sealed_bytes = held.sealed_bytes;
    row
}
