//! The timeline against a transport that drifts, jumps and stops.

use proptest::prelude::*;

use super::*;

const RATE: u32 = 48_000;
const SECOND: u64 = 1_000_000_000;

/// A transport that rolls from `frame` at 1 s, `ppm` too fast.
#[derive(Clone, Copy)]
struct Truth {
    frame: f64,
    ppm: f64,
}

impl Truth {
    fn at(self, at: Nanos) -> f64 {
        let rate = f64::from(RATE) * (1.0 + self.ppm * 1e-6);
        self.frame + seconds(Nanos(SECOND), at) * rate
    }

    /// The answer to a question that took `trip`, of which the part `way` was the way there.
    fn ask(self, asked: Nanos, trip: Duration, way: f64) -> Position {
        self.ask_late(asked, trip, way, Duration::ZERO)
    }

    /// The same; JACK woke up late by the same part of `late`, which is in the bound.
    fn ask_late(self, asked: Nanos, trip: Duration, way: f64, late: Duration) -> Position {
        let behind = late.as_secs_f64() * way * f64::from(RATE);
        Position {
            rolling: true,
            frame: (self.at(asked + trip.mul_f64(way)) - behind).max(0.0) as u64,
            rate: RATE,
            at: asked + trip / 2,
            uncertainty: Some(trip / 2 + late),
        }
    }
}

fn without_bound(reading: Position) -> Position {
    Position {
        uncertainty: None,
        ..reading
    }
}

fn started(truth: Truth) -> Timeline {
    let mut line = Timeline::default();
    let reading = truth.ask(Nanos(SECOND), Duration::from_millis(1), 0.5);
    line.begin("noise".into(), reading);
    line
}

proptest! {
    #[test]
    fn the_bound_holds_for_any_drift_and_any_round_trips(
        ppm in -50.0..50.0f64,
        frame in 0.0..1e9f64,
        questions in prop::collection::vec((1..20_000u64, 0..90_000u64, 0.0..1.0f64, 0..9000u64), 1..80),
        moments in prop::collection::vec(0.0..1.0f64, 20),
    ) {
        let truth = Truth { frame, ppm };
        let mut line = started(truth);
        let mut now = Nanos(2 * SECOND);
        for (wait_ms, trip_us, way, late_us) in questions {
            let (trip, late) = (Duration::from_micros(trip_us), Duration::from_micros(late_us));
            prop_assert_eq!(line.read(truth.ask_late(now, trip, way, late)), Fit::On);
            now = now + trip + Duration::from_millis(wait_ms);
        }
        for part in moments {
            let at = Nanos(2 * SECOND) + now.since(Nanos(2 * SECOND)).mul_f64(part);
            let mapped = line.at(at).expect("it rolls");
            let off = (mapped.frame as f64 - truth.at(at)).abs();
            prop_assert!(
                off <= mapped.uncertainty_frames as f64,
                "{off} off, {} stated", mapped.uncertainty_frames
            );
        }
    }

    #[test]
    fn a_good_reading_in_ten_seconds_keeps_a_long_step_as_good(
        ppm in -50.0..50.0f64,
        bad_ms in 2..60u64,
        way in 0.0..1.0f64,
    ) {
        let truth = Truth { frame: 0.0, ppm };
        let mut line = started(truth);
        for second in 2..900u64 {
            let trip_ms = if second % 9 == 0 { 1 } else { bad_ms };
            line.read(truth.ask(Nanos(second * SECOND), Duration::from_millis(trip_ms), way));
        }
        for second in 20..890u64 {
            let mapped = line.at(Nanos(second * SECOND)).expect("it rolls");
            prop_assert!(mapped.uncertainty_frames <= 150, "{mapped:?} at {second} s");
        }
    }
}

/// A transport whose JACK loses periods: from each of these moments on it is so many frames behind.
struct Losing(Truth, Vec<(Nanos, f64)>);

impl Losing {
    fn at(&self, at: Nanos) -> f64 {
        let lost = self.1.iter().filter(|(since, _)| *since <= at);
        self.0.at(at) - lost.map(|(_, frames)| frames).sum::<f64>()
    }

    /// The truth at `at`, after this much more was lost.
    fn lose(&mut self, at: Nanos, frames: f64) -> Truth {
        self.1.push((at, frames));
        let lost: f64 = self.1.iter().map(|(_, frames)| frames).sum();
        Truth {
            frame: self.0.frame - lost,
            ..self.0
        }
    }
}

proptest! {
    #[test]
    fn the_bound_of_coarse_readings_holds_however_many_periods_are_lost_between_them(
        ppm in -50.0..50.0f64,
        questions in prop::collection::vec(
            (1..3000u64, 25_000..200_000u64, 0.0..1.0f64, 0.0..1.0f64, 0.0..2400.0f64), 1..60,
        ),
        moments in prop::collection::vec(0.0..1.0f64, 20),
    ) {
        let truth = Truth { frame: 1e6, ppm };
        let mut lost = Losing(truth, Vec::new());
        let mut line = Timeline::default();
        line.begin("noise".into(), truth.ask(Nanos(SECOND), Duration::from_millis(90), 0.4));
        let mut now = Nanos(2 * SECOND);
        for (wait_ms, trip_us, way, when, frames) in questions {
            let (trip, wait) = (Duration::from_micros(trip_us), Duration::from_millis(wait_ms));
            // Some of the losses are too small to be seen, and some questions come without one.
            let truth = lost.lose(now + wait.mul_f64(when), if when < 0.7 { frames } else { 0.0 });
            now = now + wait;
            let fit = line.read(truth.ask(now, trip, way));
            prop_assert!(matches!(fit, Fit::On | Fit::Slipped), "{fit:?}");
            now = now + trip;
        }
        lost.lose(now, 2400.0);
        for part in moments {
            // Up to a second after the last reading.
            let lasted = (now + Duration::from_secs(1)).since(Nanos(2 * SECOND));
            let at = Nanos(2 * SECOND) + lasted.mul_f64(part);
            let mapped = line.at(at).expect("it rolls");
            let off = (mapped.frame as f64 - lost.at(at)).abs();
            prop_assert!(
                off <= mapped.uncertainty_frames as f64,
                "{off} off, {} stated", mapped.uncertainty_frames
            );
        }
        prop_assert!(line.is_one(Nanos(2 * SECOND), now));
    }
}

#[test]
fn a_coarse_reading_neither_narrows_nor_ends_the_line_of_better_ones() {
    let truth = Truth {
        frame: 0.0,
        ppm: 0.0,
    };
    let slipped = Truth {
        frame: -1024.0,
        ..truth
    };
    let (trip, long) = (Duration::from_millis(1), Duration::from_millis(90));
    let mut line = started(truth);
    assert_eq!(
        line.read(slipped.ask(Nanos(3 * SECOND), long, 0.5)),
        Fit::On
    );
    for (second, fit) in [(4, Fit::On), (5, Fit::Slipped)] {
        assert_eq!(
            line.read(slipped.ask(Nanos(second * SECOND), trip, 0.5)),
            fit
        );
    }
    // When it lost the period, the coarse reading does not tell.
    let amid = line.at(Nanos(5 * SECOND / 2)).expect("on one of both");
    for possible in [truth, slipped] {
        let off = (amid.frame as f64 - possible.at(Nanos(5 * SECOND / 2))).abs();
        assert!(off <= amid.uncertainty_frames as f64, "{amid:?}, {off} off");
    }
    let mut line = Timeline::default();
    line.begin("noise".into(), truth.ask(Nanos(SECOND), long, 0.5));
    assert_eq!(line.read(truth.ask(Nanos(2 * SECOND), trip, 0.5)), Fit::On);
    let before = line.at(Nanos(3 * SECOND / 2)).expect("it rolled");
    assert!(before.uncertainty_frames > 1000, "{before:?}");
    let after = line.at(Nanos(3 * SECOND)).expect("it rolls");
    assert!(after.uncertainty_frames < 40, "{after:?}");
}

#[test]
fn a_jump_is_reported_and_begins_a_new_line_on_which_the_old_one_is_still_known() {
    let truth = Truth {
        frame: 0.0,
        ppm: 0.0,
    };
    let mut line = started(truth);
    line.read(truth.ask(Nanos(5 * SECOND), Duration::from_millis(1), 0.5));
    let jumped = Truth {
        frame: 1e6,
        ..truth
    };
    let trip = Duration::from_millis(1);
    let Fit::Moved(by) = line.read(jumped.ask(Nanos(6 * SECOND), trip, 0.5)) else {
        panic!("taken for the same line")
    };
    assert!((999_000..=1_000_000).contains(&by), "{by}");
    let before = line.at(Nanos(4 * SECOND)).expect("known").frame;
    let after = line.at(Nanos(7 * SECOND)).expect("known").frame;
    assert!(before.abs_diff(144_000) < 60, "{before}");
    assert!(after.abs_diff(1_288_000) < 60, "{after}");
    assert_eq!(
        line.at(Nanos(11 * SECOND / 2)),
        None,
        "when it jumped is not known"
    );
    assert!(!line.is_one(Nanos(4 * SECOND), Nanos(7 * SECOND)));
    assert!(line.is_one(Nanos(2 * SECOND), Nanos(4 * SECOND)));
}

#[test]
fn a_reading_dated_badly_is_passed_over_and_a_lost_period_begins_a_new_line() {
    let truth = Truth {
        frame: 0.0,
        ppm: 0.0,
    };
    let late = Truth {
        frame: -300.0,
        ..truth
    };
    let trip = Duration::from_millis(1);
    let mut line = started(truth);
    let mut read =
        |truth: Truth, second: u64| line.read(truth.ask(Nanos(second * SECOND), trip, 0.5));
    assert_eq!(read(late, 2), Fit::On);
    assert_eq!(read(truth, 3), Fit::On);
    assert_eq!(read(late, 4), Fit::On);
    assert_eq!(read(late, 5), Fit::Slipped);
    assert_eq!(read(late, 6), Fit::On);
    assert!(line.is_one(Nanos(2 * SECOND), Nanos(3 * SECOND)));
    assert!(!line.is_one(Nanos(2 * SECOND), Nanos(5 * SECOND)));
    let frame = line.at(Nanos(9 * SECOND / 2)).expect("known").frame;
    assert!(
        frame.abs_diff(168_000 - 300) < 60,
        "from the first reading after it: {frame}"
    );
}

#[test]
fn without_a_known_bound_there_is_no_frame_and_no_line_is_made_longer() {
    let truth = Truth {
        frame: 0.0,
        ppm: 0.0,
    };
    let ask = |truth: Truth, second: u64| {
        truth.ask(Nanos(second * SECOND), Duration::from_millis(1), 0.5)
    };
    let mut line = Timeline::default();
    line.begin("noise".into(), without_bound(ask(truth, 1)));
    assert_eq!(line.read(without_bound(ask(truth, 2))), Fit::On);
    assert_eq!(line.at(Nanos(3 * SECOND)), None);
    let about = line.extrapolate(Nanos(3 * SECOND)).expect("about there");
    assert!(about.abs_diff(96_000) < 60, "{about}");
    assert_eq!(line.read(ask(truth, 4)), Fit::On);
    assert_eq!(line.at(Nanos(3 * SECOND)), None, "before the first bound");
    assert!(line.at(Nanos(5 * SECOND)).is_some());
    // It lost a period, which a reading without a bound does not tell.
    let late = Truth {
        frame: -900.0,
        ..truth
    };
    assert_eq!(line.read(without_bound(ask(late, 6))), Fit::On);
    assert_eq!(line.read(ask(late, 7)), Fit::On);
    assert_eq!(line.read(ask(late, 8)), Fit::Slipped);
    let amid = line.at(Nanos(11 * SECOND / 2)).expect("on one of both");
    assert!(amid.uncertainty_frames > 900, "{amid:?}");
    let stopped = Position {
        rolling: false,
        ..without_bound(ask(late, 9))
    };
    assert_eq!(line.read(stopped), Fit::Stopped);
}

#[test]
fn two_readings_dated_badly_that_contradict_each_other_begin_no_new_line() {
    let truth = Truth {
        frame: 0.0,
        ppm: 0.0,
    };
    let late = |frames: f64| Truth {
        frame: -frames,
        ..truth
    };
    let mut line = started(truth);
    let trip = Duration::from_millis(1);
    for (truth, second) in [(late(300.0), 2), (late(900.0), 3), (truth, 4)] {
        let reading = truth.ask(Nanos(second * SECOND), trip, 0.5);
        assert_eq!(line.read(reading), Fit::On);
    }
    assert!(line.is_one(Nanos(2 * SECOND), Nanos(4 * SECOND)));
}

#[test]
fn what_stopped_is_known_up_to_the_last_reading_that_saw_it_roll() {
    let truth = Truth {
        frame: 0.0,
        ppm: 0.0,
    };
    let mut line = started(truth);
    let trip = Duration::from_millis(1);
    line.read(truth.ask(Nanos(5 * SECOND), trip, 0.5));
    let stopped = Position {
        rolling: false,
        ..truth.ask(Nanos(6 * SECOND), trip, 0.5)
    };
    assert_eq!(line.read(stopped), Fit::Stopped);
    assert!(line.at(Nanos(4 * SECOND)).is_some());
    assert_eq!(line.at(Nanos(6 * SECOND)), None);
    // From where it should go on if it had not been stopped.
    let should = line.extrapolate(Nanos(6 * SECOND)).expect("known");
    assert!(should.abs_diff(240_000) < 60, "{should}");
}

#[test]
fn amid_a_slip_both_lines_are_within_the_bound() {
    let truth = Truth {
        frame: 0.0,
        ppm: 0.0,
    };
    let slipped = Truth {
        frame: -1500.0,
        ..truth
    };
    let trip = Duration::from_millis(1);
    let mut line = started(truth);
    for second in [3, 4] {
        line.read(slipped.ask(Nanos(second * SECOND), trip, 0.5));
    }
    for tenth in 11..30 {
        let at = Nanos(tenth * SECOND / 10);
        let mapped = line.at(at).expect("it rolled all the time");
        for possible in [truth, slipped] {
            let off = (mapped.frame as f64 - possible.at(at)).abs();
            assert!(
                off <= mapped.uncertainty_frames as f64,
                "{mapped:?}, {off} off"
            );
        }
        assert!(mapped.uncertainty_frames < 1700, "{mapped:?}");
    }
    assert!(!line.is_one(Nanos(2 * SECOND), Nanos(4 * SECOND)));
}

#[test]
fn months_of_playing_take_no_more_memory() {
    let truth = Truth {
        frame: 0.0,
        ppm: 0.0,
    };
    let mut line = started(truth);
    for second in 2..20_000 {
        line.read(truth.ask(Nanos(second * SECOND), Duration::from_millis(1), 0.5));
    }
    assert!(line.segments[0].readings.len() <= READINGS);
    for start in 20_000..20_100 {
        let reading = truth.ask(Nanos(start * SECOND), Duration::from_millis(1), 0.5);
        line.begin("noise".into(), reading);
    }
    assert_eq!(line.segments.len(), SEGMENTS);
}
