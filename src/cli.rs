//! The command grammar, and what each exit code means; one file per command.

pub mod check;
pub mod corpus;
pub mod demo;
pub mod devices;
pub mod enroll;
pub mod export;
pub mod forget;
pub mod identity;
mod input;
pub mod keygen;
mod output;
pub mod record;
pub mod rekey;
pub mod repair;
pub mod run;
mod shared;
pub mod sphere;
pub mod takes;

use std::collections::BTreeSet;
use std::fmt;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::board::sim::script::ScriptError;
use crate::config::{Config, ConfigError};
use crate::corpus::CorpusError;
use crate::identity::code::Code;
use crate::identity::operator::{self, Recipient};
use crate::session::protocol::ProtocolError;
use crate::{booth, rt};
pub(crate) use output::{print, printable, printed};
pub(crate) use shared::Common;
use shared::{Settings, With, assignments};

/// Why a command did not do its work.
#[derive(Debug)]
pub enum Failure {
    /// It could not be done: exit code 1. Names the object, the reason and the remedy.
    CouldNot(String),
    /// Wrong usage or configuration: exit code 2. Names file, line and key.
    Usage(String),
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure::Usage(error.to_string())
    }
}

impl From<ProtocolError> for Failure {
    fn from(error: ProtocolError) -> Failure {
        Failure::Usage(error.to_string())
    }
}

impl From<ScriptError> for Failure {
    fn from(error: ScriptError) -> Failure {
        Failure::Usage(error.to_string())
    }
}

impl From<CorpusError> for Failure {
    fn from(error: CorpusError) -> Failure {
        Failure::CouldNot(error.to_string())
    }
}

impl From<booth::Error> for Failure {
    fn from(error: booth::Error) -> Failure {
        if error.is_usage() {
            Failure::Usage(error.to_string())
        } else {
            Failure::CouldNot(error.to_string())
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::CouldNot(text) | Failure::Usage(text) => f.write_str(text),
        }
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Exit code 0.
    Well,
    /// With recorded faults, every file valid: exit code 3.
    WithFaults,
}

/// An unattended multichannel voice-recording booth.
#[derive(Debug, Parser)]
#[command(name = "booth", version)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the box.
    Run(With<Common, run::Args>),
    /// Shows a whole session: a scripted visitor, forty seconds of reading.
    Demo(With<Common, demo::Args>),
    Record(record::Args),
    Corpus(With<Common, corpus::CorpusArgs>),
    Repair(repair::Args),
    /// Lists the ALSA capture devices with what each offers.
    Devices(devices::Args),
    /// Lists the sessions, or the takes of one.
    Takes(With<Common, takes::Args>),
    Keygen(keygen::Args),
    Rekey(With<Common, rekey::Args>),
    Enroll(With<Common, enroll::Args>),
    Identity(With<Common, identity::Args>),
    Forget(With<Common, forget::Args>),
    Export(With<Common, export::Args>),
    Check(With<Common, check::Args>),
    Sphere(With<Settings, sphere::SphereArgs>),
}

/// The grammar itself, from which the package makes the manual and the completions.
#[must_use]
pub fn grammar() -> clap::Command {
    // What such a command takes may stand behind its verb too.
    let everywhere = |command: clap::Command| command.mut_args(|arg| arg.global(true));
    Cli::command()
        .mut_subcommand("corpus", everywhere)
        .mut_subcommand("sphere", everywhere)
}

/// Runs the command given by this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    output::log();
    let parsed = Cli::from_arg_matches(&grammar().get_matches());
    let mut cli = parsed.unwrap_or_else(|error| error.exit());
    let arguments = std::env::args_os().map(|it| it.to_string_lossy().into_owned());
    cli.common.settings.set = assignments(arguments);
    // A panic unwinds up to here: pins are released, takes closed, the sphere stopped.
    let ended = std::panic::catch_unwind(|| run(cli.command, &cli.common));
    match ended.unwrap_or_else(|_| Err(Failure::CouldNot("ended by a defect of its own".into()))) {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::WithFaults) => ExitCode::from(3),
        Err(failure) => {
            output::complain(&failure);
            let usage = matches!(failure, Failure::Usage(_));
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}

fn run(command: Command, before: &Common) -> Result<Done, Failure> {
    let one = |shared: Common| shared.after_with_one_data(before);
    match command {
        Command::Run(it) => run::run(it.own, &one(it.shared)?),
        Command::Demo(it) => demo::run(&it.own, &one(it.shared)?),
        Command::Record(args) => before.none_for("record").and_then(|()| record::run(&args)),
        Command::Corpus(it) => corpus::run(&it.own, &one(it.shared)?),
        Command::Repair(args) => before.none_for("repair").and_then(|()| repair::run(&args)),
        Command::Devices(args) => before
            .none_for("devices")
            .and_then(|()| devices::run(&args)),
        Command::Takes(it) => takes::run(&it.own, &one(it.shared)?),
        Command::Keygen(args) => before.none_for("keygen").and_then(|()| keygen::run(&args)),
        Command::Rekey(it) => rekey::run(&it.own, &one(it.shared)?),
        Command::Enroll(it) => enroll::run(&it.own, &one(it.shared)?),
        Command::Identity(it) => identity::run(&it.own, &one(it.shared)?),
        Command::Forget(it) => forget::run(&it.own, &one(it.shared)?),
        Command::Export(it) => export::run(&it.own, &it.shared.after(before)),
        Command::Check(it) => check::run(&it.own, &one(it.shared)?),
        Command::Sphere(it) => {
            before.no_data_for("sphere")?;
            sphere::run(&it.own, &one(it.shared.into())?)
        }
    }
}

/// Whether a withdrawal code was given where none belongs; it is not printed again.
pub(crate) fn is_code(text: &str) -> bool {
    let is_code = Code::parse(text).is_ok();
    if is_code {
        rt::hide_argument(text);
    }
    is_code
}

/// The message that a code was given in place of a session or a number.
pub(crate) fn code_as_session() -> Failure {
    Failure::Usage(
        "this is a withdrawal code, which `booth forget` alone takes; a session's name has 20 letters \
         and digits, an enrolled person's number three digits"
            .into(),
    )
}

/// Applies the tombstones of DATA before a command reads it; returns the sessions to leave out.
pub(crate) fn open_data(config: &Config) -> Result<BTreeSet<String>, Failure> {
    crate::forget::open_data(&config.data, config.privacy.pending_days).map_err(could_not)
}

/// The operator's recipients; a command that seals needs at least one.
pub(crate) fn recipients(config: &Config) -> Result<Vec<Recipient>, Failure> {
    let all = operator::recipients(&config.privacy.recipient);
    match all {
        Ok(all) if all.is_empty() => Err(Failure::Usage(
            "privacy.recipient: is empty, and nothing personal is stored in clear; make a key with \
             `booth keygen FILE` and put the recipient it prints into booth.toml"
                .into(),
        )),
        Ok(all) => Ok(all),
        Err(error) => Err(Failure::Usage(format!("privacy.recipient: {error}"))),
    }
}

/// For `map_err`: it could not be done.
pub(crate) fn could_not(error: impl fmt::Display) -> Failure {
    Failure::CouldNot(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn nothing_is_logged_that_repeats_the_words_on_the_screen() {
        assert_eq!(log::STATIC_MAX_LEVEL, log::LevelFilter::Debug);
    }

    fn refusal(set: &str) -> String {
        let settings = Settings {
            config: None,
            set: vec![set.to_owned()],
        };
        let common = Common::from(settings);
        common.config().expect_err("must be refused").to_string()
    }

    #[test]
    fn a_value_that_another_room_checks_is_refused_with_its_key_too() {
        for (set, key) in [
            ("privacy.recipient=age1x", "privacy.recipient"),
            ("sphere.host=me@sphere", "sphere.host"),
        ] {
            let refusal = refusal(set);
            let place = format!("--set {set}: `{key}`: ");
            assert!(refusal.starts_with(&place), "{refusal}");
        }
    }

    #[test]
    fn a_private_key_that_is_assigned_by_mistake_is_not_repeated() {
        let text = refusal("privacy.recipient=AGE-SECRET-KEY-1QQQQ");
        assert!(
            !text.contains("QQQQ") && text.contains("privacy.recipient"),
            "{text}"
        );
    }

    #[test]
    fn a_command_lists_the_shared_options_that_it_uses_and_no_others() {
        let mut grammar = grammar();
        grammar.build();
        for command in grammar.get_subcommands() {
            let has = |option| command.get_arguments().any(|arg| arg.get_id() == option);
            let name = command.get_name();
            let uses = match name {
                "record" | "repair" | "devices" | "keygen" | "help" => [false, false, false],
                "sphere" => [true, true, false],
                _ => [true, true, true],
            };
            assert_eq!(["config", "set", "data"].map(has), uses, "{name}");
        }
    }

    /// The options of `booth takes` on a command line.
    fn of_takes(line: &str) -> Result<Common, Failure> {
        let matches = grammar().try_get_matches_from(line.split(' '));
        let cli = Cli::from_arg_matches(&matches.expect("good")).expect("good");
        let Command::Takes(takes) = cli.command else {
            panic!("not takes");
        };
        takes.shared.after_with_one_data(&cli.common)
    }

    #[test]
    fn what_stands_behind_a_command_counts_more_than_what_stands_before() {
        let line = "booth --config a --data x takes --config b --data y";
        let common = of_takes(line).expect("one data folder");
        assert_eq!(common.data, [Path::new("y")]);
        assert_eq!(common.settings.config.as_deref(), Some("b".as_ref()));
    }

    #[test]
    fn of_two_data_folders_side_by_side_none_is_passed_over_in_silence() {
        for line in [
            "booth --data x --data y takes",
            "booth takes --data x --data y",
        ] {
            assert!(of_takes(line).is_err(), "{line}");
        }
    }

    #[test]
    fn assignments_on_both_sides_of_the_command_count() {
        let line = "booth --set a=1 run --set=b=2 --fast --set c=3 -- --set d=4";
        let found = assignments(line.split(' ').map(String::from));
        assert_eq!(found, ["a=1", "b=2", "c=3"]);
    }
}
