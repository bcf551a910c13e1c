//! The sphere with nothing of ours installed: each verb runs JACK's own tools, and its effect is
//! read back through jack_showtime.
//!
//! A command line prints one word of ours or a line of the tool, so that a wrapper, a shell profile
//! or a missing program is never taken for success. Every play leaves one detached job on the
//! sphere, which stops the transport when its time is over. The job is bound to a token in a
//! private folder and ends by itself when the token changes or is gone, so no process is ever
//! killed by number.
//!
//! Bounds: 3 s for a command line; for a verb that of a call, mostly 0.3 s.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::jack::{self, Shown, State};
use super::ladish::Order;
use super::ssh::{Answer, Link};
use super::studio::{self, Loader, Step, Tracks};
use super::{Position, SphereError, shell};
use crate::rt::Nanos;

/// One command line: opening a JACK client takes 85 ms, ladish_control 40 ms, and each is killed
/// there after 2 s.
const LINE: Duration = Duration::from_secs(3);
/// JACK waits 2 s for slow clients before it rolls.
const CONFIRM: Duration = Duration::from_secs(3);
/// JACK refuses a client within this time; one that hangs is killed there after 2 s.
const REFUSED: Duration = Duration::from_secs(1);
/// Seconds that the sphere plays on without us after the end of a step.
const GRACE_S: u64 = 10;

/// JACK's clients must not start a server of their own, so a dead server is noticed in 10 ms.
const STATE: &str = r#"export JACK_NO_START_SERVER=1; command -v jack_showtime >/dev/null || { echo no tool jack_showtime; exit; }; timeout -s KILL 2 sh -c 'echo $$; exec jack_showtime' 2>/dev/null | { read -r p; read -r l; kill -KILL "$p" 2>/dev/null; [ -n "$l" ] || l="no jack"; printf "%s\n" "$l"; }"#;

/// Rate and frames of a period.
const SHAPE: &str = r#"export JACK_NO_START_SERVER=1; for t in jack_samplerate jack_bufsize; do command -v $t >/dev/null || { echo no tool $t; exit; }; done; r=$(timeout -s KILL 2 jack_samplerate 2>/dev/null) && p=$(timeout -s KILL 2 jack_bufsize 2>/dev/null) && echo "$r $p" || echo no jack"#;

/// Sends `$1` to the transport. Where the tool was built without readline, only `exit` ends it.
const VERB: &str = r#"export JACK_NO_START_SERVER=1; command -v jack_transport >/dev/null || { echo no tool jack_transport; exit; }; printf "%s\nexit\n" "$1" | timeout -s KILL 2 jack_transport >/dev/null 2>&1 && echo done || echo no jack"#;

/// The private folder of the token: the login's runtime folder, which is in memory, or else the
/// home folder.
const FOLDER: &str = r#"for d in "$XDG_RUNTIME_DIR" "/run/user/$(id -u)" "$HOME"; do [ -n "$d" ] && [ -d "$d" ] && [ -w "$d" ] && break; done; d="$d/.booth-sphere"; t="$d/deadman"; "#;

/// Leaves the job with token `$1` that stops the transport in `$2` seconds. It keeps no channel
/// open. It counts the time since boot, which no clock jump moves. It ends as soon as the token
/// changes or is removed; if the whole folder is gone, it goes on.
const ARM: &str = r#"for p in jack_transport timeout; do command -v $p >/dev/null || { echo no tool $p; exit; }; done; umask 077; mkdir -p "$d" 2>/dev/null && printf %s "$1" 2>/dev/null >"$t.new" && [ "$(cat "$t.new")" = "$1" ] && mv "$t.new" "$t" && read -r up rest </proc/uptime || { echo not armed; exit; }; end=$((${up%%.*} + $2)); export JACK_NO_START_SERVER=1; (trap "" HUP; while read -r up rest </proc/uptime && [ "${up%%.*}" -lt "$end" ]; do sleep 0.5; k=; read -r k <"$t"; [ "$k" = "$1" ] || [ ! -d "$d" ] || exit 0; done; for n in 1 2 3 4 5; do printf "stop\nexit\n" | timeout -s KILL 2 jack_transport && break; sleep 1; done; [ "$(cat "$t")" = "$1" ] && rm -f "$t") </dev/null >/dev/null 2>&1 & echo done"#;

/// Removes the token.
const DISARM: &str = r#"rm -f "$t" "$t.new"; echo done"#;

/// Runs ladish_control with the login's D-Bus session, which SSH does not set.
const LADISH: &str = r#"command -v ladish_control >/dev/null || { echo no tool ladish_control; exit; }; u=/run/user/$(id -u); export PYTHONIOENCODING=utf-8 XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$u}"; export DBUS_SESSION_BUS_ADDRESS="${DBUS_SESSION_BUS_ADDRESS:-unix:path=$XDG_RUNTIME_DIR/bus}"; exec timeout -s KILL 2 ladish_control "$@" 2>/dev/null"#;

/// What is known about such a sphere.
#[derive(Debug, Default)]
pub struct Plain {
    /// Rate and frames per period; JACK may come back with others.
    shape: Option<(u32, u32)>,
    pub(super) tracks: Tracks,
}

/// A sphere and the connection to it.
struct PlainLoader<'a> {
    link: &'a mut Link,
    plain: &'a mut Plain,
}

impl Plain {
    /// Loads `track`; stops playing if it had to be loaded. Returns whether it is there.
    ///
    /// # Errors
    /// See [`studio::load`].
    pub fn track(&mut self, link: &mut Link, track: &str) -> Result<bool, SphereError> {
        let step = studio::load(&mut PlainLoader { link, plain: self }, track)?;
        if step == Step::Loaded {
            self.shape = None;
            self.stop(link)?;
        }
        Ok(step != Step::Underway)
    }

    /// Commands for tracks use the same connection.
    pub(super) fn loader<'a>(&'a mut self, link: &'a mut Link) -> impl Loader + 'a {
        PlainLoader { link, plain: self }
    }

    /// Goes to `frame`, and reads it back.
    ///
    /// # Errors
    /// No JACK, the transport is elsewhere, the connection's.
    pub fn locate(&mut self, link: &mut Link, frame: u32) -> Result<(), SphereError> {
        let rate = self.shape(link)?.0;
        verb(link, "locate", &jack::locate(frame))?;
        let start = Instant::now();
        loop {
            let found = shown(link)?;
            let since = start.elapsed();
            if is_at(found.frame, frame, found.state, since + LINE, rate) {
                return Ok(());
            }
            if since > CONFIRM {
                return Err(SphereError::NotLocated {
                    wanted: frame,
                    found: found.frame,
                    waited_ms: millis(since),
                });
            }
        }
    }

    /// Leaves the job that stops after `rest` and ten seconds, plays, and reads it back.
    ///
    /// # Errors
    /// No job could be left, no JACK, still stopped, the connection's.
    pub fn play(&mut self, link: &mut Link, rest: Duration) -> Result<(), SphereError> {
        let token = token()?;
        let seconds = (rest.as_secs() + GRACE_S).to_string();
        let arm = shell::script(&[FOLDER, ARM].concat(), &[&token, &seconds]);
        let answer = link.run("leave the job that stops it", &arm, LINE)?;
        word(&answer, "leave the job that stops it")?;
        verb(link, "play", "play")?;
        let start = Instant::now();
        while shown(link)?.state != State::Rolling {
            if start.elapsed() > CONFIRM {
                return Err(SphereError::NotRolling(millis(start.elapsed())));
            }
        }
        Ok(())
    }

    /// Stops, reads it back, and removes the job.
    ///
    /// # Errors
    /// No JACK, still rolling, the connection's.
    pub fn stop(&mut self, link: &mut Link) -> Result<(), SphereError> {
        verb(link, "stop", "stop")?;
        let start = Instant::now();
        while shown(link)?.state != State::Stopped {
            if start.elapsed() > CONFIRM {
                return Err(SphereError::StillRolling(millis(start.elapsed())));
            }
        }
        // Also a job of another connection: a program that was killed leaves its job behind.
        let disarm = shell::script(&[FOLDER, DISARM].concat(), &[]);
        let answer = link.run("take the job away", &disarm, LINE)?;
        word(&answer, "take the job away")
    }

    /// Where the transport is: jack_showtime gives the beginning of JACK's period, and a count that
    /// goes on within the period and is sometimes one period off. That period is within the bound,
    /// and so is its late beginning: JACK loses a period that begins later than the next.
    ///
    /// # Errors
    /// No JACK, the connection's.
    pub fn position(&mut self, link: &mut Link) -> Result<Position, SphereError> {
        let (rate, period) = self.shape(link)?;
        let asked = Nanos::now();
        let found = match shown(link) {
            Err(SphereError::NoJack) => {
                self.shape = None;
                Err(SphereError::NoJack)
            }
            found => found,
        }?;
        let half = Nanos::now().since(asked) / 2;
        let rolling = found.state == State::Rolling;
        let within = found.frame_time % u64::from(period);
        let one_period = Duration::from_secs_f64(f64::from(period) / f64::from(rate));
        Ok(Position {
            rolling,
            frame: found.frame + if rolling { within } else { 0 },
            rate,
            at: Nanos(asked.0 + half.as_nanos() as u64),
            uncertainty: Some(half + one_period),
        })
    }

    fn shape(&mut self, link: &mut Link) -> Result<(u32, u32), SphereError> {
        if let Some(shape) = self.shape {
            return Ok(shape);
        }
        let doing = "ask JACK for its rate";
        let answer = asked(link, doing, &shell::script(SHAPE, &[]))?;
        let line = line(&answer, doing)?;
        let number = |text| {
            u32::try_from(jack::number(text)?)
                .ok()
                .filter(|number| *number > 0)
        };
        let shape = line
            .split_once(' ')
            .and_then(|(a, b)| Some((number(a)?, number(b)?)));
        self.shape = shape;
        shape.ok_or_else(|| answer.unclear(doing))
    }
}

impl Loader for PlainLoader<'_> {
    fn ladish(&mut self, order: Order<'_>) -> Result<Answer, SphereError> {
        let answer = self
            .link
            .run(order.doing(), &shell::script(LADISH, &order.words()), LINE)?;
        accepted(&answer)?;
        Ok(answer)
    }

    fn jack(&mut self) -> Result<(), SphereError> {
        shown(self.link).map(|_| ())
    }

    fn tracks(&mut self) -> &mut Tracks {
        &mut self.plain.tracks
    }
}

/// Whether a transport that was sent to `wanted` is there, or as far past it as it may have rolled.
/// A transport that was rolling stays at its new place for a period or two, as `Starting`, before
/// it goes on.
pub(super) fn is_at(found: u64, wanted: u32, state: State, since: Duration, rate: u32) -> bool {
    let wanted = u64::from(wanted);
    let rolled = match state {
        State::Starting => return false,
        State::Stopped => 0,
        State::Rolling => (since.as_secs_f64() * f64::from(rate)) as u64,
    };
    (wanted..=wanted + rolled).contains(&found)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A token that no other play has.
fn token() -> Result<String, SphereError> {
    let mut bytes = [0; 8];
    let drawn = getrandom::fill(&mut bytes);
    drawn.map_err(|error| SphereError::NoDeadMan(format!("no randomness: {error}")))?;
    let mut token = String::new();
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}

/// Asks JACK, and once more if it refuses: a busy machine sometimes refuses a client (1 of 1500
/// while a compiler ran), and a dead server refuses in 20 ms. One that hangs is not asked again.
/// Every verb may be repeated.
fn asked(link: &mut Link, doing: &'static str, line: &str) -> Result<Answer, SphereError> {
    let start = Instant::now();
    let answer = link.run(doing, line, LINE)?;
    match accepted(&answer) {
        Err(SphereError::NoJack) if start.elapsed() < REFUSED => link.run(doing, line, LINE),
        _ => Ok(answer),
    }
}

fn verb(link: &mut Link, doing: &'static str, verb: &str) -> Result<(), SphereError> {
    let answer = asked(link, doing, &shell::script(VERB, &[verb]))?;
    word(&answer, doing)
}

fn shown(link: &mut Link) -> Result<Shown, SphereError> {
    let doing = "jack_showtime";
    let answer = asked(link, doing, &shell::script(STATE, &[]))?;
    jack::shown(line(&answer, doing)?).ok_or_else(|| answer.unclear(doing))
}

/// The one line that one of our command lines printed.
fn line<'a>(answer: &'a Answer, doing: &'static str) -> Result<&'a str, SphereError> {
    accepted(answer)?;
    let text = std::str::from_utf8(&answer.out).ok();
    let line = text.and_then(|text| text.strip_suffix('\n'));
    let one = line.filter(|line| answer.status == 0 && !line.contains('\n'));
    one.ok_or_else(|| answer.unclear(doing))
}

fn word(answer: &Answer, doing: &'static str) -> Result<(), SphereError> {
    match line(answer, doing)? {
        "done" => Ok(()),
        _ => Err(answer.unclear(doing)),
    }
}

/// The words that our command lines print for what is missing there.
pub(super) fn accepted(answer: &Answer) -> Result<(), SphereError> {
    let text = String::from_utf8_lossy(&answer.out);
    match text.trim_end() {
        "no jack" => Err(SphereError::NoJack),
        "not armed" => Err(SphereError::NoDeadMan(
            "its folder cannot be written".into(),
        )),
        text => match text.strip_prefix("no tool ") {
            Some(tool) => Err(SphereError::NoTool(SphereError::quoted(tool.as_bytes()))),
            None => match text.strip_prefix("refused: ") {
                Some(why) => Err(SphereError::Refused(SphereError::quoted(why.as_bytes()))),
                None => Ok(()),
            },
        },
    }
}
