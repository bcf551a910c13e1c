//! A line as it is read in a room: what three sensors give of it, and what may be wrong with that.

use std::ops::Range;

use booth::words::Voice;

use super::SPEC;
use super::speech::{Line, RATE};

/// The noise of a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Of white noise, of full scale.
    noise: f32,
    /// Of 50 Hz.
    hum: f32,
}

impl Room {
    pub const STUDIO: Room = Room {
        noise: 0.0002,
        hum: 0.0,
    };
    /// It, an office, a hall with a hum.
    pub const ALL: [Room; 3] = [
        Room::STUDIO,
        Room {
            noise: 0.0015,
            hum: 0.0002,
        },
        Room {
            noise: 0.003,
            hum: 0.004,
        },
    ];
}

/// Before the start mark and behind the end mark.
const ROLL_S: f32 = 0.25;
/// The voice, of full scale.
const VOICE: f32 = 0.25;

pub struct Reading {
    /// By channel, of full scale.
    channels: [Vec<f32>; 3],
    pub marks: Range<u64>,
    said: Range<usize>,
    room: Room,
    coarse: bool,
}

fn frames(seconds: f32) -> usize {
    (seconds * RATE as f32) as usize
}

/// White noise from -1 to 1.
fn noise(seed: u32) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 * 2.0 - 1.0
    }
}

impl Reading {
    /// A line that is begun up to 0.9 s after the start mark, and whose reader presses up to 0.8 s after
    /// its end.
    pub fn of(line: &Line, room: Room, seed: u32) -> Reading {
        let before = frames(ROLL_S + 0.4 + (seed % 6) as f32 * 0.1);
        let after = frames(ROLL_S + 0.3 + (seed % 5) as f32 * 0.1);
        let loudest = line
            .samples
            .iter()
            .fold(0.0, |most: f32, it| most.max(it.abs()));
        let mut voice = vec![0.0; before];
        voice.extend(line.samples.iter().map(|it| it / loudest * VOICE));
        voice.resize(voice.len() + after, 0.0);
        let mut it = Reading {
            marks: frames(ROLL_S) as u64..(voice.len() - frames(ROLL_S)) as u64,
            said: before..before + line.samples.len(),
            channels: [voice.clone(), low_passed(&voice), voice],
            room,
            coarse: false,
        };
        it.channels[2].iter_mut().for_each(|sample| *sample *= 0.3);
        it.furnish(seed);
        it
    }

    /// The noise of the room, in each channel its own.
    fn furnish(&mut self, seed: u32) {
        for (number, channel) in self.channels.iter_mut().enumerate() {
            let mut hiss = noise(seed * 3 + number as u32 + 1);
            for (frame, sample) in channel.iter_mut().enumerate() {
                *sample += hiss() * self.room.noise + hum(frame) * self.room.hum;
            }
        }
    }

    /// The larger difference of the voice's begin and end to what is so, ms.
    pub fn off_ms(&self, voice: Voice) -> u64 {
        let begin = voice.frame.abs_diff(self.said.start as u64);
        let end = (voice.frame + voice.frames).abs_diff(self.said.end as u64);
        begin.max(end) * 1000 / u64::from(RATE)
    }

    /// As the device gives it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.channels[0].len() * SPEC.frame_bytes());
        for frame in 0..self.channels[0].len() {
            for channel in &self.channels {
                let sample = (f64::from(channel[frame]) * 2_147_483_648.0) as i32;
                let sample = if self.coarse {
                    sample & !0xffff
                } else {
                    sample
                };
                bytes.extend(sample.to_le_bytes());
            }
        }
        bytes
    }

    pub fn amplify(&mut self, channel: usize, by: f32) {
        self.channels[channel].iter_mut().for_each(|it| *it *= by);
    }

    /// The same from a converter of 16 bits.
    pub fn coarse(&mut self, channel: usize, by: f32) {
        self.amplify(channel, by);
        self.coarse = true;
    }

    /// Its greatest sample is this.
    pub fn level(&mut self, channel: usize, most: f32) {
        let now = self.channels[channel]
            .iter()
            .fold(0.0, |most: f32, it| most.max(it.abs()));
        self.amplify(channel, most / now);
    }

    /// From a third of it on.
    pub fn flat(&mut self, channel: usize) {
        let samples = &mut self.channels[channel];
        let from = samples.len() / 3;
        let (value, until) = (samples[from], from + frames(1.1));
        samples.resize(samples.len().max(until + 1), 0.0);
        samples[from..until].fill(value);
        let longest = samples.len();
        self.channels
            .iter_mut()
            .for_each(|it| it.resize(longest, 0.0));
    }

    pub fn noise(&mut self, channel: usize, size: f32) {
        let mut hiss = noise(77);
        self.channels[channel].fill_with(|| hiss() * size);
    }

    pub fn hum(&mut self, channel: usize) {
        let samples = self.channels[channel].iter_mut().enumerate();
        samples.for_each(|(frame, it)| *it = hum(frame) * 0.1 + *it * 1e-6);
    }

    pub fn copy(&mut self, from: usize, to: usize) {
        self.channels[to] = self.channels[from].clone();
    }

    /// Nobody reads.
    pub fn silent(&mut self) {
        self.channels.iter_mut().for_each(|it| it.fill(0.0));
        self.furnish(5);
    }

    /// A cough of 0.3 s is all.
    pub fn cough(&mut self) {
        self.silent();
        let mut burst = noise(9);
        for frame in self.said.start..self.said.start + frames(0.3) {
            let sample = burst() * VOICE;
            self.channels
                .iter_mut()
                .for_each(|it| it[frame] += sample * 0.5);
        }
    }

    /// The reader presses in the middle of the loudest syllable of the second half.
    pub fn cut_end(&mut self) {
        let half = frames(0.09);
        let power = |at: usize| {
            let around = &self.channels[0][at - half..at + half];
            around.iter().map(|it| it * it).sum::<f32>()
        };
        // What is said behind it is heard in each room.
        let places = self.said.start + self.said.len() / 2..self.said.end - 2 * half;
        let loudest = places
            .step_by(frames(0.01))
            .max_by(|a, b| power(*a).total_cmp(&power(*b)));
        self.marks.end = loudest.unwrap() as u64;
    }

    /// Two fifths of the line, then nothing.
    pub fn half(&mut self) {
        let end = self.said.start + self.said.len() * 2 / 5;
        for channel in 0..3 {
            self.channels[channel][end..].fill(0.0);
        }
        let all = self.channels.clone();
        self.channels.iter_mut().for_each(|it| it.fill(0.0));
        self.furnish(6);
        for (channel, said) in self.channels.iter_mut().zip(all) {
            channel[..end].copy_from_slice(&said[..end]);
        }
    }
}

fn hum(frame: usize) -> f32 {
    (frame as f32 * 50.0 / RATE as f32 * std::f32::consts::TAU).sin()
}

/// What bones conduct: 12 dB an octave down from 1 kHz.
fn low_passed(samples: &[f32]) -> Vec<f32> {
    let by = 1.0 - (-std::f32::consts::TAU * 1000.0 / RATE as f32).exp();
    let (mut first, mut second) = (0.0, 0.0);
    let pass = |sample: &f32| {
        first += by * (sample - first);
        second += by * (first - second);
        second * 1.5
    };
    samples.iter().map(pass).collect()
}
