//! A disk that refuses or is away: a fault on the screen until it takes everything again.
//!
//! The recorder finds it at a write, the clerk at its look once a second.

use std::time::Duration;

use super::Booth;
use crate::rt::Nanos;
use crate::session::Event;
use crate::words::FaultKind;

/// How long the program's end waits for a disk that is away; service managers kill after 90 s.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why the disk cannot be written.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// As the recorder found it.
    pub(super) refused: Option<String>,
    /// As the clerk found it.
    pub(super) away: Option<String>,
    /// Why a session is not forgotten yet.
    pub(super) unforgotten: Option<String>,
    /// Since when it is not waited for without end.
    ending: Option<Nanos>,
    reported: bool,
}

impl Disk {
    fn fault(&self) -> Option<&String> {
        let recording = self.refused.as_ref().or(self.away.as_ref());
        recording.or(self.unforgotten.as_ref())
    }

    /// The program's end was asked for.
    pub(super) fn wait_no_longer(&mut self, now: Nanos) {
        self.ending.get_or_insert(now);
    }

    /// The program ends although the disk is away or, where it was `stopped`, a device hangs; what it
    /// has is made whole at the next start.
    pub(super) fn is_given_up(&self, stopped: bool, now: Nanos) -> bool {
        let waited = self.ending.map(|since| now.since(since));
        (stopped || self.fault().is_some()) && waited.is_some_and(|waited| waited > PATIENCE)
    }
}

impl Booth {
    pub(super) fn serve_disk(&mut self) {
        let fault = self.disk.fault().cloned();
        let reported = std::mem::replace(&mut self.disk.reported, fault.is_some());
        let event = match fault {
            Some(reason) => {
                self.ending.faulty = true;
                let reason = self.unnamed(&reason);
                if !reported {
                    let waits = match self.disk.unforgotten {
                        Some(_) => "the session is forgotten once it takes the tombstone",
                        None => "what is recorded waits in memory",
                    };
                    log::error!("{reason}; {waits}");
                }
                Event::Fault(FaultKind::Disk, reason.into())
            }
            None if reported => {
                log::warn!("the disk is back");
                Event::Cleared(FaultKind::Disk)
            }
            None => return,
        };
        self.event(self.time.now(), event);
    }
}
