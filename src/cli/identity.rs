//! `booth identity SESSION` or `--all`: who a person is, for the one who has the operator's key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Common, Done, Failure, could_not};
use crate::files::data::Data;
use crate::identity::operator::{self, PrivateKey};
use crate::identity::participant::Identity;
use crate::identity::{keyring, pending};
use crate::store::session::Record;
use crate::store::takes;

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
    let tokens = tokens(data, &forgotten)?;
    let wanted: Vec<&String> = match &args.session {
        Some(session) if super::is_code(session) => return Err(super::code_as_session()),
        Some(session) if forgotten.contains(session) => {
            return Err(could_not(format!(
                "session {session}: was forgotten at its owner's wish"
            )));
        }
        Some(session) => {
            let known = tokens.get_key_value(session);
            let (name, _) = known.ok_or_else(|| {
                could_not(format!(
                    "session {session}: no identity in {}; it is not here, or was recorded without \
                     an operator's key",
                    data.display()
                ))
            })?;
            vec![name]
        }
        None => tokens.keys().collect(),
    };
    let (mut out, mut failures) = (Zeroizing::new(String::new()), Vec::new());
    for session in wanted {
        match identity(&keys, session, &tokens[session], &with) {
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

/// The tokens in DATA, by session.
fn tokens(data: &Path, forgotten: &BTreeSet<String>) -> Result<BTreeMap<String, String>, Failure> {
    let failed = |error| could_not(format!("{}: {error}", data.display()));
    let mut tokens = BTreeMap::new();
    for session in takes::sessions(data).map_err(failed)? {
        let record = Record::read(&Data(data).session(&session));
        if let Some(token) = record.ok().and_then(|record| record.participant) {
            tokens.insert(session, token);
        }
    }
    for (_, pending) in pending::all(data).map_err(failed)? {
        tokens.insert(pending.session, pending.token);
    }
    tokens.retain(|session, _| !forgotten.contains(session));
    Ok(tokens)
}

fn identity(
    keys: &Path,
    session: &str,
    token: &str,
    with: &[PrivateKey],
) -> Result<Identity, String> {
    let keys = keyring::open(keys, session, with).map_err(|error| error.to_string())?;
    let identity = keys.identity(token);
    identity.map_err(|error| format!("session {session}: {error}"))
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
            text.push_str(&format!("{key:<12} {plain}\n"));
        }
    }
    text.push('\n');
    Ok(text)
}
