//! `booth sphere level`: how loud the protocol's tracks are at the sphere's outputs, kept beside the
//! protocol.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Failure, Printed, could_not};
use crate::config::{self, Config};
use crate::session::protocol::{Cue, Protocol};
use crate::sphere::levels::{self, Levels, TrackLevel};
use crate::sphere::remote::Remote;
use crate::sphere::{Peer, SphereError};
use crate::words::Hearing;

/// Between two looks: the helper stops what it is not asked about for 5 s.
const LOOK: Duration = Duration::from_secs(1);

/// Measures these tracks for `seconds` each; all of the protocol's, if none is named.
///
/// # Errors
/// A track that the protocol does not play; the sphere's; a file that cannot be written.
pub(super) fn measure(
    config: &Config,
    wanted: &[String],
    seconds: u32,
) -> Result<Printed, Failure> {
    let folder = config.folder.join("protocol");
    let protocol = Protocol::load(&config.protocol, &[&folder])?;
    let cues = cues(&protocol, wanted)?;
    let path = levels::path(&config.protocol, &folder);
    let mut levels = Levels::read(&path).map_err(could_not)?;
    let mut sphere = Remote::new(&config::Sphere {
        heard: Some(Hearing::Level),
        ..config.sphere.clone()
    });
    let mut lines = Vec::new();
    for cue in cues {
        let played = play(&mut sphere, cue, Duration::from_secs(seconds.into()));
        // Whatever happened, it is silent afterwards.
        let stopped = sphere.stop();
        let outputs_dbfs = played.map_err(could_not)?;
        stopped.map_err(could_not)?;
        let said: Vec<String> = outputs_dbfs
            .iter()
            .map(|dbfs| format!("{dbfs:.1}"))
            .collect();
        lines.push(format!("track `{}`: {} dBFS", cue.track, said.join(", ")));
        let level = TrackLevel {
            seconds,
            outputs_dbfs,
        };
        levels.put(&cue.track, level);
        levels.write(&path).map_err(could_not)?;
    }
    let file = path.display().to_string();
    let line = format!("{}; RMS over {seconds} s, kept in {file}", lines.join("; "));
    Ok((
        line,
        json!({"file": file, "seconds": seconds, "tracks": levels.tracks()}),
    ))
}

/// The cues of the tracks that are wanted.
fn cues<'a>(protocol: &'a Protocol, wanted: &[String]) -> Result<Vec<&'a Cue>, Failure> {
    let mut cues = protocol.cues();
    let is_known = |track: &&String| cues.iter().any(|cue| cue.track == **track);
    if let Some(track) = wanted.iter().find(|track| !is_known(track)) {
        return Err(Failure::Usage(format!(
            "level: protocol `{}` plays no track `{track}`",
            protocol.name
        )));
    }
    if cues.is_empty() {
        return Err(Failure::Usage(format!(
            "level: protocol `{}` plays no track; name another one with --set protocol=",
            protocol.name
        )));
    }
    cues.retain(|cue| wanted.is_empty() || wanted.contains(&cue.track));
    Ok(cues)
}

/// Plays a track for `length`; RMS at each output.
fn play(sphere: &mut Remote, cue: &Cue, length: Duration) -> Result<Vec<f32>, SphereError> {
    sphere.load_at(&cue.track, cue.first_s())?;
    sphere.play(length)?;
    let began = Instant::now();
    loop {
        let left = length.saturating_sub(began.elapsed());
        std::thread::sleep(left.min(LOOK));
        let sound = sphere.hear()?.ok_or(SphereError::NoLevel)?;
        if sound.connections == 0 {
            return Err(SphereError::Unconnected);
        }
        if left.is_zero() {
            return Ok(sound.rms_dbfs);
        }
    }
}
