//! The script language: which button is pressed when, in session time.
//!
//! A wait counts from when the last event was due, not from when it was handled, so that the same
//! script gives the same stamps at any speed.

mod player;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::words::{Button, ScreenName};
pub use player::{Player, UntilFailed};

/// An error in a script: file, line and reason.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("script {}, line {line}: {reason}", path.display())]
pub struct ScriptError {
    /// The script's file.
    pub path: PathBuf,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it, and what is known.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Until(ScreenName),
    Press {
        wait: Duration,
        buttons: &'static [Button],
        hold: Option<Duration>,
    },
    /// Jumps past its `end` when done.
    Repeat {
        times: u64,
        end: usize,
    },
    End,
}

/// A parsed script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    path: PathBuf,
    /// Each step and its line.
    steps: Vec<(Step, usize)>,
}

impl Script {
    /// Reads a script's text; `path` is for messages.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse(path: &Path, text: &str) -> Result<Script, ScriptError> {
        let fault = |line, reason| ScriptError {
            path: path.into(),
            line,
            reason,
        };
        let mut steps: Vec<(Step, usize)> = Vec::new();
        let mut open = Vec::new();
        for (line, content) in text.lines().enumerate().map(|(n, l)| (n + 1, l)) {
            let content = content.split('#').next().unwrap_or_default();
            let words: Vec<&str> = content.split_whitespace().collect();
            let step = match parse_line(&words).map_err(|reason| fault(line, reason))? {
                None => continue,
                Some(step) => step,
            };
            match step {
                Step::Repeat { .. } => open.push(steps.len()),
                Step::End => {
                    let start = open
                        .pop()
                        .ok_or_else(|| fault(line, "`end` without `repeat`".into()))?;
                    let behind = steps.len() + 1;
                    if let Some((Step::Repeat { end, .. }, _)) = steps.get_mut(start) {
                        *end = behind;
                    }
                }
                Step::Until(_) | Step::Press { .. } => {}
            }
            steps.push((step, line));
        }
        match open.last().and_then(|&at| steps.get(at)) {
            Some(&(_, line)) => Err(fault(line, "`repeat` without `end`".into())),
            None => Ok(Script {
                path: path.into(),
                steps,
            }),
        }
    }
}

fn parse_line(words: &[&str]) -> Result<Option<Step>, String> {
    Ok(Some(match words {
        [] => return Ok(None),
        ["until", screen] => {
            let found = ScreenName::ALL
                .into_iter()
                .find(|name| name.word() == *screen);
            Step::Until(found.ok_or_else(|| {
                let known = ScreenName::ALL.map(ScreenName::word).join(", ");
                format!("unknown screen `{screen}`; known: {known}")
            })?)
        }
        ["repeat", times] => Step::Repeat {
            times: number(times)?,
            end: 0,
        },
        ["end"] => Step::End,
        [wait, button] if wait.starts_with(|c: char| c.is_ascii_digit()) => Step::Press {
            wait: Duration::from_millis(number(wait)?),
            buttons: buttons_of(button)?,
            hold: None,
        },
        [wait, button, "hold", hold] => Step::Press {
            wait: Duration::from_millis(number(wait)?),
            buttons: buttons_of(button)?,
            hold: Some(Duration::from_millis(number(hold)?)),
        },
        [wait, button, word, ..] if wait.starts_with(|c: char| c.is_ascii_digit()) => {
            buttons_of(button)?;
            return Err(format!("`{word}` after a button; known: hold MILLISECONDS"));
        }
        [word, rest @ ..] => {
            let forms = "until SCREEN, MILLISECONDS BUTTON, MILLISECONDS BUTTON hold \
                         MILLISECONDS, repeat TIMES, end";
            let known = ["until", "repeat", "end"].contains(word);
            let what = if known || rest.is_empty() && number(word).is_ok() {
                format!("`{}` is incomplete or has a word too many", words.join(" "))
            } else {
                format!("unknown word `{word}`")
            };
            return Err(format!("{what}; known: {forms}"));
        }
    }))
}

/// Whole milliseconds or times; a day of milliseconds is more than any session needs.
fn number(word: &str) -> Result<u64, String> {
    word.parse()
        .ok()
        .filter(|n| *n <= 86_400_000)
        .ok_or_else(|| format!("`{word}` is no whole number up to 86400000"))
}

fn buttons_of(word: &str) -> Result<&'static [Button], String> {
    if word == "all" {
        return Ok(&Button::ALL);
    }
    let found = Button::ALL.iter().find(|b| b.word() == word);
    found.map(std::slice::from_ref).ok_or_else(|| {
        let known = Button::ALL.map(Button::word).join(", ");
        format!("unknown button `{word}`; known: {known}, all")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Script, ScriptError> {
        Script::parse(Path::new("visit.script"), text)
    }

    fn refused(text: &str) -> String {
        parse(text).expect_err(text).to_string()
    }

    #[test]
    fn faults_name_file_line_word_and_what_is_known() {
        let message = refused("until reading\r\n\r\n500 jump # no\r\n");
        assert_eq!(
            message,
            "script visit.script, line 3: unknown button `jump`; known: go, redo, pause, stop, all"
        );
        assert!(refused("until nowhere").contains("attract, consent, code, question, intro"));
        assert!(refused("wait 5").contains("unknown word `wait`"));
        assert!(refused("end").contains("without `repeat`"));
        assert!(refused("repeat 2\n1 go").contains("line 1"));
        for text in [
            "repeat x\nend",
            "5 go hold",
            "5 go hold x",
            "5 go now 3",
            "5",
            "until",
            "-5 go",
            "99999999999999999999 go",
            "5 go hold 5 go",
        ] {
            refused(text);
        }
        parse("# only a comment\n\n   ").expect("empty script");
    }
}
