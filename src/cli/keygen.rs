//! `booth keygen FILE`: the operator's key pair.

use std::path::PathBuf;

use super::{Done, Failure, could_not};
use crate::identity::operator;

/// Makes the operator's key pair and prints the recipient for booth.toml
///
/// The file opens everything that booths with this recipient seal, with stock `age` too. Keep it
/// off the booth, and a copy of it elsewhere.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the private key goes; must not be there yet
    file: PathBuf,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Runs `booth keygen`.
///
/// # Errors
/// The file is there already or cannot be written.
pub fn run(args: &Args) -> Result<Done, Failure> {
    let recipient = operator::keygen(&args.file).map_err(could_not)?.to_string();
    if args.json {
        let file = args.file.display().to_string();
        let object = serde_json::json!({"recipient": recipient, "file": file});
        return super::print(&format!("{object}\n"));
    }
    super::print(&format!("{recipient}\n"))
}
