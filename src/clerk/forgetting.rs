//! A session of this box that is to be forgotten: its visitor asked for it, or the visitor left.
//!
//! Guarantees: nothing is removed before the tombstone is on the disk; nothing is written below the
//! mount point of a disk that is away.

use std::io;
use std::path::{Path, PathBuf};

use crate::files::data::Data;
use crate::forget;
use crate::identity::code::Proof;
use crate::identity::keyring;
use crate::words::By;

/// A session to forget.
#[derive(Debug)]
pub(super) struct Forgetting {
    folder: PathBuf,
    by: By,
    /// If the disk was away, it never got the proof.
    proof: Option<Proof>,
}

impl Forgetting {
    /// The session in `folder`, whose proof may not be on the disk yet.
    pub(super) fn of(folder: PathBuf, by: By, proof: Option<Proof>) -> Forgetting {
        Forgetting { folder, by, proof }
    }

    /// Writes the tombstone and removes everything; what cannot be removed now is removed at the
    /// next start.
    pub(super) fn carry_out(&self, data: &Path) -> io::Result<()> {
        std::fs::metadata(Data(data).sessions())?;
        let session = self.folder.file_name().unwrap_or_default();
        let session = session.to_string_lossy();
        let kept = keyring::proof(data, &session).map_err(io::Error::other)?;
        let proof = kept.or_else(|| self.proof.clone());
        let proof = proof.ok_or_else(|| {
            let keys = Data(data).keys();
            io::Error::other(format!(
                "{}: the session's proof is not there",
                keys.display()
            ))
        })?;
        let mut tombstone = forget::announce(data, &proof, self.by).map_err(io::Error::other)?;
        if let Err(error) = forget::carry_out(data, &mut tombstone) {
            log::error!("a session that is to be forgotten is not wholly removed: {error}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::small;
    use crate::forget::survey;
    use crate::identity::participant::Participant;
    use crate::identity::tombstone;
    use crate::store::{lock, session};

    #[test]
    fn a_session_whose_keys_the_disk_never_had_is_forgotten_once_the_disk_is_back() {
        let data = tempfile::tempdir().expect("a folder");
        let data = data.path();
        let participant = Participant::draw().expect("random");
        let session = participant.session.clone();
        let own = data.join("sessions").join(&session);
        let forgetting = Forgetting::of(own.clone(), By::Visitor, Some(participant.proof));
        assert!(forgetting.carry_out(data).is_err());
        assert!(
            small::names(data).expect("names").is_empty(),
            "written on a mount point"
        );
        let _held = lock::lock(data).expect("a lock");
        session::make(&own).expect("made by the recorder");
        forgetting.carry_out(data).expect("forgotten");
        assert!(!survey::is_in_data(data, &session));
        let known = tombstone::read(data, &session)
            .expect("read")
            .expect("written");
        assert_eq!(known.by, By::Visitor);
    }

    #[test]
    fn without_a_proof_nothing_is_removed() {
        let data = tempfile::tempdir().expect("a folder");
        let own = data.path().join("sessions/00000000000000000000");
        std::fs::create_dir_all(&own).expect("made");
        assert!(
            Forgetting::of(own.clone(), By::Visitor, None)
                .carry_out(data.path())
                .is_err()
        );
        assert!(own.exists());
    }
}
