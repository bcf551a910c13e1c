//! The fixed words of the screens in a visitor's language, from deploy/lang/*.toml, embedded.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::de::DeTable;

use super::{name, without_region};
use crate::embedded::{self, LANGUAGES};
use crate::files::toml_text::sentence;
use crate::files::{is_path, read_text};

/// Why there are no words.
#[derive(Debug, thiserror::Error)]
pub enum LangError {
    /// No such language and no such file.
    #[error("language {0:?} is unknown; known: {known}, or the path of a .toml file", known = embedded::names(LANGUAGES))]
    Unknown(String),
    /// The file cannot be read.
    #[error("language file {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is wrong.
    #[error("language file {name}: {reason}")]
    Faulty {
        /// Which language or file.
        name: String,
        /// Line, key and reason.
        reason: String,
    },
}

/// The fixed words of one language.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lang {
    /// Heading while no visitor is here.
    pub attract_title: String,
    /// What the box is for.
    pub attract_text: String,
    /// How to begin.
    pub attract_hint: String,
    /// There is room for `{minutes}` minutes only.
    pub room_left: String,
    /// Heading of the question whether a session goes on.
    pub resume_title: String,
    /// The question.
    pub resume_text: String,
    /// Its answers.
    pub resume_hint: String,
    /// Heading of the consent text.
    pub consent_title: String,
    /// Added to it: takes are sealed.
    pub consent_sealed: String,
    /// Added to it: takes can be read by anyone who has the box.
    pub consent_open: String,
    /// Buttons of a page.
    pub consent_next: String,
    /// Buttons of the last page.
    pub consent_hold: String,
    /// Heading of the withdrawal code.
    pub code_title: String,
    /// What it is for.
    pub code_text: String,
    /// Buttons of the code.
    pub code_hint: String,
    /// Heading of the question whether to erase everything.
    pub withdraw_title: String,
    /// The question.
    pub withdraw_text: String,
    /// Its answers.
    pub withdraw_hint: String,
    /// Heading while everything is erased.
    pub erasing_title: String,
    /// What is being done.
    pub erasing_text: String,
    /// The disk cannot be written, and something is to be erased.
    pub erasing_waits: String,
    /// Heading once everything is erased.
    pub erased_title: String,
    /// What was done.
    pub erased_text: String,
    /// `go` on an intro.
    pub intro_go: String,
    /// Buttons while a line is read, mode auto.
    pub reading_auto: String,
    /// Buttons while a take runs, mode manual.
    pub reading_manual: String,
    /// Buttons before a take, mode manual.
    pub reading_waiting: String,
    /// Buttons after a take that reached its longest time.
    pub reading_next: String,
    /// Presses came faster than anybody reads.
    pub reading_slowly: String,
    /// The next line is not there yet.
    pub lines_coming: String,
    /// Buttons of a free take.
    pub reading_free: String,
    /// What a quiet step asks.
    pub quiet_text: String,
    /// Buttons of a quiet step: none.
    pub quiet_hint: String,
    /// Heading of a pause.
    pub paused_title: String,
    /// A pause.
    pub paused_text: String,
    /// Buttons of a pause.
    pub paused_hint: String,
    /// Heading of a step's end.
    pub over_title: String,
    /// A step's end.
    pub over_text: String,
    /// Heading of the keeper's menu.
    pub menu_title: String,
    /// No one is enrolled.
    pub menu_nobody: String,
    /// Buttons of the menu.
    pub menu_hint: String,
    /// Heading for an enrolled person who comes next; `{number}` is theirs.
    pub expected_title: String,
    /// Heading of the session's end.
    pub thanks_title: String,
    /// The session's end.
    pub thanks_text: String,
    /// The session's end, beside the withdrawal code.
    pub thanks_code: String,
    /// Buttons of the session's end.
    pub thanks_hint: String,
    /// Buttons once everything is erased.
    pub erased_hint: String,
    /// Heading of every fault.
    pub fault_title: String,
    /// A fault without words of its own.
    pub fault_text: String,
    /// The disk does not keep up.
    pub storage_slow: String,
    /// A take could not be written.
    pub storage_failed: String,
    /// What may be pressed then.
    pub storage_failed_hint: String,
    /// The disk is read-only, away or fails.
    pub disk_lost: String,
    /// The disk is full.
    pub storage_full: String,
    /// The loudspeakers are made ready.
    pub sphere_preparing: String,
    /// The loudspeakers do not answer.
    pub sphere_failed: String,
    /// What may be pressed then.
    pub sphere_failed_hint: String,
    /// The sound card is gone.
    pub device_lost: String,
    /// The corpus has nothing to show.
    pub no_lines: String,
}

impl Lang {
    /// The words of a language by its code (`fr`, or `fr-CA` for its first part), or of a file.
    ///
    /// # Errors
    /// An unknown language, or a file with a faulty or unknown key.
    pub fn load(code: &str) -> Result<Lang, LangError> {
        let name = without_region(name(code));
        let embedded = embedded::find(LANGUAGES, name);
        if let Some(text) = embedded.filter(|_| !is_path(code)) {
            return Lang::parse(name, text);
        }
        let path = Path::new(code);
        if path.extension().is_none_or(|e| e != "toml") {
            return Err(LangError::Unknown(code.into()));
        }
        let text = read_text(path).map_err(|source| LangError::Unreadable {
            path: path.into(),
            source,
        })?;
        Lang::parse_own(code, &text)
    }

    /// A file of somebody's own: the words that it lacks, being older than they are, are English.
    fn parse_own(name: &str, text: &str) -> Result<Lang, LangError> {
        let english = embedded::find(LANGUAGES, "en").unwrap_or_default();
        let tables = (text.parse::<toml::Table>(), DeTable::parse(english));
        let (Ok(own), Ok(words)) = tables else {
            return Lang::parse(name, text);
        };
        let words = words.get_ref().iter();
        let lacking: Vec<_> = words
            .filter(|(key, _)| !own.contains_key(key.get_ref().as_ref()))
            .collect();
        if lacking.is_empty() {
            return Lang::parse(name, text);
        }
        let keys: Vec<&str> = lacking
            .iter()
            .map(|(key, _)| key.get_ref().as_ref())
            .collect();
        log::warn!(
            "language {name}: lacks {}: English instead",
            keys.join(", ")
        );
        // Behind the text, so that an error names its line there.
        let mut whole = text.to_owned();
        for (key, value) in lacking {
            whole.push('\n');
            whole.push_str(&english[key.span().start..value.span().end]);
        }
        Lang::parse(name, &whole)
    }

    fn parse(name: &str, text: &str) -> Result<Lang, LangError> {
        toml::from_str(text).map_err(|e| LangError::Faulty {
            name: name.into(),
            reason: sentence(text, &e),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_language_is_complete() {
        for (code, _) in LANGUAGES {
            assert_ne!(Lang::load(code).expect(code).thanks_title, "");
        }
    }

    #[test]
    fn a_word_that_an_own_file_lacks_is_english_and_any_other_fault_is_refused() {
        let french = embedded::find(LANGUAGES, "fr").expect("embedded");
        let older = french.replace("reading_slowly", "# reading_slowly");
        let words = Lang::parse_own("mine.toml", &older).expect("an older file");
        let (fr, en) = (Lang::load("fr"), Lang::load("en"));
        assert_eq!(words.reading_slowly, en.expect("embedded").reading_slowly);
        assert_eq!(words.attract_title, fr.expect("embedded").attract_title);
        for (fault, said) in [
            (
                "atract_title = \"x\"",
                "line 1: unknown key `atract_title`; did you mean `attract_title`?",
            ),
            (
                "# Mine\nattract_title = 1",
                "line 2: `attract_title`: takes a text in quotes, not 1",
            ),
        ] {
            let refused = Lang::parse_own("mine.toml", fault).expect_err(fault);
            assert!(refused.to_string().ends_with(said), "{refused}");
        }
    }

    #[test]
    fn unknown_languages_are_refused_by_name() {
        let refused = Lang::load("xx").expect_err("no such language");
        assert!(refused.to_string().contains("\"xx\""));
        assert!(Lang::load("/nonexistent/de.toml").is_err());
        let refused = Lang::parse("x", "attract_title = 1").expect_err("no text");
        let said = "line 1: `attract_title`: takes a text in quotes, not 1";
        assert!(refused.to_string().ends_with(said), "{refused}");
    }
}
