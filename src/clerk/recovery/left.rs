//! Takes that version 0.1 left plain in sessions whose takes are sealed: sealed now, and their plain
//! bytes erased, one after the other.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use crate::files::data::Data;
use crate::identity::seal::Sealing;
use crate::identity::{erase, keyring, operator};
use crate::store::session::Record;
use crate::store::takes;

/// What is left.
#[derive(Default)]
pub struct Left {
    waiting: VecDeque<PathBuf>,
    sealing: Option<(String, Sealing)>,
}

impl Left {
    /// The plain takes of DATA, all of which have a row.
    #[must_use]
    pub fn of(data: &Path) -> Left {
        let sessions = takes::sessions(data).unwrap_or_default();
        let folders = sessions.into_iter().map(|name| Data(data).session(name));
        let sealed = folders.filter(|folder| Record::read(folder).is_ok_and(|it| it.sealed));
        let waiting = sealed.flat_map(|folder| {
            let rows = takes::read(&folder).unwrap_or_default().into_iter();
            let paths = rows.map(move |row| folder.join(row.file));
            paths.filter(|path| path.exists())
        });
        Left {
            waiting: waiting.collect(),
            sealing: None,
        }
    }

    /// Does a piece of work; false once nothing is left. A take that cannot be sealed stays as it is.
    ///
    /// # Errors
    /// What failed, with the take's file, and without its session's name.
    pub fn step(&mut self) -> Result<bool, String> {
        if let Some((name, sealing)) = &mut self.sealing {
            let stays = |error: &dyn std::fmt::Display| format!("{name} stays plain: {error}");
            let step = sealing.step().map_err(|error| stays(&error));
            if !matches!(step, Ok(false)) {
                self.sealing = None;
            }
            return step.map(|_| true);
        }
        let Some(path) = self.waiting.pop_front() else {
            return Ok(false);
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let sealing = begin(&path).map_err(|why| format!("{name} stays plain: {why}"))?;
        self.sealing = sealing.map(|sealing| (name.into_owned(), sealing));
        Ok(true)
    }
}

/// Sealing that is to be done; none of a session that was forgotten meanwhile.
fn begin(take: &Path) -> Result<Option<Sealing>, String> {
    let session = take.parent().unwrap_or(Path::new(""));
    if !take.exists() {
        return Ok(None);
    }
    let record = Record::read(session).map_err(|error| format!("session.json: {error}"))?;
    let Some(recipient) = record.recipient else {
        return Ok(None);
    };
    let recipient = operator::recipient(&recipient).map_err(|error| error.to_string())?;
    let data = session.ancestors().nth(2).unwrap_or(session);
    // What is sealed to a lost key can never be opened.
    keyring::hold(data, &record.session).map_err(|error| {
        let name = &record.session;
        error.to_string().replace(name.as_str(), "SESSION")
    })?;
    let discards = erase::discards(session);
    Ok(Some(Sealing::of(take, recipient, discards)))
}
