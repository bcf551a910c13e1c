//! The options that several commands share, and which of them a command takes.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
use crate::config::{Check, Config, ConfigError};
use crate::identity::operator;
use crate::sphere::settings;

/// What the rooms that give keys their meaning object to in a configuration.
const CHECKS: [Check; 2] = [
    |config| operator::check_settings(&config.privacy.recipient),
    |config| settings::check_settings(&config.sphere),
];

// The options of a command that has a configuration. Not `///`: clap would take that for the
// description of each such command.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Settings {
    /// The configuration [default: booth.toml here, else /etc/booth/booth.toml, else the built-in one]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Sets one key of the configuration for this run; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
}

// The options of a command that has a data folder too.
#[allow(missing_docs)]
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    #[command(flatten)]
    pub(super) settings: Settings,
    /// The data folder, instead of the configuration's; `export` takes several
    #[arg(long, value_name = "DIR")]
    pub(super) data: Vec<PathBuf>,
}

impl From<Settings> for Common {
    fn from(settings: Settings) -> Common {
        Common {
            settings,
            data: Vec::new(),
        }
    }
}

// A command with its own options and those that it shares with others.
#[derive(Debug, Args)]
pub(super) struct With<Shared: Args, Own: Args> {
    #[command(flatten)]
    pub(super) own: Own,
    #[command(flatten)]
    pub(super) shared: Shared,
}

impl Common {
    /// The configuration that these options mean; standard error says which it is.
    pub(super) fn config(&self) -> Result<Config, ConfigError> {
        let config = self.config_with(self.data.first().map(PathBuf::as_path))?;
        say(&config);
        Ok(config)
    }

    fn config_with(&self, data: Option<&Path>) -> Result<Config, ConfigError> {
        let Settings { config, set } = &self.settings;
        Config::load(config.as_deref(), set, data, &CHECKS)
    }

    /// The configuration with each of the data folders.
    pub(super) fn configs(&self) -> Result<Vec<Config>, ConfigError> {
        if self.data.is_empty() {
            return Ok(vec![self.config()?]);
        }
        let all = self.data.iter().map(|data| self.config_with(Some(data)));
        let all = all.collect::<Result<Vec<_>, _>>()?;
        all.first().inspect(|config| say(config));
        Ok(all)
    }

    /// These options of a command, and those that stand `before` it. Every `--set` is among the
    /// latter: see [`assignments`].
    pub(super) fn after(self, before: &Common) -> Common {
        let Common { settings, data } = self;
        Common {
            settings: Settings {
                config: settings.config.or_else(|| before.settings.config.clone()),
                set: before.settings.set.clone(),
            },
            data: before.data.iter().cloned().chain(data).collect(),
        }
    }

    /// The same for a command with one data folder: the one behind it, if there is one.
    pub(super) fn after_with_one_data(self, before: &Common) -> Result<Common, Failure> {
        if self.data.len() > 1 || before.data.len() > 1 {
            return Err(Failure::Usage(
                "--data: only `booth export` takes several data folders; call this for each".into(),
            ));
        }
        let mut common = self.after(before);
        common.data = common.data.pop().into_iter().collect();
        Ok(common)
    }

    /// Refuses, before `command`, which has no configuration, what it does not use.
    pub(super) fn none_for(&self, command: &str) -> Result<(), Failure> {
        refuse(command, "--config", self.settings.config.is_some())?;
        refuse(command, "--set", !self.settings.set.is_empty())?;
        self.no_data_for(command)
    }

    /// Refuses the data folder before `command`, which has none.
    pub(super) fn no_data_for(&self, command: &str) -> Result<(), Failure> {
        refuse(command, "--data", !self.data.is_empty())
    }
}

/// Says on standard error which configuration this is.
fn say(config: &Config) {
    // The output may have no reader.
    let _ = writeln!(io::stderr(), "booth: configuration: {}", config.read_from);
}

/// Refuses an option that a command does not use. Those of some commands may stand before any.
fn refuse(command: &str, option: &str, is_given: bool) -> Result<(), Failure> {
    if is_given {
        return Err(Failure::Usage(format!(
            "{option}: `booth {command}` does not use it; leave it out, and see `booth {command} \
             --help` for what it takes"
        )));
    }
    Ok(())
}

/// The values of every `--set`, in order. If there are some before and some after the command, clap
/// keeps only the latter, and a setting would be lost silently.
pub(super) fn assignments(mut arguments: impl Iterator<Item = String>) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(argument) = arguments.next().filter(|argument| argument != "--") {
        if argument == "--set" {
            all.extend(arguments.next());
        } else if let Some(value) = argument.strip_prefix("--set=") {
            all.push(value.to_owned());
        }
    }
    all
}
