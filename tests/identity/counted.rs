//! A box that seals what a counting device gives, on a card of its own whose disk may misbehave.

use booth::words::{Format, Spec, Verdict};

use super::cut::{only_session, paced};
use super::medium::Card;
use crate::common::lab::{Lab, samples};
use crate::common::shim::Shim;
use crate::common::{AlsaEnv, assert_counts, decode, plugin, run, tree};

pub const SPEC: Spec = Spec {
    rate: 48_000,
    channels: 1,
    format: Format::S32Le,
};
/// Of a sealed chunk.
pub const CHUNK_FRAMES: u64 = 65_536 / 4;

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

    /// The first frame of each take, as the device counts, and the one behind its last.
    pub fn takes(&self) -> Vec<(u64, u64)> {
        let Some((key, folder, rows)) = only_session(self.lab, &self.lab.data()) else {
            return Vec::new();
        };
        let mut files: Vec<_> = tree(&folder).into_keys().collect();
        files.retain(|file| {
            file.extension()
                .is_some_and(|it| it != "json" && it != "jsonl")
        });
        let mut takes = Vec::new();
        for row in &rows {
            let sealed = folder.join(format!("{}.age", row.file));
            files.retain(|file| *file != sealed);
            if !sealed.exists() {
                assert_eq!((row.frames, row.verdict), (0, Verdict::Aborted));
                continue;
            }
            let found = samples(&sealed, &key);
            let frames = (found.len() / SPEC.frame_bytes()) as u64;
            assert_eq!(row.gaps, []);
            if row.samples_sha256.is_some() {
                assert_eq!(frames, row.frames);
            } else {
                assert_eq!(row.verdict, Verdict::Recovered);
                // Its last chunk may be the closing one, which only the key tells.
                let may = row.frames..row.frames + CHUNK_FRAMES;
                assert!(may.contains(&frames), "{frames} frames of {row:?}");
            }
            if frames > 0 {
                let first = u64::from(decode(&found[..4], SPEC.format)[0]);
                assert_counts(&found, SPEC, first);
                takes.push((first, first + frames));
            }
        }
        assert!(files.is_empty(), "without a row: {files:?}");
        takes
    }
}
