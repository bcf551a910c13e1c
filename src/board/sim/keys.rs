//! The keyboard as four buttons.
//!
//! A small letter is a press; a capital one is a press held long enough. Without a terminal there
//! are no keys, and polling only waits.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::os::fd::AsFd;
use std::time::Duration;

use crate::board::{BoardError, Buttons, Edge};
use crate::rt::{self, KeyMode, Nanos};
use crate::words::Button;

/// A held key is released this much after it counts as held.
const BEYOND_HOLD: Duration = Duration::from_millis(50);

/// The keyboard.
#[derive(Debug)]
pub struct Keys {
    input: Option<(File, KeyMode)>,
    hold: Duration,
    /// Held keys: when each is released.
    held: Vec<(Button, Nanos)>,
    quit: bool,
}

impl Keys {
    /// The terminal on standard input, if `wanted` and if there is one.
    ///
    /// # Errors
    /// The terminal refuses single keys.
    pub fn open(wanted: bool, hold: Duration) -> Result<Keys, BoardError> {
        let stdin = std::io::stdin();
        let open = || -> std::io::Result<(File, KeyMode)> {
            // A handle of its own: the standard one buffers, and poll would not see its buffer.
            let file = File::from(stdin.as_fd().try_clone_to_owned()?);
            Ok((file, KeyMode::set()?))
        };
        let input = (wanted && stdin.is_terminal()).then(open).transpose();
        Ok(Keys {
            input: input.map_err(|e| failed(&e))?,
            hold,
            held: Vec::new(),
            quit: false,
        })
    }

    fn key(&mut self, key: u8, at: Nanos, edges: &mut Vec<Edge>) {
        let button = match key.to_ascii_lowercase() {
            b' ' | b'\n' | b'\r' | b'g' => Button::Go,
            b'r' => Button::Redo,
            b'p' => Button::Pause,
            b's' => Button::Stop,
            b'q' => {
                self.quit = true;
                return;
            }
            _ => return,
        };
        if self.held.iter().any(|(held, _)| *held == button) {
            return;
        }
        let edge = |down| Edge { button, down, at };
        edges.push(edge(true));
        if key.is_ascii_uppercase() {
            self.held.push((button, at + self.hold + BEYOND_HOLD));
        } else {
            edges.push(edge(false));
        }
    }

    fn release(&mut self, now: Nanos, edges: &mut Vec<Edge>) {
        self.held.sort_by_key(|(_, at)| *at);
        while let Some(&(button, at)) = self.held.first()
            && at <= now
        {
            self.held.remove(0);
            edges.push(Edge {
                button,
                down: false,
                at,
            });
        }
    }
}

fn failed(error: &std::io::Error) -> BoardError {
    BoardError {
        object: "keyboard of the terminal".into(),
        reason: error.to_string(),
    }
}

impl Buttons for Keys {
    fn poll(&mut self, wait: Duration, edges: &mut Vec<Edge>) -> Result<(), BoardError> {
        let due = self.held.iter().map(|(_, at)| *at).min();
        // poll(2) counts whole milliseconds: below one it would not wait, and the loop would spin.
        let until = |due: Nanos| due.since(Nanos::now()) + Duration::from_millis(1);
        let wait = due.map_or(wait, |due| wait.min(until(due)));
        match &mut self.input {
            None => std::thread::sleep(wait),
            Some((file, _)) => {
                if rt::readable(file, wait).map_err(|e| failed(&e))? {
                    let mut bytes = [0; 64];
                    let got = file.read(&mut bytes).map_err(|e| failed(&e))?;
                    // The terminal hung up: no key can be pressed any more.
                    self.quit |= got == 0;
                    let at = Nanos::now();
                    self.release(at, edges);
                    // An arrow or function key sends a sequence; its letters are not presses.
                    for &key in bytes[..got].iter().take_while(|b| **b != 0x1b) {
                        self.key(key, at, edges);
                    }
                }
            }
        }
        self.release(Nanos::now(), edges);
        Ok(())
    }

    fn quit(&self) -> bool {
        self.quit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capital_is_a_held_press_and_edges_stay_in_order() {
        let mut keys = Keys::open(false, Duration::from_secs(1)).expect("no terminal needed");
        let mut edges = Vec::new();
        keys.key(b'S', Nanos(0), &mut edges);
        keys.key(b'S', Nanos(5), &mut edges);
        keys.key(b' ', Nanos(7), &mut edges);
        keys.release(Nanos(2_000_000_000), &mut edges);
        let seen: Vec<_> = edges.iter().map(|e| (e.button, e.down, e.at.0)).collect();
        let expected = [
            (Button::Stop, true, 0),
            (Button::Go, true, 7),
            (Button::Go, false, 7),
            (Button::Stop, false, 1_050_000_000),
        ];
        assert_eq!(seen, expected);
        keys.key(b'q', Nanos(9), &mut edges);
        assert!(keys.quit());
    }
}
