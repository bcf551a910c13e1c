//! Whose session it is: the folder, the person, what they agreed to, their code.

use std::path::PathBuf;

use super::consent::Consent;
use crate::identity::participant::Participant;
use crate::identity::pending::Pending;
use crate::screen::card::Card;
use crate::words::By;

/// The present visit, and who may come next.
#[derive(Default)]
pub(super) struct Visit {
    /// Of the session; empty before the first.
    pub(super) folder: PathBuf,
    /// Who comes next, drawn ahead by the clerk: it takes a while.
    pub(super) next: Option<Box<Participant>>,
    /// Who is expected, by number.
    pub(super) expected: Option<(String, Pending)>,
    /// Who can be chosen from the menu.
    pub(super) pending: Vec<(String, Pending)>,
    /// What visitors are asked to agree to.
    pub(super) consent: Option<Consent>,
    /// The withdrawal code, for as long as its session lasts.
    pub(super) card: Option<Card>,
    /// The recorder is to let go of a session that is to be forgotten.
    pub(super) forgetting: Option<By>,
}
