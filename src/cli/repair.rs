//! `booth repair PATH…`: makes unfinished RF64 files whole.

use std::path::PathBuf;

use super::{Done, Failure};
use crate::audio::repair::{Outcome, repair};

/// Makes unfinished RF64 files whole; leaves healthy files byte-identical.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files to look at.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// One JSON object a file.
    #[arg(long)]
    json: bool,
}

/// Looks at every file, also after one that could not be repaired.
///
/// # Errors
/// Names each file that could not be repaired.
pub fn run(args: &Args) -> Result<Done, Failure> {
    let mut failures = Vec::new();
    for path in &args.paths {
        match repair(path) {
            Ok(outcome) if args.json => {
                let (action, frames) = match outcome {
                    Outcome::Healthy { frames } => ("none", frames),
                    Outcome::Repaired { frames, .. } => ("repaired", frames),
                };
                let file = path.display().to_string();
                let row = serde_json::json!({"file": file, "action": action, "frames": frames});
                println!("{row}");
            }
            Ok(outcome) => println!("{}: {outcome}", path.display()),
            Err(error) => failures.push(error.to_string()),
        }
    }
    if failures.is_empty() {
        Ok(Done::Well)
    } else {
        Err(Failure::CouldNot(failures.join("\nbooth: ")))
    }
}
