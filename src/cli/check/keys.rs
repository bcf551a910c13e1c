//! Who can open what is sealed here, where the keys are, and which key signs the receipts.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Finding;
use crate::config::Config;
use crate::files::data::Data;
use crate::forget;
use crate::identity::keyring;
use crate::identity::operator::{self, Recipient};
use crate::identity::receipt::BoxKey;
use crate::rt;

/// All checks of keys.
pub fn all(config: &Config, key: Option<&Path>) -> Vec<Finding> {
    let data = &config.data;
    let mut findings = Vec::new();
    if data.is_dir()
        && let Err(error) = forget::open_data(data, config.privacy.pending_days)
    {
        findings.push(Finding::error("forgetting", error));
    }
    let recipients = operator::recipients(&config.privacy.recipient);
    findings.push(match &recipients {
        Ok(recipients) => recipient(config, recipients.len()),
        Err(error) => Finding::error("recipients", format!("privacy.recipient: {error}")),
    });
    findings.push(box_key(data));
    findings.push(place(data));
    if let Some(file) = key {
        findings.push(opens(data, file, &recipients.unwrap_or_default()));
    }
    findings
}

fn recipient(config: &Config, count: usize) -> Finding {
    match count {
        0 => Finding::warn(
            "recipients",
            "none: takes stay readable by anyone who has the box, and names cannot be enrolled",
            "make a key elsewhere with `booth keygen FILE` and name it in privacy.recipient",
        ),
        _ if !config.privacy.seal_audio => Finding::warn(
            "recipients",
            "privacy.seal_audio is false: takes stay readable by anyone who has the box",
            "leave it out of booth.toml",
        ),
        1 => Finding::warn(
            "recipients",
            "one: if its key is lost, nothing that is sealed opens again",
            "add a second one, kept elsewhere, to privacy.recipient and run `booth rekey`",
        ),
        count => Finding::ok(
            "recipients",
            format!("{count}, each opens what is sealed from now on"),
        ),
    }
}

/// The public half, by which receipts are checked.
fn box_key(data: &Path) -> Finding {
    let is_there = Data(data).box_key().exists();
    // The box could not read a key file made by another user, for example root.
    let is_own = fs::metadata(data).is_ok_and(|data| data.uid() == rt::user());
    if !is_there && !is_own {
        return Finding::ok("box key", "made with the first receipt");
    }
    match BoxKey::of(data) {
        Ok(key) => Finding::ok(
            "box key",
            format!("receipts are signed by {}", key.public()),
        ),
        Err(error) => Finding::error("box key", error),
    }
}

/// Whether the keys are kept apart from what they open, and closed to other users.
fn place(data: &Path) -> Finding {
    let keys = Data(data).keys();
    let sessions = match keyring::sessions(&keys) {
        Ok(sessions) => sessions.len(),
        Err(error) => {
            let text = format!("{}: {error}", keys.display());
            return Finding::fail("keys", text, "mount it, or run this as the box's user");
        }
    };
    let (Ok(found), Ok(beside)) = (fs::metadata(&keys), fs::metadata(data)) else {
        if fs::symlink_metadata(&keys).is_ok() {
            let text = format!("{}: leads to nothing", keys.display());
            return Finding::fail("keys", text, "mount what it leads to");
        }
        return Finding::ok("keys", "none yet");
    };
    if found.mode() & 0o077 != 0 {
        let text = format!("{}: others may look into it", keys.display());
        return Finding::fail("keys", text, "chmod 700 it");
    }
    if found.dev() != beside.dev() {
        let text = format!("{sessions} sessions, on a file system of their own");
        return Finding::ok("keys", text);
    }
    if sessions == 0 {
        return Finding::ok("keys", "none yet");
    }
    Finding::warn(
        "keys",
        format!(
            "{sessions} keys on the card of what they seal, and no copy of them is known here: if it \
             fails, all that is lost"
        ),
        "put another medium at DATA/keys, or copy the folder to a place of its own",
    )
}

/// How many sessions an operator's key opens.
fn opens(data: &Path, file: &Path, recipients: &[Recipient]) -> Finding {
    let with = match operator::read_keys(file) {
        Ok(with) => with,
        Err(error) => return Finding::error("key", error),
    };
    let keys = Data(data).keys();
    let sessions = keyring::sessions(&keys).unwrap_or_default();
    let opened = sessions
        .iter()
        .filter(|session| keyring::open(&keys, session, &with).is_ok())
        .count();
    let shut = sessions.len() - opened;
    let text = format!("opens {opened} sessions of {}, {shut} not", sessions.len());
    let is_configured = with.iter().any(|key| {
        let own = key.to_public().to_string();
        recipients.iter().any(|one| one.to_string() == own)
    });
    if opened == 0 && shut > 0 {
        Finding::fail("key", text, "name the key that the recipients belong to")
    } else if shut > 0 {
        Finding::warn(
            "key",
            text,
            "the others are sealed to another key: see `booth rekey`",
        )
    } else if !is_configured {
        let text = format!("{text}; what is sealed from now on it does not open");
        Finding::warn("key", text, "name its recipient in privacy.recipient")
    } else {
        Finding::ok("key", text)
    }
}
