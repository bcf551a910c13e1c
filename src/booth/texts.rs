//! The protocol's texts on this box: in its language, and drawn whole on its panel.
//!
//! Asked at the start and by `booth check`, before a visitor meets them.

use super::consent::Consent;
use super::error::TextError;
use crate::config::Config;
use crate::lang::Locale;
use crate::screen::Place;
use crate::screen::paint::Painter;
use crate::session::protocol::{Protocol, StepKind};

/// Refuses a protocol with a text that cannot be shown, and gives its consent text as it is shown;
/// `None` if it asks nobody.
///
/// # Errors
/// The first text that the panel cannot draw, or a consent in another language than the box.
pub fn shown(
    protocol: &Protocol,
    config: &Config,
    locale: &Locale,
    painter: &mut Painter,
) -> Result<Option<Consent>, TextError> {
    refuse_steps(protocol, locale, painter)?;
    Consent::of(protocol, config, locale, painter)
}

/// A step's text stands on its intro, and on the screen of free speech.
fn refuse_steps(
    protocol: &Protocol,
    locale: &Locale,
    painter: &mut Painter,
) -> Result<(), TextError> {
    for step in &protocol.steps {
        let places: &[Place] = match step.kind {
            StepKind::Free => &[Place::Message, Place::Line],
            StepKind::Read | StepKind::Quiet => &[Place::Message],
        };
        let text = step.text_in(locale);
        let found = places
            .iter()
            .find_map(|place| painter.undrawable(text, *place));
        if let Some(why) = found {
            return Err(TextError::Undrawable {
                protocol: protocol.name.clone(),
                text: format!("text of step {:?}", step.name),
                why,
            });
        }
    }
    Ok(())
}

/// The steps whose text is shown in another language than the box's, and in which.
#[must_use]
pub fn in_other_languages<'a>(protocol: &'a Protocol, locale: &Locale) -> Vec<(&'a str, &'a str)> {
    let steps = protocol
        .steps
        .iter()
        .filter(|step| locale.own(&step.text).is_none());
    let other = steps.filter_map(|step| {
        let (language, _) = locale.choose(&step.text)?;
        Some((step.name.as_str(), language))
    });
    other.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::profile::Profile;
    use crate::config::Corpus;
    use embedded_graphics::geometry::Size;

    fn said(language: &str, text: &str) -> Result<usize, String> {
        let protocol = Protocol::parse("p.toml", text).expect("sound");
        let mut locale = Locale::load("en", &Corpus::default()).expect("embedded");
        language.clone_into(&mut locale.name);
        let mut painter = Painter::new(Size::new(320, 240), &[]);
        let consent = shown(&protocol, &Config::default(), &locale, &mut painter);
        let pages = |consent: Option<Consent>| consent.map_or(0, |consent| consent.pages.len());
        consent.map(pages).map_err(|e| e.to_string())
    }

    fn protocol(consent: &str, text: &str) -> String {
        format!(
            "name = \"p\"\n{consent}[[step]]\nname = \"a\"\nkind = \"free\"\nseconds = 5\n{text}\n"
        )
    }

    #[test]
    fn consent_in_a_language_that_nobody_chose_is_refused() {
        let consent = "[consent.es]\nversion = \"1\"\ntext = \"Hola\"\n\
                       [consent.fr]\nversion = \"1\"\ntext = \"Bonjour\"\n";
        let text = protocol(consent, "text.en = \"Speak\"");
        for language in ["fr", "fr-CA", "es"] {
            assert_eq!(said(language, &text), Ok(1));
        }
        let refused = said("en", &text).expect_err("refused");
        for word in ["es, fr alone", "`language` is en", "[consent.en]"] {
            assert!(refused.contains(word), "{refused}");
        }
        assert_eq!(said("en", &protocol("", "text.fr = \"Parlez\"")), Ok(0));
    }

    #[test]
    fn a_text_that_would_be_cut_or_has_no_glyph_is_refused_with_its_place() {
        let long = "many words ".repeat(200);
        let consent = format!(
            "[consent.en]\nversion = \"1\"\ntext = \"{}\"\n",
            "x".repeat(5000)
        );
        for (text, words) in [
            (
                protocol("", &format!("text.en = \"{long}\"")),
                "text of step \"a\": it does not fit",
            ),
            (
                protocol("", "text.en = \"\\uE5E5\""),
                "text of step \"a\": no font has 1 of its characters",
            ),
            (protocol(&consent, ""), "consent text: it does not fit"),
        ] {
            let refused = said("en", &text).expect_err("refused");
            assert!(refused.contains(words), "{refused}");
        }
    }

    #[test]
    fn what_is_shipped_is_shown_whole_on_every_board_and_in_every_language() {
        for (board, _) in crate::embedded::BOARDS {
            let panel = Profile::load(board).expect("embedded").panel;
            let mut painter = Painter::new(panel.size(), &[]);
            for (protocol, _) in crate::embedded::PROTOCOLS {
                let protocol = Protocol::load(protocol, &[]).expect("embedded");
                for (language, _) in crate::embedded::LANGUAGES {
                    let locale = Locale::load(language, &Corpus::default()).expect("embedded");
                    let config = Config::default();
                    let consent = shown(&protocol, &config, &locale, &mut painter);
                    assert!(consent.is_ok(), "{board} {language}: {:?}", consent.err());
                    assert_eq!(in_other_languages(&protocol, &locale), []);
                }
            }
        }
    }

    #[test]
    fn a_step_in_another_language_is_named() {
        let text = protocol("", "text.fr = \"Parlez\"");
        let protocol = Protocol::parse("p.toml", &text).expect("sound");
        let locale = |language| Locale::load(language, &Corpus::default()).expect("embedded");
        assert_eq!(in_other_languages(&protocol, &locale("en")), [("a", "fr")]);
        assert_eq!(in_other_languages(&protocol, &locale("fr")), []);
    }
}
