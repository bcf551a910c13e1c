//! The rows of takes.jsonl, one JSON object a line.

use serde::{Deserialize, Serialize};

use crate::words::{Format, Gap, Heard, Kind, Level, Spec, Verdict, Voice, dbfs};

/// The file name of a take, as its row has it: `take-0001.rf64`.
#[must_use]
pub fn take_name(take: u32) -> String {
    format!("take-{take:04}.rf64")
}

/// The number of the take with this file name; `None` if it is no take's.
#[must_use]
pub fn take_number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("take-")?.strip_suffix(".rf64")?;
    digits.parse().ok()
}

/// Where the sphere's track stood at the take's marks.
///
/// The capture frame `at_frame` of the session sounded while the transport stood at `frame`; in the
/// file it is frame `lead_frames`. What lies between the marks is found by interpolation, drift of
/// the two clocks included: `end_frame` belongs to the end mark, which in the file is frame
/// `frames - tail_frames`. These are transport positions: the latency of the sphere's card and the
/// way through the air are outside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SphereAt {
    /// Its track.
    pub track: String,
    /// Its transport frame at the start mark, from the track's beginning; null, as all that follows,
    /// if the step asked for the track and it did not play.
    pub frame: Option<u64>,
    /// Transport frames per second.
    pub rate: Option<u32>,
    /// The start mark, on the session's clock.
    pub at_frame: Option<u64>,
    /// How far the true transport frame may lie from `frame`.
    pub uncertainty_frames: Option<u64>,
    /// Its transport frame at the end mark; null if it did not roll on without a jump, or if that
    /// is unknown.
    pub end_frame: Option<u64>,
    /// How far the true transport frame may lie from `end_frame`.
    pub end_uncertainty_frames: Option<u64>,
    /// How it is known that the track sounded from mark to mark; null where it is not known.
    #[serde(default)]
    pub heard: Option<Heard>,
    /// By how many dB the level at one of the sphere's outputs is off what `booth sphere level`
    /// measured; null within 3 dB, and where neither is known.
    #[serde(default)]
    pub level_off_db: Option<f32>,
}

/// A row of takes.jsonl. Rows are only appended; a later row of the same `take` replaces it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Number within the session, from 1.
    pub take: u32,
    /// File name within the session's folder.
    pub file: String,
    /// What was recorded.
    pub kind: Kind,
    /// Name of the protocol's step.
    pub step: String,
    /// Line of the corpus, from 1.
    pub line: Option<u64>,
    /// The id before the line's tab.
    pub line_id: Option<String>,
    /// What was to be read.
    pub text: Option<String>,
    /// Its language.
    pub language: String,
    /// How often the line was taken before, plus 1.
    pub version: u32,
    /// How it ended.
    pub verdict: Verdict,
    /// `CHANNEL: word`, where something was found.
    pub reasons: Vec<String>,
    /// The file's first frame on the session's clock.
    pub start_frame: u64,
    /// Frames in the file.
    pub frames: u64,
    /// Frames before the start mark.
    pub lead_frames: u64,
    /// Frames after the end mark.
    pub tail_frames: u64,
    /// When the text was shown, on the session's clock.
    pub shown_frame: Option<u64>,
    /// The presses that began and ended it, on the session's clock.
    pub press_frames: Vec<u64>,
    /// Where the voice lies in the file; null without one, and where takes are not judged.
    pub voice: Option<Voice>,
    /// Frames per second.
    pub rate: u32,
    /// Channel count.
    pub channels: u16,
    /// As stored.
    pub format: Format,
    /// What was lost.
    pub gaps: Vec<Gap>,
    /// Peak of each channel, dBFS.
    pub peak_dbfs: Vec<f64>,
    /// Level of each channel, dBFS.
    pub rms_dbfs: Vec<f64>,
    /// Mean of each channel, of full scale.
    pub dc: Vec<f64>,
    /// Level of the voice over the noise floor of each channel, dB; empty without a voice.
    pub snr_db: Vec<f64>,
    /// Samples of each channel at full scale.
    pub clipped: Vec<u64>,
    /// Where the sphere stood.
    pub sphere: Option<SphereAt>,
    /// SHA-256 of the `data` chunk's bytes; null where nobody could read them yet: a take that is
    /// being recorded, or was cut while it was sealed. It has no levels then.
    pub samples_sha256: Option<String>,
    /// Length of its sealed file, once that is closed; null for a plain one.
    #[serde(default)]
    pub sealed_bytes: Option<u64>,
    /// RFC 3339, or null while the clock is not to be trusted.
    pub utc: Option<String>,
}

impl Row {
    /// Takes over the levels of each channel.
    pub fn measure(&mut self, levels: &[Level]) {
        self.peak_dbfs = levels.iter().map(|level| dbfs(level.peak)).collect();
        self.rms_dbfs = levels.iter().map(|level| dbfs(level.rms)).collect();
        self.dc = levels.iter().map(|level| level.dc).collect();
        self.clipped = levels.iter().map(|level| level.clipped).collect();
    }

    /// Adds what else was found in it.
    pub fn add_reasons(&mut self, reasons: &[String]) {
        for reason in reasons {
            if !self.reasons.contains(reason) {
                self.reasons.push(reason.clone());
            }
        }
    }

    /// The shape of its file.
    #[must_use]
    pub fn spec(&self) -> Spec {
        Spec {
            rate: self.rate,
            channels: self.channels,
            format: self.format,
        }
    }

    /// A row of a `kept` take, with nothing else known yet; `spec` as captured.
    #[must_use]
    pub fn of(take: u32, file: String, kind: Kind, spec: Spec) -> Row {
        Row {
            take,
            file,
            kind,
            step: String::new(),
            line: None,
            line_id: None,
            text: None,
            language: String::new(),
            version: 1,
            verdict: Verdict::Kept,
            reasons: Vec::new(),
            start_frame: 0,
            frames: 0,
            lead_frames: 0,
            tail_frames: 0,
            shown_frame: None,
            press_frames: Vec::new(),
            voice: None,
            rate: spec.rate,
            channels: spec.channels,
            format: spec.format.stored(),
            gaps: Vec::new(),
            peak_dbfs: Vec::new(),
            rms_dbfs: Vec::new(),
            dc: Vec::new(),
            snr_db: Vec::new(),
            clipped: Vec::new(),
            sphere: None,
            samples_sha256: None,
            sealed_bytes: None,
            utc: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_takes_name_gives_its_number_back() {
        for take in [1, 9999, 10_000, u32::MAX] {
            assert_eq!(take_number(&take_name(take)), Some(take));
        }
        for other in [
            "take-0001.rf64.age",
            "take-.rf64",
            "0001.rf64",
            "take-0001.wav",
        ] {
            assert_eq!(take_number(other), None, "{other}");
        }
    }
}
