//! `booth forget`: removes everything of a person who withdraws.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{Common, Done, Failure, could_not, input};
use crate::config::Config;
use crate::files::data::Data;
use crate::files::read_text;
use crate::forget::copies;
use crate::forget::survey::Survey;
use crate::identity::code::{Code, Proof};
use crate::identity::tombstone::{Looked, State, Tombstone};
use crate::identity::{keyring, receipt, tombstone};
use crate::store::lock;
use crate::words::{By, is_session};
use crate::{forget, rt};

/// How long to wait for a running box.
const WAIT: Duration = Duration::from_secs(10);
/// Between two checks of what it has done.
const LOOK: Duration = Duration::from_millis(100);

/// A code that was typed as an argument.
#[derive(Clone)]
pub struct Typed(Zeroizing<String>);

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(…)")
    }
}

impl FromStr for Typed {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Typed, Self::Err> {
        Ok(Typed(Zeroizing::new(text.to_owned())))
    }
}

/// Erases a person: key, voice, answers, enrolment, and their part of exports within reach
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The withdrawal code; without it, it is asked for or read from standard input, where no
    /// history of a shell keeps it
    #[arg(conflicts_with_all = ["session", "apply_to", "verify"])]
    code: Option<Typed>,
    /// Forgets by a session's name instead; allowed to everyone who may write DATA
    #[arg(long, value_name = "ID", conflicts_with_all = ["apply_to", "verify", "elsewhere"])]
    session: Option<String>,
    /// Writes a tombstone, to travel, for a person who was recorded by another booth
    #[arg(long, conflicts_with_all = ["apply_to", "verify"])]
    elsewhere: bool,
    /// Applies all tombstones to a copy, export or backup
    #[arg(long, value_name = "DIR", conflicts_with = "verify")]
    apply_to: Option<PathBuf>,
    /// Checks a receipt, `-` for standard input
    #[arg(long, value_name = "FILE")]
    verify: Option<PathBuf>,
    /// The public key of the box that must have signed it
    #[arg(long, value_name = "PUBKEY", requires = "verify")]
    signer: Option<String>,
    /// One JSON object per line; for a person who was forgotten, the signed receipt
    #[arg(long)]
    json: bool,
}

/// Runs `booth forget`.
///
/// # Errors
/// A wrong code, a session that is not here, an altered receipt, or a folder that cannot be
/// written.
pub fn run(args: &Args, common: &Common) -> Result<Done, Failure> {
    if let Some(file) = &args.verify {
        return verify(file, args.signer.as_deref(), args.json);
    }
    if let Some(code) = &args.code {
        rt::hide_argument(&code.0);
    }
    let config = common.config()?;
    match &args.apply_to {
        Some(folder) => apply_to(&config, folder, args.json),
        None => person(args, &config),
    }
}

fn person(args: &Args, config: &Config) -> Result<Done, Failure> {
    let data = &config.data;
    let (proof, by) = match &args.session {
        Some(session) => (of_session(data, session)?, By::Operator),
        None => (of_code(args.code.as_ref())?, By::Code),
    };
    super::open_data(config)?;
    if !forget::is_here(data, &proof.session()).map_err(could_not)? && !args.elsewhere {
        return Err(could_not(format!(
            "no session of this code in {}; if another booth recorded it, add --elsewhere: the \
             tombstone travels to it",
            data.display()
        )));
    }
    let announced = forget::announce(data, &proof, by).map_err(could_not)?;
    let tombstone = carried_out(data, announced)?;
    if args.json {
        let receipt = forget::receipt(data, &tombstone).map_err(|error| {
            could_not(format!(
                "the person is forgotten, but the receipt cannot be signed: {error}"
            ))
        })?;
        super::print(&format!("{receipt}\n"))?;
    } else {
        super::print(&summary(&tombstone))?;
    }
    if tombstone.is_complete() || args.elsewhere {
        Ok(Done::Well)
    } else {
        Ok(Done::WithFaults)
    }
}

fn of_code(typed: Option<&Typed>) -> Result<Proof, Failure> {
    let text = match typed {
        Some(typed) => typed.0.clone(),
        None => input::line("withdrawal code")?,
    };
    Ok(Code::parse(&text).map_err(could_not)?.proof())
}

fn of_session(data: &Path, session: &str) -> Result<Proof, Failure> {
    if super::is_code(session) {
        return Err(super::code_as_session());
    }
    if !is_session(session) {
        return Err(could_not(
            "this is no session's name: 20 letters and digits; `booth takes` lists them",
        ));
    }
    if let Some(known) = tombstone::read(data, session).map_err(could_not)? {
        return known.proof.parse().map_err(could_not);
    }
    match keyring::proof(data, session).map_err(could_not)? {
        Some(proof) => Ok(proof),
        None if forget::is_here(data, session).map_err(could_not)? => Err(could_not(format!(
            "session {session}: its proof is not in {}, so it can be forgotten with its code only; \
             put the keys folder back",
            Data(data).keys().display()
        ))),
        None => Err(could_not(format!(
            "session {session}: not in {}; `booth takes` lists what is",
            data.display()
        ))),
    }
}

/// Carries the tombstone out, or waits for the running box to do so.
fn carried_out(data: &Path, announced: Tombstone) -> Result<Tombstone, Failure> {
    let failed = |error| could_not(format!("data folder {}: {error}", data.display()));
    let looks = WAIT.as_millis() / LOOK.as_millis();
    for _ in 0..looks {
        if let Some(_held) = lock::lock(data).map_err(failed)? {
            let mut tombstone = announced;
            forget::carry_out(data, &mut tombstone).map_err(could_not)?;
            return Ok(tombstone);
        }
        let known = tombstone::read(data, &announced.session).map_err(failed)?;
        if let Some(tombstone) = known.filter(|known| Survey::of(data).is_tried(known)) {
            return Ok(tombstone);
        }
        std::thread::sleep(LOOK);
    }
    let mut tombstone = announced;
    tombstone.update(vec![Looked::new(
        "the running box",
        State::Away,
        "it has not answered yet; it will carry the tombstone out, as every start does",
    )]);
    Ok(tombstone)
}

fn summary(tombstone: &Tombstone) -> String {
    let mut text = format!("session {}\n", tombstone.session);
    for looked in &tombstone.places {
        let state = match looked.state {
            State::Removed => "removed",
            State::Nothing => "nothing there",
            State::Found => "NOT REMOVED YET",
            State::Waiting | State::Away => "NOT YET REACHED",
        };
        let place = &looked.place;
        text += match looked.found.as_str() {
            "" => format!("  {place}: {state}\n"),
            found => format!("  {place}: {state}: {found}\n"),
        }
        .as_str();
    }
    text += &match tombstone.waiting_for().as_slice() {
        [] => "forgotten\n".to_owned(),
        waiting => format!("forgotten here; waiting for {}\n", waiting.join(", ")),
    };
    text
}

fn apply_to(config: &Config, folder: &Path, json: bool) -> Result<Done, Failure> {
    super::open_data(config)?;
    let failed = |error| could_not(format!("{}: {error}", folder.display()));
    let mut tombstones = tombstone::all(&config.data).map_err(failed)?;
    // A copy may have tombstones that this machine never saw.
    tombstones.extend(tombstone::all(folder).map_err(failed)?);
    let cleaned = copies::apply_to(folder, &tombstones).map_err(could_not)?;
    let found = cleaned.sessions.iter();
    let mut lists: Vec<(Option<&str>, &[Looked])> = found
        .map(|(session, looks)| (Some(session.as_str()), looks.as_slice()))
        .collect();
    if !cleaned.unseen.is_empty() {
        lists.push((None, &cleaned.unseen));
    }
    let text = if json {
        lists
            .iter()
            .map(|(session, looks)| object_of(*session, looks))
            .collect()
    } else {
        lists
            .iter()
            .map(|(session, looks)| text_of(*session, looks))
            .collect::<String>()
            + &format!(
                "{} tombstones, {} of these sessions were in {}\n",
                tombstones.len(),
                cleaned.sessions.len(),
                folder.display()
            )
    };
    super::print(&text)?;
    let mut looks = lists.iter().flat_map(|(_, looks)| *looks);
    Ok(if looks.any(Looked::is_left) {
        Done::WithFaults
    } else {
        Done::Well
    })
}

/// The result for a session in a copy, or for what was not looked into.
fn object_of(session: Option<&str>, looks: &[Looked]) -> String {
    let object = serde_json::json!({
        "session": session,
        "complete": !looks.iter().any(Looked::is_left),
        "places": looks,
    });
    format!("{object}\n")
}

fn text_of(session: Option<&str>, looks: &[Looked]) -> String {
    let mut text = match session {
        Some(session) => format!("session {session}\n"),
        None => "of an unknown session\n".to_owned(),
    };
    for looked in looks {
        let state = match looked.state {
            State::Removed | State::Nothing => "removed",
            State::Found => "NOT REMOVED",
            State::Waiting | State::Away => "NOT LOOKED INTO",
        };
        text += &format!("  {}: {state}: {}\n", looked.place, looked.found);
    }
    text
}

fn verify(file: &Path, signer: Option<&str>, json: bool) -> Result<Done, Failure> {
    let text = if file == Path::new("-") {
        input::all()?.to_string()
    } else {
        read_text(file)
            .map_err(|error| could_not(format!("receipt {}: {error}", file.display())))?
    };
    let object = receipt::verify(&text, signer).map_err(could_not)?;
    if json {
        let object = serde_json::Value::Object(object);
        return super::print(&format!("{object}\n"));
    }
    let word = |key: &str| {
        object
            .get(key)
            .and_then(serde_json::Value::as_str)
            .unwrap_or("?")
    };
    let complete = object.get("complete").and_then(serde_json::Value::as_bool);
    let rest = if complete == Some(true) {
        "everything that was within reach is gone"
    } else {
        "places out of reach are waited for"
    };
    super::print(&format!(
        "good: session {} is forgotten, {rest}; signed by {}\n",
        word("session"),
        word("signer")
    ))
}
