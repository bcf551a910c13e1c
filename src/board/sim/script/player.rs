//! Plays a script: hands out its presses when they are due. Reads no clock.

use std::path::PathBuf;
use std::time::Duration;

use super::{Script, Step};
use crate::board::Edge;
use crate::rt::Nanos;
use crate::words::{Button, ScreenName};

/// Session time after which a screen that does not come fails the run.
const PATIENCE: Duration = Duration::from_secs(60);

/// Steps taken in one poll at most: an empty `repeat` of a million must not hold up the box.
const STEPS_PER_POLL: usize = 10_000;

/// A screen that did not come.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "script {}, line {line}: screen {wanted} was not shown within 60 s; {shown} is",
    path.display()
)]
pub struct UntilFailed {
    /// The script's file.
    pub path: PathBuf,
    /// The line of `until`.
    pub line: usize,
    /// What it waits for.
    pub wanted: ScreenName,
    /// What is shown instead.
    pub shown: ScreenName,
}

/// Plays a script.
#[derive(Clone, Debug)]
pub struct Player {
    script: Script,
    at: usize,
    /// When the last event was due; none before the first poll.
    due: Option<Nanos>,
    /// Held buttons and when they are released.
    held: Option<(&'static [Button], Nanos)>,
    /// The open `repeat`s: where each body starts, and the rounds left with this one.
    rounds: Vec<(usize, u64)>,
}

impl Player {
    /// A player at the script's start; its time starts at the first poll.
    #[must_use]
    pub fn new(script: Script) -> Player {
        Player {
            script,
            at: 0,
            due: None,
            held: None,
            rounds: Vec::new(),
        }
    }

    /// Appends at most one press that is due at `now`, with the stamp at which it was due: both
    /// edges without `hold`; with it the edge down, and in a later poll the edge up.
    ///
    /// `shown` is the screen, since `since`; `over` says that the session is over, which ends
    /// every `repeat`.
    ///
    /// # Errors
    /// A screen that did not come within 60 s of session time.
    pub fn poll(
        &mut self,
        now: Nanos,
        shown: ScreenName,
        since: Nanos,
        over: bool,
        edges: &mut Vec<Edge>,
    ) -> Result<(), UntilFailed> {
        let mut last = *self.due.get_or_insert(now);
        if let Some((buttons, at)) = self.held {
            if at <= now {
                self.held = None;
                self.due = Some(at);
                edges.extend(at_once(buttons, false, at));
            }
            return Ok(());
        }
        for _ in 0..STEPS_PER_POLL {
            let Some(&(step, line)) = self.script.steps.get(self.at) else {
                return Ok(());
            };
            match step {
                Step::Until(name) if name == shown => {
                    last = last.max(since);
                    self.due = Some(last);
                    self.at += 1;
                }
                Step::Until(_) | Step::Press { .. } if over && !self.rounds.is_empty() => {
                    self.leave_repeat();
                }
                Step::Until(wanted) => {
                    if now.since(last) <= PATIENCE {
                        return Ok(());
                    }
                    return Err(UntilFailed {
                        path: self.script.path.clone(),
                        line,
                        wanted,
                        shown,
                    });
                }
                Step::Press {
                    wait,
                    buttons,
                    hold,
                } => {
                    self.press(last + wait, now, buttons, hold, edges);
                    return Ok(());
                }
                Step::Repeat { times, end } if times == 0 || over => self.at = end,
                Step::Repeat { times, .. } => {
                    self.at += 1;
                    self.rounds.push((self.at, times));
                }
                Step::End => self.next_round(over),
            }
        }
        Ok(())
    }

    /// When a poll will do something for the first time while this screen stays; `None`: never.
    #[must_use]
    pub fn due(&self, shown: ScreenName, over: bool) -> Option<Nanos> {
        let at_once = Some(Nanos::default());
        let Some(last) = self.due else {
            return at_once;
        };
        if let Some((_, at)) = self.held {
            return Some(at);
        }
        let over = over && !self.rounds.is_empty();
        match self.script.steps.get(self.at)?.0 {
            Step::Until(name) if name == shown => at_once,
            Step::Until(_) | Step::Press { .. } if over => at_once,
            Step::Until(_) => Some(last + PATIENCE + Duration::from_nanos(1)),
            Step::Press { wait, .. } => Some(last + wait),
            Step::Repeat { .. } | Step::End => at_once,
        }
    }

    fn press(
        &mut self,
        at: Nanos,
        now: Nanos,
        buttons: &'static [Button],
        hold: Option<Duration>,
        edges: &mut Vec<Edge>,
    ) {
        if at > now {
            return;
        }
        self.at += 1;
        self.due = Some(at);
        edges.extend(at_once(buttons, true, at));
        match hold {
            Some(hold) => self.held = Some((buttons, at + hold)),
            None => edges.extend(at_once(buttons, false, at)),
        }
    }

    fn next_round(&mut self, over: bool) {
        match self.rounds.last_mut() {
            Some((start, left)) if *left > 1 && !over => {
                *left -= 1;
                self.at = *start;
            }
            _ => {
                self.rounds.pop();
                self.at += 1;
            }
        }
    }

    fn leave_repeat(&mut self) {
        let Some((start, _)) = self.rounds.pop() else {
            return;
        };
        // The step before a body is its `repeat`.
        if let Some((Step::Repeat { end, .. }, _)) = self.script.steps.get(start - 1) {
            self.at = *end;
        }
    }

    /// Whether no press is left, not even a release.
    #[must_use]
    pub fn pressed_out(&self) -> bool {
        let presses = |from: usize| {
            let rest = self.script.steps.get(from..).unwrap_or_default();
            rest.iter().any(|(s, _)| matches!(s, Step::Press { .. }))
        };
        let again = self
            .rounds
            .iter()
            .any(|&(start, left)| left > 1 && presses(start));
        self.held.is_none() && !again && !presses(self.at)
    }
}

fn at_once(buttons: &[Button], down: bool, at: Nanos) -> impl Iterator<Item = Edge> {
    buttons.iter().map(move |&button| Edge { button, down, at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::sim::script::ScriptError;
    use std::path::Path;

    const MS: u64 = 1_000_000;

    fn parse(text: &str) -> Result<Script, ScriptError> {
        Script::parse(Path::new("visit.script"), text)
    }

    /// Polls each 10 ms and gives (button, down, ms) of each edge.
    fn play(
        player: &mut Player,
        from: u64,
        to: u64,
        shown: ScreenName,
        since: u64,
    ) -> Vec<(Button, bool, u64)> {
        let mut edges = Vec::new();
        for ms in (from..to).step_by(10) {
            player
                .poll(Nanos(ms * MS), shown, Nanos(since * MS), false, &mut edges)
                .expect("shown in time");
        }
        edges
            .iter()
            .map(|e| (e.button, e.down, e.at.0 / MS))
            .collect()
    }

    #[test]
    fn waits_count_from_when_the_last_event_was_due() {
        let script =
            parse("until reading\n1505 go\n800 stop hold 3000\n100 pause").expect("script");
        let mut player = Player::new(script);
        assert_eq!(play(&mut player, 0, 500, ScreenName::Intro, 0), []);
        let edges = play(&mut player, 500, 9000, ScreenName::Reading, 493);
        let expected = [
            (Button::Go, true, 1998),
            (Button::Go, false, 1998),
            (Button::Stop, true, 2798),
            (Button::Stop, false, 5798),
            (Button::Pause, true, 5898),
            (Button::Pause, false, 5898),
        ];
        assert_eq!(edges, expected);
        assert!(player.pressed_out());
    }

    #[test]
    fn a_late_poll_gives_one_press_each_with_its_due_stamp() {
        let mut player = Player::new(parse("10 go\n10 redo\n10 pause hold 5").expect("script"));
        let mut at = Vec::new();
        for now in [0, 1000, 1000, 1000, 1000] {
            let mut edges = Vec::new();
            let poll = player.poll(
                Nanos(now * MS),
                ScreenName::Quiet,
                Nanos(0),
                false,
                &mut edges,
            );
            poll.expect("no until");
            assert!(edges.iter().filter(|e| e.down).count() <= 1);
            at.extend(edges.iter().map(|e| e.at.0 / MS));
        }
        assert_eq!(at, [10, 10, 20, 20, 30, 35]);
    }

    #[test]
    fn repeats_nest_and_end_with_the_session() {
        let text = "repeat 2\nrepeat 3\n10 go\nend\n10 redo\nend\n10 stop";
        let mut player = Player::new(parse(text).expect("script"));
        let edges = play(&mut player, 0, 1000, ScreenName::Reading, 0);
        let downs: String = edges
            .iter()
            .filter(|e| e.1)
            .map(|e| &e.0.word()[..1])
            .collect();
        assert_eq!(downs, "gggrgggrs");

        let text = "repeat 900\nuntil reading\n10 go\nend\nuntil thanks\n10 pause";
        let mut player = Player::new(parse(text).expect("script"));
        let go = play(&mut player, 0, 100, ScreenName::Reading, 0);
        assert!(go.len() >= 8 && !player.pressed_out());
        let mut edges = Vec::new();
        for ms in [100, 120] {
            let poll = player.poll(
                Nanos(ms * MS),
                ScreenName::Thanks,
                Nanos(99 * MS),
                true,
                &mut edges,
            );
            poll.expect("thanks is shown");
        }
        assert_eq!(
            edges.last().map(|e| (e.button, e.at.0 / MS)),
            Some((Button::Pause, 109))
        );
        assert!(player.pressed_out());
    }

    #[test]
    fn before_it_is_due_a_poll_does_nothing_and_when_it_is_due_it_does() {
        let text =
            "until reading\nrepeat 2\n15 go\nuntil reading\n25 redo hold 95\nend\nuntil over";
        let mut player = Player::new(parse(text).expect("script"));
        let mut polls = 0;
        for ms in (0..70_000).step_by(10) {
            let (now, shown) = (Nanos(ms * MS), ScreenName::Reading);
            let due = player.due(shown, false).is_some_and(|due| due <= now);
            let before = format!("{player:?}");
            let mut edges = Vec::new();
            let failed = player.poll(now, shown, Nanos(0), false, &mut edges);
            let did = failed.is_err() || before != format!("{player:?}");
            assert_eq!(did, due, "at {ms} ms");
            polls += u32::from(did);
            if failed.is_err() {
                break;
            }
        }
        assert_eq!(
            polls, 11,
            "six edges, a repeat's ends, the untils, patience"
        );
    }

    #[test]
    fn a_screen_that_never_comes_fails_after_a_minute() {
        let mut player = Player::new(parse("\nuntil over").expect("script"));
        let mut poll = |s: u64| {
            let now = Nanos(s * 1000 * MS);
            player.poll(now, ScreenName::Quiet, Nanos(0), false, &mut Vec::new())
        };
        assert_eq!((poll(5), poll(65)), (Ok(()), Ok(())));
        let failed = poll(66).expect_err("a minute has passed").to_string();
        assert!(
            failed.contains("line 2: screen over") && failed.contains("quiet is"),
            "{failed}"
        );
    }

    #[test]
    fn endless_empty_repeats_do_not_hold_up_the_box() {
        let text = "repeat 86400000\nrepeat 86400000\nend\nend";
        let mut player = Player::new(parse(text).expect("script"));
        play(&mut player, 0, 50, ScreenName::Reading, 0);
    }
}
