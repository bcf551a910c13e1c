//! DATA/pending/NUMBER.json: people who are enrolled but not recorded yet.
//!
//! Guarantees: nothing in it is readable without the operator's key. A number is three random
//! digits and never one in use. A kill during an enrolment leaves no entry; an enrolment that was
//! confirmed is complete. A person who does not come in time is forgotten.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::keyring;
use super::operator::Recipient;
use super::participant::Participant;
use crate::files::data::Data;
use crate::files::{self, small};
use crate::words::is_session;

mod clear;
mod of_session;

pub use clear::{settled as clear_settled, unfinished as clear_unfinished};
pub use of_session::named;
pub use of_session::{Entries, of};

/// Numbers there are: 000 to 999.
const NUMBERS: u16 = 1000;

/// Why a person is not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum PendingError {
    /// The file system's.
    #[error("pending people {}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Every number is in use.
    #[error("pending people: all {NUMBERS} numbers are in use; record or forget some")]
    Full,
    /// No such number.
    #[error(
        "pending person {0}: there is none of this number; it was recorded, forgotten or never enrolled"
    )]
    Unknown(String),
    /// The kernel has no randomness.
    #[error("number of a pending person: no randomness from the kernel: {0}")]
    Random(#[from] getrandom::Error),
    /// The key cannot be kept.
    #[error(transparent)]
    Key(#[from] keyring::KeyringError),
}

impl PendingError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> PendingError {
        move |source| PendingError::File {
            path: path.to_owned(),
            source,
        }
    }
}

/// A pending person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The name their session will have.
    pub session: String,
    /// Their identity, one Fernet token.
    pub token: String,
    /// What their takes are sealed to.
    pub recipient: String,
    /// Answers to the protocol's questions, sealed to `recipient`, as stock `age --armor` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
}

impl Pending {
    /// When they were enrolled, seconds of the Unix epoch: a Fernet token says when it was made.
    /// <https://github.com/fernet/spec/blob/master/Spec.md>: version, then 8 bytes big-endian.
    #[must_use]
    pub fn enrolled_s(&self) -> Option<u64> {
        // 12 characters of base64 are 9 bytes; the version is 0x80.
        let mut bits: u128 = 0;
        for letter in self.token.bytes().take(12) {
            let value = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                b'-' => 62,
                b'_' => 63,
                _ => return None,
            };
            bits = bits << 6 | u128::from(value);
        }
        (self.token.len() >= 12 && bits >> 64 == 0x80).then_some(bits as u64)
    }
}

fn path(data: &Path, number: &str) -> PathBuf {
    Data(data).pending().join(format!("{number}.json"))
}

fn is_number(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Held during an enrolment, so that another process does not take half an enrolment for one that
/// was killed.
fn hold(data: &Path) -> io::Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(Data(data).pending().join(".lock"))
}

/// Enrols: keeps the participant's key and their entry; returns the number.
///
/// # Errors
/// The file system's, or no number is free.
pub fn enroll(
    data: &Path,
    participant: &Participant,
    recipients: &[Recipient],
    entry: &Pending,
) -> Result<String, PendingError> {
    let all = Data(data).pending();
    let failed = || PendingError::file(&all);
    small::folder(&all, 0o700).map_err(failed())?;
    let held = hold(data).map_err(failed())?;
    held.lock().map_err(failed())?;
    let number = free_number(data)?;
    let path = path(data, &number);
    let failed = || PendingError::file(&path);
    let mut text = serde_json::to_vec(entry)
        .map_err(io::Error::other)
        .map_err(failed())?;
    text.push(b'\n');
    // The entry's temporary file comes first and names the session, so that the next start knows
    // which key belongs to an enrolment that was killed.
    let temporary = small::temporary(&path);
    small::write(&temporary, &text, small::PRIVATE).map_err(failed())?;
    keyring::keep(data, participant, recipients)?;
    std::fs::rename(&temporary, &path)
        .and_then(|()| small::sync_folder(&path))
        .map_err(failed())?;
    Ok(number)
}

fn free_number(data: &Path) -> Result<String, PendingError> {
    let taken = numbers(data).map_err(PendingError::file(&Data(data).pending()))?;
    let mut random = [0; 8];
    getrandom::fill(&mut random)?;
    let first = (u64::from_ne_bytes(random) % u64::from(NUMBERS)) as u16;
    let mut all = (0..NUMBERS).map(|n| format!("{:03}", (first + n) % NUMBERS));
    all.find(|number| !taken.contains(number))
        .ok_or(PendingError::Full)
}

/// The numbers in use, sorted.
///
/// # Errors
/// The file system's.
pub fn numbers(data: &Path) -> io::Result<Vec<String>> {
    let names = small::names(&Data(data).pending())?.into_iter();
    let names = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned));
    Ok(names.filter(|name| is_number(name)).collect())
}

/// The person of `number`.
///
/// # Errors
/// There is none, or the entry is damaged.
pub fn read(data: &Path, number: &str) -> Result<Pending, PendingError> {
    let unknown = || PendingError::Unknown(number.to_owned());
    if !is_number(number) {
        return Err(unknown());
    }
    let path = path(data, number);
    let bytes = small::read(&path).map_err(PendingError::file(&path))?;
    let pending: Pending = files::json(&bytes.ok_or_else(unknown)?)
        .map_err(io::Error::other)
        .map_err(PendingError::file(&path))?;
    if is_session(&pending.session) {
        Ok(pending)
    } else {
        let damaged = io::Error::other("names no session");
        Err(PendingError::file(&path)(damaged))
    }
}

/// Every pending person, by number; a damaged entry is logged and left.
///
/// # Errors
/// The file system's.
pub fn all(data: &Path) -> io::Result<Vec<(String, Pending)>> {
    let mut all = Vec::new();
    for number in numbers(data)? {
        match read(data, &number) {
            Ok(pending) => all.push((number, pending)),
            Err(error) => log::warn!("{error}"),
        }
    }
    Ok(all)
}

/// The number of the pending person of this session, if it is one's.
#[must_use]
pub fn number_of(data: &Path, session: &str) -> Option<String> {
    let mut all = all(data).unwrap_or_default().into_iter();
    let theirs = all.find(|(_, entry)| entry.session == session);
    theirs.map(|(number, _)| number)
}

/// Removes the entry of `number`, synced; returns false if there was none. Called when a take of the
/// person is on the disk or they are forgotten.
///
/// # Errors
/// The file system's.
pub fn remove(data: &Path, number: &str) -> io::Result<bool> {
    let path = path(data, number);
    let removed = super::erase::file(&path, false)?;
    if removed {
        small::sync_folder(&path)?;
    }
    Ok(removed)
}

/// Undoes an enrolment whose number was not given out.
///
/// # Errors
/// The file system's.
pub fn withdraw(data: &Path, number: &str, session: &str) -> io::Result<()> {
    keyring::remove(&Data(data).keys(), session)?;
    remove(data, number).map(drop)
}

/// The people who were enrolled `days` or more before `now`. A clock that is behind keeps them. So
/// does one that is not to be trusted, `None`: it may jump. With zero days no clock is needed.
///
/// # Errors
/// The file system's.
pub fn expired(data: &Path, days: u32, now: Option<SystemTime>) -> io::Result<Vec<Pending>> {
    let now_s = now.map(|now| now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
    let most_s = u64::from(days) * 24 * 3600;
    let is_old = |pending: &Pending| {
        let times = now_s.zip(pending.enrolled_s());
        let waited_s = times.and_then(|(now_s, then_s)| now_s.checked_sub(then_s));
        days == 0 || waited_s.is_some_and(|waited_s| waited_s >= most_s)
    };
    let all = all(data)?.into_iter().map(|(_, pending)| pending);
    Ok(all.filter(is_old).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::identity::operator::PrivateKey;

    fn entry(participant: &Participant) -> Pending {
        let identity = participant.anonymous(serde_json::Value::Null);
        Pending {
            session: participant.session.clone(),
            token: participant.keys.token(&identity).expect("a token"),
            recipient: participant.recipient.to_string(),
            answers: None,
        }
    }

    pub(super) fn enrolled() -> (tempfile::TempDir, String, Pending) {
        let data = tempfile::tempdir().expect("a folder");
        let participant = Participant::draw().expect("random");
        let recipients = [PrivateKey::generate().to_public()];
        let entry = entry(&participant);
        let number = enroll(data.path(), &participant, &recipients, &entry).expect("a number");
        (data, number, entry)
    }

    #[test]
    fn a_number_is_three_digits_and_gives_the_person_until_removed() {
        let (data, number, entry) = enrolled();
        assert!(is_number(&number));
        assert_eq!(read(data.path(), &number).expect("there"), entry);
        assert!(remove(data.path(), &number).expect("removed"));
        let unknown = read(data.path(), &number);
        assert!(matches!(unknown, Err(PendingError::Unknown(_))));
        assert!(read(data.path(), "../../x").is_err());
    }

    #[test]
    fn no_number_is_given_twice_and_the_last_free_one_is_found() {
        let (data, ..) = enrolled();
        for n in (0..NUMBERS).filter(|n| *n != 500) {
            std::fs::write(path(data.path(), &format!("{n:03}")), "{}").expect("written");
        }
        let _ = small::remove(&path(data.path(), "500")).expect("removed");
        assert_eq!(free_number(data.path()).expect("one"), "500");
        std::fs::write(path(data.path(), "500"), "{}").expect("written");
        assert!(matches!(free_number(data.path()), Err(PendingError::Full)));
    }

    #[test]
    fn a_person_who_does_not_come_in_time_has_expired_and_a_slow_clock_expires_no_one() {
        let (data, _, entry) = enrolled();
        let then = UNIX_EPOCH + Duration::from_secs(entry.enrolled_s().expect("a time"));
        let day = Duration::from_secs(24 * 3600);
        for (now, expected) in [(UNIX_EPOCH, 0), (then + 29 * day, 0), (then + 30 * day, 1)] {
            let found = expired(data.path(), 30, Some(now)).expect("listed");
            assert_eq!(found.len(), expected);
        }
        for (days, expected) in [(30, 0), (1, 0), (0, 1)] {
            let found = expired(data.path(), days, None).expect("listed");
            assert_eq!(found.len(), expected, "{days} days by no clock");
        }
    }
}
