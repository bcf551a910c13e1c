//! Receipts: a JSON object, signed by the box.
//!
//! Guarantees: the text itself is signed, so a receipt with one changed character is refused; it
//! can be checked on any machine. The box's key, DATA/box.key, is made when it is first needed.

use std::io;
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::files::data::Data;
use crate::files::{self, small};
use crate::rt;
use crate::words::hex;

/// The text between the signed text and the signature.
const SIGNATURE: &str = ",\"signature\":\"";

/// Why there is no receipt, or no valid one.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// The box's key cannot be read or made.
    #[error("box key {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The box's key is damaged.
    #[error("box key {}: is damaged, expected 64 hexadecimal digits; put it back from a backup, or remove it and give the new one to those who check receipts", .0.display())]
    Damaged(PathBuf),
    /// Not one line of JSON with a signature at its end.
    #[error(
        "receipt: is no signed object; give exactly the text that `booth forget --json` printed"
    )]
    Shape,
    /// Not a public key.
    #[error("signer: {0:?} is no public key, 64 hexadecimal digits; `booth check` prints a box's")]
    Signer(String),
    /// Another box signed it.
    #[error("receipt: signed by {found}, not by {expected}")]
    Stranger {
        /// The box that signed it.
        found: String,
        /// The box that should have.
        expected: String,
    },
    /// The signature does not fit.
    #[error("receipt: altered, its signature does not fit its text")]
    Altered,
}

/// The key that signs this box's receipts.
#[derive(Debug)]
pub struct BoxKey(SigningKey);

impl BoxKey {
    /// The box's key; made, with mode 0600 and synced, if there is none.
    ///
    /// # Errors
    /// The file system's, or a damaged file.
    pub fn of(data: &Path) -> Result<BoxKey, ReceiptError> {
        let path = Data(data).box_key();
        let failed = |source| ReceiptError::File {
            path: path.clone(),
            source,
        };
        let Some(text) = small::read(&path).map_err(failed)? else {
            return Self::make(data, &path).map_err(failed);
        };
        let text = Zeroizing::new(text);
        let text = std::str::from_utf8(files::unmarked(&text)).unwrap_or_default();
        let seed = hex::decode(text.trim()).map(Zeroizing::new);
        let seed = seed.ok_or(ReceiptError::Damaged(path))?;
        Ok(BoxKey(SigningKey::from_bytes(&seed)))
    }

    fn make(data: &Path, path: &Path) -> io::Result<BoxKey> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(io::Error::other)?;
        let key = BoxKey(SigningKey::from_bytes(&seed));
        // Two processes may make one at the same time; the first one's stays.
        let own = data.join(format!("box.key.{}", std::process::id()));
        let text = Zeroizing::new(hex::encode(*seed));
        small::write(&own, text.as_bytes(), small::PRIVATE)?;
        match rt::rename_new(&own, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                small::remove(&own)?;
                BoxKey::of(data).map_err(io::Error::other)
            }
            renamed => {
                renamed?;
                small::sync_folder(path)?;
                Ok(key)
            }
        }
    }

    /// Its public half, which is in every receipt.
    #[must_use]
    pub fn public(&self) -> String {
        hex::encode(self.0.verifying_key().to_bytes())
    }

    /// `object` as one line of JSON with `signer` and `signature` at its end.
    #[must_use]
    pub fn sign(&self, mut object: Map<String, Value>) -> String {
        object.remove("signer");
        object.remove("signature");
        let fields: Vec<String> = object
            .iter()
            .map(|(key, value)| format!("{}:{value},", Value::from(key.as_str())))
            .collect();
        let text = format!("{{{}\"signer\":\"{}\"", fields.concat(), self.public());
        let signature = self.0.sign(format!("{text}}}").as_bytes()).to_bytes();
        let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{text}{SIGNATURE}{signature}\"}}")
    }
}

/// Checks a receipt, which may end with white space, and returns its content; with `signer`, also
/// checks that this box signed it.
///
/// # Errors
/// What is wrong with it.
pub fn verify(text: &str, signer: Option<&str>) -> Result<Map<String, Value>, ReceiptError> {
    let text = text.trim();
    let Ok(Value::Object(object)) = serde_json::from_str(text) else {
        return Err(ReceiptError::Shape);
    };
    let (signed, rest) = text.rsplit_once(SIGNATURE).ok_or(ReceiptError::Shape)?;
    let signature = rest.strip_suffix("\"}").and_then(hex::decode::<64>);
    let signature = Signature::from_bytes(&signature.ok_or(ReceiptError::Shape)?);
    let found = object.get("signer").and_then(Value::as_str);
    let found = found.ok_or(ReceiptError::Shape)?;
    let public = |text: &str| {
        let bytes = hex::decode(text.trim())?;
        VerifyingKey::from_bytes(&bytes).ok()
    };
    let key = public(found).ok_or(ReceiptError::Shape)?;
    if let Some(expected) = signer {
        let wanted = public(expected).ok_or_else(|| ReceiptError::Signer(expected.to_owned()))?;
        if wanted != key {
            return Err(ReceiptError::Stranger {
                found: found.to_owned(),
                expected: expected.trim().to_owned(),
            });
        }
    }
    key.verify_strict(format!("{signed}}}").as_bytes(), &signature)
        .map_err(|_| ReceiptError::Altered)?;
    Ok(object)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn signed() -> (BoxKey, String) {
        let data = tempfile::tempdir().expect("a folder");
        let key = BoxKey::of(data.path()).expect("a key");
        let mut object = Map::new();
        object.insert("session".into(), "ABC".into());
        object.insert("complete".into(), true.into());
        let text = key.sign(object);
        (key, text)
    }

    #[test]
    fn the_key_is_made_once_and_only_its_owner_may_read_it() {
        let data = tempfile::tempdir().expect("a folder");
        let made = BoxKey::of(data.path()).expect("made").public();
        assert_eq!(BoxKey::of(data.path()).expect("read").public(), made);
        let file = std::fs::metadata(data.path().join("box.key")).expect("there");
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        assert_eq!(small::names(data.path()).expect("names"), ["box.key"]);
        std::fs::write(data.path().join("box.key"), "x").expect("damaged");
        let damaged = BoxKey::of(data.path());
        assert!(matches!(damaged, Err(ReceiptError::Damaged(_))));
    }

    #[test]
    fn a_receipt_of_which_any_character_was_changed_is_refused() {
        let (_, text) = signed();
        verify(&format!("{text}\n"), None).expect("good");
        for at in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[at] = if altered[at] == b'1' { b'2' } else { b'1' };
            let altered = String::from_utf8(altered).expect("text");
            assert!(verify(&altered, None).is_err(), "{altered}");
        }
    }

    #[test]
    fn another_boxs_receipt_is_not_taken_for_this_ones() {
        let (key, text) = signed();
        verify(&text, Some(&key.public())).expect("good");
        let (other, _) = signed();
        let stranger = verify(&text, Some(&other.public()));
        assert!(matches!(stranger, Err(ReceiptError::Stranger { .. })));
        assert!(matches!(
            verify(&text, Some("x")),
            Err(ReceiptError::Signer(_))
        ));
    }
}
