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
pub mod sphere;
pub mod takes;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::board::sim::script::ScriptError;
use crate::config::{Check, Config, ConfigError};
use crate::corpus::CorpusError;
use crate::identity::code::Code;
use crate::identity::operator::{self, Recipient};
use crate::session::protocol::ProtocolError;
use crate::sphere::settings;
use crate::{booth, rt};
pub(crate) use output::{print, printable, printed};

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

/// What the rooms that give keys their meaning object to in a configuration.
const CHECKS: [Check; 2] = [
    |config| operator::check_settings(&config.privacy.recipient),
    |config| settings::check_settings(&config.sphere),
];

/// The options of every command that has a configuration.
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// The configuration [default: /etc/booth/booth.toml if present, else the built-in one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Sets one key of the configuration for this run; may be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// The data folder, instead of the configuration's; `export` takes several
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Vec<PathBuf>,
}

impl Common {
    /// The configuration that these options mean.
    fn config(&self) -> Result<Config, ConfigError> {
        self.config_with(self.data.first().map(PathBuf::as_path))
    }

    fn config_with(&self, data: Option<&Path>) -> Result<Config, ConfigError> {
        Config::load(self.config.as_deref(), &self.set, data, &CHECKS)
    }

    /// The configuration with each of the data folders.
    fn configs(&self) -> Result<Vec<Config>, ConfigError> {
        match self.data.as_slice() {
            [] => Ok(vec![self.config()?]),
            all => all
                .iter()
                .map(|data| self.config_with(Some(data)))
                .collect(),
        }
    }

    /// Refuses a second data folder.
    fn one_data(&self) -> Result<(), Failure> {
        match self.data.as_slice() {
            [] | [_] => Ok(()),
            [..] => Err(Failure::Usage(
                "--data: only `booth export` takes several data folders; call this for each".into(),
            )),
        }
    }

    /// Refuses them for `command`, which has neither configuration nor data folder. They may stand
    /// before the command, so clap accepts them for any.
    fn none_for(&self, command: &str) -> Result<(), Failure> {
        let options = [
            ("--config", self.config.is_some()),
            ("--set", !self.set.is_empty()),
            ("--data", !self.data.is_empty()),
        ];
        match options.into_iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) => Err(Failure::Usage(format!(
                "{option}: `booth {command}` has no configuration and no data folder; leave it out, \
                 and see `booth {command} --help` for what it takes"
            ))),
            None => Ok(()),
        }
    }
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
    Run(run::Args),
    /// Shows a whole session: a scripted visitor, forty seconds of reading.
    Demo(demo::Args),
    Record(record::Args),
    Corpus(corpus::CorpusArgs),
    Repair(repair::Args),
    /// Lists the ALSA capture devices with what each offers.
    Devices(devices::Args),
    /// Lists the sessions, or the takes of one.
    Takes(takes::Args),
    Keygen(keygen::Args),
    Rekey(rekey::Args),
    Enroll(enroll::Args),
    Identity(identity::Args),
    Forget(forget::Args),
    Export(export::Args),
    Check(check::Args),
    Sphere(sphere::SphereArgs),
}

/// The grammar itself, from which the package makes the manual and the completions.
#[must_use]
pub fn grammar() -> clap::Command {
    Cli::command()
}

/// Runs the command given by this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    output::log();
    let mut cli = Cli::parse();
    let values = |option| values(option, std::env::args_os()).into_iter();
    cli.common.set = values("--set")
        .map(|it| it.to_string_lossy().into())
        .collect();
    cli.common.data = values("--data").map(PathBuf::from).collect();
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

/// The values of every `option`, in order. If there are some before and some after the command, clap
/// keeps only the latter, and a setting would be lost silently.
fn values(option: &str, mut arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut all = Vec::new();
    while let Some(argument) = arguments.next().filter(|argument| argument != "--") {
        if argument == option {
            all.extend(arguments.next());
            continue;
        }
        let rest = argument.as_bytes().strip_prefix(option.as_bytes());
        let value = rest.and_then(|rest| rest.strip_prefix(b"="));
        all.extend(value.map(|value| OsStr::from_bytes(value).to_owned()));
    }
    all
}

fn run(command: Command, common: &Common) -> Result<Done, Failure> {
    if !matches!(command, Command::Export(_)) {
        common.one_data()?;
    }
    match command {
        Command::Run(args) => run::run(args, common),
        Command::Demo(args) => demo::run(&args, common),
        Command::Record(args) => common.none_for("record").and_then(|()| record::run(&args)),
        Command::Corpus(args) => corpus::run(&args, common),
        Command::Repair(args) => common.none_for("repair").and_then(|()| repair::run(&args)),
        Command::Devices(args) => common
            .none_for("devices")
            .and_then(|()| devices::run(&args)),
        Command::Takes(args) => takes::run(&args, common),
        Command::Keygen(args) => common.none_for("keygen").and_then(|()| keygen::run(&args)),
        Command::Rekey(args) => rekey::run(&args, common),
        Command::Enroll(args) => enroll::run(&args, common),
        Command::Identity(args) => identity::run(&args, common),
        Command::Forget(args) => forget::run(&args, common),
        Command::Export(args) => export::run(&args, common),
        Command::Check(args) => check::run(&args, common),
        Command::Sphere(args) => sphere::run(&args, common),
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
    use super::*;

    #[test]
    fn nothing_is_logged_that_repeats_the_words_on_the_screen() {
        assert_eq!(log::STATIC_MAX_LEVEL, log::LevelFilter::Debug);
    }

    fn refusal(set: &str) -> String {
        let common = Common {
            set: vec![set.to_owned()],
            ..Common::default()
        };
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
    fn assignments_on_both_sides_of_the_command_count() {
        let line = "booth --set a=1 run --set=b=2 --fast --set c=3 -- --set d=4";
        let found = values("--set", line.split(' ').map(OsString::from));
        assert_eq!(found, ["a=1", "b=2", "c=3"]);
    }
}
