//! A full test of the sphere: connection, host key, our key, tools, studios, the protocol's tracks,
//! transport.
//!
//! Guarantees: the transport is left where it was found; with `--sound`, stopped in the last track
//! that was heard. If it plays, or a running box commands the sphere, it is not moved.

use std::time::Duration;

use super::Finding;
use super::running::{self, Running};
use crate::config::Config;
use crate::session::protocol::{Cue, Protocol};
use crate::sphere::ladish::Track;
use crate::sphere::remote::Remote;
use crate::sphere::{Peer, SphereError, looks, shell};
use crate::words::Heard;

/// How long `--sound` plays each track.
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
    let cues = protocol.map(Protocol::cues).unwrap_or_default();
    match look(config, &cues, &mut sphere) {
        Ok((text, true)) => match go(&mut sphere).and_then(|went| match sound {
            true => Ok(format!("{went}, {}", hear(&mut sphere, &cues)?)),
            false => Ok(went),
        }) {
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
fn look(config: &Config, cues: &[&Cue], sphere: &mut Remote) -> Result<(String, bool), Problem> {
    let by = if sphere.has_helper()? {
        "the helper"
    } else {
        "JACK's own tools"
    };
    let studios = sphere.studios()?;
    for cue in cues {
        if let Track::Studio(name) = Track::read(&cue.track)?
            && !studios.iter().any(|studio| studio == name)
        {
            let track = cue.track.clone();
            let known = studios;
            return Err(SphereError::UnknownTrack { track, known }.into());
        }
    }
    if let Some(listed) = sphere.listed()? {
        let missing = cues.iter().map(|cue| cue.track.clone());
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

/// Moves the transport and moves it back.
fn go(sphere: &mut Remote) -> Result<String, SphereError> {
    let from = u32::try_from(sphere.position()?.frame).unwrap_or(u32::MAX);
    let to = from.checked_add(STEP).unwrap_or(0);
    let went = sphere.locate(to);
    // Whatever happened, it is moved back.
    let back = sphere.locate(from);
    went.and(back)?;
    Ok("located and read back".into())
}

/// Loads each track, plays it from where its cue says, and listens; what is loaded, if the protocol
/// plays none.
fn hear(sphere: &mut Remote, cues: &[&Cue]) -> Result<String, SphereError> {
    if cues.is_empty() {
        let from = u32::try_from(sphere.position()?.frame).unwrap_or(u32::MAX);
        let heard = hear_now(sphere, false);
        sphere.locate(from)?;
        return Ok(format!("played {} s: {}", SOUND.as_secs(), heard?));
    }
    let mut heard = Vec::new();
    for cue in cues {
        let track = &cue.track;
        sphere.load_at(track, cue.first_s())?;
        let one = hear_now(sphere, cue.silent_start_s > 0.0)?;
        heard.push(format!(
            "track `{track}` played {} s: {one}",
            SOUND.as_secs()
        ));
    }
    Ok(heard.join(", "))
}

/// Plays from where it is; what was connected, and how loud it was.
fn hear_now(sphere: &mut Remote, begins_silent: bool) -> Result<String, SphereError> {
    let heard = play(sphere, begins_silent);
    // Whatever happened, it is silent afterwards.
    sphere.stop()?;
    heard
}

fn play(sphere: &mut Remote, begins_silent: bool) -> Result<String, SphereError> {
    sphere.play(SOUND)?;
    std::thread::sleep(SOUND);
    let Some(sound) = sphere.hear()? else {
        return Ok("sphere.heard is \"no\"".into());
    };
    let connections = format!("{} connections", sound.connections);
    match (looks::heard(&sound), sound.peak_dbfs) {
        (None, _) => Err(SphereError::Unconnected),
        (Some(Heard::Connections), Some(_)) if !begins_silent => {
            Err(SphereError::Silent(SOUND.as_secs()))
        }
        (_, Some(peak)) => Ok(format!("{connections}, peak {peak:.0} dBFS")),
        (_, None) => Ok(connections),
    }
}
