//! `booth identity SESSION` or `--all`: who a person is, for the one who has the operator's key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Common, Done, Failure, could_not, printable};
use crate::files::data::Data;
use crate::identity::operator::{self, PrivateKey};
use crate::identity::participant::Identity;
use crate::identity::{keyring, pending};
use crate::store::schema;
use crate::store::session::Record;
use crate::words::Consent;

/// Decrypts identities with the operator's key, codes included
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The person's session, by its name
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    session: Option<String>,
    /// Everyone recorded or enrolled here
    #[arg(long)]
    all: bool,
    /// The operator's key file
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// A folder of SESSION.age fetched elsewhere [default: DATA/keys]
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// One JSON object per person
    #[arg(long)]
    json: bool,
}

/// Runs `booth identity`.
///
/// # Errors
/// No such session, a key that does not open it, or a damaged token; with `--all` the others are
/// still printed.
pub fn run(args: &Args, common: &Common) -> Result<Done, Failure> {
    let config = common.config()?;
    let with = operator::read_keys(&args.key).map_err(could_not)?;
    let forgotten = super::open_data(&config)?;
    let data = &config.data;
    let keys = args.keys.clone().unwrap_or_else(|| Data(data).keys());
    let people = people(data, &forgotten)?;
    let wanted: Vec<&String> = match &args.session {
        Some(session) if super::is_code(session) => return Err(super::code_as_session()),
        Some(session) if forgotten.contains(session) => {
            return Err(could_not(format!(
                "session {session}: was forgotten at its owner's wish"
            )));
        }
        Some(session) => {
            let known = people.get_key_value(session);
            let (name, _) = known.ok_or_else(|| {
                could_not(format!(
                    "session {session}: no identity in {}; it is not here, or was recorded without \
                     an operator's key",
                    data.display()
                ))
            })?;
            vec![name]
        }
        None => people.keys().collect(),
    };
    let (mut out, mut failures) = (Zeroizing::new(String::new()), Vec::new());
    for session in wanted {
        match identity(&keys, session, &people[session], &with) {
            Ok(identity) => out.push_str(&shown(session, &identity, args.json)?),
            Err(reason) => failures.push(reason),
        }
    }
    super::print(&out)?;
    if failures.is_empty() {
        Ok(Done::Well)
    } else {
        Err(could_not(failures.join("\nbooth: ")))
    }
}

/// What DATA says of a person without a key.
struct Known {
    token: String,
    /// What they agreed to on the box.
    consent: Option<Consent>,
}

/// The people in DATA, by session.
fn people(data: &Path, forgotten: &BTreeSet<String>) -> Result<BTreeMap<String, Known>, Failure> {
    let failed = |error| could_not(format!("{}: {error}", data.display()));
    let mut people = BTreeMap::new();
    for (_, pending) in pending::all(data).map_err(failed)? {
        let (token, consent) = (pending.token, None);
        people.insert(pending.session, Known { token, consent });
    }
    // Whoever was recorded since they were enrolled has agreed since.
    for session in schema::sessions(data).map_err(failed)? {
        let Ok(record) = Record::read(&Data(data).session(&session)) else {
            continue;
        };
        if let Some(token) = record.participant {
            let consent = record.consent;
            people.insert(session, Known { token, consent });
        }
    }
    people.retain(|session, _| !forgotten.contains(session));
    Ok(people)
}

fn identity(
    keys: &Path,
    session: &str,
    known: &Known,
    with: &[PrivateKey],
) -> Result<Identity, String> {
    let failed = |error: &dyn std::fmt::Display| format!("session {session}: {error}");
    let keys = keyring::open(keys, session, with).map_err(|error| error.to_string())?;
    let mut identity = keys
        .identity(&known.token)
        .map_err(|error| failed(&error))?;
    // The token of an enrolled person was made before they came to the box.
    if identity.consent.is_null()
        && let Some(consent) = &known.consent
    {
        identity.consent = serde_json::to_value(consent).map_err(|error| failed(&error))?;
    }
    Ok(identity)
}

fn shown(session: &str, identity: &Identity, json: bool) -> Result<Zeroizing<String>, Failure> {
    let mut object = serde_json::to_value(identity).map_err(could_not)?;
    object["session"] = session.into();
    if json {
        return Ok(Zeroizing::new(format!("{object}\n")));
    }
    let mut text = Zeroizing::new(format!("{:<12} {session}\n", "session"));
    for (key, value) in object.as_object().into_iter().flatten() {
        let plain = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        if key != "session" {
            text.push_str(&format!("{:<12} {}\n", printable(key), printable(&plain)));
        }
    }
    text.push('\n');
    Ok(text)
}
