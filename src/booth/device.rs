//! Whether there is a device, handed to the session and to the log.

use super::Booth;
use crate::audio::capture::State;
use crate::session::Event;
use crate::words::FaultKind;

/// What was logged of the device so far.
#[derive(Debug, Default)]
pub(super) struct Logged {
    closed: bool,
    unclocked: bool,
}

impl Booth {
    pub(super) fn serve_device(&mut self) {
        let now = self.time.now();
        let closed = match self.threads.chain.status.state() {
            State::Closed => true,
            State::Running => false,
            State::Starting | State::Stopped => return,
        };
        let reason = self.threads.chain.status.reason().filter(|_| closed);
        if closed != self.device_logged.closed {
            self.device_logged.closed = closed;
            match &reason {
                Some(reason) => log::error!("{}: {reason}", self.config.audio.device),
                None => log::info!("{}: is back", self.config.audio.device),
            }
        }
        let event = if closed {
            self.ending.faulty = true;
            Event::Fault(FaultKind::Device, reason.unwrap_or_default().into())
        } else {
            Event::Cleared(FaultKind::Device)
        };
        self.event(now, event);
        self.note_unclocked();
    }

    /// A source that keeps no time, once.
    fn note_unclocked(&mut self) {
        let (status, device) = (&self.threads.chain.status, &self.config.audio.device);
        if status.unclocked() && !self.device_logged.unclocked {
            self.device_logged.unclocked = true;
            log::info!("{device}: keeps no time; read as fast as the disk allows");
        }
    }
}
