//! `booth demo`: a scripted visitor consents, reads through the whole protocol in forty seconds,
//! and is forgotten.

mod temporary;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use self::temporary::Temporary;
use super::run::finish;
use super::{Common, Done, Failure, could_not, takes};
use crate::audio::source;
use crate::audio::source::alsa::open_capture;
use crate::audio::source::offer::Offer;
use crate::board::sim::script::Script;
use crate::booth::{self, Options};
use crate::config::{Audio, Config, Recipients};
use crate::files::data::Data;
use crate::forget;
use crate::identity::{keyring, operator};
use crate::session::protocol::Protocol;
use crate::store::{lock, takes as rows};
use crate::words::By;

/// The visitor.
const VISITOR: &str = "\
until attract
1200 go
until consent
repeat 4
  1200 go
end
800 go hold 1200
until code
2500 go
until intro
1500 go
repeat 9
  until reading
  2900 go
end
until over
until intro
1200 go
until quiet
until over
until intro
1200 go
until quiet
until over
until intro
1200 go
until reading
600 go
";
/// The length of all steps together.
const SECONDS: u32 = 40;

/// Arguments of `booth demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Records this ALSA device instead of the simulated source, with the channels it has
    #[arg(long, value_name = "PCM", conflicts_with = "fast")]
    device: Option<String>,
    /// As fast as the disk allows
    #[arg(long)]
    fast: bool,
    /// Leaves the recordings and the operator's key to look at; the visitor is not forgotten
    #[arg(long)]
    keep: bool,
}

/// Runs `booth demo`.
///
/// # Errors
/// As `booth run`.
pub fn run(args: &Args, common: &Common) -> Result<Done, Failure> {
    let mut config = common.config()?;
    config.board = "sim".into();
    config.sphere.host = "sim".into();
    config.audio.mixer.clear();
    let parent = std::env::temp_dir();
    let mut temporary = Temporary::create(&parent).map_err(|error| {
        let parent = parent.display();
        could_not(format!(
            "{parent}: no folder can be made there: {error}; name another with TMPDIR"
        ))
    })?;
    if args.keep {
        temporary.keep();
    }
    let data = || temporary.path().join("data");
    config.data = common.data.first().cloned().unwrap_or_else(data);
    let key = temporary.path().join("operator.key");
    let recipient = operator::keygen(&key).map_err(could_not)?;
    config.privacy.recipient = Recipients::One(recipient.to_string());
    match &args.device {
        Some(device) => fit(&mut config, device)?,
        None => config.audio.device = source::SIMULATED.into(),
    }
    let source = match config.audio.device.as_str() {
        source::SIMULATED => "the built-in simulated source (no sound card is used)",
        device => device,
    };
    // The output may have no reader.
    let _ = writeln!(
        std::io::stderr(),
        "demo: {} channels from {source}",
        config.audio.channels.len()
    );
    // A laboratory has consent on paper; here the visitor is asked, as in an exhibition.
    let protocol = Protocol {
        consents: Protocol::load("exhibition", &[])?.consents,
        ..Protocol::load("vibravox", &[])?.scaled_to(SECONDS)
    };
    let script = Script::parse(Path::new("demo"), VISITOR)?;
    let data = config.data.clone();
    let options = Options {
        script: Some(script),
        screens: None,
        fast: args.fast,
        participant: None,
    };
    let before: BTreeSet<String> = sessions(&data)?.into_iter().collect();
    let faulty = booth::run(config, protocol, options)?;
    let mut own = sessions(&data)?;
    own.retain(|session| !before.contains(session));
    for session in &own {
        report(&data, session)?;
        if args.keep || !common.data.is_empty() {
            let folder = Data(&data).session(session);
            super::print(&format!("in {}\n", folder.display()))?;
        }
    }
    if args.keep {
        super::print(&format!("\nthe operator's key is {}\n", key.display()))?;
    } else {
        own.iter()
            .try_for_each(|session| forgotten(&data, session))?;
    }
    finish(faulty)
}

/// Takes rate, format and channels from what the device offers.
fn fit(config: &mut Config, device: &str) -> Result<(), Failure> {
    let could_not = |error: &dyn std::fmt::Display| Failure::CouldNot(error.to_string());
    let pcm = open_capture(device).map_err(|error| could_not(&error))?;
    let offer = Offer::of(&pcm).map_err(|error| could_not(&error))?;
    let audio = &mut config.audio;
    device.clone_into(&mut audio.device);
    let wanted = audio.channels.len() as u32;
    let channels = wanted.clamp(offer.channels.0, offer.channels.1);
    if channels != wanted {
        audio.channels = Audio::numbered(channels);
        audio.reference = String::new();
    }
    audio.rate = audio.rate.clamp(offer.rates.0, offer.rates.1);
    if !offer.formats.contains(&audio.format)
        && let Some(format) = offer.formats.first()
    {
        audio.format = *format;
    }
    Ok(())
}

fn unreadable(path: PathBuf) -> impl Fn(std::io::Error) -> Failure {
    move |error| could_not(format!("{}: {error}", path.display()))
}

/// The sessions in `data`, which may not exist yet.
fn sessions(data: &Path) -> Result<Vec<String>, Failure> {
    if Data(data).sessions().exists() {
        rows::sessions(data).map_err(unreadable(data.to_owned()))
    } else {
        Ok(Vec::new())
    }
}

/// The table of a session's takes.
fn report(data: &Path, session: &str) -> Result<(), Failure> {
    let folder = Data(data).session(session);
    let rows = rows::read(&folder).map_err(unreadable(folder.clone()))?;
    let table = takes::table(&rows);
    super::print(&format!("\n{table}\n"))?;
    Ok(())
}

/// Forgets the visitor, and prints the receipt.
fn forgotten(data: &Path, session: &str) -> Result<(), Failure> {
    let _held = lock::lock(data).map_err(unreadable(data.to_owned()))?;
    let proof = keyring::proof(data, session).map_err(could_not)?;
    let proof = proof.ok_or_else(|| could_not("the visitor's proof is not there"))?;
    let mut tombstone = forget::announce(data, &proof, By::Code).map_err(could_not)?;
    forget::carry_out(data, &mut tombstone).map_err(could_not)?;
    let receipt = forget::receipt(data, &tombstone).map_err(could_not)?;
    super::print(&format!(
        "\nthe visitor is forgotten; their receipt:\n{receipt}\n"
    ))?;
    Ok(())
}
