//! A box that seals what a counting device gives, on a card of its own whose disk may misbehave.

use std::ops::Range;

use booth::words::{Format, Spec};

use super::cut::{CHUNK_BYTES, Opened, made_whole, paced};
use super::medium::Card;
use crate::common::lab::Lab;
use crate::common::shim::Shim;
use crate::common::{AlsaEnv, assert_counts, decode, plugin, run, tree};

pub const SPEC: Spec = Spec {
    rate: 48_000,
    channels: 1,
    format: Format::S32Le,
};
/// Of a sealed chunk.
pub const CHUNK_FRAMES: u64 = CHUNK_BYTES as u64 / 4;

pub struct Counted<'a> {
    pub lab: &'a Lab,
    pub env: AlsaEnv,
    pub card: Card<'a>,
    pub shim: Shim,
}

impl Counted<'_> {
    pub fn new(lab: &Lab) -> Counted<'_> {
        let card = Card::insert(lab);
        let shim = Shim::over(&lab.data());
        Counted {
            lab,
            env: plugin(),
            card,
            shim,
        }
    }

    /// In real time.
    pub fn start(&self, script: &str) -> run::Running {
        let mut command = paced(self.lab, &self.lab.data(), script);
        command.args(["--set", "audio.device=bpaced"]);
        command.args(["--set", "audio.format=S32_LE", "--set", "audio.buffer_s=30"]);
        self.env.apply(&mut command);
        self.shim.apply(&mut command);
        run::start(&mut command)
    }

    /// The takes of the only session after the next start, each of frames that follow one another.
    pub fn made_whole(&self) -> Vec<Opened> {
        let takes = made_whole(self.lab);
        let mut files: Vec<_> = tree(&self.lab.data().join("sessions"))
            .into_keys()
            .collect();
        files.retain(|file| {
            file.extension()
                .is_some_and(|it| it != "json" && it != "jsonl")
        });
        for Opened { row, samples } in &takes {
            files.retain(|file| !file.ends_with(format!("{}.age", row.file)));
            assert_eq!(row.gaps, []);
            if let Some(frames) = counted(samples) {
                assert_counts(samples, SPEC, frames.start);
            }
        }
        assert!(files.is_empty(), "without a row: {files:?}");
        takes
    }
}

/// The frames of a take, as the device counts; `None` without any.
pub fn counted(samples: &[u8]) -> Option<Range<u64>> {
    let first = u64::from(*decode(samples.get(..4)?, SPEC.format).first()?);
    Some(first..first + (samples.len() / SPEC.frame_bytes()) as u64)
}
