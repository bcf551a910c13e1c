//! `booth run`: the box itself.

use std::path::{Path, PathBuf};

use super::{Common, Done, Failure};
use crate::audio::source;
use crate::board::sim::script::Script;
use crate::booth::{self, Options};
use crate::files::read_text;
use crate::session::protocol::Protocol;

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
    /// Takes this enrolled person first, without asking; the number that `booth enroll` printed
    #[arg(long, value_name = "NUMBER")]
    participant: Option<String>,
    /// As fast as the disk allows, with the simulated source and a script
    #[arg(long, requires = "script")]
    fast: bool,
}

/// Runs `booth run`.
///
/// # Errors
/// Wrong configuration, protocol or script; a device, corpus or data folder that is not available.
pub fn run(args: Args, common: &Common) -> Result<Done, Failure> {
    if args.participant.as_deref().is_some_and(super::is_code) {
        return Err(super::code_as_session());
    }
    let mut config = common.config()?;
    let script = args.script.as_deref().map(load_script).transpose()?;
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
    if config.audio.device == source::SIMULATED && script.is_none() {
        log::warn!("audio.device is \"sim\": no microphone is recorded");
    }
    let protocol = Protocol::load(&config.protocol, &[&config.folder.join("protocol")])?;
    let options = Options {
        script,
        screens: args.screens,
        fast: args.fast,
        participant: args.participant,
    };
    finish(booth::run(config, protocol, options)?)
}

/// The outcome of a run: with or without recorded faults.
pub(super) fn finish(faulty: bool) -> Result<Done, Failure> {
    Ok(if faulty { Done::WithFaults } else { Done::Well })
}

fn load_script(path: &Path) -> Result<Script, Failure> {
    let text = read_text(path)
        .map_err(|error| Failure::Usage(format!("script {}: {error}", path.display())))?;
    Ok(Script::parse(path, &text)?)
}
