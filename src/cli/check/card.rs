//! `booth check --test-card`: shows a card by which faults of the panel are seen, and reads back
//! each button.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Finding;
use super::running::{self, Running};
use crate::board;
use crate::board::profile::Profile;
use crate::board::{Buttons, Edge, Panel};
use crate::cli::{Failure, could_not};
use crate::config::Config;
use crate::rt::{self, Nanos};
use crate::screen::test_card::{Heard, TestCard};
use crate::words::Button;

/// The longest wait for buttons, as in the box.
const TURN: Duration = Duration::from_millis(10);
/// Without a press for this long, no one is there.
const ABANDONED: Duration = Duration::from_secs(120);
/// How long the card stays after every button was pressed.
const STAYS: Duration = Duration::from_secs(2);

/// Shows the card until every button was pressed, no presses come any more, or `q` or ^C ends it;
/// returns a finding for each button.
///
/// # Errors
/// A box is running, the board cannot be opened or fails, or its keys cannot be pressed.
pub fn run(config: &Config, screens: Option<PathBuf>) -> Result<Vec<Finding>, Failure> {
    let profile = Profile::load(&config.board).map_err(|e| Failure::Usage(e.to_string()))?;
    let simulated = profile.panel.driver.is_simulated();
    if screens.is_some() && !simulated {
        let text = format!(
            "--screens: board `{}` is no simulated one; add --set board=sim",
            config.board
        );
        return Err(Failure::Usage(text));
    }
    if !simulated {
        is_free(&config.data)?;
    } else if !io::stdin().is_terminal() {
        let text = format!(
            "--test-card: the buttons of board `{}` are the keys of a terminal, and standard input is \
             none; run this on one",
            config.board
        );
        return Err(Failure::Usage(text));
    }
    let buttons: Vec<Button> = if simulated {
        Button::ALL.into()
    } else {
        profile.buttons.keys().copied().collect()
    };
    let stop = rt::stop_on_signals().map_err(could_not)?;
    let options = board::Options {
        fonts: config.fonts.clone(),
        screens,
        hold: Duration::from_millis(config.take.hold_ms.into()),
        keys: true,
    };
    let (mut pins, mut panel) = board::open(&profile, &options).map_err(could_not)?;
    let mut bench = Bench::new(&buttons);
    while !bench.is_over(Nanos::now()) && !pins.quit() && !stop.load(Ordering::Acquire) {
        bench.turn(pins.as_mut(), panel.as_mut())?;
    }
    Ok(bench.findings())
}

/// Refuses if panel and buttons are in use by a running box, or may be.
fn is_free(data: &Path) -> Result<(), Failure> {
    match running::on(data) {
        Running::No => Ok(()),
        Running::Yes => Err(could_not(
            "the running box has panel and buttons: stop it first with `sudo systemctl stop booth`",
        )),
        Running::Unknown(why) => Err(could_not(format!(
            "{why}: a running box may have panel and buttons; stop it with `sudo systemctl stop \
             booth`, then {}",
            running::AS_ITS_USER
        ))),
    }
}

/// The card, and the presses so far with their times.
struct Bench {
    buttons: Vec<Button>,
    card: TestCard,
    shown: Option<TestCard>,
    edges: Vec<Edge>,
    changed: Nanos,
}

impl Bench {
    fn new(buttons: &[Button]) -> Bench {
        let unheard = |button: &Button| (button.word(), Heard::Nothing);
        Bench {
            buttons: buttons.to_vec(),
            card: TestCard {
                buttons: buttons.iter().map(unheard).collect(),
            },
            shown: None,
            edges: Vec::new(),
            changed: Nanos::now(),
        }
    }

    fn is_over(&self, now: Nanos) -> bool {
        let limit = if self.card.is_done() {
            STAYS
        } else {
            ABANDONED
        };
        now.since(self.changed) > limit
    }

    fn turn(&mut self, pins: &mut dyn Buttons, panel: &mut dyn Panel) -> Result<(), Failure> {
        if self.shown.as_ref() != Some(&self.card) {
            panel.show_test(&self.card).map_err(could_not)?;
            self.shown = Some(self.card.clone());
        }
        panel.send().map_err(could_not)?;
        pins.poll(TURN, &mut self.edges).map_err(could_not)?;
        for edge in self.edges.drain(..) {
            if let Some(n) = self.buttons.iter().position(|it| *it == edge.button) {
                self.card.buttons[n].1 = if edge.down { Heard::Down } else { Heard::Press };
                self.changed = Nanos::now();
            }
        }
        Ok(())
    }

    fn findings(&self) -> Vec<Finding> {
        let finding = |(name, heard): &(&'static str, Heard)| match heard {
            Heard::Press => Finding::ok(name, "pressed and released"),
            Heard::Down => Finding::fail(
                name,
                "never released",
                "look at its wires, and at `active` of the button in the board's profile",
            ),
            Heard::Nothing => Finding::fail(
                name,
                "no press was heard",
                "look at its wires, and at `gpio` and `pull` of the button in the board's profile",
            ),
        };
        self.card.buttons.iter().map(finding).collect()
    }
}
