//! Takes as the recorder leaves them at any moment of their life, and what can happen to a file.

use std::fs;
use std::path::Path;

use booth::audio::rf64::header::CHANGING_BYTES;
use booth::audio::rf64::{Meta, TakeFile};
use booth::words::{Cause, Format, Gap, Spec};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Where a take stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Killed after a checkpoint.
    Unfinished,
    /// Killed before the final header, the gap marks written.
    Marked,
    /// Whole.
    Finished,
}

/// A take to be written.
#[derive(Clone, Debug)]
pub struct Plan {
    pub format: Format,
    pub channels: u16,
    pub frames: u64,
    pub gaps: u64,
    pub stage: Stage,
    /// Frames up to the last checkpoint of an unfinished take.
    pub checkpoint: u64,
    /// Bytes of a last frame that did not reach the file whole.
    pub torn: usize,
}

/// A file that the recorder wrote.
#[derive(Clone, Debug)]
pub struct Take {
    pub bytes: Vec<u8>,
    pub frame: usize,
    pub frames: u64,
    pub data_start: usize,
}

impl Take {
    /// Bytes of whole frames.
    pub fn audio(&self) -> &[u8] {
        &self.bytes[self.data_start..][..self.frames as usize * self.frame]
    }
}

pub fn plan() -> impl Strategy<Value = Plan> {
    let formats = Format::ALL.map(Format::stored).to_vec();
    let stage = select(vec![Stage::Unfinished, Stage::Marked, Stage::Finished]);
    let shape = (select(formats), 1u16..7, 0u64..50);
    (shape, 0u64..4, stage, any::<Index>(), any::<Index>()).prop_map(
        |((format, channels, frames), gaps, stage, checkpoint, torn)| Plan {
            format,
            channels,
            frames,
            gaps,
            stage,
            checkpoint: checkpoint.index(frames as usize + 1) as u64,
            torn: torn.index(format.sample_bytes() * usize::from(channels)),
        },
    )
}

/// Samples of which no stretch looks like a chunk.
fn samples(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|n| (n * 31 % 251) as u8 | 0x80).collect()
}

fn meta(channels: u16) -> Meta {
    Meta {
        description: "take 1".into(),
        originator: "booth".into(),
        time_reference: 123_456_789_012,
        channel_names: (1..=channels).map(|n| format!("channel-{n}")).collect(),
        ..Meta::default()
    }
}

impl Plan {
    /// Writes the take through the recorder's own code into `folder`.
    pub fn write(&self, folder: &Path) -> Take {
        let spec = Spec {
            rate: 48_000,
            channels: self.channels,
            format: self.format,
        };
        let (path, frame) = (folder.join("take.rf64"), spec.frame_bytes());
        let _ = fs::remove_file(&path);
        let audio = samples(self.frames as usize * frame);
        let mut file = TakeFile::create(&path, spec, &meta(self.channels), 0).unwrap();
        let (checked, rest) = audio.split_at(self.checkpoint as usize * frame);
        file.append(checked).unwrap();
        file.checkpoint().unwrap();
        file.append(rest).unwrap();
        if self.stage == Stage::Unfinished {
            drop(file);
        } else {
            file.finalise(&self.marks()).unwrap();
        }
        let mut bytes = fs::read(&path).unwrap();
        let data_start = bytes.windows(4).position(|w| w == b"data").unwrap() + 8;
        match self.stage {
            Stage::Unfinished => bytes.extend(samples(self.torn)),
            Stage::Marked => {
                let claimed = (data_start + audio.len() - 8) as u64;
                bytes[20..28].copy_from_slice(&claimed.to_le_bytes());
            }
            Stage::Finished => {}
        }
        Take {
            bytes,
            frame,
            frames: self.frames,
            data_start,
        }
    }

    fn marks(&self) -> Vec<Gap> {
        let gap = |n| Gap {
            frame: n,
            frames: 1 + n,
            cause: Cause::Overrun,
        };
        (0..self.gaps.min(self.frames)).map(gap).collect()
    }
}

/// A place in a file.
#[derive(Clone, Debug)]
pub enum Place {
    /// In the bytes that change after creation.
    Sizes(Index),
    /// In the chunks before the data.
    Header(Index),
    /// Up to so many bytes before the end.
    End(Index),
    Anywhere(Index),
}

impl Place {
    fn at(&self, length: usize) -> usize {
        match self {
            Place::Sizes(n) => n.index(length.clamp(1, CHANGING_BYTES)),
            Place::Header(n) => n.index(length.clamp(1, 1200)),
            Place::End(n) => length - n.index(length.clamp(1, 200)),
            Place::Anywhere(n) => n.index(length + 1),
        }
    }
}

/// What happens to a file.
#[derive(Clone, Debug)]
pub enum Damage {
    Flip(Place, u8),
    /// These bytes over those that are there.
    Set(Place, Vec<u8>),
    Insert(Place, Vec<u8>),
    Remove(Place, usize),
    /// A stretch once more elsewhere.
    Copy(Place, usize, Place),
    Cut(Place),
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        any::<Index>().prop_map(Place::Sizes),
        any::<Index>().prop_map(Place::Header),
        any::<Index>().prop_map(Place::End),
        any::<Index>().prop_map(Place::Anywhere),
    ]
}

/// Bytes that a damaged file has in the place of others.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let huge = select(vec![
        0u64,
        1,
        27,
        u64::from(u32::MAX) - 7,
        u64::from(u32::MAX),
        1 << 40,
        i64::MAX as u64,
        i64::MAX as u64 + 1,
        u64::MAX - 8,
        u64::MAX,
    ]);
    prop_oneof![
        vec(any::<u8>(), 1..12),
        huge.clone().prop_map(|n| n.to_le_bytes().to_vec()),
        huge.prop_map(|n| (n as u32).to_le_bytes().to_vec()),
        (1usize..40).prop_map(|n| vec![0; n]),
    ]
}

/// Bytes that a hostile file has in the place of others.
pub fn filling() -> impl Strategy<Value = Vec<u8>> {
    let names = select(vec![
        b"data", b"fmt ", b"ds64", b"cue ", b"LIST", b"JUNK", b"RIFF", b"RF64", b"WAVE", b"bext",
    ]);
    prop_oneof![4 => noise(), 1 => names.prop_map(|name| name.to_vec())]
}

/// What other programs and copies put behind a finished file.
pub fn appended() -> impl Strategy<Value = Vec<u8>> {
    let names = select(vec![b"LIST", b"id3 ", b"cue ", b"iXML", b"abcd"]);
    let chunk = (names, vec(any::<u8>(), 0..64)).prop_map(|(name, body)| {
        let size = (body.len() as u32).to_le_bytes();
        let pad = vec![0; body.len() % 2];
        [&name[..], &size, &body, &pad].concat()
    });
    let tag = Just([&b"TAG"[..], &[b'x'; 125]].concat());
    let zeros = (0usize..20_000).prop_map(|n| vec![0; n]);
    let end = prop_oneof![Just(Vec::new()), zeros, tag];
    (vec(chunk, 0..3), end).prop_map(|(chunks, end)| [chunks.concat(), end].concat())
}

pub fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let one = prop_oneof![
        3 => (place(), 0u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        3 => (place(), filling()).prop_map(|(at, bytes)| Damage::Set(at, bytes)),
        1 => (place(), filling()).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        1 => (place(), 1usize..99).prop_map(|(at, bytes)| Damage::Remove(at, bytes)),
        1 => (place(), 1usize..5000, place()).prop_map(|(at, n, to)| Damage::Copy(at, n, to)),
        2 => place().prop_map(Damage::Cut),
    ];
    vec(one, 1..4)
}

/// Damage to the bytes that change after creation, and to no other.
pub fn damaged_sizes() -> impl Strategy<Value = Vec<Damage>> {
    let sizes = || any::<Index>().prop_map(Place::Sizes);
    let one = prop_oneof![
        (sizes(), 0u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (sizes(), filling()).prop_map(|(at, bytes)| Damage::Set(at, bytes)),
    ];
    vec(one, 1..4)
}

impl Damage {
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        match self {
            Damage::Flip(at, bit) => {
                if let Some(byte) = bytes.get_mut(at.at(length)) {
                    *byte ^= 1 << bit;
                }
            }
            Damage::Set(at, new) => {
                let at = at.at(length);
                bytes
                    .iter_mut()
                    .skip(at)
                    .zip(new)
                    .for_each(|(b, n)| *b = *n);
            }
            Damage::Insert(at, new) => {
                let at = at.at(length);
                bytes.splice(at..at, new.iter().copied());
            }
            Damage::Remove(at, count) => {
                let at = at.at(length);
                bytes.drain(at..length.min(at + count));
            }
            Damage::Copy(at, count, to) => {
                let at = at.at(length);
                let copy = bytes[at..length.min(at + count)].to_vec();
                let to = to.at(length);
                bytes.splice(to..to, copy);
            }
            Damage::Cut(at) => bytes.truncate(at.at(length)),
        }
    }
}
