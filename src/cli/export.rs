//! `booth export OUT`: a dataset of all takes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Common, Done, Failure, could_not};
use crate::dataset::export;
use crate::dataset::export::{ExportError, Layout, Options, Outcome, Source};
use crate::files::data::Data;
use crate::forget::copies;
use crate::identity::operator;

/// Writes all takes as WAV files with a table, without those of forgotten people
///
/// The same command continues an export that was interrupted, and adds to an export what was
/// recorded since. Several data folders (--data A --data B), or one after the other, become one
/// dataset: what lies in the folder stays. Sealed takes need the operator's key, which belongs on no
/// booth: export from a copy of the data elsewhere.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of the export: a new one, or one that was begun
    out: PathBuf,
    /// One WAV file per channel, or one per take
    #[arg(long, value_enum, default_value_t)]
    layout: Layout,
    /// The operator's key file; without it, sealed data is left out
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A folder of SESSION.age fetched elsewhere [default: DATA/keys]
    #[arg(long, value_name = "DIR", requires = "key")]
    keys: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Runs `booth export`.
///
/// # Errors
/// No data, a folder with other files, a key that opens nothing, a full disk; sessions and takes
/// that cannot be read are named after all others were exported.
pub fn run(args: &Args, common: &Common) -> Result<Done, Failure> {
    let configs = common.configs()?;
    let with = match &args.key {
        Some(file) => operator::read_keys(file).map_err(could_not)?,
        None => Vec::new(),
    };
    if let Some(keys) = args.keys.as_ref().filter(|keys| !keys.is_dir()) {
        return Err(could_not(format!(
            "{}: is no folder; name the one that holds SESSION.age",
            keys.display()
        )));
    }
    let (mut sources, mut forgotten) = (Vec::new(), BTreeSet::new());
    for config in &configs {
        sources.push(source(args, &config.data)?);
        forgotten.extend(super::open_data(config)?);
    }
    let options = Options {
        sources: &sources,
        out: &args.out,
        layout: args.layout,
        with: &with,
        leave_out: |folder, sessions| copies::clean(folder, sessions).sessions.len(),
    };
    let outcome = export::export(&options, &forgotten).map_err(failure)?;
    super::print(&shown(args, &outcome))?;
    if !outcome.failed.is_empty() {
        return Err(could_not(outcome.failed.join("\nbooth: ")));
    }
    Ok(if outcome.sealed + outcome.sealed_answers > 0 {
        Done::WithFaults
    } else {
        Done::Well
    })
}

fn source(args: &Args, data: &Path) -> Result<Source, Failure> {
    if !Data(data).sessions().is_dir() {
        return Err(could_not(format!(
            "{}: holds no sessions; name the data folder with --data",
            data.display()
        )));
    }
    Ok(Source {
        data: data.to_owned(),
        keys: args.keys.clone().unwrap_or_else(|| Data(data).keys()),
    })
}

fn failure(error: ExportError) -> Failure {
    if error.is_usage() {
        Failure::Usage(error.to_string())
    } else {
        Failure::CouldNot(error.to_string())
    }
}

fn shown(args: &Args, outcome: &Outcome) -> String {
    let out = args.out.display();
    if args.json {
        let object = serde_json::json!({
            "export": out.to_string(), "sessions": outcome.sessions, "takes": outcome.takes,
            "files": outcome.files, "new_takes": outcome.written, "other_files": outcome.others,
            "sealed_sessions": outcome.sealed, "sealed_answers": outcome.sealed_answers,
            "failed": outcome.failed,
        });
        return format!("{object}\n");
    }
    let mut text = format!(
        "{out}: {} takes of {} sessions in {} files; {} takes are new\n",
        outcome.takes, outcome.sessions, outcome.files, outcome.written
    );
    if outcome.others > 0 {
        text += &format!(
            "{} files of others or of earlier exports stay\n",
            outcome.others
        );
    }
    for (count, what) in [
        (outcome.sealed, "sealed sessions are left out"),
        (
            outcome.sealed_answers,
            "sessions' sealed answers are left out",
        ),
    ] {
        if count > 0 {
            text += &format!("{count} {what}: open them with --key FILE, the operator's\n");
        }
    }
    text
}
