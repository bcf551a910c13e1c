//! `booth demo`: a scripted visitor reads through the whole protocol in forty seconds.

use std::io::Write;
use std::path::Path;

use super::run::finish;
use super::{Common, Done, Failure, takes};
use crate::audio::source;
use crate::audio::source::alsa::open_pcm;
use crate::audio::source::offer::Offer;
use crate::board::sim::script::Script;
use crate::booth::{self, Options};
use crate::config::{Audio, Config};
use crate::session::protocol::Protocol;
use crate::store::takes as rows;

/// The visitor.
const VISITOR: &str = "\
until attract
1200 go
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
/// Length of all steps together.
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
    let data = std::env::temp_dir().join(format!("booth-demo-{}", std::process::id()));
    config.data = common.data.clone().unwrap_or(data);
    match &args.device {
        Some(device) => fit(&mut config, device)?,
        None => config.audio.device = source::SIMULATED.into(),
    }
    let source = match config.audio.device.as_str() {
        source::SIMULATED => "the built-in simulated source (no sound card is used)",
        device => device,
    };
    // Nobody may be watching.
    let _ = writeln!(
        std::io::stderr(),
        "demo: {} channels from {source}",
        config.audio.channels.len()
    );
    let protocol = Protocol::load("vibravox", &[])?.scaled_to(SECONDS);
    let script = Script::parse(Path::new("demo"), VISITOR)?;
    let data = config.data.clone();
    let options = Options {
        script: Some(script),
        screens: None,
        fast: args.fast,
    };
    let faulty = booth::run(config, protocol, options)?;
    report(&data)?;
    finish(faulty)
}

/// Takes rate, format and channels from what the device offers.
fn fit(config: &mut Config, device: &str) -> Result<(), Failure> {
    let could_not = |error: &dyn std::fmt::Display| Failure::CouldNot(error.to_string());
    let pcm = open_pcm(device).map_err(|error| could_not(&error))?;
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

/// The table of the takes of each session, and where they are.
fn report(data: &Path) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::CouldNot(format!("{}: {error}", data.join("sessions").display()))
    };
    for session in rows::sessions(data).map_err(unreadable)? {
        let folder = data.join("sessions").join(&session);
        let rows = rows::read(&folder).map_err(unreadable)?;
        super::print(&format!(
            "\n{}\nin {}\n",
            takes::table(&rows),
            folder.display()
        ))?;
    }
    Ok(())
}
