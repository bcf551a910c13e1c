//! Walks through every folder of a copy.
//!
//! Guarantees: everything that is named after one of the sessions goes, except its tombstone, and
//! every sound file that says it is theirs. Links are followed only to data of the same session.
//! What was not looked into, and whose owner nothing tells, is reported.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Cleaned;
use super::voice::{self, Voice};
use crate::dataset::{METADATA, clean};
use crate::files;
use crate::files::data::{Data, SessionFolder};
use crate::files::small;
use crate::identity::erase::{self, Erased};
use crate::identity::mention;
use crate::identity::pending;
use crate::identity::place::{self, Place, mentioned};
use crate::identity::tombstone::{self, Looked, State, Tombstone};
use crate::store::{session, takes};
use crate::words::is_session;

/// Extensions of files with files inside.
const ARCHIVES: [&str; 25] = [
    "7z", "bz2", "cpio", "dar", "dmg", "gpg", "gz", "img", "iso", "lz4", "pgp", "qcow2", "rar",
    "sfs", "sqfs", "squashfs", "tar", "tbz", "tbz2", "tgz", "txz", "tzst", "xz", "zip", "zst",
];

/// Extensions of sound files, of which only the tags are searched for names.
const SOUND: [&str; 6] = ["aif", "aiff", "flac", "mp3", "rf64", "wav"];

/// The longest file that is read as a tombstone: those have some kilobytes.
const MOST_TOMBSTONE_BYTES: u64 = 1 << 20;

/// The first bytes of such files, whatever their name, and their offset:
/// <https://en.wikipedia.org/wiki/List_of_file_signatures>
const SIGNATURES: [(usize, &[u8]); 9] = [
    (0, b"PK\x03\x04"),
    (0, b"\x1f\x8b"),
    (0, b"BZh"),
    (0, b"\xfd7zXZ\0"),
    (0, b"\x28\xb5\x2f\xfd"),
    (0, b"7z\xbc\xaf\x27\x1c"),
    (0, b"Rar!\x1a\x07"),
    (0, b"\x5d\0\0\x80\0"),
    (257, b"ustar"),
];

/// Whether a file has files inside, by its first bytes.
fn is_archive(path: &Path) -> bool {
    let mut head = Vec::new();
    let file = small::open(path).ok().flatten();
    let read = file.map(|file| file.take(512).read_to_end(&mut head));
    let begins = |(at, signature): &(usize, &[u8])| {
        head.get(*at..)
            .is_some_and(|rest| rest.starts_with(signature))
    };
    read.is_some() && SIGNATURES.iter().any(begins)
}

/// Locks `folder`, if it is a data folder, so that no booth can start on it; `None` if a booth runs
/// on it.
pub(super) fn hold(folder: &Path) -> io::Result<Option<Option<File>>> {
    let lock = Data(folder).lock();
    if !lock.is_file() {
        return Ok(Some(None));
    }
    let file = File::open(lock)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(None),
        // Not every file system can lock.
        _ => Ok(Some(Some(file))),
    }
}

/// The session that a file or folder is named after, if it is one of `sessions`.
pub(super) fn whose<'a>(path: &Path, sessions: &BTreeSet<&'a str>) -> Option<&'a str> {
    let session = place::session_of(&path.file_name()?.to_string_lossy())?;
    sessions.get(session.as_str()).copied()
}

/// A walk through a copy.
pub(super) struct Walk<'a> {
    root: &'a Path,
    sessions: &'a BTreeSet<&'a str>,
    discards: bool,
    /// Hashes of the samples of takes, and of exported files, that are gone.
    gone: BTreeMap<String, &'a str>,
    /// Files that do not name their session, and whether they are takes; what is gone by the end may
    /// tell whose they are.
    unnamed: Vec<(PathBuf, bool)>,
    cleaned: Cleaned,
}

impl<'a> Walk<'a> {
    pub(super) fn of(root: &'a Path, sessions: &'a BTreeSet<&'a str>) -> Walk<'a> {
        Walk {
            root,
            sessions,
            discards: erase::discards(root),
            gone: BTreeMap::new(),
            unnamed: Vec::new(),
            cleaned: Cleaned::default(),
        }
    }

    /// The results, once the files that do not name their session were compared with those that are
    /// gone.
    pub(super) fn end(mut self) -> Cleaned {
        for (path, is_take) in std::mem::take(&mut self.unnamed) {
            let is_known = !self.gone.is_empty();
            let hashes = is_known.then(|| voice::sha256(&path).ok()).flatten();
            let mut hashes = hashes.iter().flatten();
            match hashes.find_map(|hash| self.gone.get(hash).copied()) {
                Some(session) => self.erase(session, &path),
                None if is_take => self.unseen(
                    &path,
                    "is a take of version 0.1, which does not name its session; remove it if it is \
                     theirs",
                ),
                None => {}
            }
        }
        self.cleaned
    }

    pub(super) fn folder(&mut self, folder: &Path) {
        // Before the list is cleaned.
        self.gone
            .extend(voice::sums(folder, self.sessions).unwrap_or_default());
        match clean::clean(folder, self.sessions, self.discards) {
            Ok(parts) => {
                for (session, part) in parts {
                    let words = format!("{} files, {} rows", part.erased.files, part.rows);
                    self.add(&session, &folder.join(METADATA), &part.erased, words);
                }
            }
            Err(error) => self.unseen(folder, &format!("cannot be read: {error}; mend that")),
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                return self.unseen(folder, &format!("cannot be read: {error}; mend that"));
            }
        };
        for entry in entries {
            match entry {
                Ok(entry) => self.entry(&entry),
                Err(error) => self.unseen(folder, &format!("cannot be read: {error}; mend that")),
            }
        }
    }

    fn entry(&mut self, entry: &fs::DirEntry) {
        let path = entry.path();
        if let Some(session) = whose(&path, self.sessions) {
            if !is_tombstone(&path, session) {
                self.erase(session, &path);
            }
            return;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        for session in mentioned(name.as_bytes(), self.sessions) {
            if is_tombstone(&path, session) {
                continue;
            }
            self.doubtful(session, &path, "carries the session's name");
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => self.inner(&path),
            Ok(kind) if kind.is_symlink() => self.link(&path, &name),
            _ => self.file(&path, &name),
        }
    }

    /// A folder in the copy that is not named after a session.
    fn inner(&mut self, folder: &Path) {
        let record = small::read(&SessionFolder(folder).record());
        let record = record.ok().flatten().unwrap_or_default();
        for session in mentioned(&record, self.sessions) {
            self.doubtful(session, folder, "holds the session's record");
        }
        match hold(folder) {
            Ok(Some(_held)) => self.folder(folder),
            Ok(None) => self.unseen(
                folder,
                "a booth is running on it; put the tombstones into its own folder `forgotten`",
            ),
            Err(error) => self.unseen(folder, &format!("cannot be read: {error}; mend that")),
        }
    }

    fn link(&mut self, link: &Path, name: &str) {
        let real = |path: &Path| path.canonicalize().ok();
        let Some(target) = real(link) else {
            let why = "is a link that leads nowhere; put its medium back, or remove it if that is \
                       gone for good";
            return self.unseen(link, why);
        };
        if !target.is_dir() {
            return self.file(link, name);
        }
        // Folders of the copy itself are walked through anyway.
        if real(self.root).is_none_or(|root| !target.starts_with(root)) {
            let why = format!(
                "is a link to {}; use `booth forget --apply-to` on that too",
                target.display()
            );
            self.unseen(link, &why);
        }
    }

    fn file(&mut self, path: &Path, name: &str) {
        let ending = Path::new(name.strip_suffix(".age").unwrap_or(name)).extension();
        let ending = ending.unwrap_or_default().to_string_lossy().to_lowercase();
        if ARCHIVES.contains(&ending.as_str()) || is_archive(path) {
            let why = "what is inside is not reached; unpack it and use `booth forget --apply-to` \
                       there, or remove it";
            return self.unseen(path, why);
        }
        let number = name.strip_suffix(".json").unwrap_or_default();
        if number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.pending(path);
        }
        // Cleaned and searched with their folder, reported with it, or with public names only.
        let is_listed = clean::is_list(name) && path.with_file_name(METADATA).exists();
        let is_record = name == "session.json" && path.parent() != Some(self.root);
        if is_listed || is_record || name == Place::ExportList.word() {
            return;
        }
        let is_sound = SOUND.contains(&ending.as_str());
        match voice::look(path, self.sessions, is_sound) {
            Ok(Voice::Of(session)) => self.erase(session, path),
            Ok(Voice::Mentions(sessions)) => {
                for session in sessions {
                    self.doubtful(session, path, "mentions the session");
                }
            }
            Ok(Voice::Unnamed) if !self.is_told(path) => {
                self.unnamed.push((path.to_owned(), true));
            }
            Ok(Voice::Bare) if !self.is_told(path) => {
                self.unnamed.push((path.to_owned(), false));
            }
            Ok(Voice::Sealed) if !self.is_told(path) => self.unseen(
                path,
                "is sealed, and nothing tells to whom; remove it if it is theirs",
            ),
            Ok(Voice::Unnamed | Voice::Bare | Voice::Sealed) => {}
            Ok(Voice::Other) if is_sound => {}
            Ok(Voice::Other) => self.other(path),
            Err(error) => self.unseen(path, &format!("cannot be read: {error}; mend that")),
        }
    }

    /// Whether the file's name, or a folder that it is in, tells whose it is: it is not there any
    /// more, or is reported, if it is one of theirs.
    fn is_told(&self, path: &Path) -> bool {
        let mut within = path
            .ancestors()
            .take_while(|above| above.starts_with(self.root));
        within.any(|above| {
            let name = above.file_name().unwrap_or_default().to_string_lossy();
            let record: Option<Value> = session::record_as(above);
            let named = record.and_then(|it| it["session"].as_str().map(is_session));
            place::session_of(&name).is_some() || named == Some(true)
        })
    }

    /// Keeps the hashes of the takes in a session's folder that is about to go.
    fn remember(&mut self, session: &'a str, folder: &Path) {
        let rows = takes::read(folder).unwrap_or_default().into_iter();
        let known = rows.filter_map(|row| row.samples_sha256);
        let known = known.filter(|hash| !hash.is_empty());
        self.gone.extend(known.map(|hash| (hash, session)));
    }

    /// A file that the program did not name, for example a table that someone saved under another
    /// name.
    fn other(&mut self, path: &Path) {
        if tombstone_at(path).is_some() {
            return;
        }
        let found = match fs::metadata(path).map(|file| file.is_file()) {
            Ok(false) => return,
            Ok(true) => File::open(path).and_then(|file| mention::within(file, self.sessions)),
            Err(error) => Err(error),
        };
        match found {
            Ok(sessions) => {
                for session in sessions {
                    self.doubtful(session, path, "mentions the session");
                }
            }
            Err(error) => self.unseen(path, &format!("cannot be read: {error}; mend that")),
        }
    }

    /// NUMBER.json, which may be the entry of a pending person.
    fn pending(&mut self, path: &Path) {
        let text = small::read(path).ok().flatten().unwrap_or_default();
        let named = pending::named(&text);
        let is_whole = files::json::<pending::Pending>(&text).is_ok();
        for session in mentioned(&text, self.sessions) {
            if named.as_deref() == Some(session) {
                self.erase(session, path);
            } else {
                self.doubtful(session, path, "mentions the session");
            }
        }
        let folder = path.parent().and_then(Path::file_name);
        if named.is_none() && !is_whole && folder.is_some_and(|name| name == "pending") {
            let why = "cannot be read, so it is unknown whose it is; remove it if no person with this \
                       number will come";
            self.unseen(path, why);
        }
    }

    pub(super) fn erase(&mut self, session: &'a str, path: &Path) {
        self.remember(session, path);
        let mut erased = erase::all(path, self.discards);
        if let Err(error) = small::sync_folder(path) {
            erased.stays.push(format!("{}: {error}", path.display()));
        }
        let words = format!("{} files", erased.files);
        self.add(session, path, &erased, words);
    }

    fn add(&mut self, session: &str, path: &Path, erased: &Erased, words: String) {
        let looks = Looked::of(&path.display().to_string(), erased, words);
        let known = self.cleaned.sessions.entry(session.to_owned()).or_default();
        known.extend(looks);
    }

    fn doubtful(&mut self, session: &str, path: &Path, what: &str) {
        let why = format!("{what}; look into it, and remove by hand what is theirs");
        let looks = self.cleaned.sessions.entry(session.to_owned()).or_default();
        looks.push(Looked::new(path.display(), State::Found, why));
    }

    fn unseen(&mut self, path: &Path, why: &str) {
        let look = Looked::new(path.display(), State::Waiting, why);
        self.cleaned.unseen.push(look);
    }
}

fn is_tombstone(path: &Path, session: &str) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_of_it = place::whole(&name).eq_ignore_ascii_case(&format!("{session}.json"));
    if is_of_it && folder.is_some_and(|name| name == "forgotten") {
        return true;
    }
    tombstone_at(path).is_some_and(|tombstone| tombstone.session == session)
}

/// The tombstone that a file holds, whatever its name.
fn tombstone_at(path: &Path) -> Option<Tombstone> {
    let is_short = fs::metadata(path).is_ok_and(|file| file.len() <= MOST_TOMBSTONE_BYTES);
    let text = is_short
        .then(|| small::read(path).ok().flatten())
        .flatten()?;
    tombstone::of_bytes(&text)
}
