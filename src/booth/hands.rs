//! The buttons, pressed by a visitor or by a script.

use std::time::Duration;

use super::Booth;
use crate::board::sim::script::Player;
use crate::board::{Buttons, Edge};
use crate::session::Event;
use crate::words::ScreenName;

/// Longest wait for buttons.
const TURN: Duration = Duration::from_millis(10);

/// The buttons and who presses them.
pub(super) struct Hands {
    pub(super) buttons: Box<dyn Buttons>,
    /// Presses them in place of a visitor.
    pub(super) player: Option<Player>,
    /// Kept for its memory: empty between two turns.
    pub(super) edges: Vec<Edge>,
}

/// Whether this screen ends every `repeat` of a script.
pub(super) fn ends_repeat(shown: ScreenName) -> bool {
    shown == ScreenName::Thanks
}

impl Booth {
    pub(super) fn serve_buttons(&mut self) {
        let mut edges = std::mem::take(&mut self.hands.edges);
        let now = self.time.now();
        if let Some(player) = &mut self.hands.player {
            let name = self.session.screen_name();
            let over = ends_repeat(name);
            if let Err(failed) = player.poll(now, name, self.face.shown_since, over, &mut edges) {
                self.fail(failed.into());
            }
            self.time.wait(TURN);
        } else if let Err(failed) = self.hands.buttons.poll(TURN, &mut edges) {
            self.fail(failed.into());
            self.time.wait(TURN);
        }
        // The last visitor has gone, or no frame has come yet that a press could be of.
        if self.ending.stopping || !self.time.has_frames(&self.threads.chain) {
            edges.clear();
        }
        self.ahead.busy |= !edges.is_empty();
        for edge in edges.drain(..) {
            let direction = if edge.down { "down" } else { "up" };
            log::debug!("{} {direction} at {} ns", edge.button.word(), edge.at.0);
            self.event(edge.at, Event::Edge(edge.button, edge.down));
        }
        self.hands.edges = edges;
        if self.hands.player.as_ref().is_some_and(Player::pressed_out) {
            self.event(now, Event::NoMorePresses);
        }
    }
}
