//! A power cut at any moment of a whole visit, and between any two steps of a take, on a file system of its
//! own: no block of the card holds a piece of the voice, each take opens as far as the disk had it, and the
//! next start says so in its row.

use std::fs;
use std::ops::Range;
use std::time::Duration;

use booth::rt::Nanos;

use super::counted::{CHUNK_FRAMES, Counted, SPEC, counted};
use super::medium::{PLANTED_BYTES, Secrets};
use crate::common::lab::Lab;
use crate::common::lateness::Lateness;
use crate::common::random::Random;
use crate::common::run::{self, Run};
use crate::common::shim::Shim;
use crate::common::wait::wait_for;
use crate::common::{counter, tree};

/// What may be missing beside a chunk, beside the longest call of the disk and how late the machine was.
const MOST_MISSING: Duration = Duration::from_secs(1);
/// Shorter than the visit.
const VISIT: Duration = Duration::from_secs(24);
/// Between two pieces of the voice that are looked for, frames.
const PLANTED_EACH: u64 = 9_600;
/// Visits side by side.
const BATCH: u32 = 4;

/// The moment at which a card lost its power.
struct Moment {
    run: Run,
    /// The frames that the device had captured.
    captured: u64,
    at: Nanos,
    /// Every block of the card.
    blocks: Vec<u8>,
}

impl Counted<'_> {
    /// Takes the power away from a box that stands still since `at`.
    fn cut(&self, running: run::Running, at: Nanos) -> Moment {
        let blocks = self.card.after_power_cut();
        running.signal("KILL");
        let run = running.wait();
        self.card.replace(&blocks);
        Moment {
            run,
            captured: self.env.frame_at(at, SPEC.rate),
            at,
            blocks,
        }
    }

    /// Checks what is left and what the next start makes of it; the frames of its takes.
    fn check(&self, moment: &Moment) -> Vec<Range<u64>> {
        let mut secrets = Secrets::new();
        for frame in (0..moment.captured).step_by(PLANTED_EACH as usize) {
            let samples = (frame..).flat_map(|frame| (counter(frame, 1, 0) << 8).to_le_bytes());
            // The lowest byte is always 0.
            let piece: Vec<u8> = samples.skip(1).take(PLANTED_BYTES).collect();
            secrets.plant_as_it_is("the voice", &piece);
        }
        for (path, bytes) in tree(&self.lab.data()) {
            assert!(secrets.found_in(&bytes).is_empty(), "{}", path.display());
        }
        assert_eq!(secrets.found_in(&moment.blocks), Vec::<&str>::new());
        let takes = self.made_whole().into_iter();
        takes.filter_map(|take| counted(&take.samples)).collect()
    }

    /// Checks all that is left; the frames that are missing of the take that was open.
    fn missing(&self, moment: &Moment, late: Duration) -> Option<u64> {
        let takes = self.check(moment);
        let may_miss = MOST_MISSING + self.shim.longest(moment.at) + late;
        let since = open_since(&moment.run)?;
        if moment.at.since(since) <= may_miss {
            return None;
        }
        let last = takes.last().expect("a take that was open");
        let missing = moment.captured.saturating_sub(last.end);
        let most = (may_miss.as_secs_f64() * f64::from(SPEC.rate)) as u64 + CHUNK_FRAMES;
        assert!(
            missing <= most,
            "{missing} frames missing, of {most}: {takes:?}"
        );
        Some(missing)
    }
}

/// Since when a take was open at the end of what a box showed, if one was.
fn open_since(run: &Run) -> Option<Nanos> {
    let records = |line: &&run::Line| {
        ["reading", "quiet"]
            .iter()
            .any(|name| line.text.contains(&format!(" %  {name} ")))
    };
    let shown = run.stdout.iter().filter(|line| line.text.contains(" %  "));
    let open: Vec<&run::Line> = shown.rev().take_while(records).collect();
    open.last().map(|line| line.at)
}

/// Cuts a visit after `after`; the frames that are missing of the take that was open.
fn cut_after(after: Duration) -> Option<u64> {
    let lab = Lab::new();
    let it = Counted::new(&lab);
    let late = Lateness::watch();
    let running = it.start(super::cut::VISITOR);
    std::thread::sleep(after);
    let at = Nanos::now();
    running.signal("STOP");
    let moment = it.cut(running, at);
    it.missing(&moment, late.worst())
}

fn any_moment(cuts: u32) {
    let mut random = Random::new();
    let (mut open, mut worst) = (0, 0);
    for batch in (0..cuts).step_by(BATCH as usize) {
        let moments: Vec<Duration> = (batch..cuts.min(batch + BATCH))
            .map(|_| Duration::from_micros(random.below(VISIT.as_micros() as u64)))
            .collect();
        std::thread::scope(|scope| {
            let cuts: Vec<_> = moments
                .iter()
                .map(|after| scope.spawn(move || cut_after(*after)))
                .collect();
            for missing in cuts.into_iter().filter_map(|cut| cut.join().unwrap()) {
                open += 1;
                worst = worst.max(missing);
            }
        });
    }
    println!(
        "{cuts} power cuts of a visit, {open} in a take: at most {:.2} s missing, no piece of the voice \
         on a card",
        worst as f64 / f64::from(SPEC.rate)
    );
}

#[test]
fn a_power_cut_at_any_moment_of_a_visit_leaves_no_voice_on_the_card_and_takes_that_open() {
    any_moment(BATCH);
}

#[test]
#[ignore = "takes minutes; run by tests/faults/run"]
fn two_hundred_power_cuts_of_a_visit_leave_no_voice_on_the_card_and_takes_that_open() {
    any_moment(200);
}

/// A take of a second, and one that begins with its end.
const TWO_TAKES: &str = "until attract\n300 go\nuntil consent\n1500 go hold 1200\nuntil code\n300 go\n\
    until intro\n800 go\nuntil reading\n1000 go\n1000 stop\nuntil thanks\n300 go\n";

/// Cuts it before the `step`-th call of the thread that writes takes; false once it has fewer.
fn cut_before(step: u32) -> bool {
    let lab = Lab::new();
    let mut it = Counted::new(&lab);
    it.shim = Shim::over(&lab.data()).with_hold("writer", step);
    let late = Lateness::watch();
    let mut running = it.start(TWO_TAKES);
    let state = format!("/proc/{}/stat", running.child.id());
    let mut is_over = false;
    wait_for("a step", || {
        is_over = running.child.try_wait().unwrap().is_some();
        is_over || fs::read_to_string(&state).is_ok_and(|stat| stat.contains(") T "))
    });
    if is_over {
        return false;
    }
    let moment = it.cut(running, Nanos::now());
    it.missing(&moment, late.worst());
    true
}

#[test]
fn a_power_cut_between_any_two_steps_of_a_take_leaves_what_was_synced_and_a_row_of_it() {
    let mut first = 1;
    let cut = loop {
        let steps = first..first + BATCH;
        let cut = std::thread::scope(|scope| {
            let cuts: Vec<_> = steps
                .map(|step| scope.spawn(move || cut_before(step)))
                .collect();
            let cut = cuts.into_iter().map(|cut| cut.join().unwrap());
            cut.filter(|was_cut| *was_cut).count() as u32
        });
        if cut < BATCH {
            break first - 1 + cut;
        }
        first += BATCH;
    };
    println!("a power cut before each of {cut} steps of two takes");
    assert!(cut > 20, "{cut}");
}
