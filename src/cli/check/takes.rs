//! Whether every row of the sessions here has its recording, and every recording its row.

use super::Finding;
use crate::config::Config;
use crate::identity::tombstone;
use crate::store::{compare, takes};

/// More than these are counted, not named.
const NAMED: usize = 3;

/// Compares rows with recordings, except those of forgotten people and of the session that is being
/// recorded.
pub fn compared(config: &Config) -> Finding {
    let data = &config.data;
    let listed = tombstone::sessions(data).and_then(|gone| {
        let mut names = takes::sessions(data)?;
        names.retain(|name| !gone.contains(name));
        Ok(names)
    });
    let sessions = match listed {
        Ok(sessions) => sessions,
        Err(error) => return Finding::error("takes", format!("{}: {error}", data.display())),
    };
    let (mut count, mut misfits) = (0, Vec::new());
    for session in &sessions {
        match compare::session(data, session) {
            Ok(compared) => {
                count += compared.rows.len();
                misfits.extend(compared.misfits.iter().map(ToString::to_string));
            }
            Err(error) => misfits.push(format!("session {session}: {error}")),
        }
    }
    if misfits.is_empty() {
        let text = format!(
            "{count} of {} sessions, each with its row and its recording",
            sessions.len()
        );
        return Finding::ok("takes", text);
    }
    let more = misfits.len().saturating_sub(NAMED);
    misfits.truncate(NAMED);
    if more > 0 {
        misfits.push(format!("{more} more, which `booth takes` names"));
    }
    Finding::error("takes", misfits.join("; "))
}
