//! What is made at consent: withdrawal code, proof, session name, Fernet key, age key, and the
//! identity as one Fernet token.
//!
//! Guarantees: the private halves are zeroized after their last use and never shown by `Debug`. The
//! unsealed text of keys/SESSION.age is the Fernet key (url-safe base64) and the AGE-SECRET-KEY-1…,
//! one per line, so that stock `age` and Python's `cryptography` open everything.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};

use age::secrecy::ExposeSecret;
use fernet::Fernet;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::code::{Code, Proof};
use super::operator::{PrivateKey, Recipient};
use crate::files;

/// Later than the time stamp of any token.
const AFTER_ALL_TIMES_S: u64 = i64::MAX as u64;
/// The longest unsealed key text that is read; it has about 120 bytes.
const MOST_KEY_BYTES: u64 = 4096;

/// Why there is no participant or identity.
#[derive(Debug, thiserror::Error)]
pub enum ParticipantError {
    /// The kernel has no randomness.
    #[error("withdrawal code: no randomness from the kernel: {0}")]
    Random(#[from] getrandom::Error),
    /// Something could not be sealed.
    #[error("sealing: {0}")]
    Seal(String),
    /// A key is sealed to others, or damaged.
    #[error("sealed key: {0}")]
    Open(String),
    /// The unsealed text is not a participant's key.
    #[error("unsealed key: is no Fernet key and age key, one a line; it is damaged")]
    Keys,
    /// A token is damaged or made with another key.
    #[error("identity token: damaged, or made with another key")]
    Token,
    /// The text of a token is not an identity.
    #[error("identity token: {0}")]
    Identity(#[from] serde_json::Error),
}

/// Who a person is; stored only as a token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// As the person gave it; empty for an anonymous visitor.
    #[serde(default)]
    pub name: String,
    /// How to reach them.
    #[serde(default)]
    pub contact: String,
    /// The withdrawal code in groups.
    pub code: String,
    /// What was consented to: version, hash and language, or what the operator wrote; null if
    /// nothing is known.
    #[serde(default)]
    pub consent: serde_json::Value,
    /// Free fields.
    #[serde(flatten)]
    pub fields: BTreeMap<String, String>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}

/// A participant's private halves.
pub struct Keys {
    fernet: Zeroizing<String>,
    private: PrivateKey,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    fn draw() -> Keys {
        Keys {
            fernet: Zeroizing::new(Fernet::generate_key()),
            private: PrivateKey::generate(),
        }
    }

    /// The key that opens the takes.
    #[must_use]
    pub fn private(&self) -> &PrivateKey {
        &self.private
    }

    /// These keys, sealed to every one of `recipients`.
    ///
    /// # Errors
    /// There is no recipient.
    pub fn seal(&self, recipients: &[Recipient]) -> Result<Vec<u8>, ParticipantError> {
        let private = self.private.to_string();
        let text = format!("{}\n{}\n", *self.fernet, private.expose_secret());
        seal_bytes(Zeroizing::new(text).as_bytes(), recipients)
    }

    /// Opens what [`Keys::seal`] made.
    ///
    /// # Errors
    /// None of `keys` opens it, or it is damaged.
    pub fn open(sealed: &[u8], keys: &[PrivateKey]) -> Result<Keys, ParticipantError> {
        let text = open_bytes(sealed, keys, MOST_KEY_BYTES)?;
        let text = std::str::from_utf8(&text).map_err(|_| ParticipantError::Keys)?;
        let mut lines = text.lines();
        let (Some(fernet), Some(private)) = (lines.next(), lines.next()) else {
            return Err(ParticipantError::Keys);
        };
        Fernet::new(fernet).ok_or(ParticipantError::Keys)?;
        Ok(Keys {
            fernet: Zeroizing::new(fernet.to_owned()),
            private: private.parse().map_err(|_| ParticipantError::Keys)?,
        })
    }

    /// The identity as a token.
    ///
    /// # Errors
    /// The identity cannot be written as JSON.
    pub fn token(&self, identity: &Identity) -> Result<String, ParticipantError> {
        let text = Zeroizing::new(serde_json::to_vec(identity)?);
        Ok(self.cipher()?.encrypt(&text))
    }

    /// Reads a token, also one that another program made, or this one while its clock was ahead.
    ///
    /// # Errors
    /// The token is damaged, made with another key, or not an identity.
    pub fn identity(&self, token: &str) -> Result<Identity, ParticipantError> {
        // Without a time to live, Python does not look at the clock either.
        let text = self
            .cipher()?
            .decrypt_at_time(token.trim(), None, AFTER_ALL_TIMES_S);
        let text = Zeroizing::new(text.map_err(|_| ParticipantError::Token)?);
        Ok(files::json(&text)?)
    }

    fn cipher(&self) -> Result<Fernet, ParticipantError> {
        Fernet::new(&self.fernet).ok_or(ParticipantError::Keys)
    }
}

/// A person who has consented, before anything about them is on the disk.
#[derive(Debug)]
pub struct Participant {
    /// The session's public name.
    pub session: String,
    /// Only its owner may see it.
    pub code: Code,
    /// Shows that someone had the code.
    pub proof: Proof,
    /// What their takes are sealed to.
    pub recipient: Recipient,
    /// The private halves.
    pub keys: Keys,
}

impl Participant {
    /// A new participant. Takes a tenth of a second: the proof is made to be slow.
    ///
    /// # Errors
    /// The kernel's, where it has no randomness.
    pub fn draw() -> Result<Participant, ParticipantError> {
        let code = Code::draw()?;
        let proof = code.proof();
        let keys = Keys::draw();
        Ok(Participant {
            session: proof.session(),
            code,
            proof,
            recipient: keys.private.to_public(),
            keys,
        })
    }

    /// The identity of a person who gave no name.
    #[must_use]
    pub fn anonymous(&self, consent: serde_json::Value) -> Identity {
        Identity {
            name: String::new(),
            contact: String::new(),
            code: self.code.grouped().to_string(),
            consent,
            fields: BTreeMap::new(),
        }
    }
}

/// Seals a few bytes to every one of `recipients`.
///
/// # Errors
/// There is no recipient.
pub fn seal_bytes(plain: &[u8], recipients: &[Recipient]) -> Result<Vec<u8>, ParticipantError> {
    let failed = |error: &dyn fmt::Display| ParticipantError::Seal(error.to_string());
    let all = recipients.iter().map(|one| one as &dyn age::Recipient);
    let sealer = age::Encryptor::with_recipients(all).map_err(|error| failed(&error))?;
    let mut sealed = Vec::new();
    let mut writer = sealer
        .wrap_output(&mut sealed)
        .map_err(|error| failed(&error))?;
    writer
        .write_all(plain)
        .and_then(|()| writer.finish().map(drop))
        .map_err(|error| failed(&error))?;
    Ok(sealed)
}

/// Opens a few bytes, at most `most`, armoured or not.
///
/// # Errors
/// None of `keys` opens them, they are damaged, or there are more.
pub fn open_bytes(
    sealed: &[u8],
    keys: &[PrivateKey],
    most: u64,
) -> Result<Zeroizing<Vec<u8>>, ParticipantError> {
    let failed = |error: &dyn fmt::Display| ParticipantError::Open(error.to_string());
    let sealed = age::armor::ArmoredReader::new(sealed);
    let opener = age::Decryptor::new(sealed).map_err(|error| failed(&error))?;
    let all = keys.iter().map(|one| one as &dyn age::Identity);
    let reader = opener.decrypt(all).map_err(|error| match error {
        age::DecryptError::NoMatchingKeys => ParticipantError::Open(
            "none of these keys opens it; name the key it was sealed to".into(),
        ),
        other => failed(&other),
    })?;
    let mut plain = Zeroizing::new(Vec::new());
    reader
        .take(most + 1)
        .read_to_end(&mut plain)
        .map_err(|error| failed(&error))?;
    if plain.len() as u64 > most {
        return Err(ParticipantError::Open(format!("more than {most} bytes")));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            // Decomposed on purpose: no normalisation.
            name: "Ame\u{301}lie".into(),
            contact: "a@example.org".into(),
            code: "ABCD".into(),
            consent: serde_json::Value::Null,
            fields: [("age".to_owned(), "31".to_owned())].into(),
        }
    }

    #[test]
    fn every_recipient_opens_the_keys_and_they_open_the_token() {
        let (a, b) = (PrivateKey::generate(), PrivateKey::generate());
        let participant = Participant::draw().expect("random");
        let token = participant.keys.token(&identity()).expect("a token");
        let both = [a.to_public(), b.to_public()];
        let sealed = participant.keys.seal(&both).expect("sealed");
        for key in [a, b] {
            let keys = Keys::open(&sealed, &[key]).expect("opened");
            assert_eq!(keys.identity(&token).expect("read"), identity());
            let own = keys.private().to_public().to_string();
            assert_eq!(own, participant.recipient.to_string());
        }
    }

    #[test]
    fn a_stranger_opens_nothing_and_a_damaged_token_is_refused() {
        let participant = Participant::draw().expect("random");
        let operator = PrivateKey::generate().to_public();
        let mut sealed = participant.keys.seal(&[operator]).expect("sealed");
        assert!(Keys::open(&sealed, &[PrivateKey::generate()]).is_err());
        sealed.truncate(40);
        assert!(Keys::open(&sealed, &[PrivateKey::generate()]).is_err());
        let mut token = participant.keys.token(&identity()).expect("a token");
        token.replace_range(30..31, if &token[30..31] == "A" { "B" } else { "A" });
        let read = participant.keys.identity(&token);
        assert!(matches!(read, Err(ParticipantError::Token)));
    }

    #[test]
    fn nothing_is_sealed_without_a_recipient() {
        assert!(seal_bytes(b"a", &[]).is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let participant = Participant::draw().expect("random");
        let shown = format!("{participant:?} {:?}", identity());
        let private = participant.keys.private.to_string();
        let letters = participant.code.grouped().to_string();
        for secret in ["Ame", "SECRET", &letters, private.expose_secret()] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
