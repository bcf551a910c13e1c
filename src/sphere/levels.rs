//! How loud the tracks were when they were measured: a small file beside the protocol, written by
//! `booth sphere level`, by which a row says that the present level is another.
//!
//! These are levels at JACK's outputs, RMS over a whole measurement. What they are in sound pressure
//! is the laboratory's to measure.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::{read_text, small};

/// A level that is this far off is another one, dB.
const OFF_DB: f32 = 3.0;
/// Below this an output counts as silent, dBFS.
const SILENT_DBFS: f32 = -80.0;
/// The end of the file's name, in the place of `.toml`.
const EXTENSION: &str = "levels.toml";

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LevelsError {
    /// It cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is no such file.
    #[error("{}: {reason}; measure again: booth sphere level", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The level of a track.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrackLevel {
    /// How long it was measured, seconds.
    pub seconds: u32,
    /// RMS at each physical output, dBFS, in JACK's order.
    pub outputs_dbfs: Vec<f32>,
}

/// The levels of all tracks that were measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Levels {
    tracks: BTreeMap<String, TrackLevel>,
}

/// Where the levels of a protocol lie: beside its file, or where a file of its name would be.
///
/// `folder` is the one in which protocols are looked for.
#[must_use]
pub fn path(protocol: &str, folder: &Path) -> PathBuf {
    let named = Path::new(protocol);
    let is_name = named.components().count() == 1 && named.extension().is_none();
    let file = if is_name {
        folder.join(named)
    } else {
        named.to_owned()
    };
    file.with_extension(EXTENSION)
}

impl Levels {
    /// Reads them; none, where there is no file.
    ///
    /// # Errors
    /// A file that cannot be read, or is no such file.
    pub fn read(path: &Path) -> Result<Levels, LevelsError> {
        let text = match read_text(path) {
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Levels::default()),
            text => text.map_err(|source| LevelsError::File {
                path: path.to_owned(),
                source,
            })?,
        };
        let tracks = toml::from_str(&text).map_err(|error| LevelsError::Text {
            path: path.to_owned(),
            reason: error.message().to_owned(),
        })?;
        Ok(Levels { tracks })
    }

    /// Writes them, in the place of those before.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, path: &Path) -> Result<(), LevelsError> {
        let failed = |source| LevelsError::File {
            path: path.to_owned(),
            source,
        };
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        small::write(path, self.text().as_bytes(), small::PUBLIC).map_err(failed)
    }

    fn text(&self) -> String {
        let mut text =
            "# RMS at the sphere's outputs, dBFS, written by `booth sphere level`.\n".to_owned();
        for (track, level) in &self.tracks {
            let outputs: Vec<String> = level
                .outputs_dbfs
                .iter()
                .map(|dbfs| format!("{dbfs:.1}"))
                .collect();
            // JSON's quotes are TOML's. Writing to a string cannot fail.
            let _ = write!(
                text,
                "\n[{}]\nseconds = {}\noutputs_dbfs = [{}]\n",
                serde_json::Value::from(track.as_str()),
                level.seconds,
                outputs.join(", ")
            );
        }
        text
    }

    /// The levels by track.
    #[must_use]
    pub fn tracks(&self) -> &BTreeMap<String, TrackLevel> {
        &self.tracks
    }

    /// Puts in what was measured of a track.
    pub fn put(&mut self, track: &str, level: TrackLevel) {
        self.tracks.insert(track.to_owned(), level);
    }

    /// By how many dB the output that differs most is louder now, or softer; `None` within 3 dB, and
    /// where nothing was measured of this track or of these outputs.
    #[must_use]
    pub fn off_db(&self, track: &str, outputs_dbfs: &[f32]) -> Option<f32> {
        let measured = &self.tracks.get(track)?.outputs_dbfs;
        if measured.len() != outputs_dbfs.len() {
            return None;
        }
        let heard = |dbfs: f32| dbfs.max(SILENT_DBFS);
        let off = measured.iter().zip(outputs_dbfs);
        let off = off.map(|(before, now)| heard(*now) - heard(*before));
        off.max_by(|a, b| a.abs().total_cmp(&b.abs()))
            .filter(|off| off.abs() > OFF_DB)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels() -> Levels {
        let mut levels = Levels::default();
        for (track, dbfs) in [("noise", -23.5), ("a \"b\" 雑音", -200.0)] {
            let level = TrackLevel {
                seconds: 60,
                outputs_dbfs: vec![dbfs, -24.0],
            };
            levels.put(track, level);
        }
        levels
    }

    #[test]
    fn what_was_written_is_read_back_whatever_the_track_is_called() {
        let folder = tempfile::tempdir().expect("folder");
        let path = path("study", &folder.path().join("protocol"));
        assert_eq!(Levels::read(&path).expect("none yet"), Levels::default());
        levels().write(&path).expect("written");
        assert_eq!(Levels::read(&path).expect("read"), levels());
        std::fs::write(&path, "[noise]\nseconds = true\n").expect("written");
        let error = Levels::read(&path).expect_err("refused").to_string();
        assert!(error.contains("booth sphere level"), "{error}");
    }

    #[test]
    fn the_file_lies_beside_the_protocol() {
        let folder = Path::new("/etc/booth/protocol");
        for (protocol, file) in [
            ("vibravox", "/etc/booth/protocol/vibravox.levels.toml"),
            ("/srv/study.toml", "/srv/study.levels.toml"),
            ("study.toml", "study.levels.toml"),
        ] {
            assert_eq!(path(protocol, folder), Path::new(file));
        }
    }

    #[test]
    fn a_level_is_told_from_3_db_on_and_by_the_output_that_differs_most() {
        let off = |now: [f32; 2]| levels().off_db("noise", &now);
        assert_eq!(off([-23.5, -24.0]), None);
        assert_eq!(off([-26.4, -21.1]), None);
        assert_eq!(off([-30.0, -20.0]), Some(-6.5));
        assert_eq!(off([-23.5, -200.0]), Some(-56.0));
        assert_eq!(
            levels().off_db("other", &[0.0, 0.0]),
            None,
            "never measured"
        );
        assert_eq!(levels().off_db("noise", &[0.0]), None, "another card");
    }
}
