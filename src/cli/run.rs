//! `booth run`: the box itself.

use std::path::{Path, PathBuf};

use super::{Common, Done, Failure};
use crate::board::sim::script::Script;
use crate::booth::{self, Options};
use crate::config::Config;
use crate::session::protocol::Protocol;
use crate::store::folder;

/// Arguments of `booth run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A board profile's name or path; `sim` is the terminal with keys
    #[arg(long, value_name = "NAME")]
    board: Option<String>,
    /// A protocol's name or path
    #[arg(long, value_name = "NAME")]
    protocol: Option<String>,
    /// The text to read
    #[arg(long, value_name = "FILE")]
    corpus: Option<PathBuf>,
    /// Presses the simulated board's buttons
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Writes a PNG of each new screen into this folder
    #[arg(long, value_name = "DIR")]
    screens: Option<PathBuf>,
    /// As fast as the disk allows, with the simulated source and a script
    #[arg(long, requires = "script")]
    fast: bool,
}

/// Runs `booth run`.
///
/// # Errors
/// Wrong configuration, protocol or script; a device, corpus or data folder that cannot be had.
pub fn run(args: Args, common: &Common) -> Result<Done, Failure> {
    let mut config = common.config()?;
    if let Some(board) = args.board {
        config.board = board;
    }
    if let Some(protocol) = args.protocol {
        config.protocol = protocol;
    }
    if let Some(corpus) = args.corpus {
        config.corpus.path = corpus;
        config.corpus.by_language.clear();
    }
    let protocol = load_protocol(&config, common.config.as_deref())?;
    let script = args.script.as_deref().map(load_script).transpose()?;
    if script.is_some() && !config.board.starts_with("sim") {
        return Err(Failure::Usage(format!(
            "--script: board `{}` has buttons of its own; add --board sim",
            config.board
        )));
    }
    start(
        config,
        protocol,
        Options {
            script,
            screens: args.screens,
            fast: args.fast,
        },
    )
}

/// Holds the data folder and runs the box.
pub(super) fn start(config: Config, protocol: Protocol, options: Options) -> Result<Done, Failure> {
    let data = config.data.display();
    let lock = folder::lock(&config.data).map_err(|error| {
        Failure::CouldNot(format!(
            "data folder {data}: {error}; make it writable or use --data"
        ))
    })?;
    let Some(_held) = lock else {
        return Err(Failure::CouldNot(format!(
            "data folder {data}: another booth is running on it; stop it or use --data"
        )));
    };
    Ok(if booth::run(config, protocol, options)? {
        Done::WithFaults
    } else {
        Done::Well
    })
}

/// A protocol by name, in the folder of the configuration or inside the binary, or by path.
fn load_protocol(config: &Config, file: Option<&Path>) -> Result<Protocol, Failure> {
    let beside = file
        .and_then(Path::parent)
        .map(|folder| folder.join("protocol"));
    let search: Vec<&Path> = beside.as_deref().into_iter().collect();
    Ok(Protocol::load(&config.protocol, &search)?)
}

fn load_script(path: &Path) -> Result<Script, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::CouldNot(format!("script {}: {error}", path.display())))?;
    Ok(Script::parse(path, &text)?)
}
