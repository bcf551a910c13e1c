//! What a start repairs of the previous run: takes without a row, sealed takes that were cut, temporary
//! files.
//!
//! Guarantees: every take is made whole and gets its row (verdict `recovered`, with the hash and
//! levels of what is there, which of a sealed one only the key can tell). Finished takes are not
//! touched. All of it may be killed and done again. The work is done in small pieces, so that no other
//! job waits for a long take.

mod cut;
pub mod left;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use self::cut::{Cut, Found};
use super::losses;
use crate::audio::meter::Meter;
use crate::audio::rf64::read;
use crate::files::data::Data;
use crate::recorder::repair::repair;
use crate::store::row::{Row, take_number};
use crate::store::{draft, takes};
use crate::words::{Kind, Verdict, hex};

/// Bytes of samples read in one piece of work.
const PIECE_BYTES: usize = 1 << 20;

/// The work at a start.
pub struct Recovery {
    /// Sessions not looked at yet.
    sessions: VecDeque<PathBuf>,
    /// Takes without a row, not looked at yet.
    takes: VecDeque<Unfinished>,
    reading: Option<Reading>,
    cut: Option<Box<Cut>>,
    /// Takes made whole.
    pub recovered: u32,
}

/// A take that was not finished.
enum Unfinished {
    /// It lies plain, and has no row.
    Plain(PathBuf),
    /// It is sealed, or was to be: its session's folder, its row.
    Sealed(PathBuf, Box<Row>),
}

/// A take that was made whole and is being read for its row.
struct Reading {
    file: File,
    path: PathBuf,
    row: Row,
    at: u64,
    end: u64,
    hash: Sha256,
    meter: Meter,
}

impl Recovery {
    /// The work that DATA needs; nothing of it is done yet.
    ///
    /// # Errors
    /// The sessions cannot be listed.
    pub fn of(data: &Path) -> io::Result<Recovery> {
        let names = takes::sessions(data)?.into_iter();
        Ok(Recovery {
            sessions: names.map(|name| Data(data).session(name)).collect(),
            takes: VecDeque::new(),
            reading: None,
            cut: None,
            recovered: 0,
        })
    }

    /// Does a piece of work; returns false once nothing is left. A take that cannot be made whole
    /// is left as it is and reported by the error; the work continues with the next.
    ///
    /// # Errors
    /// What failed, with the take's file.
    pub fn step(&mut self) -> Result<bool, String> {
        if let Some(reading) = &mut self.reading {
            let path = reading.path.clone();
            let whole = reading.piece().map_err(|error| failed(&path, &error));
            if !matches!(whole, Ok(false)) {
                let read = self.reading.take();
                let done = whole.and_then(|_| {
                    let row = read.map_or(Ok(()), Reading::write);
                    row.map_err(|error| failed(&path, &error))
                });
                self.recovered += u32::from(done.is_ok());
                done?;
            }
        } else if let Some(mut cut) = self.cut.take() {
            let path = Path::new(cut.file_name()).to_owned();
            if cut.piece().map_err(|error| failed(&path, &error))? {
                cut.write().map_err(|error| failed(&path, &error))?;
                self.recovered += 1;
            } else {
                self.cut = Some(cut);
            }
        } else if let Some(take) = self.takes.pop_front() {
            self.look(take)?;
        } else if let Some(folder) = self.sessions.pop_front() {
            let found = unfinished(&folder).map_err(|error| failed(&folder, &error))?;
            self.takes.extend(found);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn look(&mut self, take: Unfinished) -> Result<(), String> {
        match take {
            Unfinished::Plain(path) => {
                let reading = Reading::open(path.clone()).map_err(|error| failed(&path, &error))?;
                self.reading = Some(reading);
            }
            Unfinished::Sealed(folder, row) => {
                let path = folder.join(&row.file);
                match Cut::find(&folder, *row).map_err(|error| failed(&path, &error))? {
                    Found::Cut(cut) => self.cut = Some(cut),
                    Found::Lost => self.recovered += 1,
                    Found::Nothing => {}
                }
            }
        }
        Ok(())
    }
}

/// The file and what is wrong with it.
fn failed(path: &Path, error: &dyn std::fmt::Display) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{name} of the run before: {error}")
}

impl Reading {
    /// Makes the take's file whole.
    fn open(path: PathBuf) -> Result<Reading, crate::audio::rf64::Error> {
        repair(&path)?;
        let file = File::open(&path).map_err(crate::audio::rf64::Error::io("open", &path))?;
        let info = read::info(&file, &path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number = take_number(&name).unwrap_or(0);
        let blank = Row::of(number, name.clone().into_owned(), Kind::Free, info.spec);
        let mut row = draft::row(info.booth.as_deref().unwrap_or_default(), blank);
        row.start_frame = info.time_reference;
        row.frames = info.frames();
        row.lead_frames = row.lead_frames.min(row.frames);
        row.tail_frames = 0;
        row.verdict = Verdict::Recovered;
        let folder = path.parent().unwrap_or(Path::new(""));
        row.gaps = losses::of_take(folder, number, row.start_frame, row.frames);
        Ok(Reading {
            file,
            path,
            row,
            at: info.data_start,
            end: info.data_start + info.data_bytes,
            hash: Sha256::new(),
            meter: Meter::new(info.spec),
        })
    }

    /// Reads on; true at the end.
    fn piece(&mut self) -> io::Result<bool> {
        let frame = self.meter.spec().frame_bytes();
        let whole = (PIECE_BYTES / frame).max(1) * frame;
        let length = (self.end - self.at).min(whole as u64) as usize;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, self.at)?;
        self.hash.update(&bytes);
        self.meter.add(&bytes);
        self.at += length as u64;
        Ok(self.at >= self.end)
    }

    fn write(mut self) -> io::Result<()> {
        self.row.measure(&self.meter.levels());
        self.row.samples_sha256 = Some(hex::encode(self.hash.finalize().into()));
        let folder = self.path.parent().unwrap_or(Path::new(""));
        takes::append(folder, &self.row)
    }
}

/// The takes of a session that have no row or may be cut; also removes the temporary files in its
/// folder, but for those of sealed takes, which may hold samples.
fn unfinished(folder: &Path) -> io::Result<Vec<Unfinished>> {
    let rows = takes::read(folder)?;
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_sealed_take(&name) && rows.iter().any(|row| name.starts_with(&row.file)) {
            continue;
        }
        if name.ends_with(".new") || name.contains(".tmp-") {
            fs::remove_file(entry.path())?;
        } else if take_number(&name).is_some() && !rows.iter().any(|row| row.file == name) {
            found.push(entry.path());
        }
    }
    found.sort();
    let plain = found.into_iter().map(Unfinished::Plain);
    let sealed = rows
        .into_iter()
        .map(|row| Unfinished::Sealed(folder.to_owned(), Box::new(row)));
    Ok(plain.chain(sealed).collect())
}

/// Whether a file is a sealed take under its temporary name.
fn is_sealed_take(name: &str) -> bool {
    let plain = name.strip_suffix(".age.new");
    plain.is_some_and(|plain| take_number(plain).is_some())
}
