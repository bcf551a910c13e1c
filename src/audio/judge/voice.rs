//! Voice activity: the slots of a channel that stand out from its floor, with what lies between and
//! around them.

use crate::audio::slots::Step;

/// A voice begins this far above the floor, and lasts while it is this far above, dB.
const ON_DB: f32 = 10.0;
const OFF_DB: f32 = 6.0;
/// Nothing below is a voice, dBFS.
const LEAST_DBFS: f32 = -70.0;
/// Of eight slots, so many that stand out begin a voice: less is a click.
const BEGINS: usize = 5;
const WITHIN: usize = 8;
/// The longest closure within a word, slots.
const CLOSURE: usize = 12;

/// Which slots are voice.
pub fn of(steps: impl Iterator<Item = Step>, floor_db: f32) -> Vec<bool> {
    let levels: Vec<f32> = steps.map(Step::db).collect();
    let on = (floor_db + ON_DB).max(LEAST_DBFS);
    let off = (floor_db + OFF_DB).max(LEAST_DBFS);
    let mut voiced = vec![false; levels.len()];
    for (first, window) in levels.windows(WITHIN).enumerate() {
        if window.iter().filter(|level| **level > on).count() >= BEGINS {
            for (slot, level) in (first..).zip(window) {
                voiced[slot] |= *level > off;
            }
        }
    }
    spread(&mut voiced, &levels, off);
    bridge(&mut voiced);
    voiced
}

/// What fades in and out belongs to the voice, as long as it is above the floor.
fn spread(voiced: &mut [bool], levels: &[f32], off: f32) {
    for slot in 1..voiced.len() {
        voiced[slot] |= voiced[slot - 1] && levels[slot] > off;
    }
    for slot in (1..voiced.len()).rev() {
        voiced[slot - 1] |= voiced[slot] && levels[slot - 1] > off;
    }
}

/// A closure between two parts of a voice belongs to it.
fn bridge(voiced: &mut [bool]) {
    let mut last = None;
    for slot in 0..voiced.len() {
        if !voiced[slot] {
            continue;
        }
        if let Some(last) = last
            && slot - last <= CLOSURE
        {
            voiced[last..slot].fill(true);
        }
        last = Some(slot);
    }
}
