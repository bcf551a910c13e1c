//! The sphere with `deploy/sphere/` installed: a small program answers on one open channel, in well
//! under a millisecond, and stops the transport when the channel ends or falls silent.
//!
//! Questions are numbered, and an answer must have its question's number. The program ends with
//! JACK; the next question starts it again. Tracks are loaded outside of it, because that restarts
//! JACK.
//!
//! Bounds: 2 s for a question; for a verb that of a call, mostly 50 ms.

mod gate;
mod sound;

use std::time::{Duration, Instant};

use super::jack::{self, State};
use super::plain::{is_at, millis};
use super::said::accepted;
use super::ssh::{Answer, Kept, Line, Link, NOT_FOUND};
use super::{Position, SphereError};
use crate::rt::Nanos;

/// Starting Python and opening a JACK client.
const START: Duration = Duration::from_secs(4);
/// One question.
const QUESTION: Duration = Duration::from_secs(2);
/// JACK waits 2 s for slow clients before it rolls.
const CONFIRM: Duration = Duration::from_secs(3);
/// Between two checks; JACK's periods are longer.
const PAUSE: Duration = Duration::from_millis(4);
/// If a position is this good, it is not asked for again.
const GOOD: Duration = Duration::from_micros(750);
/// Questions for one position whose bounds are known,
const PROBES: usize = 3;
/// none of which is sent later than this: over a slow network the first must be enough.
const PROBING: Duration = Duration::from_millis(300);
/// Between two of them, while the program there, just started, does not know JACK's schedule yet.
const LEARNS: Duration = Duration::from_millis(25);
/// What the lateness that is measured there leaves open: the foremost of JACK's periods, which says
/// when the others should have begun, was late itself, and its clock and ours drift since then.
const MARGIN: Duration = Duration::from_micros(250);
/// If a period began longer ago than this, JACK hangs, and its transport would seem to roll on.
const HANGS_US: u64 = 1_000_000;
/// The command that makes the gate there start the program.
const COMMAND: &str = "booth-sphere helper";

/// The program at the other end.
#[derive(Debug, Default)]
pub struct Helper {
    kept: Option<Kept>,
    questions: u64,
    rate: u32,
    /// It plays because we asked for it, so when the program ends, the dead man's switch is gone
    /// too.
    plays: bool,
}

/// The answer to a question for the state.
struct Seen {
    state: State,
    frame: u64,
    /// Microseconds of the sphere's clock from the beginning of JACK's period to the answer.
    since_us: i64,
    /// How much too late that beginning was; `None` if it is not known.
    late: Option<Duration>,
    line: Line,
}

impl Helper {
    /// Starts the program; `None` if nothing of ours is installed there.
    ///
    /// # Errors
    /// The program's refusal, the connection's.
    pub fn find(link: &mut Link) -> Result<Option<Helper>, SphereError> {
        let mut helper = Helper::default();
        match helper.start(link) {
            // The program is there; JACK comes with the studio.
            Ok(true) | Err(SphereError::NoJack) => Ok(Some(helper)),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Starts the program; false if there is none.
    fn start(&mut self, link: &mut Link) -> Result<bool, SphereError> {
        let doing = "start the helper";
        let mut kept = link.keep(doing, COMMAND, START)?;
        let hello = link.ask(&mut kept, doing, "", START)?;
        let Some(hello) = hello.text else {
            let status = link.status(&mut kept, doing)?;
            link.close(kept);
            return match status {
                NOT_FOUND => Ok(false),
                _ => Err(Answer::new("", status).unclear(doing)),
            };
        };
        let rate = hello.strip_prefix("booth-sphere 2 ").and_then(|shape| {
            let (rate, period) = shape.split_once(' ')?;
            jack::number(period)?;
            u32::try_from(jack::number(rate)?)
                .ok()
                .filter(|rate| *rate > 0)
        });
        if let Some(rate) = rate {
            self.rate = rate;
            self.kept = Some(kept);
            return Ok(true);
        }
        link.close(kept);
        accepted(&Answer::new(hello.clone(), 0))?;
        let said = SphereError::quoted(hello.as_bytes());
        Err(if hello.starts_with("booth-sphere ") {
            SphereError::Refused(format!(
                "its helper says `{said}`, which is another version's; run setup there again"
            ))
        } else {
            SphereError::Talks(said)
        })
    }

    /// Sends a question; starts the program again if it has ended with JACK.
    fn ask(
        &mut self,
        link: &mut Link,
        doing: &'static str,
        question: &str,
    ) -> Result<(String, Line), SphereError> {
        for _ in 0..2 {
            if self.kept.is_none() && !self.start(link)? {
                return Err(SphereError::GateGone);
            }
            let Some(kept) = &mut self.kept else { break };
            self.questions += 1;
            let number = self.questions;
            let line = link.ask(kept, doing, &format!("{number} {question}\n"), QUESTION)?;
            let Some(text) = line.text.clone() else {
                self.end(link);
                // If it were started again, it would not stop what it did not play.
                if matches!(question, "state" | "sound") && std::mem::take(&mut self.plays) {
                    self.start(link)?;
                    return Err(SphereError::Lost {
                        doing,
                        reason: "the program there ended".into(),
                    });
                }
                continue;
            };
            let Some(text) = text.strip_prefix(&format!("{number} ")) else {
                self.end(link);
                return Err(Answer::new(text, 0).unclear(doing));
            };
            if let Some(why) = text.strip_prefix("not armed: ") {
                return Err(SphereError::NoDeadMan(SphereError::quoted(why.as_bytes())));
            }
            let answer = Answer::new(text, 0);
            accepted(&answer)?;
            let rest = text
                .strip_prefix("ok")
                .ok_or_else(|| answer.unclear(doing))?;
            return Ok((rest.trim_start().to_owned(), line));
        }
        // It ended twice in a row: JACK ends while it runs.
        Err(SphereError::NoJack)
    }

    fn end(&mut self, link: &mut Link) {
        if let Some(kept) = self.kept.take() {
            link.close(kept);
        }
    }

    fn seen(&mut self, link: &mut Link) -> Result<Seen, SphereError> {
        let doing = "ask for the state";
        let (text, line) = self.ask(link, doing, "state")?;
        let read = || {
            let words: Vec<&str> = text.split(' ').collect();
            let [word, frame, cycle, now, late] = words[..] else {
                return None;
            };
            let state = match word {
                "stopped" => State::Stopped,
                "rolling" => State::Rolling,
                "starting" => State::Starting,
                _ => return None,
            };
            let (cycle, now) = (jack::number(cycle)?, jack::number(now)?);
            let since_us = i64::try_from(now)
                .ok()?
                .checked_sub(i64::try_from(cycle).ok()?)?;
            let late = match late {
                "-" => None,
                late => Some(Duration::from_micros(jack::number(late)?)),
            };
            Some((state, jack::number(frame)?, since_us, late))
        };
        let (state, frame, since_us, late) = read().ok_or_else(|| SphereError::Unclear {
            doing,
            said: SphereError::quoted(text.as_bytes()),
        })?;
        if since_us.unsigned_abs() > HANGS_US {
            return Err(SphereError::NoJack);
        }
        Ok(Seen {
            state,
            frame,
            since_us,
            late,
            line,
        })
    }

    /// Sends `question`, then repeats asking until `is_done`.
    fn confirmed(
        &mut self,
        link: &mut Link,
        question: &str,
        is_done: impl Fn(&Seen, Duration, u32) -> bool,
        not: impl Fn(&Seen, u64) -> SphereError,
    ) -> Result<(), SphereError> {
        self.ask(link, "ask the helper", question)?;
        let start = Instant::now();
        loop {
            let seen = self.seen(link)?;
            let since = start.elapsed();
            if is_done(&seen, since, self.rate) {
                return Ok(());
            }
            if since > CONFIRM {
                return Err(not(&seen, millis(since)));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Goes to `frame`, and reads it back.
    ///
    /// # Errors
    /// No JACK, the transport is elsewhere, the connection's.
    pub fn locate(&mut self, link: &mut Link, frame: u32) -> Result<(), SphereError> {
        self.confirmed(
            link,
            &jack::locate(frame),
            |seen, since, rate| is_at(seen.frame, frame, seen.state, since + QUESTION, rate),
            |seen, waited_ms| SphereError::NotLocated {
                wanted: frame,
                found: seen.frame,
                waited_ms,
            },
        )
    }

    /// Plays, and reads it back.
    ///
    /// # Errors
    /// No JACK, still stopped, the connection's.
    pub fn play(&mut self, link: &mut Link) -> Result<(), SphereError> {
        let rolls = |seen: &Seen, _, _| seen.state == State::Rolling;
        self.confirmed(link, "play", rolls, |_, waited| {
            SphereError::NotRolling(waited)
        })?;
        self.plays = true;
        Ok(())
    }

    /// Stops, and reads it back.
    ///
    /// # Errors
    /// No JACK, still rolling, the connection's.
    pub fn stop(&mut self, link: &mut Link) -> Result<(), SphereError> {
        self.plays = false;
        let stands = |seen: &Seen, _, _| seen.state == State::Stopped;
        self.confirmed(link, "stop", stands, |_, waited| {
            SphereError::StillRolling(waited)
        })
    }

    /// Lets it play on when the channel ends, for `rest` and ten seconds at most.
    ///
    /// # Errors
    /// No job could be left there that stops it; the connection's.
    pub fn leave(&mut self, link: &mut Link, rest: Duration) -> Result<(), SphereError> {
        self.plays = false;
        let question = format!("leave {}", rest.as_secs() + 10);
        self.ask(link, "leave it playing", &question).map(|_| ())
    }

    /// Where the transport is, from the best of several questions: the frame at the question's
    /// middle.
    ///
    /// # Errors
    /// No JACK, the connection's.
    pub fn position(&mut self, link: &mut Link) -> Result<Position, SphereError> {
        let start = Instant::now();
        let mut best = self.probe(link)?;
        let mut known = usize::from(best.uncertainty.is_some());
        while known < PROBES && start.elapsed() < PROBING {
            match best.uncertainty {
                Some(open) if open <= GOOD => break,
                Some(_) => {}
                None => std::thread::sleep(LEARNS),
            }
            let next = self.probe(link)?;
            known += usize::from(next.uncertainty.is_some());
            if is_better(&next, &best) || next.rolling != best.rolling {
                best = next;
            }
        }
        Ok(best)
    }

    /// The sphere's clock is never compared with ours: only the age of its period counts.
    fn probe(&mut self, link: &mut Link) -> Result<Position, SphereError> {
        let seen = self.seen(link)?;
        let half = seen.line.had.since(seen.line.asked) / 2;
        let rolling = seen.state == State::Rolling;
        let into = seen.since_us as f64 / 1e6 * f64::from(self.rate);
        let frame = if rolling {
            seen.frame as f64 + into
        } else {
            seen.frame as f64
        };
        Ok(Position {
            rolling,
            frame: frame.round().max(0.0) as u64,
            rate: self.rate,
            at: Nanos(seen.line.asked.0 + half.as_nanos() as u64),
            uncertainty: seen.late.map(|late| half + late + MARGIN),
        })
    }
}

fn is_better(next: &Position, than: &Position) -> bool {
    let open = |it: &Position| it.uncertainty.unwrap_or(Duration::MAX);
    open(next) < open(than)
}
