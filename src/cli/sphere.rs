//! `booth sphere`: commands for the sphere by hand, one line for each verb.
//!
//! Guarantees: what it prints was read back from the sphere. `stop` ends within 3 s, whatever the
//! network does, so that it can be used in ExecStopPost. What `play` starts stops by itself on the
//! sphere.

mod level;

use std::io::IsTerminal;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Common, Done, Failure, could_not, input, printable};
use crate::config;
use crate::sphere::known_hosts::Pinned;
use crate::sphere::ladish::Track;
use crate::sphere::remote::Remote;
use crate::sphere::ssh::{self, CALL, Link};
use crate::sphere::{Peer, Position, SphereError, frame_of, jack, settings};

/// `stop` must end before systemd gives up a unit's stop command.
const STOP_LIMIT: Duration = Duration::from_millis(2800);

/// Commands the sphere by hand
#[derive(Debug, Args)]
pub struct SphereArgs {
    #[command(subcommand)]
    verb: Verb,
    /// One JSON object
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    #[command(flatten)]
    Transport(Transport),
    /// Stops, within 3 s
    Stop,
    /// Plays the protocol's tracks and keeps how loud they are, beside the protocol
    Level {
        /// These tracks only
        tracks: Vec<String>,
        /// Seconds of each; a track that differs by more than 3 dB is then noted in the rows
        #[arg(long = "for", value_name = "SECONDS", default_value_t = 60,
            value_parser = clap::value_parser!(u32).range(5..=3600))]
        seconds: u32,
    },
    /// Shows a machine's host key and pins it after a yes
    Pair {
        /// Its name or address, as in `sphere.host`
        host: String,
        /// Pins without asking if the key has this fingerprint
        #[arg(long, value_name = "SHA256:...")]
        fingerprint: Option<String>,
    },
}

/// The verbs that answer with the position of the transport.
#[derive(Debug, Subcommand)]
enum Transport {
    /// Says where the transport is and which studio is loaded
    Status,
    /// Loads a studio by its exact name, or `project:ROOM:/FOLDER`
    Track {
        /// The name
        #[arg(allow_hyphen_values = true)]
        name: String,
    },
    /// Goes to a position
    Locate {
        /// Seconds from the track's beginning, for example 12.5, or a frame, for example 600000f
        #[arg(allow_hyphen_values = true, value_parser = Place::read)]
        position: Place,
    },
    /// Plays from where it is; the sphere stops by itself later
    Play {
        /// Seconds after which it is stopped there, and ten more; at most a day
        #[arg(long = "for", value_name = "SECONDS", default_value_t = 3600,
            value_parser = clap::value_parser!(u32).range(1..=86_400))]
        seconds: u32,
    },
}

/// A place in a track.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Seconds(f64),
    Frame(u32),
}

impl Place {
    fn read(text: &str) -> Result<Place, String> {
        if let Ok(seconds) = text.parse() {
            return Ok(Place::Seconds(seconds));
        }
        let frame = text.strip_suffix('f').and_then(jack::number);
        let frame = frame.and_then(|frame| u32::try_from(frame).ok());
        frame.map(Place::Frame).ok_or_else(|| {
            "a position is seconds, such as 12.5, or a frame up to 4294967295, such as 600000f"
                .into()
        })
    }

    fn frame(self, rate: u32) -> Result<u32, SphereError> {
        match self {
            Place::Seconds(seconds) => frame_of(seconds, rate),
            Place::Frame(frame) => Ok(frame),
        }
    }
}

/// Runs `booth sphere`.
///
/// # Errors
/// No sphere is configured; the sphere's.
pub fn run(args: &SphereArgs, common: &Common) -> Result<Done, Failure> {
    let config = common.config()?;
    let mut sphere = config.sphere.clone();
    let (line, object) = match &args.verb {
        Verb::Pair { host, fingerprint } => {
            sphere.host.clone_from(host);
            settings::check_settings(&sphere)
                .map_err(|(key, reason)| Failure::Usage(format!("{key}: {reason}")))?;
            if !sphere.is_remote() {
                return Err(Failure::Usage(format!(
                    "pair: `{host}` is no machine on the network; name one, for example `booth sphere \
                     pair sphere.local`"
                )));
            }
            pair(&sphere, fingerprint.as_deref())?
        }
        // The service stops any sphere there is, and most boxes have none.
        Verb::Stop if !sphere.is_remote() => (
            "no sphere: nothing to stop".into(),
            json!({"sphere": Value::Null}),
        ),
        Verb::Stop => stop(&sphere)?,
        Verb::Level { tracks, seconds } => {
            named(&sphere)?;
            level::measure(&config, tracks, *seconds)?
        }
        Verb::Transport(verb) => {
            named(&sphere)?;
            verb.check()
                .and_then(|()| verb.done(&sphere))
                .map_err(failure)?
        }
    };
    print(args.json, &line, &object)
}

/// Refuses a configuration without a sphere over the network.
fn named(sphere: &config::Sphere) -> Result<(), Failure> {
    let why = match sphere.host.as_str() {
        "" => "is empty; name the sphere in booth.toml, or with --set sphere.host=",
        "sim" => "the simulated sphere is inside `booth run` alone",
        _ => return Ok(()),
    };
    Err(Failure::Usage(format!("sphere.host: {why}")))
}

/// A request that no sphere could carry out is wrong usage, even where only the sphere's code
/// knows.
fn failure(error: SphereError) -> Failure {
    match error {
        SphereError::BadPosition(_) | SphereError::BadTrack { .. } => {
            Failure::Usage(error.to_string())
        }
        error => could_not(error),
    }
}

fn print(json: bool, line: &str, object: &Value) -> Result<Done, Failure> {
    super::print(&if json {
        format!("{object}\n")
    } else {
        format!("{}\n", printable(line))
    })
}

/// A line and an object with the same content.
type Printed = (String, Value);

impl Transport {
    /// Refuses what no sphere could do, at any rate.
    fn check(&self) -> Result<(), SphereError> {
        match self {
            Transport::Track { name } => Track::read(name).map(|_| ()),
            Transport::Locate { position } => position.frame(1).map(|_| ()),
            Transport::Play { .. } | Transport::Status => Ok(()),
        }
    }

    fn done(&self, config: &config::Sphere) -> Result<Printed, SphereError> {
        let mut sphere = Remote::new(config);
        match self {
            Transport::Track { name } => sphere.load(name)?,
            Transport::Locate { position } => {
                let rate = sphere.position()?.rate;
                sphere.locate(position.frame(rate)?)?;
            }
            Transport::Play { seconds } => {
                let rest = Duration::from_secs(u64::from(*seconds));
                sphere.play(rest)?;
                sphere.leave(rest)?;
            }
            Transport::Status => return status(config, &mut sphere),
        }
        let position = sphere.position()?;
        let (mut line, mut object) = position_said(config, &position);
        match self {
            Transport::Track { name } => {
                line = format!("{line}, track `{name}` is loaded");
                object["track"] = json!(name);
            }
            Transport::Play { seconds } => {
                line = format!("{line}, stops by itself in {} s", seconds + 10);
                object["stops_in_s"] = json!(seconds + 10);
            }
            Transport::Locate { .. } | Transport::Status => {}
        }
        Ok((line, object))
    }
}

fn position_said(config: &config::Sphere, position: &Position) -> Printed {
    let state = if position.rolling {
        "rolling"
    } else {
        "stopped"
    };
    let seconds = position.frame as f64 / f64::from(position.rate);
    let line = format!(
        "{}: {state} at {seconds:.3} s (frame {}, {} Hz)",
        config.host, position.frame, position.rate
    );
    let object = json!({
        "host": config.host, "state": state, "seconds": seconds, "frame": position.frame,
        "rate": position.rate,
        "uncertainty_ms": position.uncertainty.map(|open| open.as_secs_f64() * 1e3),
    });
    (line, object)
}

fn status(config: &config::Sphere, sphere: &mut Remote) -> Result<Printed, SphereError> {
    let (mut line, mut object) = position_said(config, &sphere.position()?);
    let by = if sphere.has_helper()? {
        "helper"
    } else {
        "jack tools"
    };
    // A transport without ladish can still be commanded.
    let (studio, problem) = match sphere.loaded() {
        Ok(Ok(name)) => (Some(name), None),
        Ok(Err(said)) => (None, Some(said)),
        Err(error) => (None, Some(error.to_string())),
    };
    line += &match (&studio, &problem) {
        (Some(name), _) => format!(", studio `{name}`"),
        (None, problem) => format!(", no studio ({})", problem.as_deref().unwrap_or_default()),
    };
    line += &format!(", by the {by}");
    object["track"] = json!(studio);
    object["problem"] = json!(problem);
    object["by"] = json!(by);
    Ok((line, object))
}

/// Runs on a thread of its own: if it is not done in time, the exit of the program ends it.
fn stop(config: &config::Sphere) -> Result<Printed, Failure> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let its = config.clone();
    let work = move || {
        let mut sphere = Remote::new(&its);
        let stopped = sphere.stop().and_then(|()| sphere.position());
        let _ = sender.send(stopped);
    };
    std::thread::Builder::new()
        .name("sphere".into())
        .spawn(work)
        .map_err(could_not)?;
    match receiver.recv_timeout(STOP_LIMIT) {
        Ok(Ok(position)) => Ok(position_said(config, &position)),
        Ok(Err(error)) => Err(could_not(error)),
        Err(_) => Err(could_not(format!(
            "sphere: {}: not stopped in {} ms; it stops by itself when its time is over",
            ssh::address(config),
            STOP_LIMIT.as_millis()
        ))),
    }
}

/// Pins a host key that a person has compared, or whose fingerprint was given.
fn pair(config: &config::Sphere, wanted: Option<&str>) -> Result<Printed, Failure> {
    let link = Link::shake_hands(config, Instant::now() + CALL).map_err(could_not)?;
    let key = link.host_key(config).map_err(could_not)?;
    let found = link.pinned(&key, config).map_err(could_not)?;
    let (address, print) = (ssh::address(config), key.fingerprint());
    let file = config.known_hosts.display();
    let object = json!({
        "host": config.host, "port": config.port, "kind": key.kind(), "fingerprint": print,
        "known_hosts": file.to_string(),
    });
    if let Some(wanted) = wanted.filter(|wanted| *wanted != print) {
        return Err(could_not(format!(
            "{address}: shows {print} and not {wanted}; nothing was pinned"
        )));
    }
    let line = format!("{address}: {} {print} is pinned in {file}", key.kind());
    let warning = match found {
        Pinned::Same => return Ok((format!("{line} already"), object)),
        Pinned::Revoked => {
            let revoked = ssh::distrust(found, &key, config);
            return Err(could_not(
                revoked.map_or(address, |error| error.to_string()),
            ));
        }
        Pinned::Changed => "ANOTHER KEY THAN THE PINNED ONE. ",
        Pinned::Unknown => "",
    };
    if wanted.is_none() {
        asked(&address, key.kind(), &print, warning)?;
    }
    link.pin(&key, config).map_err(could_not)?;
    Ok((line, object))
}

fn asked(address: &str, kind: &str, print: &str, changed: &str) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(could_not(format!(
            "{changed}{address} shows {kind} {print}, and there is no terminal to compare it on; \
             compare it and repeat with --fingerprint {print}"
        )));
    }
    let question = format!(
        "{changed}{address} shows the {kind} key\n  {print}\nOn the sphere, `ssh-keygen -lf \
         /etc/ssh/ssh_host_ed25519_key.pub` must print the same. Pin it, yes or no"
    );
    match input::line(&question)?.as_str() {
        "yes" | "y" | "oui" | "ja" => Ok(()),
        _ => Err(could_not("nothing was pinned")),
    }
}
