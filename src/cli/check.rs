//! `booth check` checks each thing that a box needs: one line each, with what to do.
//!
//! Guarantees: each line comes from the thing itself, not only from its configuration. Nothing that
//! is recorded is changed, and what is opened is closed again.

mod audio;
mod board;
mod card;
mod disk;
mod host;
mod interrupts;
mod keys;
mod problems;
mod running;
mod setup;
mod sphere;
mod takes;
mod wake;

use std::borrow::Cow;
use std::fmt::Display;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use super::{Common, Done, Failure, could_not, printable};
use crate::config::Config;

/// Looks at all that the box needs: one line each, ok, warn or fail, and what to do
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The operator's key file: how many of the sessions here does it open?
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Measures for half a minute rather than two seconds: wake-ups for 10 s, writes for 30 s
    #[arg(long)]
    measure: bool,
    /// Plays two seconds on the sphere, if it is stopped and no box runs
    #[arg(long)]
    sound: bool,
    /// Shows a test card on the panel and reads back each button, instead of the other checks
    #[arg(long, conflicts_with_all = ["key", "measure", "sound"])]
    test_card: bool,
    /// Writes a PNG of each test card of a simulated board into this folder
    #[arg(long, value_name = "DIR", requires = "test_card")]
    screens: Option<PathBuf>,
    /// One JSON object per line
    #[arg(long)]
    json: bool,
}

/// How good the state of something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ok,
    /// The box works, and something is worth knowing.
    Warn,
    /// It does not work, or breaks a promise.
    Fail,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "fail",
        }
    }
}

/// The result of one check.
#[derive(Debug)]
struct Finding {
    check: &'static str,
    state: State,
    text: String,
    remedy: Option<Cow<'static, str>>,
}

impl Finding {
    fn ok(check: &'static str, text: impl Display) -> Finding {
        Finding {
            check,
            state: State::Ok,
            text: text.to_string(),
            remedy: None,
        }
    }

    fn warn(
        check: &'static str,
        text: impl Display,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Finding {
        Finding {
            check,
            state: State::Warn,
            text: text.to_string(),
            remedy: Some(remedy.into()),
        }
    }

    fn fail(
        check: &'static str,
        text: impl Display,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Finding {
        Finding {
            state: State::Fail,
            ..Finding::warn(check, text, remedy)
        }
    }

    /// For an error that already says what to do.
    fn error(check: &'static str, error: impl Display) -> Finding {
        Finding {
            state: State::Fail,
            ..Finding::ok(check, error)
        }
    }

    fn line(&self, json: bool) -> String {
        if json {
            let object = serde_json::json!({
                "check": self.check, "state": self.state.word(), "text": self.text,
                "remedy": self.remedy,
            });
            return format!("{object}\n");
        }
        let state = self.state.word();
        let text = printable(&self.text);
        match &self.remedy {
            Some(remedy) => format!("{state:<4}  {:<13} {text}; {remedy}\n", self.check),
            None => format!("{state:<4}  {:<13} {text}\n", self.check),
        }
    }
}

/// Runs `booth check`.
///
/// # Errors
/// Something failed.
pub fn run(args: &Args, common: &Common) -> Result<Done, Failure> {
    let (mut looked, mut failed) = (0, 0);
    let mut print = |findings: Vec<Finding>| {
        for finding in findings {
            looked += 1;
            failed += u32::from(finding.state == State::Fail);
            super::print(&finding.line(args.json))?;
        }
        Ok::<(), Failure>(())
    };
    match common.config() {
        config if args.test_card => print(card::run(&config?, args.screens.clone())?)?,
        Ok(config) => all(&config, args, &mut print)?,
        Err(error) => {
            print(vec![Finding::error("configuration", error)])?;
            print(vec![host::scheduling(), host::swap(), host::clock()])?;
        }
    }
    if failed > 0 {
        return Err(could_not(format!("{failed} of {looked} checks failed")));
    }
    Ok(Done::Well)
}

fn all(
    config: &Config,
    args: &Args,
    print: &mut dyn FnMut(Vec<Finding>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (protocol, found) = setup::protocol(config);
    print(vec![
        Finding::ok(
            "configuration",
            format!("{}: box {}", config.read_from, config.box_name),
        ),
        board::board(config),
        setup::fonts(config),
        setup::language(config),
        found,
        setup::corpus(config, protocol.as_ref()),
        audio::audio(config),
        host::scheduling(),
        host::memory(config),
        host::swap(),
        host::clock(),
        disk::space(config, protocol.as_ref()),
    ])?;
    print(measured(config, args.measure))?;
    print(vec![sphere::round(config, protocol.as_ref(), args.sound)])?;
    print(keys::all(config, args.key.as_deref()))?;
    // After keys, which carries out what was to be forgotten.
    print(takes::all(config))
}

/// Wake-ups and writes, measured at the same time, as in a session.
fn measured(config: &Config, long: bool) -> Vec<Finding> {
    let (wakes_s, writes_s) = if long { (10, 30) } else { (2, 2) };
    let wakes = thread::spawn(move || wake::measure(Duration::from_secs(wakes_s)));
    let writes = disk::stalls(config, Duration::from_secs(writes_s));
    vec![wake_up(config, wakes.join()), writes]
}

fn wake_up(config: &Config, measured: thread::Result<wake::Wakes>) -> Finding {
    match measured {
        Ok(wakes) => wake::finding(config, &wakes),
        Err(_) => Finding::fail(
            "wake-up",
            "not measured: the thread that measures panicked",
            "report what stands on stderr; it is a fault of this program",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_that_panicked_is_reported() {
        let measured = thread::spawn(|| panic!("as a test does")).join();
        let finding = wake_up(&Config::default(), measured);
        assert_eq!((finding.check, finding.state), ("wake-up", State::Fail));
        assert!(finding.text.contains("panicked"), "{}", finding.text);
    }
}
