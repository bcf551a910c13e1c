//! The level of each channel in slots of 10 ms, and what else a take is judged by, as its samples pass.
//!
//! A channel's level is that of its band: above 80 Hz, or its `band_hz`. Only whole slots count. Memory is
//! bounded: what of a take lies beyond its first hour has no slots.

mod band;

use super::meter;
use crate::words::{Format, Spec};
use band::Memory;

pub use band::Band;

/// Slots in a second.
pub const PER_S: u32 = 100;
/// An hour; a byte each and channel.
const MOST_SLOTS: usize = 3600 * PER_S as usize;
/// Of full scale: what the fewest bits of a converter can give. Three samples in a row do not reach it
/// unless they are clipped.
const FULL: f32 = 1.0 - 1.0 / 32_768.0;
/// Samples at full scale in a row that are clipped.
const CLIPPED: u8 = 3;

/// A level in steps of half a decibel, from -127.5 dBFS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step(pub u8);

impl Step {
    /// The step of a mean square.
    fn of(mean_square: f32) -> Step {
        let db = 10.0 * mean_square.max(1e-13).log10();
        Step((255.0 + 2.0 * db).round().clamp(0.0, 255.0) as u8)
    }

    /// In dBFS.
    #[must_use]
    pub fn db(self) -> f32 {
        (f32::from(self.0) - 255.0) / 2.0
    }
}

/// What is gathered of one channel.
#[derive(Clone, Copy, Debug)]
struct Channel {
    band: Band,
    memory: Memory,
    squares: f32,
    /// Of all its samples, FNV-1a over words.
    hash: u32,
    least: f32,
    most: f32,
    last: f32,
    /// Samples of one value up to now, and the most of them in a row.
    flat: (u32, u32),
    /// Samples at full scale up to now, and whether three were in a row.
    full: (u8, bool),
}

impl Channel {
    fn new(band: Band) -> Channel {
        Channel {
            band,
            memory: Memory::default(),
            squares: 0.0,
            hash: 0x811c_9dc5,
            least: f32::INFINITY,
            most: f32::NEG_INFINITY,
            last: f32::NAN,
            flat: (0, 0),
            full: (0, false),
        }
    }

    fn add(&mut self, sample: f32) {
        let in_band = self.memory.pass(&self.band, sample);
        self.squares += in_band * in_band;
        self.hash = (self.hash ^ sample.to_bits()).wrapping_mul(0x0100_0193);
        self.least = self.least.min(sample);
        self.most = self.most.max(sample);
        let run = if sample == self.last {
            self.flat.0 + 1
        } else {
            1
        };
        self.flat = (run, self.flat.1.max(run));
        self.last = sample;
        let full = if sample.abs() >= FULL {
            self.full.0.saturating_add(1)
        } else {
            0
        };
        self.full = (full, self.full.1 | (full >= CLIPPED));
    }
}

/// What is gathered of one take.
#[derive(Clone, Debug)]
pub struct Slots {
    spec: Spec,
    channels: Vec<Channel>,
    /// Slot by slot, a step of each channel.
    steps: Vec<Step>,
    /// Frames in the slot that is not whole.
    frames: u32,
    /// Pairs of channels that were the same in every sample of the whole slots.
    alike: Vec<(u16, u16)>,
}

impl Slots {
    /// For samples of `spec`, with the band of each channel.
    #[must_use]
    pub fn new(spec: Spec, bands: &[Band]) -> Slots {
        let all = 0..spec.channels;
        let pairs = all.clone().flat_map(|b| (0..b).map(move |a| (a, b)));
        let band = |channel: u16| bands.get(usize::from(channel)).copied();
        Slots {
            spec,
            channels: all
                .map(|channel| {
                    Channel::new(band(channel).unwrap_or_else(|| Band::of(None, spec.rate)))
                })
                .collect(),
            steps: Vec::new(),
            frames: 0,
            alike: pairs.collect(),
        }
    }

    /// Frames of a slot.
    #[must_use]
    pub fn slot_frames(&self) -> u32 {
        (self.spec.rate / PER_S).max(1)
    }

    /// Slots that are whole.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len() / self.channels.len().max(1)
    }

    /// Whether none is whole.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The level of a channel in each slot.
    pub fn of(&self, channel: usize) -> impl DoubleEndedIterator<Item = Step> + ExactSizeIterator {
        self.steps
            .iter()
            .skip(channel)
            .step_by(self.channels.len())
            .copied()
    }

    /// Half of the difference of a channel's greatest and least sample, of full scale.
    #[must_use]
    pub fn swing(&self, channel: usize) -> f32 {
        let Channel { least, most, .. } = self.channels[channel];
        ((most - least) / 2.0).max(0.0)
    }

    /// The greatest sample of a channel, of full scale.
    #[must_use]
    pub fn peak(&self, channel: usize) -> f32 {
        let Channel { least, most, .. } = self.channels[channel];
        most.max(-least).max(0.0)
    }

    /// The longest time in which a channel had one value, seconds.
    #[must_use]
    pub fn flat_s(&self, channel: usize) -> f32 {
        self.channels[channel].flat.1 as f32 / self.spec.rate as f32
    }

    /// Whether three samples in a row were at full scale.
    #[must_use]
    pub fn is_clipped(&self, channel: usize) -> bool {
        self.channels[channel].full.1
    }

    /// The channel before this one that has all of its samples, if there is one.
    #[must_use]
    pub fn copied(&self, channel: usize) -> Option<usize> {
        let mut alike = self.alike.iter();
        alike
            .find(|(_, b)| usize::from(*b) == channel)
            .map(|(a, _)| usize::from(*a))
    }

    /// Forgets the levels from slot `len` on; what is known of all samples stays.
    pub fn truncate(&mut self, len: u64) {
        let steps = usize::try_from(len).unwrap_or(usize::MAX);
        self.steps
            .truncate(steps.saturating_mul(self.channels.len()));
    }

    /// The shape of its samples.
    #[must_use]
    pub fn spec(&self) -> Spec {
        self.spec
    }

    /// Adds whole frames, as captured.
    pub fn add(&mut self, bytes: &[u8]) {
        match self.spec.format {
            Format::S16Le => self.add_as(bytes, |s: [u8; 2]| meter::upper([0, 0, s[0], s[1]])),
            Format::S24Packed => {
                self.add_as(bytes, |s: [u8; 3]| meter::upper([0, s[0], s[1], s[2]]))
            }
            // ALSA leaves the upper byte of S24_LE undefined: only three bytes count.
            Format::S24Le => self.add_as(bytes, |s: [u8; 4]| meter::upper([0, s[0], s[1], s[2]])),
            Format::S32Le => self.add_as(bytes, meter::upper),
            Format::FloatLe => self.add_as(bytes, |s| {
                let value = f32::from_le_bytes(s);
                if value.is_finite() { value } else { 1.0 }
            }),
        }
    }

    fn add_as<const N: usize>(&mut self, bytes: &[u8], value: impl Fn([u8; N]) -> f32) {
        let slot = self.slot_frames();
        for frame in bytes.as_chunks::<N>().0.chunks_exact(self.channels.len()) {
            for (channel, sample) in self.channels.iter_mut().zip(frame) {
                channel.add(value(*sample));
            }
            self.frames += 1;
            if self.frames == slot {
                self.end_slot();
            }
        }
    }

    /// Adds silence for frames that were lost.
    pub fn lose(&mut self, frames: u64) {
        let slot = self.slot_frames();
        let slots = (u64::from(self.frames) + frames) / u64::from(slot);
        for _ in 0..slots.min(MOST_SLOTS as u64) {
            self.end_slot();
        }
        self.frames = ((u64::from(self.frames) + frames) % u64::from(slot)) as u32;
    }

    fn end_slot(&mut self) {
        let frames = self.slot_frames() as f32;
        let has_room = self.len() < MOST_SLOTS;
        for channel in &mut self.channels {
            let step = Step::of(channel.squares / frames);
            channel.squares = 0.0;
            if has_room {
                self.steps.push(step);
            }
        }
        let hash = |channel: u16| self.channels[usize::from(channel)].hash;
        self.alike.retain(|(a, b)| hash(*a) == hash(*b));
        self.frames = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: Spec = Spec {
        rate: 48_000,
        channels: 2,
        format: Format::S32Le,
    };

    /// A second of two sines, of so many Hz and of full scale.
    fn sines(hz: [f64; 2], size: [f64; 2]) -> Vec<u8> {
        let sample = |n: u32, one: usize| {
            let turn = 2.0 * std::f64::consts::PI * hz[one] * f64::from(n) / 48_000.0;
            ((turn.sin() * size[one] * 2_147_483_647.0) as i32).to_le_bytes()
        };
        (0..48_000)
            .flat_map(|n| [sample(n, 0), sample(n, 1)].concat())
            .collect()
    }

    fn slots(bytes: &[u8], bands: &[Band]) -> Slots {
        let mut slots = Slots::new(SPEC, bands);
        // In blocks that no slot fits into.
        bytes.chunks(8 * 333).for_each(|block| slots.add(block));
        slots
    }

    #[test]
    fn a_slot_has_the_level_of_its_channel() {
        let slots = slots(&sines([1000.0, 3000.0], [0.1, 0.001]), &[]);
        assert_eq!(slots.len(), 100);
        let late = |channel| slots.of(channel).skip(10).map(Step::db);
        assert!(late(0).all(|db| (db + 23.0).abs() <= 0.5));
        assert!(late(1).all(|db| (db + 63.0).abs() <= 0.5));
    }

    #[test]
    fn what_lies_outside_of_a_band_is_3_db_down_at_its_end_and_12_an_octave_beyond() {
        let band = Band::of(Some([200.0, 1000.0]), 48_000);
        for (hz, db) in [
            (450.0, 0.0),
            (200.0, -3.0),
            (50.0, -24.0),
            (1000.0, -3.0),
            (4000.0, -24.5),
        ] {
            let slots = slots(&sines([hz, hz], [1.0, 1.0]), &[band, band]);
            let found = slots.of(0).skip(20).map(Step::db).sum::<f32>() / 80.0;
            assert!((found - (db - 3.0)).abs() < 0.8, "{hz} Hz: {found}");
        }
        // Without a band a constant offset is no level.
        let constant = (i32::MAX / 2).to_le_bytes().repeat(96_000);
        let slots = slots(&constant, &[]);
        assert!(slots.of(0).skip(50).all(|step| step.db() < -90.0));
    }

    #[test]
    fn three_samples_in_a_row_at_full_scale_are_clipped_and_two_are_not() {
        for (samples, is_clipped) in [
            (&[0, i32::MAX, i32::MAX, 0, i32::MAX][..], false),
            (&[0, i32::MAX, i32::MAX, i32::MAX], true),
            (&[0x7fff_0000, 0x7fff_0000, 0x7fff_0000], true),
            (&[i32::MIN, i32::MIN, i32::MIN, 0], true),
            (&[0x7ffe_0000, 0x7ffe_0000, 0x7ffe_0000], false),
        ] {
            let both: Vec<u8> = samples
                .iter()
                .flat_map(|sample| [sample.to_le_bytes(), [0; 4]].concat())
                .collect();
            let slots = slots(&both, &[]);
            assert_eq!([0, 1].map(|one| slots.is_clipped(one)), [is_clipped, false]);
        }
    }

    #[test]
    fn a_channel_that_is_another_one_and_one_that_stands_still_are_known() {
        let mut same = sines([300.0, 300.0], [0.5, 0.5]);
        assert_eq!(slots(&same, &[]).copied(1), Some(0));
        assert!(slots(&same, &[]).flat_s(0) < 0.001);
        // One sample makes it another.
        same[8 * 40_000] ^= 1;
        assert_eq!(slots(&same, &[]).copied(1), None);
        let still = slots(&sines([300.0, 300.0], [0.0, 0.5]), &[]);
        assert!((still.flat_s(0) - 1.0).abs() < 1e-3 && still.swing(0) == 0.0);
    }

    #[test]
    fn what_was_lost_is_silence_in_its_place() {
        let mut slots = Slots::new(SPEC, &[]);
        let second = sines([1000.0, 1000.0], [0.5, 0.5]);
        slots.add(&second[..8 * 24_000]);
        slots.lose(24_000);
        slots.add(&second[..8 * 24_000]);
        assert_eq!(slots.len(), 150);
        assert!(slots.of(0).skip(50).take(50).all(|step| step == Step(0)));
    }
}
