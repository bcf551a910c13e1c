//! The run's clock: real, or as fast as the disk allows in lockstep with the simulated source.
//!
//! A fast run goes from one turn in which something is due to the next. Turns come at whole blocks;
//! those in which nothing can happen are left out, and what a run gives is the same as with them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::threads::Threads;
use super::{Error, session_record, watch};
use crate::audio::block::PoolSize;
use crate::audio::judge::Judge;
use crate::audio::source::sim::{Lockstep, SimSource};
use crate::audio::source::{self, Opener};
use crate::config::Config;
use crate::identity::kept::Kept;
use crate::recorder::Seals;
use crate::recorder::chain;
use crate::recorder::chain::Chain;
use crate::rt::Nanos;
use crate::session::Stamp;
use crate::sphere::Sphere;
use crate::words::CaptureFrame;

/// The longest that is left out of a fast run at once, milliseconds: how late it may find out what
/// no clock announces, such as a disk that refuses.
const MOST_MS: u64 = 500;
/// Level shown as nothing, dBFS.
const QUIETEST_DB: f32 = -60.0;

/// The run's clock.
pub(super) enum Time {
    /// CLOCK_MONOTONIC.
    Real,
    /// Frames granted to the simulated source.
    Fast {
        grants: Arc<Lockstep>,
        frame: u64,
        block_frames: u64,
        rate: u32,
    },
}

impl Time {
    pub(super) fn new(fast: bool, config: &Config) -> Result<Time, Error> {
        if !fast {
            return Ok(Time::Real);
        }
        if config.audio.device != source::SIMULATED {
            return Err(Error::NotFast(config.audio.device.clone()));
        }
        let block_frames = u64::from(pool(config).block_frames);
        let rate = config.audio.rate;
        Ok(Time::Fast {
            grants: Arc::default(),
            frame: 0,
            block_frames,
            rate,
        })
    }

    /// Starts capture and recorder on the configured device.
    pub(super) fn start_chain(
        &self,
        config: &Config,
        judge: Option<Judge>,
        kept: Kept,
    ) -> Result<Chain, Error> {
        let audio = &config.audio;
        let (spec, period) = (audio.spec(), audio.period_frames);
        let open: Opener = match self {
            Time::Fast { grants, .. } => {
                let grants = grants.clone();
                Box::new(move || {
                    Ok(Box::new(SimSource::lockstep(
                        spec,
                        period,
                        1,
                        grants.clone(),
                    )))
                })
            }
            Time::Real => source::opener(&audio.device, spec, period),
        };
        let patience = Duration::from_secs(audio.buffer_s.into()) / 2;
        let setup = chain::Setup {
            spec,
            open,
            pool: pool(config),
            history_frames: history(config),
            wake: config.audio.device == source::SIMULATED,
            patient: watch::is_managed(),
            first: Vec::new(),
            seals: session_record::is_sealed(config).then_some(Seals { kept, patience }),
            judge,
        };
        Ok(Chain::start(setup)?)
    }

    /// Whether the frame clock runs; it begins with the device's first frame.
    pub(super) fn has_frames(&self, chain: &Chain) -> bool {
        self.is_fast() || chain.clock.nearest(Nanos::now()).is_some()
    }

    pub(super) fn is_fast(&self) -> bool {
        matches!(self, Time::Fast { .. })
    }

    pub(super) fn now(&self) -> Nanos {
        match self {
            Time::Real => Nanos::now(),
            Time::Fast { frame, rate, .. } => at(*frame, *rate),
        }
    }

    /// Both clocks at `at`; frame 0 until the first sample was captured.
    pub(super) fn stamp(&self, at: Nanos, chain: &Chain) -> Stamp {
        let frame = match self {
            Time::Real => chain.clock.frame_at(at).unwrap_or(0),
            Time::Fast { rate, .. } => {
                (u128::from(at.0) * u128::from(*rate)).div_ceil(1_000_000_000) as u64
            }
        };
        Stamp {
            at,
            frame: CaptureFrame(frame),
        }
    }

    /// Fast: lets the source go on to the first block's end at which `due` has come, by
    /// [`MOST_MS`] at most, and waits until the recorder has it. Without `due`, by one block.
    ///
    /// `shown` is whether the turns that are left out would have shown the level.
    pub(super) fn advance(&mut self, chain: &Chain, due: Option<CaptureFrame>, shown: bool) {
        let Time::Fast {
            grants,
            frame,
            block_frames,
            rate,
        } = self
        else {
            return;
        };
        let most = *frame + u64::from(*rate) * MOST_MS / 1000;
        let blocks = due.map_or(0, |due| due.0.min(most).saturating_sub(*frame));
        let before = *frame + blocks.div_ceil(*block_frames).saturating_sub(1) * *block_frames;
        let reach = |frame| {
            grants.grant(frame);
            let there = || chain.live.frames.load(Ordering::Acquire) >= frame;
            wait_until(|| there() || chain.is_ended());
        };
        if before > *frame {
            reach(before);
            if shown {
                chain.live.peak.store(0, Ordering::Relaxed);
            }
        }
        *frame = before + *block_frames;
        reach(*frame);
    }

    /// Fast: waits until every thread has answered what it was asked.
    pub(super) fn settle(&self, threads: &Threads) {
        if self.is_fast() {
            let (chain, clerk) = (&threads.chain, &threads.clerk);
            let sphere = threads.sphere.thread.as_ref();
            wait_until(|| {
                (chain.is_settled() || chain.is_ended())
                    && (clerk.is_settled() && clerk.is_recovered() || clerk.is_ended())
                    && sphere.is_none_or(Sphere::is_settled)
            });
        }
    }

    /// Real: sleeps between two turns of a script.
    pub(super) fn wait(&self, turn: Duration) {
        if matches!(self, Time::Real) {
            std::thread::sleep(turn);
        }
    }

    /// Live level since the last call, 0 to 100.
    pub(super) fn level(&self, chain: &Chain) -> u8 {
        let peak = f32::from_bits(chain.live.peak.swap(0, Ordering::Relaxed));
        let above = (20.0 * peak.max(1e-9).log10() - QUIETEST_DB) / -QUIETEST_DB;
        (above.clamp(0.0, 1.0) * 100.0) as u8
    }
}

fn at(frame: u64, rate: u32) -> Nanos {
    Nanos((u128::from(frame) * 1_000_000_000 / u128::from(rate.max(1))) as u64)
}

fn wait_until(settled: impl Fn() -> bool) {
    for turn in 0u32.. {
        if settled() {
            return;
        }
        if turn < 50 {
            std::thread::yield_now();
        } else {
            std::thread::sleep(Duration::from_micros(20));
        }
    }
}

/// Frames that the recorder keeps for takes that begin in the past.
fn history(config: &Config) -> u64 {
    let millis = u64::from(config.take.pre_roll_ms) + u64::from(config.take.hold_ms) + 1000;
    config.audio.spec().frames_in_ms(millis)
}

fn pool(config: &Config) -> PoolSize {
    let audio = &config.audio;
    let history = history(config);
    PoolSize::of(audio.spec(), audio.period_frames, audio.buffer_s, history)
}
