//! Command lines for the shell on the other machine.
//!
//! Guarantees: a word reaches the program there exactly as it is here, whatever it contains; it
//! never becomes a second command. The caller refuses words that cannot be passed on at all.

/// `word` as one word of a POSIX shell.
#[must_use]
pub fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The command line that runs `script` in sh with `arguments` as `$1`, `$2` …, whatever the user's
/// login shell is.
#[must_use]
pub fn script(script: &str, arguments: &[&str]) -> String {
    let mut line = format!("exec sh -c {} booth", quote(script));
    for argument in arguments {
        line.push(' ');
        line += &quote(argument);
    }
    line
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// The words that sh gives to a program that is called with `words`.
    fn through_sh(line: &str) -> Vec<u8> {
        let output = Command::new("sh").args(["-c", line]).output();
        output.expect("sh").stdout
    }

    #[test]
    fn hostile_words_arrive_as_one_word() {
        for word in [
            "", " ", "-n", "--", "it's", "a;id", "$(id)", "`id`", "\"", "a\nid\n", "*", "~",
            "é 音", "\\", "'; id; '", "a\tb", "!!", "$HOME", "#", "&& id",
        ] {
            let line = script("printf \"%s|\" \"$#\" \"$@\"", &[word, "end"]);
            let expected = format!("2|{word}|end|");
            assert_eq!(through_sh(&line), expected.as_bytes(), "{word:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_word_without_nul_arrives_as_it_is(words in prop::collection::vec("[^\0]{0,12}", 8)) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let got = through_sh(&script("printf \"%s\\0\" \"$@\"", &words));
            let expected = words.iter().fold(String::new(), |all, word| all + word + "\0");
            prop_assert_eq!(got, expected.into_bytes());
        }
    }
}
