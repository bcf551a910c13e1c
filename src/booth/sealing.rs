//! The sealer as the main loop serves it: the load of the disk goes in, failures come out.

use std::sync::atomic::Ordering;

use super::Booth;
use super::time::Time;
use crate::recorder::chain::Chain;
use crate::recorder::sealer::{Load, Loads};
use crate::rt::Nanos;

/// What the recorder needs of the disk; a fast run has no clock to be behind of.
pub(super) fn loads(chain: &Chain, time: &Time, rate: u32) -> Loads {
    if time.is_fast() {
        return Box::new(|| Load::Idle);
    }
    let (clock, live) = (chain.clock.clone(), chain.live.clone());
    Box::new(move || {
        let captured = clock.frame_at(Nanos::now()).unwrap_or(0);
        let recorded = live.frames.load(Ordering::Acquire);
        let waits = live.held_frames.load(Ordering::Relaxed) > 0;
        if waits || captured.saturating_sub(recorded) > u64::from(rate) {
            Load::Behind
        } else if live.open_takes.load(Ordering::Relaxed) > 0 {
            Load::Recording
        } else {
            Load::Idle
        }
    })
}

impl Booth {
    pub(super) fn serve_sealer(&mut self) {
        if !self.threads.is_rest_asked && self.threads.clerk.is_recovered() {
            self.threads.is_rest_asked = true;
            self.threads.sealer.rest(self.config.data.clone());
        }
        for reason in self.threads.sealer.failures.try_iter() {
            log::error!("a take stays plain for now: {reason}");
            self.ending.faulty = true;
        }
    }
}
