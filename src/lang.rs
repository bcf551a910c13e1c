//! A language, and everything that is chosen by it, in one value.
//!
//! Guarantees: what is chosen by language is chosen here and nowhere else. A [`Locale`] is loaded once
//! and handed on; what has one does not ask the configuration for the language again.

mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use words::{Lang, LangError};

use crate::config::Corpus;
use crate::files::is_path;

/// A language with its words and its text to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locale {
    /// What rows call it.
    pub name: String,
    /// The fixed words of the screens.
    pub words: Lang,
    /// The text to read.
    pub corpus: PathBuf,
}

impl Locale {
    /// The locale of a language by its code, or by the file of its words.
    ///
    /// # Errors
    /// An unknown language, or a file with a faulty or unknown key.
    pub fn load(language: &str, corpus: &Corpus) -> Result<Locale, LangError> {
        Ok(Locale {
            name: name(language).to_owned(),
            words: Lang::load(language)?,
            corpus: corpus_of(language, corpus).to_owned(),
        })
    }

    /// The text of this language, or of the language without its region, or of it in another region;
    /// with the language it is in.
    #[must_use]
    pub fn own<'a, T>(&self, texts: &'a BTreeMap<String, T>) -> Option<(&'a str, &'a T)> {
        let language = without_region(&self.name);
        let elsewhere = || {
            texts
                .iter()
                .find(|(name, _)| without_region(name) == language)
        };
        let own = texts.get_key_value(&self.name);
        let found = own
            .or_else(|| texts.get_key_value(language))
            .or_else(elsewhere);
        found.map(|(language, text)| (language.as_str(), text))
    }

    /// Its own text, or the first there is: better than none where nobody agrees to anything.
    #[must_use]
    pub fn choose<'a, T>(&self, texts: &'a BTreeMap<String, T>) -> Option<(&'a str, &'a T)> {
        let first = || {
            texts
                .first_key_value()
                .map(|(name, text)| (name.as_str(), text))
        };
        self.own(texts).or_else(first)
    }
}

/// The text to read in a language, whether there are words for it or not.
#[must_use]
pub fn corpus_of<'a>(language: &str, corpus: &'a Corpus) -> &'a Path {
    let own = corpus.by_language.get(name(language));
    own.map_or(&corpus.path, |own| &own.path)
}

/// What a language is called in rows: its code, or the name of its file without folder and ending.
fn name(language: &str) -> &str {
    let stem = Path::new(language)
        .file_stem()
        .and_then(std::ffi::OsStr::to_str);
    stem.filter(|_| is_path(language)).unwrap_or(language)
}

/// `fr` of `fr-CA`.
fn without_region(name: &str) -> &str {
    name.split(['-', '_']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_its_languages_or_without_the_region_or_the_first() {
        let texts = ["en", "fr", "fr-CA"].map(|language| (language.to_owned(), ()));
        let texts = BTreeMap::from(texts);
        let locale = Locale::load("fr", &Corpus::default()).expect("embedded");
        for (name, expected) in [
            ("fr", "fr"),
            ("fr-CA", "fr-CA"),
            ("fr-BE", "fr"),
            ("de", "en"),
        ] {
            let name = name.to_owned();
            let locale = Locale {
                name,
                ..locale.clone()
            };
            assert_eq!(locale.choose(&texts), Some((expected, &())));
            let own = locale.own(&texts).map(|(language, ())| language);
            assert_eq!(own, (expected != "en").then_some(expected));
        }
        let canada = BTreeMap::from([("fr-CA".to_owned(), ())]);
        assert_eq!(locale.own(&canada), Some(("fr-CA", &())));
        assert_eq!(locale.choose(&BTreeMap::<String, ()>::new()), None);
    }

    #[test]
    fn a_file_of_words_is_called_by_its_stem_and_reads_that_languages_text() {
        let dir = tempfile::tempdir().expect("folder");
        let file = dir.path().join("de.toml");
        let words = crate::embedded::find(crate::embedded::LANGUAGES, "fr").expect("embedded");
        std::fs::write(&file, words).expect("written");
        let mut corpus = Corpus::default();
        let path: PathBuf = "corpus/de.txt".into();
        let own = crate::config::LanguageCorpus { path: path.clone() };
        corpus.by_language.insert("de".into(), own);
        let locale = Locale::load(file.to_str().expect("UTF-8"), &corpus).expect("whole");
        assert_eq!((locale.name.as_str(), locale.corpus), ("de", path));
    }
}
