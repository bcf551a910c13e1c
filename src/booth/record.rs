//! What session.json says of a session that begins.

use crate::audio::mixer::Settings;
use crate::audio::source::Card;
use crate::config::Config;
use crate::screen::lang;
use crate::session::protocol::Protocol;
use crate::store::folder::{AudioRecord, Channel, CorpusRecord, Named, Record};

/// The record of `session` under this configuration.
pub(super) fn of(
    session: String,
    config: &Config,
    protocol: &Protocol,
    card: Option<Card>,
) -> Record {
    let audio = &config.audio;
    let channel = |name: &String| Channel {
        name: name.clone(),
        sensor: audio.sensor.get(name).cloned().unwrap_or_default(),
    };
    let corpus = config.corpus.path_for(lang::name(&config.language));
    Record {
        session,
        box_name: config.box_name.clone(),
        site: config.site.clone(),
        language: lang::name(&config.language).to_owned(),
        protocol: Named {
            name: protocol.name.clone(),
            sha256: protocol.sha256.clone(),
        },
        corpus: CorpusRecord {
            name: corpus
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            sha256: None,
            seed: config.corpus.seed,
            shard: config.corpus.shard.clone(),
        },
        audio: AudioRecord {
            device: audio.device.clone(),
            card: card.as_ref().map(|card| card.name.clone()),
            driver: card.map(|card| card.driver),
            rate: audio.rate,
            format: audio.format.to_string(),
            channels: audio.channels.iter().map(channel).collect(),
            // The clerk, who reads it back, fills it in.
            mixer: Settings::new(),
            reference: audio.reference.clone(),
        },
        consent: None,
        recipient: None,
        sealed: false,
        participant: None,
        software: concat!("booth ", env!("CARGO_PKG_VERSION")).into(),
        ended: None,
    }
}
