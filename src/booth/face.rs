//! The panel, and what stands on it.

use std::sync::Arc;

use super::Booth;
use crate::board::Panel;
use crate::rt::Nanos;
use crate::screen::{Body, Screen};

/// The panel, and what stands on it.
pub(super) struct Face {
    pub(super) panel: Box<dyn Panel>,
    /// The screen drawn last.
    pub(super) last: Option<Screen>,
    /// Since when it has its name.
    pub(super) shown_since: Nanos,
    /// The next line, laid out ahead.
    pub(super) prepared: Option<Arc<str>>,
}

impl Face {
    /// Nothing is shown yet.
    pub(super) fn of(panel: Box<dyn Panel>) -> Face {
        Face {
            panel,
            last: None,
            shown_since: Nanos::default(),
            prepared: None,
        }
    }
}

impl Booth {
    pub(super) fn draw(&mut self) {
        let frame = self.frame_now();
        let mut screen = self.session.screen(frame);
        if let Body::Line(line) = &mut screen.body
            && line.recording
        {
            line.level = Some(self.time.level(&self.threads.chain));
        }
        let shown = if self.face.last.as_ref() == Some(&screen) {
            Ok(())
        } else {
            let card = self
                .visit
                .card
                .as_ref()
                .filter(|_| self.session.shows_code());
            self.face.panel.show(&screen, card)
        };
        self.face.last = Some(screen);
        match shown.and_then(|()| self.face.panel.send()) {
            Ok(more) if !more && self.session.upcoming() != self.face.prepared.as_ref() => {
                self.face.prepared = self.session.upcoming().cloned();
                if let Some(text) = &self.face.prepared {
                    self.face.panel.prepare(text);
                }
            }
            Ok(_) => {}
            Err(failed) => self.fail(failed.into()),
        }
    }
}
