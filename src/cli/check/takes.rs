//! Whether every row of the sessions here has its recording, and every recording its row; and whether
//! something is wrong with too many of them.

use super::{Finding, problems};
use crate::config::Config;
use crate::identity::tombstone;
use crate::store::{compare, schema};

/// More than these are counted, not named.
const NAMED: usize = 3;

/// Looks at all takes but those of forgotten people and of the session that is being recorded.
pub fn all(config: &Config) -> Vec<Finding> {
    let data = &config.data;
    let listed = tombstone::sessions(data).and_then(|gone| {
        let mut names = schema::sessions(data)?;
        names.retain(|name| !gone.contains(name));
        Ok(names)
    });
    let sessions = match listed {
        Ok(sessions) => sessions,
        Err(error) => {
            let failed = format!("{}: {error}", data.display());
            return vec![Finding::error("takes", failed)];
        }
    };
    let (mut rows, mut misfits) = (Vec::new(), Vec::new());
    for session in &sessions {
        match compare::session(data, session) {
            Ok(compared) => {
                rows.extend(compared.rows);
                misfits.extend(compared.misfits.iter().map(ToString::to_string));
            }
            Err(error) => misfits.push(format!("session {session}: {error}")),
        }
    }
    vec![
        compared(rows.len(), sessions.len(), misfits),
        problems::last_day(rows.iter()),
    ]
}

/// What does not fit.
fn compared(takes: usize, sessions: usize, mut misfits: Vec<String>) -> Finding {
    if misfits.is_empty() {
        let text = format!("{takes} of {sessions} sessions, each with its row and its recording");
        return Finding::ok("takes", text);
    }
    let more = misfits.len().saturating_sub(NAMED);
    misfits.truncate(NAMED);
    if more > 0 {
        misfits.push(format!("{more} more, which `booth takes` names"));
    }
    Finding::error("takes", misfits.join("; "))
}
