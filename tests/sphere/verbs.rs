//! Every verb does what it says, and a client that is not ours sees the same.

use std::time::{Duration, Instant};

use booth::rt::Nanos;
use booth::sphere::remote::Remote;
use booth::sphere::{Peer, Position};

use super::start;
use crate::common::random::Random;
use crate::common::sphere::Kind;
use crate::common::sphere::witness::{Sight, Witness};

const REST: Duration = Duration::from_secs(600);
/// Positions of the test stay away from JACK's end of counting, which a rolling transport would pass.
const FRAMES: u64 = (1 << 32) - 48_000 * 3600;

/// What must be true after a verb.
struct Model {
    rolling: bool,
    /// Where it stands, if it stands where it was sent to.
    frame: Option<u64>,
}

/// A transport that was sent to `from` between `sent` and now is not further than it may have rolled.
fn is_from(sight: Sight, from: u64, sent: Nanos) -> bool {
    let rolled = (sight.at_ns - sent.0) as f64 * 48e-6 + 1.0;
    (from as f64 - 1.0..=from as f64 + rolled).contains(&sight.frame)
}

/// Between two periods JACK's time is an estimate, which is off after it was woken late.
const ESTIMATE: f64 = 24.0;

/// Whether the peer saw what the other client saw before and after it, the peer's own bound granted, and
/// how far they were apart. A period that JACK was woken late for is seen late by either, and a question
/// may be answered in the next: the position may lie between the two sights.
fn agree(position: &Position, sights: [Sight; 2]) -> (bool, f64) {
    let rolled = |sight: &Sight| (position.at.0 as f64 - sight.at_ns as f64) * 48e-6;
    let seen = sights.map(|sight| sight.frame + if sight.rolling { rolled(&sight) } else { 0.0 });
    let (low, high) = (seen[0].min(seen[1]), seen[0].max(seen[1]));
    let frame = position.frame as f64;
    let error_frames = (low - frame).max(frame - high).max(0.0);
    let error_ns = sights.map(|sight| sight.error_ns);
    let own_ns = error_ns[0].max(error_ns[1]) as f64;
    let open_ns = position
        .uncertainty
        .map_or(f64::INFINITY, |open| open.as_nanos() as f64);
    let bound = (open_ns + own_ns) * 48e-6 + ESTIMATE;
    let same = sights.iter().all(|sight| sight.rolling == position.rolling);
    (same && error_frames <= bound, error_frames / 48.0)
}

fn random_verbs(kind: Kind, count: u32) {
    let (_alone, sphere) = start(kind);
    let mut witness = sphere.witness();
    let mut peer = Remote::new(&sphere.config());
    peer.connect().unwrap();
    assert_eq!(peer.has_helper(), Ok(kind == Kind::Helper));
    let mut random = Random::new();
    let mut model = Model {
        rolling: false,
        frame: None,
    };
    let (mut longest, mut worst_ms) = (Duration::ZERO, 0.0_f64);
    for number in 0..count {
        let sent = Nanos::now();
        let start = Instant::now();
        let mut from = None;
        match random.below(5) {
            0 | 1 => {
                let frame = random.below(FRAMES);
                peer.locate(frame as u32).unwrap();
                from = Some(frame);
                model.frame = (!model.rolling).then_some(frame);
            }
            2 => {
                peer.play(REST).unwrap();
                model = Model {
                    rolling: true,
                    frame: None,
                };
            }
            3 => {
                peer.stop().unwrap();
                model.frame = model.frame.filter(|_| !model.rolling);
                model.rolling = false;
            }
            _ => peer.load("noise").unwrap(),
        }
        longest = longest.max(start.elapsed());
        let sight = witness.look();
        assert_eq!(sight.rolling, model.rolling, "verb {number}");
        if let Some(frame) = model.frame {
            assert_eq!(sight.frame, frame as f64, "verb {number}");
        }
        if let (true, Some(frame)) = (model.rolling, from) {
            assert!(
                is_from(sight, frame, sent),
                "verb {number}: {frame} {sight:?}"
            );
        }
        let position = peer.position().unwrap();
        let (same, apart_ms) = agree(&position, [sight, witness.look()]);
        assert!(same, "verb {number}: {position:?}, {apart_ms} ms apart");
        worst_ms = worst_ms.max(apart_ms);
    }
    println!(
        "{kind:?}: {count} verbs confirmed, the longest {longest:?}, positions {worst_ms:.2} ms apart at most"
    );
    peer.stop().unwrap();
    witness.stands_within(Duration::ZERO);
}

#[test]
fn random_verbs_with_the_helper_are_confirmed_by_another_client() {
    random_verbs(Kind::Helper, 120);
}

#[test]
fn random_verbs_with_jacks_own_tools_are_confirmed_by_another_client() {
    random_verbs(Kind::Plain, 40);
}

#[test]
#[ignore = "minutes: tests/faults/run"]
fn five_hundred_random_verbs_with_the_helper() {
    random_verbs(Kind::Helper, 500);
}

#[test]
#[ignore = "minutes: tests/faults/run"]
fn five_hundred_random_verbs_with_jacks_own_tools() {
    random_verbs(Kind::Plain, 500);
}

/// How many of `count` positions of a rolling transport are within their own bound, and the bounds in
/// milliseconds, sorted.
fn mapping(kind: Kind, count: usize) -> (usize, Vec<f64>) {
    let (_alone, sphere) = start(kind);
    let mut witness: Witness = sphere.witness();
    let mut peer = Remote::new(&sphere.config());
    peer.play(REST).unwrap();
    let mut held = 0;
    let mut bounds = Vec::new();
    for _ in 0..count {
        let before = witness.look();
        let position = peer.position().unwrap();
        let (same, apart_ms) = agree(&position, [before, witness.look()]);
        if !same {
            println!("{position:?} is {apart_ms} ms off");
        }
        held += usize::from(same);
        bounds.extend(position.uncertainty.map(|open| open.as_secs_f64() * 1e3));
    }
    let unknown = count - bounds.len();
    assert!(unknown * 10 < count, "{unknown} without a bound");
    bounds.sort_by(f64::total_cmp);
    let p = |part: usize| bounds[(bounds.len() - 1) * part / 100];
    println!(
        "{kind:?}: the bound held in {held} of {count}; bounds p50 {:.2} p95 {:.2} max {:.2} ms, \
         {unknown} unknown",
        p(50),
        p(95),
        p(100)
    );
    peer.stop().unwrap();
    (held, bounds)
}

#[test]
fn the_bound_of_a_position_holds_with_the_helper() {
    let (held, bounds) = mapping(Kind::Helper, 500);
    assert_eq!(held, 500);
    assert!(bounds[bounds.len() * 95 / 100] <= 5.0);
}

#[test]
fn the_bound_of_a_position_holds_with_jacks_own_tools() {
    let (held, _) = mapping(Kind::Plain, 30);
    assert_eq!(held, 30);
}
