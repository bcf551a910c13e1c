//! Tombstones that arrive while the box runs: written by `booth forget` in another process, synced from
//! another booth, or of an enrolled person who did not come in time.
//!
//! Guarantees: each is carried out within seconds of its arrival. One that waits for something is
//! tried again each minute, and enrolled people expire then. The session that is being recorded is
//! not touched; it is reported.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use crate::files::data::Data;
use crate::forget;
use crate::forget::survey::Round;
use crate::forget::{CarriedOut, ForgetError};

/// Between two checks for new ones.
const LOOK: Duration = Duration::from_secs(1);
/// Between two tries of those that wait.
const AGAIN: Duration = Duration::from_secs(60);

/// The tombstones of the data folder.
pub(super) struct Tombstones {
    data: PathBuf,
    pending_days: u32,
    looked: Instant,
    tried: Instant,
    /// When the folder last changed, as far as its tombstones were carried out.
    served: Option<SystemTime>,
}

impl Tombstones {
    /// Those that were there at the start were carried out then.
    pub(super) fn of(data: PathBuf, pending_days: u32) -> Tombstones {
        let now = Instant::now();
        Tombstones {
            data,
            pending_days,
            looked: now,
            tried: now,
            served: None,
        }
    }

    /// Carries out what is due, except that of the session `live`.
    pub(super) fn look(&mut self, live: Option<&str>) -> Result<CarriedOut, ForgetError> {
        if self.looked.elapsed() < LOOK {
            return Ok(CarriedOut::default());
        }
        self.looked = Instant::now();
        let folder = std::fs::metadata(Data(&self.data).forgotten());
        let changed = folder.and_then(|folder| folder.modified()).ok();
        let is_minute = self.tried.elapsed() >= AGAIN;
        if changed == self.served && !is_minute {
            return Ok(CarriedOut::default());
        }
        (self.served, self.tried) = (changed, Instant::now());
        let expired = if is_minute {
            forget::expire(&self.data, self.pending_days, live)
        } else {
            Ok(())
        };
        // Carried out whether people could expire or not.
        expired.and(forget::carry_out_due(&self.data, live, Round::Brief))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::keyring;
    use crate::identity::operator::PrivateKey;
    use crate::identity::participant::Participant;
    use crate::identity::pending::{self, Pending};
    use crate::words::By;

    #[test]
    fn an_arriving_tombstone_is_carried_out_except_for_the_live_session() {
        let dir = tempfile::tempdir().expect("a folder");
        let data = dir.path();
        let people = [(); 2].map(|()| {
            let person = Participant::draw().expect("random");
            keyring::keep(data, &person, &[]).expect("kept");
            let folder = data.join("sessions").join(&person.session);
            std::fs::create_dir_all(&folder).expect("made");
            std::fs::write(folder.join("take-0001.rf64"), "voice").expect("written");
            person
        });
        let mut tombstones = Tombstones::of(data.to_owned(), 30);
        for person in &people {
            forget::announce(data, &person.proof, By::Code).expect("written");
        }
        let live = people[1].session.as_str();
        // A second has passed.
        tombstones.looked -= LOOK;
        let done = tombstones.look(Some(live)).expect("looked");
        assert_eq!(
            (done.sessions, done.live, done.failures.len()),
            (1, true, 0)
        );
        let is_there = |n: usize| data.join("sessions").join(&people[n].session).exists();
        assert_eq!([is_there(0), is_there(1)], [false, true]);
    }

    #[test]
    fn an_enrolled_person_who_never_comes_expires_while_the_box_runs() {
        let dir = tempfile::tempdir().expect("a folder");
        let data = dir.path();
        let person = Participant::draw().expect("random");
        let entry = Pending {
            session: person.session.clone(),
            token: "token".into(),
            recipient: person.recipient.to_string(),
            answers: None,
        };
        let recipients = [PrivateKey::generate().to_public()];
        pending::enroll(data, &person, &recipients, &entry).expect("enrolled");
        let numbers = || pending::numbers(data).expect("listed").len();
        // With zero days no clock is needed.
        let mut tombstones = Tombstones::of(data.to_owned(), 0);
        tombstones.looked -= LOOK;
        tombstones.look(None).expect("looked");
        assert_eq!(numbers(), 1, "not at each look");
        for (live, left) in [(Some(person.session.as_str()), 1), (None, 0)] {
            tombstones.looked -= LOOK;
            tombstones.tried -= AGAIN;
            tombstones.look(live).expect("looked");
            assert_eq!(numbers(), left, "whoever is here has come");
        }
    }
}
