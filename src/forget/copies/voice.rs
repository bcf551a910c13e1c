//! Whose voice a file holds, by what stands in it: its bext, its iXML, its tags, its seal.
//!
//! Guarantees: reads the texts of a file and never its samples, unless their hash is asked for; a
//! file that names its session is known in any folder under any name.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::audio::rf64::read;
use crate::audio::rf64::riff::{Chunk, Riff};
use crate::dataset::{SUMS, lines, sums};
use crate::files::small;
use crate::identity::place::{mentioned, session_of};
use crate::identity::seal::MAGIC;
use crate::store::draft;

/// The longest text of a chunk that is read.
const MOST_TEXT_BYTES: u64 = 1 << 20;
/// How many chunks behind the samples are looked at.
const MOST_CHUNKS: usize = 100;
/// Bytes at either end of another sound file in which its tags are looked for.
const TAG_BYTES: u64 = 1 << 18;
/// How much of a sealed file names whom it is sealed to.
const SEAL_BYTES: u64 = 1 << 12;

/// What a file says.
#[derive(Debug, PartialEq, Eq)]
pub enum Voice<'a> {
    /// It is a take of this session, or was made of one.
    Of(&'a str),
    /// Its texts mention these.
    Mentions(BTreeSet<&'a str>),
    /// A take of version 0.1, which does not name its session.
    Unnamed,
    /// Samples without a word of whose they are, as version 0.1 exported them.
    Bare,
    /// Sealed to a key, and nothing tells whose.
    Sealed,
    /// Nobody of those who are looked for.
    Other,
}

/// What `path` says of `sessions`; `is_sound` by its name, which decides where its form does not.
///
/// # Errors
/// The system's.
pub fn look<'a>(
    path: &Path,
    sessions: &BTreeSet<&'a str>,
    is_sound: bool,
) -> io::Result<Voice<'a>> {
    let mut file = match small::open(path) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(Voice::Other),
        // A pipe or a device holds nothing.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(Voice::Other),
        Err(error) => return Err(error),
    };
    if let Some(riff) = Riff::of(&file)? {
        return of_riff(&file, path, &riff, sessions);
    }
    let mut head = Vec::new();
    (&file).take(SEAL_BYTES).read_to_end(&mut head)?;
    if head.starts_with(MAGIC) {
        // Takes and keys are sealed to keys, which age does not name; a passphrase is a keeper's own.
        let is_to_key = memchr::memmem::find(&head, b"\n-> X25519 ").is_some();
        return Ok(if is_to_key {
            Voice::Sealed
        } else {
            Voice::Other
        });
    }
    if !is_sound && !head.starts_with(b"fLaC") && !head.starts_with(b"ID3") {
        return Ok(Voice::Other);
    }
    let length = file.metadata()?.len();
    let mut text = Vec::new();
    for at in [0, length.saturating_sub(TAG_BYTES)] {
        file.seek(SeekFrom::Start(at))?;
        (&file).take(TAG_BYTES).read_to_end(&mut text)?;
    }
    Ok(mentions(&text, sessions))
}

fn of_riff<'a>(
    file: &File,
    path: &Path,
    riff: &Riff,
    sessions: &BTreeSet<&'a str>,
) -> io::Result<Voice<'a>> {
    let info = read::info(file, path).ok();
    if let Some(text) = info.as_ref().and_then(|info| info.booth.as_ref()) {
        match draft::session(text) {
            Some(named) => {
                let found = sessions.get(named.as_str());
                return Ok(found.map_or(Voice::Other, |session| Voice::Of(session)));
            }
            None if draft::is_version_0_1(text) => return Ok(Voice::Unnamed),
            None => {}
        }
    }
    let mut texts = Vec::new();
    for chunk in &riff.before {
        if &chunk.name == b"bext" {
            let said = text_of(file, riff, chunk)?;
            // What an export writes there.
            let description = String::from_utf8_lossy(&said[..said.len().min(256)]).into_owned();
            let named = description
                .strip_prefix("take ")
                .and_then(|rest| rest.split_once(" of session "))
                .and_then(|(_, name)| sessions.get(name.trim_end_matches('\0')));
            if let Some(session) = named {
                return Ok(Voice::Of(session));
            }
            texts.extend(said);
        } else {
            texts.extend(text_of(file, riff, chunk)?);
        }
        texts.push(b' ');
    }
    let mut at = riff.data.next();
    for _ in 0..MOST_CHUNKS {
        let Some(chunk) = Chunk::at(file, at)? else {
            break;
        };
        texts.extend(text_of(file, riff, &chunk)?);
        texts.push(b' ');
        at = chunk.next();
    }
    Ok(match mentions(&texts, sessions) {
        Voice::Other if info.is_some_and(|info| info.booth.is_none()) => Voice::Bare,
        known => known,
    })
}

fn text_of(file: &File, riff: &Riff, chunk: &Chunk) -> io::Result<Vec<u8>> {
    let there = riff.length.saturating_sub(chunk.body);
    let mut text = vec![0; chunk.size.min(there).min(MOST_TEXT_BYTES) as usize];
    file.read_exact_at(&mut text, chunk.body)?;
    Ok(text)
}

fn mentions<'a>(text: &[u8], sessions: &BTreeSet<&'a str>) -> Voice<'a> {
    let found = mentioned(text, sessions);
    if found.is_empty() {
        Voice::Other
    } else {
        Voice::Mentions(found)
    }
}

/// The hashes of a file's samples, as a take's row has it, and of the whole file, as the list of an
/// export has it.
///
/// # Errors
/// The system's, or it has no samples.
pub fn sha256(path: &Path) -> io::Result<[String; 2]> {
    let file = File::open(path)?;
    let info = read::info(&file, path).map_err(io::Error::other)?;
    let of = |from: u64, bytes: u64| -> io::Result<String> {
        (&file).seek(SeekFrom::Start(from))?;
        sums::of((&file).take(bytes))
    };
    Ok([of(info.data_start, info.data_bytes)?, of(0, u64::MAX)?])
}

/// The hashes that the list of an export in `folder` gives for files of `sessions`.
///
/// # Errors
/// The system's.
pub fn sums<'a>(folder: &Path, sessions: &BTreeSet<&'a str>) -> io::Result<Vec<(String, &'a str)>> {
    let mut found = Vec::new();
    for line in lines::of_file(&folder.join(SUMS))?.into_iter().flatten() {
        let line = line?;
        let Some((hash, name)) = sums::entry(&line) else {
            continue;
        };
        let session = name.rsplit('/').find_map(session_of);
        if let Some(session) = session.and_then(|it| sessions.get(it.as_str()).copied()) {
            found.push((hash.to_lowercase(), session));
        }
    }
    Ok(found)
}
