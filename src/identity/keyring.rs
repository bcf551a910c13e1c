//! DATA/keys: for each session SESSION.proof and, where there is an operator, SESSION.age, the
//! participant's keys sealed to every recipient.
//!
//! Guarantees: the folder has mode 0700, its files 0600; each file is whole or not there. No
//! private half and no code is in it in clear. The code gives the proof, but the proof does not
//! give the code. The operator needs the proof to forget a session by its name.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::code::Proof;
use super::operator::{PrivateKey, Recipient};
use super::participant::{Keys, Participant, ParticipantError};
use super::{erase, links, stream, tombstone, tombstone_room};
use crate::files::data::Data;
use crate::files::{jsonl, plain, small};
use crate::words::is_session;

/// The keys that [`rekey`] has sealed again, so that it can be killed and run again.
const REKEYED: &str = "rekeyed.jsonl";

/// Why a key is not available.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// A key file cannot be read or written.
    #[error("key of session {session}: {}: {source}", path.display())]
    File {
        /// The session.
        session: String,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// There is no key.
    #[error("key of session {session}: not in {}; put it back, or name the folder that holds it", folder.display())]
    Missing {
        /// The session.
        session: String,
        /// The folder that was searched.
        folder: PathBuf,
    },
    /// What is sealed to it does not open.
    #[error(
        "key of session {session}: what is sealed to it does not open again: {source}; restart the box, and check its memory"
    )]
    Probe {
        /// The session.
        session: String,
        /// The reason.
        source: io::Error,
    },
    /// It does not open.
    #[error("key of session {session}: {source}")]
    Closed {
        /// The session.
        session: String,
        /// The reason.
        source: ParticipantError,
    },
}

impl KeyringError {
    fn file(session: &str, path: &Path) -> impl FnOnce(io::Error) -> KeyringError {
        move |source| KeyringError::File {
            session: session.to_owned(),
            path: path.to_owned(),
            source,
        }
    }

    fn probe(session: &str) -> impl FnOnce(io::Error) -> KeyringError {
        move |source| KeyringError::Probe {
            session: session.to_owned(),
            source,
        }
    }

    fn closed(session: &str) -> impl FnOnce(ParticipantError) -> KeyringError {
        move |source| KeyringError::Closed {
            session: session.to_owned(),
            source,
        }
    }
}

/// The files of a session's key in a folder of keys.
#[must_use]
pub fn files(keys: &Path, session: &str) -> [PathBuf; 2] {
    [".age", ".proof"].map(|ending| keys.join(format!("{session}{ending}")))
}

/// Keeps a participant's proof and, where there are recipients, their keys; synced. After this the
/// private halves are no longer needed in memory.
///
/// # Errors
/// The file system's.
pub fn keep(
    data: &Path,
    participant: &Participant,
    recipients: &[Recipient],
) -> Result<(), KeyringError> {
    let session = &participant.session;
    let keys = Data(data).keys();
    let [sealed, proof] = files(&keys, session);
    let tombstones = Data(data).forgotten();
    tombstone_room::make(&tombstones).map_err(KeyringError::file(session, &tombstones))?;
    small::folder(&keys, 0o700).map_err(KeyringError::file(session, &keys))?;
    small::write(&proof, participant.proof.hex().as_bytes(), small::PRIVATE)
        .map_err(KeyringError::file(session, &proof))?;
    if recipients.is_empty() {
        return Ok(());
    }
    // As long as the private half is here.
    stream::probe(&participant.recipient, participant.keys.private())
        .map_err(KeyringError::probe(session))?;
    let text = participant.keys.seal(recipients);
    let text = text.map_err(KeyringError::closed(session))?;
    small::write(&sealed, &text, small::PRIVATE).map_err(KeyringError::file(session, &sealed))
}

/// The proof that gives `session` its name; `None` if it is not there or damaged.
///
/// # Errors
/// The file system's.
pub fn proof(data: &Path, session: &str) -> Result<Option<Proof>, KeyringError> {
    let [_, path] = files(&Data(data).keys(), session);
    let bytes = small::read(&path).map_err(KeyringError::file(session, &path))?;
    let proof = bytes.and_then(|bytes| plain(&bytes)?.parse().ok());
    Ok(proof.filter(|proof: &Proof| proof.session() == session))
}

/// Whether the sealed key of `session` is in DATA.
///
/// # Errors
/// It is not: without it nobody could open what is sealed.
pub fn hold(data: &Path, session: &str) -> Result<(), KeyringError> {
    let keys = Data(data).keys();
    let [sealed, _] = files(&keys, session);
    if sealed.exists() {
        return Ok(());
    }
    Err(KeyringError::Missing {
        session: session.to_owned(),
        folder: keys,
    })
}

/// Opens a session's key in the folder `keys`.
///
/// # Errors
/// It is not there, damaged, or none of `with` opens it.
pub fn open(keys: &Path, session: &str, with: &[PrivateKey]) -> Result<Keys, KeyringError> {
    let [path, _] = files(keys, session);
    let sealed = small::read(&path).map_err(KeyringError::file(session, &path))?;
    let sealed = sealed.ok_or_else(|| KeyringError::Missing {
        session: session.to_owned(),
        folder: keys.to_owned(),
    })?;
    Keys::open(&sealed, with).map_err(KeyringError::closed(session))
}

/// The sessions with a sealed key in the folder `keys`, sorted.
///
/// # Errors
/// The file system's.
pub fn sessions(keys: &Path) -> io::Result<Vec<String>> {
    let names = small::names(keys)?.into_iter();
    let names = names.filter_map(|name| name.strip_suffix(".age").map(str::to_owned));
    Ok(names.filter(|name| is_session(name)).collect())
}

/// Removes a session's key, its proof and temporary files left by a kill; returns how many files
/// there were. They are always overwritten: they are small, and a backup is worth as much as its
/// key.
///
/// # Errors
/// The file system's, or the folder is a link to a medium that is away.
pub fn remove(keys: &Path, session: &str) -> io::Result<u64> {
    if keys.is_symlink() && !keys.exists() {
        return Err(io::Error::other("leads to a medium that is away"));
    }
    let mut removed = 0;
    for path in files(keys, session) {
        for path in [small::temporary(&path), path] {
            removed += u64::from(erase::file(&path, false)?);
        }
    }
    if removed > 0 {
        std::fs::File::open(keys)?.sync_all()?;
    }
    Ok(removed)
}

/// A row of rekeyed.jsonl; it names no session.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Rekeyed {
    sealed_sha256: String,
    recipients: Vec<String>,
}

/// The result of [`rekey`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rekeying {
    /// Sealed to the new recipients by this call.
    pub sealed: u64,
    /// Sealed to them before this call.
    pub were_sealed: u64,
    /// The keys that did not open, by session, and why.
    pub failed: Vec<String>,
}

/// Seals again, to `recipients`, every key of DATA that one of `old` opens. May be killed and called
/// again; each file is sealed either to the old recipients or to the new ones.
///
/// # Errors
/// The folder cannot be read or written.
pub fn rekey(data: &Path, old: &[PrivateKey], recipients: &[Recipient]) -> io::Result<Rekeying> {
    let keys = Data(data).keys();
    let names: Vec<String> = recipients.iter().map(ToString::to_string).collect();
    let row = |sealed: &[u8]| Rekeyed {
        sealed_sha256: crate::words::hex::encode(Sha256::digest(sealed).into()),
        recipients: names.clone(),
    };
    let list = keys.join(REKEYED);
    let rows = jsonl::rows::<Rekeyed>(&list)?;
    let mut done: BTreeSet<Rekeyed> = rows.into_iter().filter_map(Result::ok).collect();
    let mut found = Rekeying::default();
    for session in sessions(&keys)? {
        let [path, _] = files(&keys, &session);
        // A file in the link's place would leave the old key where the link leads.
        let path = match path.is_symlink().then(|| links::target(&path)) {
            Some(Err(why)) => {
                found
                    .failed
                    .push(format!("key of session {session}: {why}"));
                continue;
            }
            Some(Ok(target)) => target,
            None => path,
        };
        let Some(sealed) = small::read(&path)? else {
            continue;
        };
        if done.contains(&row(&sealed)) {
            found.were_sealed += 1;
            continue;
        }
        let anew = Keys::open(&sealed, old).and_then(|keys| keys.seal(recipients));
        match anew {
            Ok(anew) => {
                // The row first: a kill between the two leaves a key that the old ones open.
                if !list.exists() {
                    small::write(&list, b"", small::PRIVATE)?;
                }
                let rows = jsonl::open(&list)?;
                jsonl::append(&rows, &row(&anew))?;
                rows.sync_all()?;
                small::write(&path, &anew, small::PRIVATE)?;
                // Forgotten in the meantime: the tombstone was there before the key was removed.
                if tombstone::read(data, &session)?.is_some() {
                    erase::file(&path, false)?;
                    remove(&keys, &session)?;
                }
                done.insert(row(&anew));
                found.sealed += 1;
            }
            Err(error) => found
                .failed
                .push(format!("key of session {session}: {error}")),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn kept(recipients: &[Recipient]) -> (tempfile::TempDir, Participant) {
        let data = tempfile::tempdir().expect("a folder");
        let participant = Participant::draw().expect("random");
        keep(data.path(), &participant, recipients).expect("kept");
        (data, participant)
    }

    #[test]
    fn only_the_owner_may_look() {
        let key = PrivateKey::generate();
        let (data, participant) = kept(&[key.to_public()]);
        let keys = Data(data.path()).keys();
        let mode = |path: &Path| {
            let mode = fs::metadata(path).expect("there").permissions().mode();
            mode & 0o777
        };
        assert_eq!(mode(&keys), 0o700);
        for path in files(&keys, &participant.session) {
            assert_eq!(mode(&path), 0o600);
        }
        let opened = open(&keys, &participant.session, &[key]).expect("opened");
        let own = opened.private().to_public().to_string();
        assert_eq!(own, participant.recipient.to_string());
        assert_eq!(remove(&keys, &participant.session).expect("removed"), 2);
        assert!(small::names(&keys).expect("names").is_empty());
    }

    #[test]
    fn without_an_operator_the_proof_is_kept_alone() {
        let (data, participant) = kept(&[]);
        let session = &participant.session;
        let known = proof(data.path(), session).expect("read");
        assert_eq!(known, Some(participant.proof.clone()));
        assert!(
            sessions(&Data(data.path()).keys())
                .expect("names")
                .is_empty()
        );
        let [_, path] = files(&Data(data.path()).keys(), session);
        fs::write(path, "00").expect("damaged");
        assert_eq!(proof(data.path(), session).expect("read"), None);
    }

    #[test]
    fn rekeying_twice_changes_nothing_and_the_old_key_opens_no_more() {
        let (old, new) = (PrivateKey::generate(), PrivateKey::generate());
        let (data, participant) = kept(&[old.to_public()]);
        let (data, session) = (data.path(), &participant.session);
        let recipients = [new.to_public()];
        let first = rekey(data, std::slice::from_ref(&old), &recipients).expect("done");
        assert_eq!((first.sealed, first.were_sealed), (1, 0));
        let [path, _] = files(&Data(data).keys(), session);
        let before = fs::read(&path).expect("read");
        let second = rekey(data, std::slice::from_ref(&old), &recipients).expect("done");
        assert_eq!((second.sealed, second.were_sealed), (0, 1));
        assert!(second.failed.is_empty());
        assert_eq!(fs::read(&path).expect("read"), before);
        assert!(open(&Data(data).keys(), session, &[old]).is_err());
        assert!(open(&Data(data).keys(), session, &[new]).is_ok());
    }

    #[test]
    fn a_key_behind_a_link_is_sealed_anew_there() {
        let (old, new) = (PrivateKey::generate(), PrivateKey::generate());
        let (data, participant) = kept(&[old.to_public()]);
        let (data, session) = (data.path(), &participant.session);
        let [path, _] = files(&Data(data).keys(), session);
        let medium = data.join("medium");
        fs::create_dir(&medium).expect("made");
        let target = medium.join(path.file_name().expect("a name"));
        fs::rename(&path, &target).expect("moved");
        std::os::unix::fs::symlink(&target, &path).expect("linked");
        let olds = std::slice::from_ref(&old);
        let found = rekey(data, olds, &[new.to_public()]).expect("done");
        assert_eq!((found.sealed, found.failed.len()), (1, 0));
        assert!(path.is_symlink());
        assert!(open(&medium, session, olds).is_err());
        assert!(open(&Data(data).keys(), session, &[new]).is_ok());
        fs::rename(&target, medium.join("other")).expect("moved");
        fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink(medium.join("other"), &path).expect("linked");
        let found = rekey(data, olds, &[old.to_public()]).expect("done");
        assert_eq!((found.sealed, found.failed.len()), (0, 1));
    }

    #[test]
    fn a_key_of_others_is_reported_and_left() {
        let (data, _) = kept(&[PrivateKey::generate().to_public()]);
        let stranger = PrivateKey::generate();
        let recipients = [stranger.to_public()];
        let found = rekey(data.path(), &[stranger], &recipients).expect("done");
        assert_eq!((found.sealed, found.failed.len()), (0, 1));
    }
}
