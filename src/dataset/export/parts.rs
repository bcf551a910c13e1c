//! The files of an export: which a take has, what they are called, whether they are there.

use std::path::Path;

use serde_json::Value;

use super::super::table::Cells;
use super::super::wav::MOST_RIFF_BYTES;
use super::super::{table, wav};
use super::person::Person;
use super::{Layout, Options};
use crate::store::row::Row;
use crate::words::Spec;

/// An export under way.
pub struct Job<'a> {
    /// What to export.
    pub options: &'a Options<'a>,
    /// The folder.
    pub out: &'a Path,
    /// A file with more bytes of samples than this is RF64.
    pub most_riff_bytes: u64,
}

/// A file of a take: a channel, or all of them.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) channel: Option<usize>,
    pub(super) spec: Spec,
}

impl<'a> Job<'a> {
    /// Into the folder `out`.
    #[must_use]
    pub fn of(options: &'a Options<'a>, out: &'a Path) -> Job<'a> {
        Job {
            options,
            out,
            most_riff_bytes: MOST_RIFF_BYTES,
        }
    }

    /// The files of a take, each with its cells in the table.
    pub fn files<'b>(
        &'b self,
        person: &'b Person,
        row: &'b Row,
    ) -> impl Iterator<Item = (String, Cells)> + use<'b> {
        let value = serde_json::to_value(row).unwrap_or(Value::Null);
        self.parts(person, row).into_iter().map(move |part| {
            let mut cells = table::of_session(&person.record, part.channel);
            cells.extend(table::of_take(&value, part.channel));
            cells.extend(table::of_answers(&person.answers));
            let names: Vec<String> = match part.channel {
                Some(channel) => vec![person.channel(channel)],
                None => (0..row.channels.into())
                    .map(|channel| person.channel(channel))
                    .collect(),
            };
            cells.insert("channel".into(), names.join(" "));
            cells.insert("file_name".into(), part.name.clone());
            cells.insert("session".into(), person.session.clone());
            (part.name, cells)
        })
    }

    /// Whether all files of a take are in the export.
    #[must_use]
    pub fn is_done(&self, person: &Person, row: &Row) -> bool {
        self.are_there(&self.parts(person, row))
    }

    pub(super) fn are_there(&self, parts: &[Part]) -> bool {
        parts.iter().all(|part| self.out.join(&part.name).exists())
    }

    /// The take whose file an export names so; `None` for a file that others put there.
    #[must_use]
    pub fn take_in(session: &str, file_name: &str) -> Option<u32> {
        let name = file_name.strip_prefix(session)?.strip_prefix('/')?;
        let rest = name.strip_prefix(session)?.strip_prefix('-')?;
        let stem = rest
            .strip_suffix(".wav")
            .or_else(|| rest.strip_suffix(".rf64"))?;
        let (take, channel) = stem
            .split_once('-')
            .map_or((stem, None), |(take, channel)| {
                (take, Some(channel.split('-').next().unwrap_or(channel)))
            });
        let is_number = |digits: &str, least: usize| {
            digits.len() >= least && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        let is_ours = is_number(take, 4) && channel.is_none_or(|number| is_number(number, 2));
        is_ours.then(|| take.parse().ok())?
    }

    pub(super) fn parts(&self, person: &Person, row: &Row) -> Vec<Part> {
        let session = &person.session;
        let part = |channel: Option<usize>, stem: String| {
            let spec = Spec {
                channels: if channel.is_some() { 1 } else { row.channels },
                ..row.spec()
            };
            let bytes = row.frames.saturating_mul(spec.frame_bytes() as u64);
            let name = wav::name(&stem, bytes, self.most_riff_bytes);
            Part {
                name: format!("{session}/{name}"),
                channel,
                spec,
            }
        };
        let stem = format!("{session}-{:04}", row.take);
        match self.options.layout {
            Layout::Multichannel => vec![part(None, stem)],
            Layout::Channels => (0..row.channels.into())
                .map(|channel| {
                    let name = in_file_name(&person.channel(channel));
                    part(Some(channel), format!("{stem}-{:02}-{name}", channel + 1))
                })
                .collect(),
        }
    }
}

/// A channel's name as part of a file name that every file system accepts.
fn in_file_name(channel: &str) -> String {
    let letters = channel.chars().take(40).map(|letter| {
        let is_plain = letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if is_plain { letter } else { '_' }
    });
    letters.collect()
}
