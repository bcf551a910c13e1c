//! What a take's row says of the sphere: the place of the track at both marks of many takes, by the
//! thread's readings up to the take's end as main has them, against a client that is not ours. Nothing
//! is granted beyond the bound that the row states.
//!
//! The true place. The dummy driver begins period n at its anchor plus n times the length of a period,
//! by the system's clock, and never earlier; the transport is on that line as long as JACK loses no
//! period, which it writes into its log. A sight of the other client is behind the line by as much as
//! JACK woke up late for its period, and is never ahead of it but by the error of its own two clocks,
//! which is stated and taken off. So the foremost of some hundred sights around a moment is the line,
//! less the least of their latenesses, a few hundredths of a millisecond.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use booth::rt::Nanos;
use booth::sphere::remote::remote;
use booth::sphere::timeline::{DRIFT, Timeline};
use booth::sphere::{Command, Play, Position, Reply, Sphere, Start};

use super::start;
use crate::common::random::Random;
use crate::common::sphere::witness::{Sight, Witness};
use crate::common::sphere::{Kind, Sphere as Real};

const RATE: f64 = 48_000.0;
/// Frames by which whole numbers are off, at both ends.
const WHOLE: f64 = 3.0;
/// The foremost sight within this much of a moment is the line there; two clocks of one machine drift by
/// hundredths of a millisecond in it.
const NEAR_NS: u64 = 2_000_000_000;
/// JACK's word for a lost period is in its log by then.
const LOGGED_NS: u64 = 500_000_000;
/// After a lost period, two of the thread's readings agree by then.
const AGREED_NS: u64 = 3_000_000_000;
/// Frames by which a reading ages in the ten seconds of which the best is kept.
const AGED: f64 = 10.0 * DRIFT * RATE;
/// Frames of the lost period that is granted behind the last of coarse readings, and of one more, by
/// which two of them may be off in opposite directions.
const GRANTED: f64 = 0.05 * RATE + 1024.0;

/// How long the track plays, and how many takes are cut out of it.
fn length() -> (Duration, usize) {
    if std::env::var_os("BOOTH_TEST_LONG").is_some() {
        (Duration::from_secs(120), 600)
    } else {
        (Duration::from_secs(11), 60)
    }
}

/// What the thread told, and when, and what the other client saw meanwhile: for `lasts` without the
/// times around a period that JACK lost, as it does on a loaded machine. A transport that stood still
/// for a moment has no line of time.
fn played(kind: Kind, lasts: Duration) -> (Vec<(Nanos, Position)>, Vec<Vec<Sight>>) {
    let (_alone, real) = start(kind);
    let mut witness = real.witness();
    let mut sphere = Sphere::start(remote(&real.config())).unwrap();
    let play = Play {
        number: 1,
        track: "noise".into(),
        start: Start::Second(100.0),
        rest: Duration::from_secs(600),
        silent: Duration::ZERO,
    };
    sphere.ask(Command::Play(play), Nanos::now());
    let (is_over, steady_ns) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let sights = scope.spawn(|| sights(&real, &mut witness, &is_over, &steady_ns));
        let mut readings: Vec<(Nanos, Position)> = Vec::new();
        let mut has_failed = false;
        let start = Nanos::now();
        let enough = || Duration::from_nanos(steady_ns.load(Ordering::Relaxed)) > lasts;
        while !has_failed && !enough() && Nanos::now().since(start) < 8 * lasts {
            // At no later time it gives up nothing: what the thread says is waited for.
            while let Some(reply) = sphere.reply(Nanos::default()) {
                match reply {
                    Reply::Rolling(_, reading) | Reply::Read(reading, _) => {
                        readings.push((Nanos::now(), reading));
                    }
                    Reply::Failed(_, error) => {
                        println!("{kind:?}: {error}");
                        has_failed = true;
                    }
                    Reply::Loading | Reply::Stopped(_) => {}
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        is_over.store(true, Ordering::Relaxed);
        (readings, sights.join().unwrap())
    })
}

/// Until `is_over`; one list for each time in which the transport rolled and JACK lost no period, and
/// how long they are.
fn sights(
    real: &Real,
    witness: &mut Witness,
    is_over: &AtomicBool,
    steady_ns: &AtomicU64,
) -> Vec<Vec<Sight>> {
    let lost = || {
        let log = std::fs::read_to_string(real.path("jackd.log")).unwrap();
        // Of the driver, not of a client that was too slow for its period.
        log.matches("JackTimedDriver::Process XRun").count()
    };
    let (mut before, mut all, mut from) = (lost(), vec![Vec::new()], 0);
    while !is_over.load(Ordering::Relaxed) {
        let sight = witness.look();
        let now = lost();
        if let Some(last) = all.last_mut()
            && now > before
        {
            last.retain(|earlier: &Sight| earlier.at_ns + LOGGED_NS < sight.at_ns);
            all.push(Vec::new());
            (before, from) = (now, sight.at_ns + AGREED_NS);
        }
        if let Some(last) = all.last_mut()
            && sight.at_ns >= from
            && sight.rolling
        {
            last.push(sight);
            steady_ns.store(
                all.iter().map(|sights| long(sights)).sum(),
                Ordering::Relaxed,
            );
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    all
}

fn long(sights: &[Sight]) -> u64 {
    match sights[..] {
        [from, .., to] => to.at_ns - from.at_ns,
        _ => 0,
    }
}

/// The line of time by these readings.
fn line(readings: &[(Nanos, Position)]) -> Timeline {
    let mut line = Timeline::default();
    line.begin("noise".into(), readings[0].1);
    for (_, reading) in &readings[1..] {
        line.read(*reading);
    }
    line
}

/// What was played, without parts too short for a take.
fn steady(kind: Kind, lasts: Duration) -> (Vec<(Nanos, Position)>, Vec<Vec<Sight>>) {
    let (readings, mut all) = played(kind, lasts);
    let first = readings
        .first()
        .map_or(u64::MAX, |(_, reading)| reading.at.0);
    for sights in &mut all {
        sights.retain(|sight| sight.at_ns > first);
    }
    all.retain(|sights| long(sights) > 1_000_000_000);
    let seen = Duration::from_nanos(all.iter().map(|sights| long(sights)).sum());
    println!(
        "{kind:?}: {seen:.1?} in {} parts without a lost period",
        all.len()
    );
    assert!(seen > lasts / 2, "JACK loses periods all the time");
    (readings, all)
}

/// The bound of the best of these readings at `at`, in frames.
fn best(readings: &[(Nanos, Position)], at: Nanos) -> f64 {
    let bound = |(_, reading): &(Nanos, Position)| {
        let away = at.since(reading.at) + reading.at.since(at);
        let open = reading.uncertainty.unwrap_or(Duration::MAX);
        (open.as_secs_f64() + away.as_secs_f64() * DRIFT) * RATE + WHOLE
    };
    readings.iter().map(bound).fold(f64::INFINITY, f64::min)
}

/// The frame at the moment of `sights[which]`, by the foremost sight around it.
fn truth(sights: &[Sight], which: usize) -> f64 {
    let at = sights[which].at_ns;
    let from = sights.partition_point(|sight| sight.at_ns + NEAR_NS < at);
    let near = sights[from..]
        .iter()
        .take_while(|sight| sight.at_ns < at + NEAR_NS);
    let carried = |sight: &Sight| {
        let away_ns = at as f64 - sight.at_ns as f64 - sight.error_ns as f64;
        sight.frame + away_ns * 1e-9 * RATE
    };
    near.map(carried).fold(f64::NEG_INFINITY, f64::max)
}

/// How many frames JACK lost between the first sight and the last.
fn lost(parts: &[Vec<Sight>]) -> f64 {
    let all = parts.concat();
    match all[..] {
        [from, .., to] => {
            let lasted_ns = to.at_ns - from.at_ns + from.error_ns + to.error_ns;
            (lasted_ns as f64 * 1e-9 * RATE - (to.frame - from.frame)).max(0.0)
        }
        _ => 0.0,
    }
}

fn p95(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[(all.len() - 1) * 95 / 100]
}

/// The bounds of the places of all takes in frames, each beside that of its best reading; and how many
/// frames JACK lost.
fn takes(kind: Kind) -> (Vec<(f64, f64)>, f64) {
    let (lasts, count) = length();
    let (readings, parts) = steady(kind, lasts);
    let mut random = Random::new();
    let (mut held, mut bounds, mut errors, mut unknown) = (0, Vec::new(), Vec::new(), 0);
    for _ in 0..count {
        // As many takes of each part as it is long.
        let mut from = random.below(parts.iter().map(Vec::len).sum::<usize>() as u64) as usize;
        let mut parts = parts.iter();
        let sights = loop {
            let part = parts.next().unwrap();
            if from < part.len() {
                break part;
            }
            from -= part.len();
        };
        let ends_ns = sights[from].at_ns + 300_000_000 + random.below(3_000_000_000);
        let to = sights
            .partition_point(|sight| sight.at_ns < ends_ns)
            .min(sights.len() - 1);
        let (begin, end) = (Nanos(sights[from].at_ns), Nanos(sights[to].at_ns));
        let known = readings.partition_point(|(had, _)| *had <= end);
        let line = line(&readings[..known]);
        let mut is_true = true;
        for (at, which) in [(begin, from), (end, to)] {
            // Readings that JACK dated badly, one after the other, may leave a gap in the line.
            let Some(place) = line.at(at) else {
                unknown += 1;
                continue;
            };
            let error = (place.frame as f64 - truth(sights, which)).abs();
            let bound = place.uncertainty_frames as f64;
            if error > bound {
                is_true = false;
                println!("{error:.0} frames off, {place:?}");
            }
            errors.push(error / RATE * 1e3);
            bounds.push((bound, best(&readings[..known], at)));
        }
        held += usize::from(is_true);
    }
    let uncertainty: Vec<f64> = bounds.iter().map(|(bound, _)| bound / RATE * 1e3).collect();
    let most = uncertainty.iter().fold(0.0_f64, |most, it| most.max(*it));
    println!(
        "{kind:?}: both places of {held} of {count} takes within their bound; p95 of the bound {:.2} ms, \
         at most {most:.2}, p95 of the error {:.2} ms; {} readings, {unknown} places unknown",
        p95(uncertainty),
        p95(errors),
        readings.len(),
    );
    assert_eq!(held, count);
    assert!(unknown < count / 10, "most is known");
    (bounds, lost(&parts))
}

#[test]
fn each_take_has_its_place_with_the_helper_to_5_ms() {
    let (bounds, _) = takes(Kind::Helper);
    let near = bounds
        .iter()
        .filter(|(bound, _)| *bound <= 0.005 * RATE)
        .count();
    assert!(
        near * 100 >= bounds.len() * 95,
        "{near} of {}",
        bounds.len()
    );
}

#[test]
fn each_take_has_its_place_without_it_to_its_best_reading_and_what_was_lost() {
    let (bounds, lost) = takes(Kind::Plain);
    println!("{lost:.0} frames lost");
    for (bound, best) in bounds {
        let most = best + AGED + GRANTED + lost;
        assert!(bound <= most, "{bound} frames, {best} by the best reading");
    }
}
