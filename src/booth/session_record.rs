//! What session.json says of a session that begins, and whose it is.

use crate::audio::source::Card;
use crate::config::Config;
use crate::identity::operator;
use crate::identity::participant::{Participant, ParticipantError};
use crate::lang::Locale;
use crate::session::protocol::Protocol;
use crate::store::session::{AudioRecord, Channel, CorpusRecord, Named, Record};
use crate::words::Settings;

/// The record of `session`, which is held in `locale`, under this configuration.
pub(super) fn of(
    session: String,
    config: &Config,
    locale: &Locale,
    protocol: &Protocol,
    card: Option<Card>,
) -> Record {
    let audio = &config.audio;
    let channel = |name: &String| Channel {
        name: name.clone(),
        sensor: audio.sensor.get(name).cloned().unwrap_or_default(),
    };
    Record {
        session,
        box_name: config.box_name.clone(),
        site: config.site.clone(),
        language: locale.name.clone(),
        protocol: Named {
            name: protocol.name.clone(),
            sha256: protocol.sha256.clone(),
        },
        corpus: CorpusRecord {
            name: locale
                .corpus
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
        sealed: is_sealed(config),
        participant: None,
        software: concat!("booth ", env!("CARGO_PKG_VERSION")).into(),
        ended: None,
    }
}

/// Whether takes are sealed. Without an operator no one could ever open them.
pub(super) fn is_sealed(config: &Config) -> bool {
    config.privacy.seal_audio && has_operator(config)
}

fn has_operator(config: &Config) -> bool {
    operator::recipients(&config.privacy.recipient).is_ok_and(|all| !all.is_empty())
}

/// Adds to whom the takes are sealed and the token of a participant who gave no name; without an
/// operator no one could open that.
pub(super) fn identify(
    record: &mut Record,
    participant: &Participant,
    config: &Config,
) -> Result<(), ParticipantError> {
    record.recipient = Some(participant.recipient.to_string());
    if has_operator(config) {
        let consent = serde_json::to_value(&record.consent).unwrap_or_default();
        let identity = participant.anonymous(consent);
        record.participant = Some(participant.keys.token(&identity)?);
    }
    Ok(())
}
