//! The noise floor of each channel under one acoustic condition, from all slots that were heard in it.

use crate::audio::slots::{Slots, Step};

/// A part of the slots is quieter than a voice's pauses are loud: the floor is what a tenth of them stay below.
const QUIETEST: f32 = 0.1;
/// What a twentieth of one take's slots stay below, it holds no voice: the rolls before and behind its marks.
const OWN_QUIETEST: f32 = 0.05;
/// Slots after which what was heard counts half: a minute.
const HALVED: u32 = 6000;

/// How many slots had a level.
type Counts = [f32; 256];

/// Of one condition.
#[derive(Debug)]
pub struct Floor {
    /// By channel.
    counts: Vec<Counts>,
    slots: u32,
}

impl Floor {
    /// Of which nothing is known.
    pub fn new(channels: usize) -> Floor {
        Floor {
            counts: vec![[0.0; 256]; channels],
            slots: 0,
        }
    }

    /// Takes in a take; the floor of each channel under it, dBFS: what it was before, or louder where the room
    /// is louder now.
    pub fn under(&mut self, slots: &Slots) -> Vec<f32> {
        let own: Vec<_> = (0..self.counts.len())
            .map(|channel| counted(slots.of(channel)))
            .collect();
        self.add(&own, slots.len() as u32);
        let both = self.counts.iter().zip(&own);
        both.map(|(all, own)| below(all, QUIETEST).max(below(own, OWN_QUIETEST)).db())
            .collect()
    }

    fn add(&mut self, counts: &[Counts], slots: u32) {
        for (sum, count) in self
            .counts
            .iter_mut()
            .flatten()
            .zip(counts.iter().flatten())
        {
            *sum += count;
        }
        self.slots += slots;
        while self.slots > HALVED {
            self.slots /= 2;
            self.counts
                .iter_mut()
                .flatten()
                .for_each(|count| *count /= 2.0);
        }
    }
}

fn counted(steps: impl Iterator<Item = Step>) -> Counts {
    let mut counts = [0.0; 256];
    steps.for_each(|Step(step)| counts[usize::from(step)] += 1.0);
    counts
}

/// The level below which a part of the slots is.
fn below(counts: &Counts, part: f32) -> Step {
    let wanted = counts.iter().sum::<f32>() * part;
    let mut sum = 0.0;
    let step = counts.iter().position(|count| {
        sum += count;
        sum > wanted
    });
    Step(step.unwrap_or(0) as u8)
}
