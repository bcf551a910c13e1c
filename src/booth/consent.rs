//! The consent text of a run: in a language, with what this box does with a voice.

use std::sync::Arc;

use super::error::TextError;
use super::session_record;
use crate::config::Config;
use crate::lang::Locale;
use crate::screen::Place;
use crate::screen::paint::Painter;
use crate::session::protocol::Protocol;
use crate::words;

/// What visitors are asked to agree to.
pub struct Consent {
    /// As the protocol has it, and as it is kept.
    pub(super) text: Arc<str>,
    /// As it is shown, page by page: how this box keeps voices is said at its end.
    pub(super) pages: Vec<Arc<str>>,
    /// What session.json says of it.
    pub(super) record: words::Consent,
}

impl Consent {
    /// The protocol's text; `None` where it asks nobody.
    ///
    /// # Errors
    /// It has none in the box's language, or one that is not drawn whole.
    pub(super) fn of(
        protocol: &Protocol,
        config: &Config,
        locale: &Locale,
        painter: &mut Painter,
    ) -> Result<Option<Consent>, TextError> {
        if protocol.consents.is_empty() {
            return Ok(None);
        }
        let Some((language, consent)) = locale.own(&protocol.consents) else {
            let has: Vec<&str> = protocol.consents.keys().map(String::as_str).collect();
            return Err(TextError::ConsentLanguage {
                protocol: protocol.name.clone(),
                has: has.join(", "),
                language: locale.name.clone(),
            });
        };
        let voice = if session_record::is_sealed(config) {
            &locale.words.consent_sealed
        } else {
            &locale.words.consent_open
        };
        let pages = painter.pages(&format!("{}\n\n{voice}", consent.text));
        for page in &pages {
            if let Some(why) = painter.undrawable(page, Place::Page) {
                return Err(TextError::Undrawable {
                    protocol: protocol.name.clone(),
                    text: "consent text".into(),
                    why,
                });
            }
        }
        Ok(Some(Consent {
            text: consent.text.as_str().into(),
            pages,
            record: words::Consent::to(&consent.text, &consent.version, language),
        }))
    }
}
