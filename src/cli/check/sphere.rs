//! A full test of the sphere: connection, host key, our key, tools, studios, the protocol's tracks,
//! transport.
//!
//! Guarantees: the transport is left where it was found. If it plays, or a running box commands the
//! sphere, it is not moved.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Finding;
use super::running::{self, Running};
use crate::config::Config;
use crate::session::protocol::Protocol;
use crate::sphere::ladish::Track;
use crate::sphere::remote::Remote;
use crate::sphere::{Peer, SphereError, shell};

/// How long `--sound` plays.
const SOUND: Duration = Duration::from_secs(2);
/// How far the test moves the transport, in frames.
const STEP: u32 = 48_000;

/// Whether the sphere does what a step needs.
pub fn round(config: &Config, protocol: Option<&Protocol>, sound: bool) -> Finding {
    match config.sphere.host.as_str() {
        "" => return Finding::ok("sphere", "none configured"),
        "sim" => return Finding::ok("sphere", "configured: sim"),
        _ => {}
    }
    let mut sphere = Remote::new(&config.sphere);
    match look(config, protocol, &mut sphere) {
        Ok((text, true)) => match go(&mut sphere, sound) {
            Ok(done) => Finding::ok("sphere", format!("{text}, {done}")),
            Err(error) => Finding::error("sphere", error),
        },
        Ok((text, false)) => Finding::ok("sphere", text),
        Err(Problem::Sphere(error)) => Finding::error("sphere", error),
        Err(Problem::NotListed(tracks)) => {
            let host = &config.sphere.host;
            let names: Vec<String> = tracks.iter().map(|track| format!("`{track}`")).collect();
            let words: Vec<String> = tracks.iter().map(|track| shell::quote(track)).collect();
            Finding::fail(
                "sphere",
                format!("{host}: the list there lacks {}", names.join(", ")),
                format!(
                    "on the sphere, in the folder of setup: ./setup BOOTH_KEY.pub {}",
                    words.join(" ")
                ),
            )
        }
        Err(Problem::Asleep(text)) => Finding::warn(
            "sphere",
            text,
            "it comes with the first track; load a studio to check the transport too",
        ),
    }
}

enum Problem {
    Sphere(SphereError),
    /// Tracks that the protocol names and the gate refuses.
    NotListed(Vec<String>),
    /// No JACK, which is normal after the sphere's start.
    Asleep(String),
}

impl From<SphereError> for Problem {
    fn from(error: SphereError) -> Problem {
        Problem::Sphere(error)
    }
}

/// What is there, and whether it may be moved.
fn look(
    config: &Config,
    protocol: Option<&Protocol>,
    sphere: &mut Remote,
) -> Result<(String, bool), Problem> {
    let by = if sphere.has_helper()? {
        "the helper"
    } else {
        "JACK's own tools"
    };
    let studios = sphere.studios()?;
    let tracks = tracks(protocol);
    for track in &tracks {
        if let Track::Studio(name) = Track::read(track)?
            && !studios.iter().any(|studio| studio == name)
        {
            return Err(SphereError::UnknownTrack((*track).into()).into());
        }
    }
    if let Some(listed) = sphere.listed()? {
        let missing = tracks.iter().map(|track| (*track).to_owned());
        let missing: Vec<String> = missing.filter(|track| !listed.contains(track)).collect();
        if !missing.is_empty() {
            return Err(Problem::NotListed(missing));
        }
    }
    let text = format!("{}: by {by}, {} studios", config.sphere.host, studios.len());
    let position = match sphere.position() {
        Err(SphereError::NoJack) if sphere.loaded()?.is_err() => {
            return Err(Problem::Asleep(format!("{text}, none loaded and no JACK")));
        }
        position => position?,
    };
    match running::on(&config.data) {
        Running::No => {}
        Running::Yes => return Ok((format!("{text}; the running box has it"), false)),
        Running::Unknown(why) => {
            let text = format!("{text}; left alone, a box may run ({why})");
            return Ok((text, false));
        }
    }
    if position.rolling {
        return Ok((format!("{text}; rolling, and left alone"), false));
    }
    Ok((text, true))
}

/// The tracks that the protocol plays, each once.
fn tracks(protocol: Option<&Protocol>) -> BTreeSet<&str> {
    let steps = protocol.iter().flat_map(|protocol| &protocol.steps);
    let cues = steps.filter_map(|step| step.sphere.as_ref());
    cues.map(|cue| cue.track.as_str()).collect()
}

/// Moves the transport, plays if sound is allowed, and moves it back.
fn go(sphere: &mut Remote, sound: bool) -> Result<String, SphereError> {
    let from = u32::try_from(sphere.position()?.frame).unwrap_or(u32::MAX);
    let to = from.checked_add(STEP).unwrap_or(0);
    let went = sphere.locate(to);
    let played = match went {
        Ok(()) if sound => sphere.play(SOUND).map(|()| std::thread::sleep(SOUND)),
        went => went,
    };
    // Whatever happened, it is stopped and moved back.
    let stopped = if sound { sphere.stop() } else { Ok(()) };
    let back = sphere.locate(from);
    played.and(stopped).and(back)?;
    let heard = if sound {
        format!(", played {} s", SOUND.as_secs())
    } else {
        String::new()
    };
    Ok(format!("located and read back{heard}"))
}
