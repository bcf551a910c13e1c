//! What is measured of a take whose voice is known, and of its text.

use std::ops::Range;

use crate::audio::slots::Slots;
use crate::words::Voice;

/// Letters below which a text predicts no time.
const LEAST_LETTERS: f32 = 8.0;

/// From the first voiced slot to behind the last.
pub(super) fn extent(voiced: &[bool]) -> Option<Range<usize>> {
    let first = voiced.iter().position(|voiced| *voiced)?;
    let last = voiced.iter().rposition(|voiced| *voiced)?;
    Some(first..last + 1)
}

pub(super) fn frames(voiced: &[bool], slot_frames: u32) -> Option<Voice> {
    let said = extent(voiced)?;
    let slot = u64::from(slot_frames);
    Some(Voice {
        frame: said.start as u64 * slot,
        frames: said.len() as u64 * slot,
    })
}

/// The level of each channel where there is voice, dBFS; empty without.
pub(super) fn levels(slots: &Slots, voiced: &[bool]) -> Vec<f32> {
    if !voiced.contains(&true) {
        return Vec::new();
    }
    let level = |channel| {
        let said = slots.of(channel).zip(voiced).filter(|(_, voiced)| **voiced);
        let powers = said.map(|(step, _)| 10f32.powf(step.db() / 10.0));
        let count = voiced.iter().filter(|voiced| **voiced).count().max(1);
        10.0 * (powers.sum::<f32>() / count as f32).max(1e-13).log10()
    };
    (0..usize::from(slots.spec().channels)).map(level).collect()
}

/// Letters of a text that predicts how long its reading takes.
pub(super) fn letters(text: &str) -> Option<f32> {
    let letters: f32 = text.chars().map(weight).sum();
    let predicts = letters >= LEAST_LETTERS && !text.chars().any(char::is_numeric);
    predicts.then_some(letters)
}

/// How many letters a sign is read like: a syllable of Chinese takes as long as some of an alphabet.
fn weight(sign: char) -> f32 {
    match sign {
        '\u{3040}'..='\u{30ff}' => 2.0,
        '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}' => 3.5,
        '\u{ac00}'..='\u{d7a3}' => 2.5,
        _ if sign.is_alphabetic() => 1.0,
        _ => 0.0,
    }
}

/// Pearson's correlation of two envelopes; 0 where one of them has no shape.
pub(super) fn correlation(a: impl Iterator<Item = f32>, b: impl Iterator<Item = f32>) -> f32 {
    let pairs: Vec<(f64, f64)> = a.zip(b).map(|(a, b)| (a.into(), b.into())).collect();
    let count = pairs.len().max(1) as f64;
    let (mean_a, mean_b) = (
        pairs.iter().map(|(a, _)| a).sum::<f64>() / count,
        pairs.iter().map(|(_, b)| b).sum::<f64>() / count,
    );
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        both += (a - mean_a) * (b - mean_b);
        of_a += (a - mean_a).powi(2);
        of_b += (b - mean_b).powi(2);
    }
    let size = (of_a * of_b).sqrt();
    if size > 0.0 {
        (both / size) as f32
    } else {
        0.0
    }
}

pub(super) fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
