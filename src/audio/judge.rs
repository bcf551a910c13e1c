//! What is wrong with a take, from the levels of its slots: pure, and a session's memory of what was before.
//!
//! Guarantees: it names only what the numbers say; of a take in which the sphere plays it says no more
//! than that nothing was heard, or that a channel is dead or clipped.

mod floor;
mod measure;
mod voice;

use std::collections::BTreeMap;
use std::ops::Range;

use self::floor::Floor;
use self::measure::{correlation, extent, frames, letters, levels, median};
use super::slots::{Band, PER_S, Slots, Step};
use crate::words::{Format, Kind, Sound, Spec, VerdictRules, Voice};

/// Kept takes of a session before a level can drift, and whose pace is the speaker's own.
const SETTLED: usize = 3;
/// Voice below which an envelope is not compared, slots.
const LEAST_ENVELOPE: usize = PER_S as usize;
/// What a converter of 16 bits, and one of more, still gives of a channel that is not dead.
const DEAD_S: (f32, f32) = (3.0, 1.0);

/// A channel, as it is judged.
#[derive(Clone, Debug)]
pub struct Ear {
    /// Its name.
    pub name: String,
    /// The band in which it hears, Hz.
    pub band_hz: Option<[f64; 2]>,
}

/// A take that is over.
#[derive(Debug)]
pub struct Taken<'a> {
    /// All of its file.
    pub slots: &'a Slots,
    /// From start mark to end mark, frames of the file.
    pub marks: Range<u64>,
    /// What was recorded.
    pub kind: Kind,
    /// What was to be read.
    pub text: Option<&'a str>,
    /// The sphere's track, where one plays.
    pub track: Option<&'a str>,
    /// Frames of it were lost.
    pub has_gap: bool,
    /// Its reader, not a pause or a fault, ended it.
    pub is_whole: bool,
}

/// What was found in a take.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// `CHANNEL: word`, or a word for all channels.
    pub reasons: Vec<String>,
    /// From the first voice to the last.
    pub voice: Option<Voice>,
    /// Level of the voice over the floor, of each channel; empty without a voice.
    pub snr_db: Vec<f64>,
}

/// Judges the takes of one box.
#[derive(Debug)]
pub struct Judge {
    ears: Vec<Ear>,
    reference: usize,
    rules: VerdictRules,
    /// By what sounds: nothing, or a track.
    floors: BTreeMap<Option<String>, Floor>,
    /// Of this session's takes in which nothing was wrong.
    session: Before,
}

/// What was before in a session.
#[derive(Debug, Default)]
struct Before {
    /// Levels of the voice, of each channel, dBFS.
    levels: Vec<Vec<f32>>,
    /// Letters a second.
    paces: Vec<f32>,
}

impl Judge {
    /// Of a box with these channels.
    #[must_use]
    pub fn new(ears: Vec<Ear>, reference: usize, rules: VerdictRules) -> Judge {
        Judge {
            ears,
            reference,
            rules,
            floors: BTreeMap::new(),
            session: Before::default(),
        }
    }

    /// What a take is to be gathered in.
    #[must_use]
    pub fn slots(&self, spec: Spec) -> Slots {
        let bands = self.ears.iter().map(|ear| Band::of(ear.band_hz, spec.rate));
        Slots::new(spec, &bands.collect::<Vec<_>>())
    }

    /// Another speaker; the room stays.
    pub fn new_session(&mut self) {
        self.session = Before::default();
    }

    /// Judges a take, and remembers it.
    pub fn judge(&mut self, taken: &Taken) -> Found {
        let slots = taken.slots;
        let track = taken.track.map(str::to_owned);
        let channels = self.ears.len();
        let floor = self
            .floors
            .entry(track)
            .or_insert_with(|| Floor::new(channels));
        let floors = floor.under(slots);
        let ear = self.voice_ear(taken, &floors);
        let voiced = voice::of(slots.of(ear), floors[ear]);
        let levels = levels(slots, &voiced);
        let mut look = Look {
            judge: self,
            taken,
            floors: &floors,
            voiced: &voiced,
            levels: &levels,
            found: Vec::new(),
        };
        look.channels();
        if taken.kind != Kind::Quiet && taken.is_whole {
            look.speech(ear);
        }
        let found_so = look.found;
        let snr = |(level, floor): (&f32, &f32)| (f64::from(level - floor) * 10.0).round() / 10.0;
        let found = Found {
            reasons: found_so.iter().map(|it| self.reason(*it)).collect(),
            voice: frames(&voiced, slots.slot_frames()),
            snr_db: levels.iter().zip(&floors).map(snr).collect(),
        };
        // A slow reader's pace is their own all the same.
        let is_good = found_so
            .iter()
            .all(|(_, word)| matches!(word, Sound::Long | Sound::Loud));
        if is_good && taken.is_whole && taken.track.is_none() && !levels.is_empty() {
            self.session.levels.push(levels);
            self.session.paces.extend(pace(taken, &voiced));
        }
        found
    }

    /// As a row has it.
    fn reason(&self, (channel, word): (Option<usize>, Sound)) -> String {
        match channel {
            Some(channel) => format!("{}: {word}", self.ears[channel].name),
            None => word.to_string(),
        }
    }

    /// The channel on which voice is told.
    fn voice_ear(&self, taken: &Taken, floors: &[f32]) -> usize {
        if taken.track.is_none() {
            return self.reference;
        }
        let named = self.rules.voice.as_ref();
        let named = named.and_then(|name| self.ears.iter().position(|ear| ear.name == *name));
        named.unwrap_or_else(|| {
            // Where the loudest slots stand out most from the noise.
            let stands_out = |channel: &usize| {
                let loudest = taken.slots.of(*channel).max().unwrap_or(Step(0));
                ((loudest.db() - floors[*channel]) * 2.0) as i32
            };
            let own = stands_out(&self.reference);
            let best = (0..self.ears.len()).max_by_key(stands_out);
            best.filter(|best| stands_out(best) > own)
                .unwrap_or(self.reference)
        })
    }
}

/// One look at a take.
struct Look<'a> {
    judge: &'a Judge,
    taken: &'a Taken<'a>,
    floors: &'a [f32],
    voiced: &'a [bool],
    /// Of the voice, by channel; empty without one.
    levels: &'a [f32],
    /// Of a channel, or of all.
    found: Vec<(Option<usize>, Sound)>,
}

impl Look<'_> {
    fn say(&mut self, channel: Option<usize>, word: Sound) {
        if !self.judge.rules.off.contains(&word) {
            self.found.push((channel, word));
        }
    }

    /// What is wrong with a channel, whoever speaks.
    fn channels(&mut self) {
        let slots = self.taken.slots;
        if self.taken.has_gap {
            self.say(None, Sound::Gap);
        }
        for channel in 0..self.judge.ears.len() {
            let rules = self.judge.rules.of(&self.judge.ears[channel].name);
            let plays = self.taken.track.is_some();
            let word = if is_dead(slots, channel, rules.dead_dbfs) {
                Sound::Dead
            } else if slots.is_clipped(channel) {
                Sound::Clipped
            } else if plays {
                continue;
            } else if 20.0 * slots.peak(channel).log10() >= rules.loud_dbfs {
                Sound::Loud
            } else if slots.copied(channel).is_some() {
                Sound::Copy
            } else if self.is_deaf(channel, rules.deaf) {
                Sound::Deaf
            } else {
                continue;
            };
            self.say(Some(channel), word);
        }
    }

    /// Whether a channel does not follow the reference, over voice and pauses.
    fn is_deaf(&self, channel: usize, least: f32) -> bool {
        let reference = self.judge.reference;
        let speaks = self.voiced.iter().filter(|voiced| **voiced).count();
        if channel == reference || speaks <= LEAST_ENVELOPE {
            return false;
        }
        let [own, theirs] = [channel, reference].map(|it| self.taken.slots.of(it).map(Step::db));
        correlation(own, theirs) < least
    }

    /// What is wrong with what was said.
    fn speech(&mut self, ear: usize) {
        let Some(said) = extent(self.voiced) else {
            return self.say(None, Sound::Silent);
        };
        if self.taken.track.is_some() {
            return;
        }
        let rules = self.judge.rules.of(&self.judge.ears[ear].name);
        let level = self.levels[ear];
        if level - self.floors[ear] < rules.quiet_snr_db || level < rules.quiet_dbfs {
            self.say(Some(ear), Sound::Quiet);
        }
        self.drift();
        if self.taken.kind == Kind::Read {
            self.length(&said);
            self.ends();
        }
    }

    /// Whether a channel is not as loud as it was.
    fn drift(&mut self) {
        let before = &self.judge.session.levels;
        if before.len() < SETTLED {
            return;
        }
        for (channel, now) in self.levels.iter().enumerate() {
            let rules = self.judge.rules.of(&self.judge.ears[channel].name);
            let then = median(before.iter().map(|levels| levels[channel]).collect());
            let is_dead = is_dead(self.taken.slots, channel, rules.dead_dbfs);
            if (now - then).abs() > rules.drift_db && !is_dead {
                self.say(Some(channel), Sound::Drift);
            }
        }
    }

    /// Whether the voice lasted as long as the text predicts.
    fn length(&mut self, said: &Range<usize>) {
        let Some(letters) = self.taken.text.and_then(letters) else {
            return;
        };
        let rules = &self.judge.rules;
        let paces = &self.judge.session.paces;
        let pace = if paces.len() < SETTLED {
            rules.letters_per_s
        } else {
            median(paces.clone())
        };
        let predicted = letters / pace;
        let lasted = said.len() as f32 / PER_S as f32;
        if lasted < rules.short * predicted {
            self.say(None, Sound::Short);
        } else if lasted > rules.long * predicted {
            self.say(None, Sound::Long);
        }
    }

    /// Whether the voice goes on over a mark.
    fn ends(&mut self) {
        let slot = u64::from(self.taken.slots.slot_frames());
        let end = (self.taken.marks.end / slot) as usize;
        // What sounds in the first 15 ms is the button.
        let (before, after) = (end.saturating_sub(10)..end, end + 2..end + 8);
        let count = |slots: Range<usize>| {
            let voiced = self.voiced.get(slots).unwrap_or_default();
            voiced.iter().filter(|voiced| **voiced).count()
        };
        if count(before) >= 5 && count(after) >= 4 {
            self.say(None, Sound::CutEnd);
        }
    }
}

fn is_dead(slots: &Slots, channel: usize, dead_dbfs: f32) -> bool {
    let is_coarse = slots.spec().format == Format::S16Le;
    let most_s = if is_coarse { DEAD_S.0 } else { DEAD_S.1 };
    let swing = slots.swing(channel);
    let is_still = if is_coarse {
        swing == 0.0
    } else {
        20.0 * swing.log10() < dead_dbfs
    };
    is_still || slots.flat_s(channel) >= most_s
}

/// Letters a second of a reading.
fn pace(taken: &Taken, voiced: &[bool]) -> Option<f32> {
    let letters = taken.text.and_then(letters)?;
    Some(letters * PER_S as f32 / extent(voiced)?.len() as f32)
}

#[cfg(test)]
mod tests;
