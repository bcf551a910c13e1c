//! `booth sphere`: the sphere by hand, one line for each verb.
//!
//! Guarantees: what it says was read back from the sphere; `stop` ends within 3 s, whatever the
//! network does, so that it can stand in ExecStopPost; what `play` starts is stopped there by itself.

use std::io::IsTerminal;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Common, Done, Failure, could_not, input, printable};
use crate::config;
use crate::sphere::ladish::Track;
use crate::sphere::remote::Remote;
use crate::sphere::ssh::{self, CALL, Link};
use crate::sphere::trust::Pinned;
use crate::sphere::{Peer, Position, SphereError, frame_of};

/// `stop` must be over before a unit's stop command is given up.
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
    /// Says where the transport stands and which studio is loaded
    Status,
    /// Loads a studio by its exact name, or `project:ROOM:/FOLDER`
    Track {
        /// The name
        #[arg(allow_hyphen_values = true)]
        name: String,
    },
    /// Goes to a position
    Locate {
        /// Seconds from the track's beginning
        #[arg(allow_hyphen_values = true)]
        seconds: f64,
    },
    /// Plays from where it stands; the sphere stops by itself later
    Play {
        /// Seconds after which it is stopped there, and ten more
        #[arg(long = "for", value_name = "SECONDS", default_value_t = 3600)]
        seconds: u32,
    },
    /// Stops, within 3 s
    Stop,
    /// Shows a machine's host key and pins it after a yes
    Pair {
        /// Its name or address, as in `sphere.host`
        host: String,
        /// Pins without asking if the key has this fingerprint
        #[arg(long, value_name = "SHA256:...")]
        fingerprint: Option<String>,
    },
}

/// Runs `booth sphere`.
///
/// # Errors
/// No sphere configured; what the sphere says.
pub fn run(args: &SphereArgs, common: &Common) -> Result<Done, Failure> {
    let mut sphere = common.config()?.sphere;
    if let Verb::Pair { host, fingerprint } = &args.verb {
        sphere.host.clone_from(host);
        sphere
            .check()
            .map_err(|(key, reason)| Failure::Usage(format!("{key}: {reason}")))?;
        return pair(&sphere, fingerprint.as_deref(), args.json);
    }
    match sphere.host.as_str() {
        // The service stops whatever sphere there is, and most boxes have none.
        "" | "sim" if matches!(args.verb, Verb::Stop) => {
            let object = json!({"sphere": null});
            return told(args.json, "no sphere: nothing to stop", &object);
        }
        "" => {
            return Err(Failure::Usage(
                "sphere.host: is empty; name the sphere in booth.toml, or with --set sphere.host="
                    .into(),
            ));
        }
        "sim" => {
            return Err(Failure::Usage(
                "sphere.host: the simulated sphere is inside `booth run` alone".into(),
            ));
        }
        _ => {}
    }
    args.verb.check()?;
    let (line, object) = match &args.verb {
        Verb::Stop => stop(&sphere)?,
        verb => verb.done(&sphere).map_err(could_not)?,
    };
    told(args.json, &line, &object)
}

fn told(json: bool, line: &str, object: &Value) -> Result<Done, Failure> {
    super::print(&if json {
        format!("{object}\n")
    } else {
        format!("{}\n", printable(line))
    })
}

/// A line and an object that say the same.
type Said = (String, Value);

impl Verb {
    /// Refuses what no sphere could do.
    fn check(&self) -> Result<(), Failure> {
        let usage = |error: SphereError| Failure::Usage(error.to_string());
        match self {
            Verb::Track { name } => Track::read(name).map(|_| ()).map_err(usage),
            Verb::Locate { seconds } => frame_of(*seconds, 1).map(|_| ()).map_err(usage),
            _ => Ok(()),
        }
    }

    fn done(&self, config: &config::Sphere) -> Result<Said, SphereError> {
        let mut sphere = Remote::new(config);
        match self {
            Verb::Track { name } => sphere.load(name)?,
            Verb::Locate { seconds } => {
                let rate = sphere.position()?.rate;
                sphere.locate(frame_of(*seconds, rate)?)?;
            }
            Verb::Play { seconds } => {
                let rest = Duration::from_secs(u64::from(*seconds));
                sphere.play(rest)?;
                sphere.leave(rest)?;
            }
            Verb::Status => return status(config, &mut sphere),
            Verb::Stop | Verb::Pair { .. } => {}
        }
        let position = sphere.position()?;
        let (mut line, mut object) = told_position(config, &position);
        match self {
            Verb::Track { name } => {
                line = format!("{line}, track `{name}` is loaded");
                object["track"] = json!(name);
            }
            Verb::Play { seconds } => {
                line = format!("{line}, stops by itself in {} s", seconds + 10);
                object["stops_in_s"] = json!(seconds + 10);
            }
            _ => {}
        }
        Ok((line, object))
    }
}

fn told_position(config: &config::Sphere, position: &Position) -> Said {
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
        "rate": position.rate, "uncertainty_ms": position.uncertainty.as_secs_f64() * 1e3,
    });
    (line, object)
}

fn status(config: &config::Sphere, sphere: &mut Remote) -> Result<Said, SphereError> {
    let (mut line, mut object) = told_position(config, &sphere.position()?);
    let by = if sphere.has_helper()? {
        "helper"
    } else {
        "jack tools"
    };
    // A transport without ladish can be commanded all the same.
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

/// On a thread of its own: whatever is not done by then is left, and the exit ends it.
fn stop(config: &config::Sphere) -> Result<Said, Failure> {
    let (tell, told) = mpsc::sync_channel(1);
    let its = config.clone();
    let work = move || {
        let mut sphere = Remote::new(&its);
        let stopped = sphere.stop().and_then(|()| sphere.position());
        let _ = tell.send(stopped);
    };
    std::thread::Builder::new()
        .name("sphere".into())
        .spawn(work)
        .map_err(could_not)?;
    match told.recv_timeout(STOP_LIMIT) {
        Ok(Ok(position)) => Ok(told_position(config, &position)),
        Ok(Err(error)) => Err(could_not(error)),
        Err(_) => Err(could_not(format!(
            "sphere: {}: not stopped in {} ms; it stops by itself when its time is over",
            ssh::address(config),
            STOP_LIMIT.as_millis()
        ))),
    }
}

/// Pins a host key that a person has compared, or that was named beforehand.
fn pair(config: &config::Sphere, wanted: Option<&str>, json: bool) -> Result<Done, Failure> {
    let link = Link::shake_hands(config, Instant::now() + CALL).map_err(could_not)?;
    let key = link.host_key(config).map_err(could_not)?;
    let found = link.pinned(&key, config).map_err(could_not)?;
    let (address, print) = (ssh::address(config), key.fingerprint());
    let file = config.known_hosts.display();
    let object = json!({
        "host": config.host, "port": config.port, "kind": key.kind(), "fingerprint": print,
        "known_hosts": file.to_string(),
    });
    if found == Pinned::Same {
        let line = format!(
            "{address}: {} {print} is pinned in {file} already",
            key.kind()
        );
        return told(json, &line, &object);
    }
    match wanted {
        Some(wanted) if wanted == print => {}
        Some(wanted) => {
            return Err(could_not(format!(
                "{address}: shows {print} and not {wanted}; nothing was pinned"
            )));
        }
        None => asked(&address, key.kind(), &print, found)?,
    }
    link.pin(&key, config).map_err(could_not)?;
    told(
        json,
        &format!("{address}: {} {print} is pinned in {file}", key.kind()),
        &object,
    )
}

fn asked(address: &str, kind: &str, print: &str, found: Pinned) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(could_not(format!(
            "{address}: shows {kind} {print}, and nobody is at a terminal to compare it; compare it \
             and repeat with --fingerprint {print}"
        )));
    }
    let changed = match found {
        Pinned::Changed => "ANOTHER KEY THAN THE PINNED ONE. ",
        _ => "",
    };
    let question = format!(
        "{changed}{address} shows the {kind} key\n  {print}\nOn the sphere, `ssh-keygen -lf \
         /etc/ssh/ssh_host_ed25519_key.pub` must print the same. Pin it, yes or no"
    );
    match input::line(&question)?.as_str() {
        "yes" | "y" | "oui" | "ja" => Ok(()),
        _ => Err(could_not("nothing was pinned")),
    }
}
