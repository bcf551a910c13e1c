//! Turns takes into files: one file per channel, or one per take.

use std::collections::BTreeSet;

use super::super::wav::{Wav, WavError};
use super::lists::Written;
use super::parts::{Job, Part};
use super::person::Person;
use super::plan::Plan;
use super::take::{Take, TakeError};
use super::{ExportError, Source, lists};
use crate::audio::rf64::Meta;
use crate::dataset::exports;
use crate::dataset::exports::Export;
use crate::files::data::Data;
use crate::files::small;
use crate::identity::tombstone;
use crate::store::draft;
use crate::store::row::Row;

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

impl Job<'_> {
    /// Removes sessions from the export.
    pub fn leave_out(&self, sessions: &BTreeSet<String>) {
        if !sessions.is_empty() {
            let sessions = sessions.iter().map(String::as_str).collect();
            let cleaned = (self.options.leave_out)(self.out, &sessions);
            log::info!("{cleaned} people who are forgotten left the export");
        }
    }

    /// Writes the lists of what is there, without the rows of people who are forgotten while the
    /// export runs. `forgotten` were forgotten before it began.
    ///
    /// # Errors
    /// The file system's, or the table was changed meanwhile and cannot be merged.
    pub fn list(
        &self,
        plan: &Plan<'_>,
        written: &Written,
        forgotten: &BTreeSet<String>,
    ) -> Result<usize, ExportError> {
        let mut gone = self.forgotten_since(forgotten)?;
        self.leave_out(&gone);
        gone.extend(forgotten.iter().cloned());
        let others = lists::write(self, plan, written, &gone)?;
        // Anyone who was forgotten while their rows were written. Those forgotten before have no
        // rows.
        self.leave_out(&self.forgotten_since(&gone)?);
        Ok(others)
    }

    fn forgotten_since(&self, before: &BTreeSet<String>) -> Result<BTreeSet<String>, ExportError> {
        let mut now = BTreeSet::new();
        for Source { data, .. } in self.options.sources {
            let gone = tombstone::sessions(data);
            now.extend(gone.map_err(ExportError::file("list", &Data(data).forgotten()))?);
        }
        now.retain(|session| !before.contains(session));
        Ok(now)
    }

    /// Lists in each DATA what the export will hold of it, before it holds it.
    ///
    /// # Errors
    /// DATA cannot be written. Without the entry, forgetting would not find the export.
    pub fn remember(&self, plan: &Plan<'_>) -> Result<(), ExportError> {
        for source in self.options.sources {
            let data = &source.data;
            let list = Data(data).exports();
            let known = exports::at(data, self.out).map_err(ExportError::file("read", &list))?;
            let is_new = |session: &&String| {
                let is_here = plan
                    .sessions
                    .get(*session)
                    .is_some_and(|one| one.data == *data);
                is_here && !known.contains(*session)
            };
            let sessions: Vec<String> = plan.recorded.iter().filter(is_new).cloned().collect();
            if sessions.is_empty() {
                continue;
            }
            let export = Export {
                path: self.out.to_owned(),
                sessions,
            };
            exports::remember(data, &export).map_err(ExportError::file("write", &list))?;
        }
        Ok(())
    }

    /// Puts a take into the export if it is not there; `None` if its session is forgotten, else
    /// whether it was written.
    ///
    /// # Errors
    /// See [`PartError`]; then nothing of the take has its final name.
    pub fn take(&self, person: &Person, row: &Row) -> Result<Option<bool>, PartError> {
        let parts = self.parts(person, row);
        if self.is_forgotten(person)? {
            return Ok(None);
        }
        if self.are_there(&parts) {
            return Ok(Some(false));
        }
        let written = self.write(person, row, &parts);
        if written.is_err() {
            for part in &parts {
                let _ = small::remove(&small::temporary(&self.out.join(&part.name)));
            }
        }
        written?;
        // Forgotten in the meantime: the tombstone was there before the export was searched.
        Ok((!self.is_forgotten(person)?).then_some(true))
    }

    fn is_forgotten(&self, person: &Person) -> Result<bool, PartError> {
        let data = &person.data;
        let found = tombstone::read(data, &person.session)
            .map_err(ExportError::file("read", &Data(data).forgotten()))
            .map_err(PartError::Export)?;
        if found.is_some() {
            self.leave_out(&[person.session.clone()].into());
        }
        Ok(found.is_some())
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{Layout, Options};
    use super::*;
    use crate::dataset::{METADATA, README, SUMS, clean};
    use crate::identity::code::Code;
    use crate::identity::tombstone::Tombstone;
    use crate::words::By;

    #[test]
    fn a_person_forgotten_during_an_export_has_no_row_in_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let (data, out) = (dir.path().join("data"), dir.path().join("out"));
        let tombstone = Tombstone::of(&Code::draw().expect("random").proof(), By::Code);
        let (gone, kept) = (tombstone.session.as_str(), "0123456789ABCDEFGHJK");
        let sources = [Source {
            keys: data.clone(),
            data: data.clone(),
        }];
        let options = Options {
            sources: &sources,
            out: &out,
            layout: Layout::Channels,
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
        let job = Job::of(&options, &out);
        // Forgetting has already cleaned the export, or has not yet.
        for is_clean in [false, true] {
            let mut table = "file_name,session\n".to_owned();
            for session in [gone, kept] {
                let name = format!("{session}/{session}-0001-01-a.wav");
                fs::create_dir_all(out.join(session)).expect("made");
                fs::write(out.join(&name), "voice").expect("written");
                table += &format!("{name},{session}\n");
            }
            fs::write(out.join(README), "").expect("written");
            fs::write(out.join(METADATA), table).expect("written");
            tombstone.write(&data).expect("written");
            if is_clean {
                job.leave_out(&[gone.to_owned()].into());
            }
            let (plan, written) = (Plan::default(), Written::default());
            job.list(&plan, &written, &BTreeSet::new()).expect("listed");
            for name in [METADATA, SUMS] {
                let text = fs::read_to_string(out.join(name)).expect("read");
                assert!(!text.contains(gone) && text.contains(kept), "{text}");
            }
            assert!(!out.join(gone).exists());
        }
    }

    #[test]
    fn the_files_of_an_export_are_known_by_their_names() {
        let session = "0123456789ABCDEFGHJK";
        for (name, take) in [
            ("S/S-0001-01-headset.wav", Some(1)),
            ("S/S-0012-64-a-b.wav", Some(12)),
            ("S/S-12345.rf64", Some(12345)),
            ("S/S-0001-mix.wav", None),
            ("S/S-0001.txt", None),
            ("S/S-001.wav", None),
            ("S/notes.wav", None),
            ("S-0001.wav", None),
        ] {
            let name = name.replace('S', session);
            assert_eq!(Job::take_in(session, &name), take, "{name}");
        }
    }
}
