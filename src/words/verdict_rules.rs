//! What is wrong with the sound of a take, by its words, and the numbers by which that is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

/// What is wrong with the sound of a take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sound {
    /// No voice was heard.
    Silent,
    /// A channel gives nothing, or stood still for a while.
    Dead,
    /// A channel does not follow the reference.
    Deaf,
    /// A channel has all samples of another.
    Copy,
    /// Samples at full scale.
    Clipped,
    /// Nearly at full scale.
    Loud,
    /// The voice stands out too little.
    Quiet,
    /// Another level than before in this session.
    Drift,
    /// Less than the text.
    Short,
    /// Much longer than the text.
    Long,
    /// The voice goes on over the end mark.
    CutEnd,
    /// Frames were lost.
    Gap,
}

impl fmt::Display for Sound {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Sound::Silent => "silent",
            Sound::Dead => "dead",
            Sound::Deaf => "deaf",
            Sound::Copy => "copy",
            Sound::Clipped => "clipped",
            Sound::Loud => "loud",
            Sound::Quiet => "quiet",
            Sound::Drift => "drift",
            Sound::Short => "short",
            Sound::Long => "long",
            Sound::CutEnd => "cut-end",
            Sound::Gap => "gap",
        })
    }
}

/// The numbers of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChannelRules {
    /// Half of what its samples swing: below, it is dead.
    pub dead_dbfs: f32,
    /// Correlation of its envelope with the reference's: below, it is deaf.
    pub deaf: f32,
    /// Its peak: from there on it is loud.
    pub loud_dbfs: f32,
    /// Voice over the floor: below, it is quiet.
    pub quiet_snr_db: f32,
    /// Voice: below, it is quiet.
    pub quiet_dbfs: f32,
    /// Voice against the median of the session: further away, it drifts.
    pub drift_db: f32,
}

impl Default for ChannelRules {
    fn default() -> ChannelRules {
        ChannelRules {
            dead_dbfs: -100.0,
            deaf: 0.3,
            loud_dbfs: -2.0,
            quiet_snr_db: 12.0,
            quiet_dbfs: -45.0,
            drift_db: 10.0,
        }
    }
}

/// `[verdict]` of a protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictRules {
    /// The channel that tells voice while the sphere plays.
    pub voice: Option<String>,
    /// Words that are not judged.
    pub off: BTreeSet<Sound>,
    /// Voice shorter than so much of what the text predicts is short.
    pub short: f32,
    /// Voice longer than so much of it is long.
    pub long: f32,
    /// What a text predicts, until the speaker's own pace is known.
    pub letters_per_s: f32,
    /// Of every channel that has none of its own.
    pub channels: ChannelRules,
    /// By name.
    pub channel: BTreeMap<String, ChannelRules>,
}

impl Default for VerdictRules {
    fn default() -> VerdictRules {
        VerdictRules {
            voice: None,
            off: BTreeSet::new(),
            short: 0.6,
            long: 2.5,
            letters_per_s: 15.0,
            channels: ChannelRules::default(),
            channel: BTreeMap::new(),
        }
    }
}

impl VerdictRules {
    /// Those of a channel.
    #[must_use]
    pub fn of(&self, channel: &str) -> &ChannelRules {
        self.channel.get(channel).unwrap_or(&self.channels)
    }
}
