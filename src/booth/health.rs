//! One snapshot a second of what is known of the box. The log, the fault screens and the watchdog read
//! it; nothing else asks the threads how they are.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Booth;
use crate::rt::Nanos;
use crate::screen::Body;
use crate::session::Event;
use crate::words::{CaptureFrame, Health, LastBeat};

/// Between two snapshots.
const EACH: Duration = Duration::from_secs(1);
/// How far the disk may fall behind before the screen says so.
const SLOW_MS: u64 = 3000;

/// The last snapshot and when it was taken.
#[derive(Debug, Default)]
pub(super) struct Checkup {
    pub(super) last: Health,
    taken: Option<Nanos>,
}

impl Booth {
    /// Takes a snapshot once a second, and hands on what follows from it.
    pub(super) fn serve_health(&mut self) {
        let now = self.time.now();
        let since = |taken: Nanos| now.since(taken) < EACH;
        if self.health.taken.is_some_and(since) {
            return;
        }
        let health = self.snapshot(now);
        let before = std::mem::replace(&mut self.health.last, health);
        let is_first = self.health.taken.replace(now).is_none();
        self.log_losses(&before);
        self.tell_room(is_first, &before);
        self.tell_backlog(now);
    }

    fn snapshot(&self, now: Nanos) -> Health {
        let status = &self.threads.chain.status;
        let beats = self.threads.all().filter_map(|thread| {
            let (at, on_disk) = thread.beat?.last();
            let thread = thread.name;
            Some(LastBeat {
                thread,
                at,
                on_disk,
            })
        });
        let level = match self.face.last.as_ref().map(|screen| &screen.body) {
            Some(Body::Line(line)) => line.level,
            Some(Body::Message { .. } | Body::Page { .. } | Body::Card { .. }) | None => None,
        };
        Health {
            frames_lost: status.lost_frames(),
            overruns: status.overruns(),
            backlog_ms: self.backlog_ms(now),
            room_s: self.room_s(),
            level,
            faults: self.session.faults().collect(),
            beats: beats.collect(),
        }
    }

    /// A fast run has no clock to be behind of.
    fn backlog_ms(&self, now: Nanos) -> u64 {
        if self.time.is_fast() {
            return 0;
        }
        let live = &self.threads.chain.live;
        let captured = self.time.stamp(now, &self.threads.chain).frame;
        let recorded = CaptureFrame(live.frames.load(Ordering::Acquire));
        let spec = self.config.audio.spec().stored();
        let waiting = live.waiting_bytes() / spec.frame_bytes() as u64;
        let held = live.held_frames.load(Ordering::Relaxed);
        (captured.since(recorded) + held + waiting) * 1000 / u64::from(spec.rate)
    }

    /// The reserve is never used.
    fn room_s(&self) -> u64 {
        let free = self.threads.clerk.free_bytes();
        let reserve = self.config.storage.reserve_mb.saturating_mul(1_000_000);
        let spec = self.config.audio.spec().stored();
        let second = spec.frame_bytes() as u64 * u64::from(spec.rate);
        free.saturating_sub(reserve) / second.max(1)
    }

    /// The log of what is lost, also where no take is under way.
    fn log_losses(&self, before: &Health) {
        let (health, device) = (&self.health.last, &self.config.audio.device);
        let more = health.frames_lost - before.frames_lost;
        if more > 0 {
            let overrun = if health.overruns > before.overruns {
                ", the card's buffer ran over"
            } else {
                ""
            };
            log::warn!("{device}: {more} frames lost{overrun}");
        }
    }

    fn tell_room(&mut self, is_first: bool, before: &Health) {
        let room_s = self.health.last.room_s;
        if is_first || room_s != before.room_s {
            self.ending.faulty |= room_s == 0 && !self.session.is_idle();
            self.event(self.time.now(), Event::Room(room_s));
        }
    }

    /// The session hears when the recorder falls behind and when it has caught up.
    fn tell_backlog(&mut self, now: Nanos) {
        match self.health.last.backlog_ms {
            behind if behind > SLOW_MS => self.event(now, Event::Slow(true)),
            behind if behind < SLOW_MS / 3 => self.event(now, Event::Slow(false)),
            // Between the two it stays as it was.
            _ => {}
        }
    }
}
