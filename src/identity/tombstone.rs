//! DATA/forgotten/SESSION.json: the session is forgotten, and the one who asked for it had the
//! right.
//!
//! Guarantees: it is written before anything is removed, so that a kill still ends in "forgotten".
//! It holds no personal data. It is known by its content, for mail and clouds change a file's name.
//! A tombstone whose proof does not give its session's name is ignored with a warning, so a public
//! name alone forgets no one.

mod folder;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::code::Proof;
use super::erase::Erased;
use super::tombstone_room;
use crate::files::data::Data;
use crate::files::small;
use crate::words::By;

pub use folder::{all, of_bytes, read, sessions};

/// The state of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Something of the person is there: it will be removed, or `found` says why not.
    Found,
    /// Something was there, and is gone.
    Removed,
    /// Nothing was there.
    Nothing,
    /// Something is there, and it is unknown whether it belongs to the person.
    Waiting,
    /// Out of reach: if nothing is there now, that may be because another medium is.
    Away,
}

/// A place that was searched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// Within DATA, or the path of an export.
    pub place: String,
    /// Its state.
    pub state: State,
    /// What was found there, in words.
    pub found: String,
}

impl Looked {
    /// The result of searching `place`.
    pub fn new(place: impl fmt::Display, state: State, found: impl Into<String>) -> Looked {
        Looked {
            place: place.to_string(),
            state,
            found: found.into(),
        }
    }

    /// The result of erasing at `place`, with `words` if all of it is gone. The other names that it
    /// had count as a place of their own.
    #[must_use]
    pub fn of(place: &str, erased: &Erased, words: String) -> Vec<Looked> {
        let look = if !erased.stays.is_empty() {
            Looked::new(place, State::Found, erased.stays.join("; "))
        } else if words.is_empty() {
            Looked::new(place, State::Nothing, words)
        } else {
            Looked::new(place, State::Removed, words)
        };
        let further = format!("further names of {place}");
        let copies = Looked::new(further, State::Away, erased.copies.join("; "));
        let mut looks = vec![look, copies];
        looks.retain(|look| look.state != State::Away || !look.found.is_empty());
        looks
    }

    /// Whether something of the person is left there, or may be.
    #[must_use]
    pub fn is_left(&self) -> bool {
        matches!(self.state, State::Found | State::Waiting | State::Away)
    }
}

/// A tombstone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The session's public name.
    pub session: String,
    /// Shows the right to forget it, hexadecimal.
    pub proof: String,
    /// Who asked for it.
    pub by: By,
    /// SHA-256 of the consent text; null where no consent was asked for or nothing is known.
    pub consent_sha256: Option<String>,
    /// Its version.
    pub consent_version: Option<String>,
    /// The month, for example `2026-11`; null while the clock is not to be trusted.
    pub month: Option<String>,
    /// The public half of the key of the box that searched; none if it is not available.
    #[serde(rename = "box", default, skip_serializing_if = "Option::is_none")]
    pub box_key: Option<String>,
    /// The places and what was there; before it is carried out, what is there now.
    pub places: Vec<Looked>,
}

impl Tombstone {
    /// A tombstone of the session that `proof` gives; nothing was searched yet.
    #[must_use]
    pub fn of(proof: &Proof, by: By) -> Tombstone {
        Tombstone {
            session: proof.session(),
            proof: proof.hex(),
            by,
            consent_sha256: None,
            consent_version: None,
            month: crate::rt::utc_now().map(|utc| utc.chars().take(7).collect()),
            box_key: None,
            places: Vec::new(),
        }
    }

    /// Takes it over for the box with the public key half `own`. What another box saw in its places
    /// is not gone because nothing is here.
    pub fn take_over(&mut self, own: Option<String>) {
        if self.box_key.is_some() && self.box_key != own {
            for look in self.places.iter_mut().filter(|look| look.is_left()) {
                look.state = State::Away;
                look.found = "another booth saw something there and has not said that it is gone; \
                              its own receipt says so"
                    .into();
            }
        }
        self.box_key = own;
    }

    /// Whether its proof gives its session's name.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let proof = self.proof.parse::<Proof>();
        proof.is_ok_and(|proof| proof.session() == self.session)
    }

    /// Where the person's data is still waiting to be removed: places out of reach, and the booth
    /// that recorded them if it is not this one.
    #[must_use]
    pub fn waiting_for(&self) -> Vec<&str> {
        let left = self.places.iter().filter(|looked| looked.is_left());
        let mut waiting: Vec<&str> = left.map(|looked| looked.place.as_str()).collect();
        if waiting.is_empty() && !self.places.iter().any(|one| one.state == State::Removed) {
            waiting.push("another booth");
        }
        waiting
    }

    /// Whether the person is gone from every place.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.waiting_for().is_empty()
    }

    /// The last result for `place`.
    #[must_use]
    pub fn look(&self, place: &str) -> Option<&Looked> {
        self.places.iter().find(|looked| looked.place == place)
    }

    /// Adds the results of a later search. If data was removed before, or was there before and was
    /// removed by hand or by a call that was killed, that stays recorded. A place that is away
    /// stays so until its data was found.
    pub fn update(&mut self, looks: Vec<Looked>) {
        for look in looks {
            let known = self.places.iter_mut();
            match known.into_iter().find(|known| known.place == look.place) {
                Some(known) if look.state == State::Nothing => match known.state {
                    State::Found => {
                        known.state = State::Removed;
                        known.found.clear();
                    }
                    State::Waiting => *known = look,
                    State::Removed | State::Nothing | State::Away => {}
                },
                Some(known) => *known = look,
                None => self.places.push(look),
            }
        }
    }

    /// Writes it into DATA, synced; on a full disk into the room kept for it, without its places if
    /// they do not fit.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, data: &Path) -> io::Result<()> {
        small::folder(&Data(data).forgotten(), 0o755)?;
        let path = path(data, &self.session);
        match small::write(&path, &self.text()?, small::PUBLIC) {
            Err(error) if is_full(&error) => {
                small::remove(&small::temporary(&path))?;
                let bare = Tombstone {
                    places: Vec::new(),
                    ..self.clone()
                };
                let folder = Data(data).forgotten();
                tombstone_room::write(&folder, &path, &self.text()?)
                    .or_else(|_| tombstone_room::write(&folder, &path, &bare.text()?))
                    .map_err(|_| error)
            }
            written => written,
        }
    }

    fn text(&self) -> io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec(self).map_err(io::Error::other)?;
        text.push(b'\n');
        Ok(text)
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// A session's tombstone.
#[must_use]
pub fn path(data: &Path, session: &str) -> PathBuf {
    Data(data).forgotten().join(format!("{session}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::code::Code;

    #[test]
    fn what_another_box_saw_is_away_and_one_that_names_no_box_is_read() {
        let code = Code::draw().expect("random");
        let mut tombstone = Tombstone::of(&code.proof(), By::Code);
        let text = String::from_utf8(tombstone.text().expect("a text")).expect("a text");
        assert!(!text.contains("\"box\""), "{text}");
        let read: Tombstone = serde_json::from_str(&text).expect("read");
        assert_eq!(read, tombstone);
        let own = || Some("own".to_owned());
        let places = [
            ("keys", State::Removed),
            ("sessions", State::Found),
            ("pending", State::Nothing),
        ];
        tombstone.places = places.map(|(it, state)| Looked::new(it, state, "")).into();
        for (of, expected) in [
            (None, State::Found),
            (own(), State::Found),
            (Some("other".to_owned()), State::Away),
        ] {
            let mut tombstone = tombstone.clone();
            tombstone.box_key = of;
            tombstone.take_over(own());
            assert_eq!(tombstone.box_key, own());
            let states: Vec<State> = tombstone.places.iter().map(|look| look.state).collect();
            assert_eq!(states, [State::Removed, expected, State::Nothing]);
        }
    }

    #[test]
    fn what_was_removed_once_stays_recorded() {
        let code = Code::draw().expect("random");
        let mut tombstone = Tombstone::of(&code.proof(), By::Code);
        assert!(!tombstone.is_complete());
        let look = |state| Looked {
            place: "keys".into(),
            state,
            found: String::new(),
        };
        tombstone.update(vec![look(State::Nothing)]);
        assert_eq!(tombstone.waiting_for(), ["another booth"]);
        tombstone.update(vec![look(State::Away)]);
        assert_eq!(tombstone.waiting_for(), ["keys"]);
        // Nothing on another medium at the same place.
        tombstone.update(vec![look(State::Nothing)]);
        assert_eq!(tombstone.waiting_for(), ["keys"]);
        // What could not be read belonged to someone else, or was removed by hand: it does not
        // prove a removal.
        tombstone.update(vec![look(State::Waiting)]);
        assert_eq!(tombstone.waiting_for(), ["keys"]);
        tombstone.update(vec![look(State::Nothing)]);
        assert_eq!(tombstone.waiting_for(), ["another booth"]);
        tombstone.update(vec![look(State::Found)]);
        assert_eq!(tombstone.waiting_for(), ["keys"]);
        for state in [State::Nothing, State::Removed, State::Nothing] {
            tombstone.update(vec![look(state)]);
            assert_eq!(tombstone.places, [look(State::Removed)]);
            assert!(tombstone.is_complete());
        }
    }
}
