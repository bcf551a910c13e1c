//! By what the takes of this box are judged.

use super::Error;
use crate::audio::judge::{Ear, Judge};
use crate::audio::source;
use crate::config::Config;
use crate::files::nearest::nearest;
use crate::session::protocol::Protocol;

/// Judges what microphones give; what the simulated source babbles is nobody's.
///
/// # Errors
/// The protocol names a channel that there is not.
pub(super) fn of(config: &Config, protocol: &Protocol) -> Result<Option<Judge>, Error> {
    let (audio, rules) = (&config.audio, &protocol.verdict);
    let named = rules.voice.iter().map(|name| ("verdict.voice", name));
    let own = rules.channel.keys().map(|name| ("verdict", name));
    for (key, name) in named.chain(own) {
        if !audio.channels.contains(name) {
            let near = nearest(name, audio.channels.iter().map(String::as_str));
            return Err(Error::Channel {
                protocol: protocol.name.clone(),
                key,
                name: name.clone(),
                near: near.map_or(String::new(), |near| format!("; did you mean {near:?}?")),
            });
        }
    }
    let ear = |name: &String| Ear {
        name: name.clone(),
        band_hz: audio.sensor.get(name).and_then(|sensor| sensor.band_hz),
    };
    let ears = audio.channels.iter().map(ear).collect();
    let mut names = audio.channels.iter();
    let reference = names.position(|name| *name == audio.reference);
    let has_microphones = audio.device != source::SIMULATED;
    Ok(has_microphones.then(|| Judge::new(ears, reference.unwrap_or(0), rules.clone())))
}
