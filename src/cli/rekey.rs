//! `booth rekey --key OLD`: seals every participant's key to the recipients configured now.

use std::path::PathBuf;

use super::{Common, Done, Failure, could_not};
use crate::files::data::Data;
use crate::identity::{keyring, operator};

/// Seals every key of keys/ again, to the recipients configured now
///
/// May be killed and run again; at every moment each key is sealed to the old recipients or to the
/// new ones.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The operator's key file until now
    #[arg(long, value_name = "OLD")]
    key: PathBuf,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Runs `booth rekey`.
///
/// # Errors
/// No recipient, no old key, or keys that it does not open: each is named.
pub fn run(args: &Args, common: &Common) -> Result<Done, Failure> {
    let config = common.config()?;
    let recipients = super::recipients(&config)?;
    let old = operator::read_keys(&args.key).map_err(could_not)?;
    super::open_data(&config)?;
    let found = keyring::rekey(&config.data, &old, &recipients)
        .map_err(|error| could_not(format!("{}: {error}", Data(&config.data).keys().display())))?;
    let text = if args.json {
        let object = serde_json::json!({
            "sealed": found.sealed, "were_sealed": found.were_sealed, "failed": found.failed.len(),
        });
        format!("{object}\n")
    } else {
        format!(
            "{} keys sealed to {} recipients, {} were already\n",
            found.sealed,
            recipients.len(),
            found.were_sealed
        )
    };
    super::print(&text)?;
    if found.failed.is_empty() {
        Ok(Done::Well)
    } else {
        Err(could_not(found.failed.join("\nbooth: ")))
    }
}
