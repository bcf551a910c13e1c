//! What is left to do here for a tombstone, judged by what is in DATA and by the exports that,
//! according to DATA's list, hold the session and were not cleaned of it.
//!
//! Guarantees: what a tombstone says about its places may come from another box, and never makes
//! this box believe that it has done its part. This never walks through an export.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::dataset::exports::List;
use crate::files::data::Data;
use crate::files::small;
use crate::identity::place::Place;
use crate::identity::tombstone::{State, Tombstone};
use crate::identity::{keyring, pending};

/// How much is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// At a start and by each command: everything.
    Full,
    /// Each minute while the booth runs: not the exports that were searched in vain, until
    /// something of the session is seen in them.
    Brief,
}

/// What is in DATA at one moment.
#[derive(Debug)]
pub struct Survey<'a> {
    data: &'a Path,
    pending: BTreeSet<String>,
    pub(super) exports: io::Result<List>,
}

impl Survey<'_> {
    /// Looks. The code that cleans a place reports what cannot be read there.
    #[must_use]
    pub fn of(data: &Path) -> Survey<'_> {
        let pending = pending::all(data).unwrap_or_default().into_iter();
        Survey {
            data,
            pending: pending.map(|(_, entry)| entry.session).collect(),
            exports: List::read(data),
        }
    }

    /// The places in DATA that hold something of `session`.
    #[must_use]
    pub fn in_data(&self, session: &str) -> Vec<Place> {
        let is_there = |path: &Path| path.symlink_metadata().is_ok();
        let keys = keyring::files(&Data(self.data).keys(), session);
        let mut keys = keys.iter();
        let places = [
            (
                Place::Keys,
                keys.any(|file| is_there(file) || is_there(&small::temporary(file))),
            ),
            (Place::Sessions, is_there(&Data(self.data).session(session))),
            (Place::Pending, self.pending.contains(session)),
        ];
        let there = places.into_iter().filter(|(_, there)| *there);
        there.map(|(place, _)| place).collect()
    }

    /// The exports that hold `session` and were not cleaned of it, or hold it again.
    #[must_use]
    pub fn exports_with(&self, session: &str) -> Vec<&Path> {
        self.exports_that(session, |path, cleaned| !cleaned || holds(path, session))
    }

    /// The exports that were cleaned of the tombstone's session by a call that was killed before it
    /// could record that.
    pub(super) fn exports_without(&self, tombstone: &Tombstone) -> Vec<&Path> {
        let session = &tombstone.session;
        self.exports_that(session, |path, cleaned| {
            let look = tombstone.look(&path.display().to_string());
            cleaned && !holds(path, session) && look.is_some_and(|look| look.is_left())
        })
    }

    fn exports_that(&self, session: &str, is_it: impl Fn(&Path, bool) -> bool) -> Vec<&Path> {
        let known = self.exports.iter().flat_map(|list| list.of(session));
        let those = known.filter(|(path, cleaned)| is_it(path, *cleaned));
        those.map(|(path, _)| path).collect()
    }

    /// The exports to search in this round.
    #[must_use]
    pub fn exports_due(&self, tombstone: &Tombstone, round: Round) -> Vec<PathBuf> {
        let session = &tombstone.session;
        let is_due = |path: &&Path| {
            let is_new = tombstone.look(&path.display().to_string()).is_none();
            round == Round::Full || is_new || holds(path, session)
        };
        let all = self.exports_with(session).into_iter();
        all.filter(is_due).map(Path::to_owned).collect()
    }

    /// Whether there is work left here in this round.
    #[must_use]
    pub fn is_due(&self, tombstone: &Tombstone, round: Round) -> bool {
        let in_data = [
            Place::ExportList,
            Place::Pending,
            Place::Keys,
            Place::Sessions,
        ];
        // Searched in vain, or a call was killed before it could record what it did.
        let is_unsettled = in_data.into_iter().any(|place| {
            let look = tombstone.look(place.word());
            look.is_some_and(|look| matches!(look.state, State::Found | State::Waiting))
        });
        is_unsettled
            || !self.in_data(&tombstone.session).is_empty()
            || !self.exports_due(tombstone, round).is_empty()
            || !self.exports_without(tombstone).is_empty()
    }

    /// Whether each place here was tried since the tombstone was written: what is left is recorded.
    #[must_use]
    pub fn is_tried(&self, tombstone: &Tombstone) -> bool {
        let session = &tombstone.session;
        let in_data = self.in_data(session).into_iter();
        let exports = self.exports_with(session).into_iter();
        let mut left = in_data
            .map(|place| place.word().to_owned())
            .chain(exports.map(|path| path.display().to_string()));
        let is_known = |place: String| tombstone.look(&place).is_some_and(|look| look.is_left());
        let mut places = tombstone.places.iter();
        left.all(is_known)
            && !places.any(|look| look.state == State::Found && look.found.is_empty())
    }
}

/// An export keeps a session in a folder of its name.
pub(super) fn holds(export: &Path, session: &str) -> bool {
    export.join(session).symlink_metadata().is_ok()
}

/// Whether DATA holds something of `session`; exports are not searched.
#[must_use]
pub fn is_in_data(data: &Path, session: &str) -> bool {
    !Survey::of(data).in_data(session).is_empty()
}
