//! What a person agreed to.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a person consented to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Of the text, as the protocol names it.
    pub version: String,
    /// SHA-256 of the text, hexadecimal.
    pub sha256: String,
    /// The language it was shown in.
    pub language: String,
}

impl Consent {
    /// The consent to `text`.
    #[must_use]
    pub fn to(text: &str, version: &str, language: &str) -> Consent {
        Consent {
            version: version.to_owned(),
            sha256: crate::words::hex::encode(Sha256::digest(text).into()),
            language: language.to_owned(),
        }
    }
}
