//! What is reported to systemd: READY, STOPPING, and WATCHDOG as long as every thread gives signs of
//! life.
//!
//! A thread that waits for the disk is excused for longer than the pool could bridge, so a slow card
//! never gets the box restarted; nor does an absent microphone, for which capture keeps looking.
//! Without a service manager nothing is reported.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::rt::Nanos;
use crate::words::LastBeat;

/// A thread without a sign of life for so long is stuck.
const SILENT: Duration = Duration::from_secs(10);
/// What a disk call may take beyond what the pool bridges.
const DISK: Duration = Duration::from_secs(60);
/// How often the longest turn is logged.
const SECOND: Duration = Duration::from_secs(1);

/// Whether a service manager started this process and wants to hear of it.
pub(super) fn is_managed() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some()
}

/// The watchdog's feeder.
pub(super) struct Watch {
    /// How often it is fed; `None` if no service manager waits for it.
    every: Option<Duration>,
    fed: Nanos,
    started: Nanos,
    ready: bool,
    stuck: bool,
    /// How long a thread may wait for the disk.
    disk: Duration,
    longest: Longest,
    /// The same since `recent_since`, which is logged each second.
    recent: Longest,
    recent_since: Nanos,
}

/// What took the main loop longest so far.
#[derive(Clone, Copy, Debug, Default)]
struct Longest {
    /// A whole turn, its wait for buttons included.
    turn: Duration,
    /// The sphere's part in one.
    sphere: Duration,
}

impl Longest {
    fn with(self, turn: Duration, sphere: Duration) -> Longest {
        Longest {
            turn: self.turn.max(turn),
            sphere: self.sphere.max(sphere),
        }
    }
}

impl std::fmt::Display for Longest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let (turn, sphere) = (ms(self.turn), ms(self.sphere));
        write!(
            f,
            "longest turn {turn:.3} ms, with the sphere {sphere:.3} ms"
        )
    }
}

impl Watch {
    /// Feeds twice as often as the service manager asks for.
    pub(super) fn new(buffer_s: u32) -> Watch {
        Watch {
            every: sd_notify::watchdog_enabled().map(|limit| limit / 2),
            fed: Nanos::default(),
            started: Nanos::now(),
            ready: false,
            stuck: false,
            disk: Duration::from_secs(buffer_s.into()) + DISK,
            longest: Longest::default(),
            recent: Longest::default(),
            recent_since: Nanos::now(),
        }
    }

    /// One turn of the main loop, which is main's own sign of life.
    pub(super) fn turn(&mut self, beats: &[LastBeat]) {
        if !is_managed() {
            return;
        }
        let now = Nanos::now();
        if !self.ready {
            self.ready = true;
            report(&[NotifyState::Ready]);
        }
        let Some(every) = self.every.filter(|every| now.since(self.fed) >= *every) else {
            return;
        };
        if let Some(LastBeat { thread, .. }) = beats.iter().find(|beat| self.is_stuck(beat, now)) {
            if !self.stuck {
                log::error!("thread `{thread}` gives no sign of life; the watchdog is not fed");
            }
            self.stuck = true;
        } else {
            self.stuck = false;
            self.fed = now;
            log::debug!("watchdog fed, next in {every:?}");
            report(&[NotifyState::Watchdog]);
        }
    }

    /// A turn began and ended, and the sphere was served in it for so long.
    pub(super) fn measure(&mut self, began: Nanos, ended: Nanos, sphere: Duration) {
        self.recent = self.recent.with(ended.since(began), sphere);
        if ended.since(self.recent_since) >= SECOND {
            log::debug!("main loop, last second: {}", self.recent);
            let Longest { turn, sphere } = std::mem::take(&mut self.recent);
            self.longest = self.longest.with(turn, sphere);
            self.recent_since = ended;
        }
    }

    /// Says at the end what took longest.
    pub(super) fn sum_up(&self) {
        let Longest { turn, sphere } = self.recent;
        log::debug!("main loop, whole run: {}", self.longest.with(turn, sphere));
    }

    fn is_stuck(&self, beat: &LastBeat, now: Nanos) -> bool {
        let limit = if beat.on_disk { self.disk } else { SILENT };
        now.since(beat.at.max(self.started)) > limit
    }

    /// The end was asked for.
    pub(super) fn stopping(&self) {
        if is_managed() {
            report(&[NotifyState::Stopping]);
        }
    }
}

fn report(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        log::warn!("the service manager cannot be reached: {error}");
    }
}
