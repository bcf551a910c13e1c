//! Turns takes into files: one file per channel, or one per take.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::super::table::Cells;
use super::super::wav::{Wav, WavError};
use super::super::{table, wav};
use super::person::Person;
use super::take::{Take, TakeError};
use super::{ExportError, Layout, Options, lists};
use crate::audio::rf64::Meta;
use crate::dataset::list;
use crate::dataset::list::Export;
use crate::files::data::Data;
use crate::files::small;
use crate::identity::tombstone;
use crate::rt;
use crate::store::draft;
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

/// A take in the export.
pub struct Taken {
    /// Its files' names, and their cells in the table.
    pub files: Vec<(String, Cells)>,
    /// Written by this call.
    pub is_new: bool,
}

/// Why a take is not in the export.
pub enum PartError {
    /// Only this take is damaged.
    Take(TakeError),
    /// No further take can be written.
    Export(ExportError),
}

impl From<TakeError> for PartError {
    fn from(error: TakeError) -> PartError {
        PartError::Take(error)
    }
}

impl From<WavError> for PartError {
    fn from(error: WavError) -> PartError {
        PartError::Export(error.into())
    }
}

/// A file of a take: a channel, or all of them.
struct Part {
    name: String,
    channel: Option<usize>,
    spec: Spec,
}

impl Job<'_> {
    /// Removes sessions from the export.
    pub fn leave_out(&self, sessions: &BTreeSet<String>) {
        if !sessions.is_empty() {
            let sessions = sessions.iter().map(String::as_str).collect();
            let cleaned = (self.options.leave_out)(self.out, &sessions);
            log::info!("{cleaned} people who are forgotten left the export");
        }
    }

    /// Writes the lists of `rows`, whose takes are there, without the rows of people who are
    /// forgotten while the export runs. `forgotten` were forgotten before it began.
    ///
    /// # Errors
    /// The file system's.
    pub fn list(
        &self,
        persons: &[Person],
        mut rows: Vec<(String, Cells)>,
        forgotten: &BTreeSet<String>,
    ) -> Result<(), ExportError> {
        let gone = self.forgotten_since(forgotten)?;
        self.leave_out(&gone);
        let is_kept = |cells: &Cells| cells.get("session").is_none_or(|it| !gone.contains(it));
        rows.retain(|(_, cells)| is_kept(cells));
        lists::write(self.out, persons, &rows)?;
        // Anyone who was forgotten while their rows were written. Those forgotten before have no
        // rows.
        let mut late = self.forgotten_since(forgotten)?;
        late.retain(|session| !gone.contains(session));
        self.leave_out(&late);
        Ok(())
    }

    fn forgotten_since(&self, before: &BTreeSet<String>) -> Result<BTreeSet<String>, ExportError> {
        let data = self.options.data;
        let mut now = tombstone::sessions(data)
            .map_err(ExportError::file("list", &Data(data).forgotten()))?;
        now.retain(|session| !before.contains(session));
        Ok(now)
    }

    /// Refuses an export that would not fit.
    ///
    /// # Errors
    /// [`ExportError::Room`].
    pub fn check_room(&self, persons: &[Person]) -> Result<(), ExportError> {
        let missing = persons.iter().flat_map(|person| {
            let rows = person.rows.iter();
            let rows = rows.filter(|row| !self.is_done(&self.parts(person, row)));
            rows.map(|row| row.frames.saturating_mul(spec(row).frame_bytes() as u64))
        });
        let wanted: u64 = missing.sum();
        let disk = rt::disk(self.out).map_err(ExportError::file("look at", self.out))?;
        if wanted <= disk.free_bytes {
            return Ok(());
        }
        Err(ExportError::Room {
            path: self.out.to_owned(),
            wanted_mb: wanted.div_ceil(1_000_000),
            free_mb: disk.free_bytes / 1_000_000,
        })
    }

    /// Lists in DATA what the export will hold, before it holds it.
    ///
    /// # Errors
    /// DATA cannot be written. Without the entry, forgetting would not find the export.
    pub fn remember(&self, persons: &[Person]) -> Result<(), ExportError> {
        let data = self.options.data;
        let list = Data(data).exports();
        let known = list::at(data, self.out).map_err(ExportError::file("read", &list))?;
        let sessions = persons.iter().filter(|person| !person.rows.is_empty());
        let mut sessions: Vec<String> = sessions.map(|person| person.session.clone()).collect();
        sessions.retain(|session| !known.contains(session));
        if sessions.is_empty() {
            return Ok(());
        }
        let export = Export {
            path: self.out.to_owned(),
            sessions,
        };
        list::remember(data, &export).map_err(ExportError::file("write", &list))
    }

    /// Puts a take into the export if it is not there; `None` if its session is forgotten.
    ///
    /// # Errors
    /// See [`PartError`]; then nothing of the take has its final name.
    pub fn take(&self, person: &Person, row: &Row) -> Result<Option<Taken>, PartError> {
        let parts = self.parts(person, row);
        let is_new = !self.is_done(&parts);
        if self.is_forgotten(person)? {
            return Ok(None);
        }
        if is_new {
            let written = self.write(person, row, &parts);
            if written.is_err() {
                for part in &parts {
                    let _ = small::remove(&small::temporary(&self.out.join(&part.name)));
                }
            }
            written?;
            // Forgotten in the meantime: the tombstone was there before the export was searched.
            if self.is_forgotten(person)? {
                return Ok(None);
            }
        }
        let value = serde_json::to_value(row).unwrap_or(Value::Null);
        let cells = |part: &Part| {
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
            cells
        };
        let files = parts.iter().map(|part| (part.name.clone(), cells(part)));
        Ok(Some(Taken {
            files: files.collect(),
            is_new,
        }))
    }

    fn is_forgotten(&self, person: &Person) -> Result<bool, PartError> {
        let data = self.options.data;
        let found = tombstone::read(data, &person.session)
            .map_err(ExportError::file("read", &Data(data).forgotten()))
            .map_err(PartError::Export)?;
        if found.is_some() {
            self.leave_out(&[person.session.clone()].into());
        }
        Ok(found.is_some())
    }

    fn is_done(&self, parts: &[Part]) -> bool {
        parts.iter().all(|part| self.out.join(&part.name).exists())
    }

    fn parts(&self, person: &Person, row: &Row) -> Vec<Part> {
        let session = &person.session;
        let part = |channel: Option<usize>, stem: String| {
            let spec = Spec {
                channels: if channel.is_some() { 1 } else { row.channels },
                ..spec(row)
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

    fn write(&self, person: &Person, row: &Row, parts: &[Part]) -> Result<(), PartError> {
        let take = Take::open(&person.folder, row, person.key())?;
        let folder = self.out.join(&person.session);
        small::folder(&folder, 0o755)
            .map_err(ExportError::file("make", &folder))
            .map_err(PartError::Export)?;
        let (whole, sample) = (take.spec(), take.spec().format.sample_bytes());
        let meta = |channel: Option<usize>| Meta {
            description: format!("take {} of session {}", row.take, person.session),
            originator: "booth".into(),
            time_reference: row.start_frame,
            utc: None,
            channel_names: (0..whole.channels.into())
                .filter(|one| channel.is_none_or(|channel| *one == channel))
                .map(|one| person.channel(one))
                .collect(),
            booth: draft::name(&person.session, row.take),
            ixml: Vec::new(),
        };
        let paths = parts.iter().map(|part| self.out.join(&part.name));
        let mut files = Vec::new();
        for (path, part) in paths.zip(parts) {
            files.push(Wav::create(path, part.spec, &meta(part.channel))?);
        }
        let mut own = Vec::new();
        take.read::<PartError>(|bytes| {
            for (file, part) in files.iter_mut().zip(parts) {
                let Some(channel) = part.channel else {
                    file.write(bytes)?;
                    continue;
                };
                own.clear();
                for frame in bytes.chunks_exact(whole.frame_bytes()) {
                    own.extend_from_slice(&frame[channel * sample..(channel + 1) * sample]);
                }
                file.write(&own)?;
            }
            Ok(())
        })?;
        // All files are whole before the first gets its name.
        let finished: Result<Vec<_>, WavError> = files.into_iter().map(Wav::finish).collect();
        for file in finished? {
            file.place()?;
        }
        small::sync_folder(&folder.join("."))
            .map_err(ExportError::file("sync", &folder))
            .map_err(PartError::Export)
    }
}

fn spec(row: &Row) -> Spec {
    Spec {
        rate: row.rate,
        channels: row.channels,
        format: row.format,
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::dataset::{README, clean};
    use crate::identity::code::Code;
    use crate::identity::tombstone::Tombstone;
    use crate::words::By;

    #[test]
    fn a_person_forgotten_during_an_export_has_no_row_in_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let (data, out) = (dir.path().join("data"), dir.path().join("out"));
        let tombstone = Tombstone::of(&Code::draw().expect("random").proof(), By::Code);
        let (gone, kept) = (tombstone.session.as_str(), "0123456789ABCDEFGHJK");
        let mut rows = Vec::new();
        for session in [gone, kept] {
            fs::create_dir_all(out.join(session)).expect("made");
            let name = format!("{session}/a.wav");
            fs::write(out.join(&name), "voice").expect("written");
            let cells = [("session", session), ("file_name", &name)];
            let cells = cells.map(|(column, cell)| (column.to_owned(), cell.to_owned()));
            rows.push((name, Cells::from(cells)));
        }
        fs::write(out.join(README), "").expect("written");
        let options = Options {
            data: &data,
            out: &out,
            layout: Layout::Channels,
            keys: &data,
            with: &[],
            leave_out: |folder, sessions| {
                for session in sessions {
                    let _ = fs::remove_dir_all(folder.join(session));
                }
                clean::clean(folder, sessions, false)
                    .expect("cleaned")
                    .len()
            },
        };
        let job = Job {
            options: &options,
            out: &out,
            most_riff_bytes: 0,
        };
        // Forgetting has already cleaned the export, or has not yet.
        for is_clean in [false, true] {
            tombstone.write(&data).expect("written");
            if is_clean {
                job.leave_out(&[gone.to_owned()].into());
            }
            job.list(&[], rows.clone(), &BTreeSet::new())
                .expect("listed");
            for name in ["metadata.csv", "SHA256SUMS"] {
                let text = fs::read_to_string(out.join(name)).expect("read");
                assert!(!text.contains(gone) && text.contains(kept), "{text}");
            }
            assert!(!out.join(gone).exists());
        }
    }
}
