//! What capture and disk tell, handed to the session and to the log: the device, its losses, the
//! backlog, the room that is left.

use std::sync::atomic::Ordering;

use super::Booth;
use crate::audio::capture::State;
use crate::rt::Nanos;
use crate::session::Event;
use crate::words::{CaptureFrame, FaultKind};

/// How far the recorder may fall behind before the screen says so.
const SLOW_MS: u64 = 3000;

/// What was said of the device so far.
#[derive(Debug, Default)]
pub(super) struct Said {
    closed: bool,
    unclocked: bool,
    overruns: u64,
    lost_frames: u64,
    room_s: Option<u64>,
}

impl Booth {
    pub(super) fn serve_device(&mut self) {
        let now = self.time.now();
        let closed = match self.chain.status.state() {
            State::Closed => true,
            State::Running => false,
            State::Starting | State::Stopped => return,
        };
        let reason = self.chain.status.reason().filter(|_| closed);
        if closed != self.said.closed {
            self.said.closed = closed;
            match &reason {
                Some(reason) => log::error!("{}: {reason}", self.config.audio.device),
                None => log::info!("{}: is back", self.config.audio.device),
            }
        }
        let event = if closed {
            self.faulty = true;
            Event::Fault(FaultKind::Device, reason.unwrap_or_default().into())
        } else {
            Event::Cleared(FaultKind::Device)
        };
        self.event(now, event);
        self.tell_losses();
        if !self.time.is_fast() {
            self.serve_backlog(now);
        }
    }

    /// The log of what is lost, also where no take is under way.
    fn tell_losses(&mut self) {
        let (status, device) = (&self.chain.status, &self.config.audio.device);
        let (overruns, lost) = (status.overruns(), status.lost_frames());
        if lost > self.said.lost_frames {
            let more = lost - self.said.lost_frames;
            let overrun = if overruns > self.said.overruns {
                ", the card's buffer ran over"
            } else {
                ""
            };
            log::warn!("{device}: {more} frames lost{overrun}");
        }
        (self.said.overruns, self.said.lost_frames) = (overruns, lost);
        if status.unclocked() && !self.said.unclocked {
            self.said.unclocked = true;
            log::info!("{device}: keeps no time; read as fast as the disk allows");
        }
    }

    /// Tells the session for how long the disk has room; the reserve is never used.
    pub(super) fn serve_room(&mut self) {
        let free = self.clerk.free_bytes();
        let reserve = self.config.storage.reserve_mb.saturating_mul(1_000_000);
        let spec = self.config.audio.spec().stored();
        let second = spec.frame_bytes() as u64 * u64::from(spec.rate);
        let room_s = free.saturating_sub(reserve) / second.max(1);
        if self.said.room_s != Some(room_s) {
            self.said.room_s = Some(room_s);
            self.faulty |= room_s == 0 && !self.session.is_idle();
            self.event(self.time.now(), Event::Room(room_s));
        }
    }

    /// Tells the session when the recorder falls behind and when it has caught up.
    fn serve_backlog(&mut self, now: Nanos) {
        let captured = self.time.stamp(now, &self.chain).frame;
        let recorded = CaptureFrame(self.chain.live.frames.load(Ordering::Acquire));
        let behind = captured.since(recorded);
        let behind_ms = behind * 1000 / u64::from(self.config.audio.rate);
        if behind_ms > SLOW_MS {
            self.event(now, Event::Slow(true));
        } else if behind_ms < SLOW_MS / 3 {
            self.event(now, Event::Slow(false));
        }
    }
}
