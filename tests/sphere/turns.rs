//! The turns of the main loop in a session that met faults: with them and without.

use std::time::Duration;

use booth::rt::Nanos;

use super::visit::Met;
use crate::common::run::{Line, Run};

const SECOND_NS: u64 = 1_000_000_000;
/// Most that a fault may add, milliseconds. The goal is 2; waiting for a network would be hundreds, and
/// on shared cores each second has turns that were interrupted.
const MOST_MORE_MS: f64 = 20.0;

/// The longest turn of each second, milliseconds, rising.
#[derive(Default)]
pub struct Turns {
    calm: Vec<f64>,
    faulty: Vec<f64>,
    /// The longest that the sphere's part took, in either.
    part: [f64; 2],
}

impl Turns {
    /// As the program told them each second.
    pub fn of(run: &Run, met: &[Met]) -> Turns {
        let mut turns = Turns::default();
        for line in &run.stderr {
            let (Some(turn), Some(part)) = (
                after("last second: longest turn ", line),
                after("with the sphere ", line),
            ) else {
                continue;
            };
            let began = Nanos(line.at.0 - SECOND_NS);
            let is_faulty = met
                .iter()
                .any(|met| line.at > met.since && began < met.gone);
            let into = if is_faulty {
                &mut turns.faulty
            } else {
                &mut turns.calm
            };
            into.push(turn);
            let longest = &mut turns.part[usize::from(is_faulty)];
            *longest = longest.max(part);
        }
        turns.calm.sort_by(f64::total_cmp);
        turns.faulty.sort_by(f64::total_cmp);
        turns
    }

    /// How much longer the median of the faulty seconds is.
    fn more_ms(&self) -> Option<f64> {
        Some(median(&self.faulty)? - median(&self.calm)?)
    }

    /// That a fault makes them hardly longer, on a machine that was as late as `late`.
    #[track_caller]
    pub fn check(&self, late: Duration) {
        let most = MOST_MORE_MS + late.as_secs_f64() * 1e3;
        assert!(!self.calm.is_empty(), "the program tells its turns");
        assert!(
            self.more_ms().is_none_or(|ms| ms < most),
            "{self}, {late:?} late"
        );
        assert!(
            self.part.iter().all(|ms| *ms < most),
            "{self}, {late:?} late"
        );
    }
}

impl std::fmt::Display for Turns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let one = |all: &[f64]| match (median(all), all.last()) {
            (Some(median), Some(longest)) => {
                format!(
                    "median {median:.1} ms, longest {longest:.1} ms in {} s",
                    all.len()
                )
            }
            _ => "none".to_owned(),
        };
        let [calm, faulty] = self.part;
        write!(
            f,
            "longest turn of each second without a fault: {}, with one: {}; the sphere's part \
             {calm:.2} and {faulty:.2} ms at most",
            one(&self.calm),
            one(&self.faulty)
        )
    }
}

fn median(rising: &[f64]) -> Option<f64> {
    rising.get(rising.len() / 2).copied()
}

fn after(words: &str, line: &Line) -> Option<f64> {
    let (_, rest) = line.text.split_once(words)?;
    rest.split_whitespace().next()?.parse().ok()
}
