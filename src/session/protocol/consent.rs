//! The protocol's consent texts, `[consent.LANG]`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::words::visible::is_visible;

/// What a visitor is asked to agree to, in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentText {
    /// Names the text, as `2026-1`; never empty.
    pub version: String,
    /// The text, exactly as the protocol has it; never blank.
    pub text: String,
}

/// As typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    version: Spanned<String>,
    text: Spanned<String>,
}

/// Checks what was typed; an error says where.
pub(super) fn check(
    typed: BTreeMap<String, Typed>,
) -> Result<BTreeMap<String, ConsentText>, (usize, String)> {
    let filled = |language: &str, key: &str, value: Spanned<String>| {
        let at = value.span().start;
        let value = value.into_inner();
        if !is_visible(&value) {
            Err((at, format!("`{key}` of [consent.{language}] is empty")))
        } else {
            Ok(value)
        }
    };
    let checked = typed.into_iter().map(|(language, typed)| {
        let consent = ConsentText {
            version: filled(&language, "version", typed.version)?,
            text: filled(&language, "text", typed.text)?,
        };
        Ok((language, consent))
    });
    checked.collect()
}

#[cfg(test)]
mod tests {
    use super::super::Protocol;
    use crate::config::Corpus;
    use crate::lang::Locale;

    const STEP: &str = "[[step]]\nname = \"a\"\nkind = \"read\"\nseconds = 5\n";

    #[test]
    fn a_consent_text_is_chosen_as_the_texts_of_steps_are() {
        let text = format!(
            "name = \"p\"\n[consent.en]\nversion = \"1\"\ntext = \"yes\"\n\
             [consent.fr]\nversion = \"1\"\ntext = \" oui\\n\"\n{STEP}"
        );
        let protocol = Protocol::parse("p.toml", &text).expect("good");
        let mut locale = Locale::load("fr", &Corpus::default()).expect("embedded");
        for (language, expected) in [("fr", " oui\n"), ("fr-CA", " oui\n"), ("en-GB", "yes")] {
            locale.name = language.to_owned();
            let (_, consent) = locale.own(&protocol.consents).expect("a text");
            assert_eq!(consent.text, expected, "{language}");
        }
    }

    #[test]
    fn half_a_consent_is_refused_with_its_line() {
        for (table, part) in [
            ("text = \"x\"", "p.toml:2: `consent.fr.version` is missing"),
            ("version = \"1\"\ntext = \" \"", "p.toml:4: `text`"),
            ("version = \"1\"\ntext = \"\\u200B\"", "p.toml:4: `text`"),
            ("version = \"\"\ntext = \"x\"", "p.toml:3: `version`"),
            ("version = \"1\"\ntext = \"x\"\nby = 1", "p.toml:5: "),
        ] {
            let text = format!("name = \"p\"\n[consent.fr]\n{table}\n{STEP}");
            let refused = Protocol::parse("p.toml", &text).expect_err("refused");
            assert!(refused.to_string().contains(part), "{refused}");
        }
    }
}
