//! The session whose key is on the disk: what is sealed to it can be opened.
//!
//! The clerk says so once keys/SESSION.age is synced, and whoever seals asks before the first byte.

use std::sync::{Arc, Mutex, PoisonError};

use super::operator::Recipient;

/// Shared between the clerk, who keeps keys, and the writer, who seals.
#[derive(Clone, Debug, Default)]
pub struct Kept(Arc<Mutex<Option<(String, Recipient)>>>);

impl Kept {
    /// The key of `session` is synced; its takes are sealed to `recipient`.
    pub fn set(&self, session: &str, recipient: Recipient) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((session.to_owned(), recipient));
    }

    /// To whom the takes of `session` are sealed; `None` while its key is not on the disk.
    #[must_use]
    pub fn recipient(&self, session: &str) -> Option<Recipient> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, recipient) = kept.as_ref()?;
        (name == session).then(|| recipient.clone())
    }
}
