//! Sessions from the card of the tests: each take is what the card delivered, to the sample.

use std::fs;
use std::process::Command;

use booth::rt::Nanos;
use booth::words::{Kind, Verdict};

use super::{Done, RATE, ROLL, SHORT_VIBRAVOX, VISITOR, Visit};
use crate::common::lateness::Lateness;
use crate::common::run::{self, Run};
use crate::common::{AlsaEnv, assert_counts, counter, decode, mask, plugin};

/// A period, frames: what a mark may be off on a machine that wakes its threads in time.
const PERIOD: u64 = 480;

/// The device's counter as a clock: which device frame was captured when.
struct Device {
    epoch_ms: u64,
    ppm: u64,
    /// What a mark may be off, frames.
    off: u64,
}

impl Device {
    fn frame_at(&self, nanos: u64) -> u64 {
        let since = u128::from(nanos - self.epoch_ms * 1_000_000);
        let frames = since * u128::from(RATE) * u128::from(1_000_000 + self.ppm);
        (frames / 1_000_000 / 1_000_000_000) as u64
    }
}

/// Checks every sample of every take against the counter, and every mark against the presses.
fn check_takes(done: &Done, device: &Device) {
    let Done { run, session, rows } = done;
    let presses: Vec<u64> = run
        .presses()
        .iter()
        .map(|ns| device.frame_at(*ns))
        .collect();
    let pressed = |frame: u64| {
        presses
            .iter()
            .any(|press| press.abs_diff(frame) <= device.off)
    };
    let mut frame0 = None;
    for row in rows {
        let (spec, bytes) = run::samples(&session.join(&row.file));
        assert_eq!(bytes.len() as u64, row.frames * spec.frame_bytes() as u64);
        let frame0 = *frame0.get_or_insert_with(|| {
            // The first take begins a pre-roll before a press, to the period: the counter says
            // where exactly.
            let first = decode(&bytes[..spec.format.sample_bytes()], spec.format)[0];
            let near = presses.iter().flat_map(|press| {
                let start = press - row.lead_frames;
                start - device.off..=start + device.off
            });
            let is = |frame: &u64| counter(*frame, spec.channels, 0) & mask(spec.format) == first;
            let found = near.into_iter().find(is);
            found.expect("take 1 starts a pre-roll before a press") - row.start_frame
        });
        let start = frame0 + row.start_frame;
        assert_counts(&bytes, spec, start);
        assert!(row.gaps.is_empty(), "{:?}", row.gaps);
        assert_eq!(row.tail_frames, ROLL, "take {}", row.take);
        let from_press = row
            .press_frames
            .first()
            .is_some_and(|press| press.abs_diff(row.start_frame + row.lead_frames) <= device.off);
        if from_press {
            let mark = start + row.lead_frames;
            assert!(
                pressed(mark),
                "take {} starts at {mark}: {presses:?}",
                row.take
            );
        }
    }
    assert!(frame0.is_some(), "takes");
}

/// Runs `command` on the card of the tests, which is `ppm` fast, and checks what it recorded.
fn recorded(visit: &Visit, command: &mut Command, ppm: u64) -> Done {
    let env: AlsaEnv = plugin();
    env.apply(command);
    let late = Lateness::watch();
    let done = visit.complete(command);
    let device = Device {
        epoch_ms: env.epoch_ms,
        ppm,
        off: PERIOD + late.frames(RATE as u32),
    };
    check_takes(&done, &device);
    done
}

/// How long each press that ends a take leaves the visitor without the next line, milliseconds.
fn next_line_ms(run: &Run) -> Vec<f64> {
    let lines: Vec<_> = run
        .stdout
        .iter()
        .filter(|l| l.text.contains(" %  reading "))
        .collect();
    let shown = |press: u64| lines.iter().find(|line| line.at.0 > press);
    let since = |press: u64| Some((shown(press)?.at.since(Nanos(press))).as_secs_f64() * 1e3);
    let mut ms: Vec<f64> = run.presses().into_iter().filter_map(since).collect();
    // What follows after a second is another press's line.
    ms.retain(|ms| *ms < 1000.0);
    ms.sort_by(f64::total_cmp);
    ms
}

#[test]
fn an_exhibition_session_is_every_sample_the_card_delivered() {
    let script = "until attract\n800 go\nuntil consent\nrepeat 4\n  700 go\nend\n500 go hold 1200\n\
        until code\n900 go\nuntil intro\n1500 go\nrepeat 100\n  until reading\n  \
        2300 go\n  3100 go\n  until reading\n  1700 redo\n  2900 go\n  900 go\n  400 redo hold 1200\n  \
        4000 go\nend\n";
    let visit = Visit::new(script, "");
    let mut command = visit.run("exhibition", &["audio.device=bpaced"]);
    command.arg("--screens").arg(visit.file("screens"));
    let late = Lateness::watch();
    let Done { run, rows, .. } = recorded(&visit, &mut command, 0);
    let late_ms = late.worst().as_secs_f64() * 1e3;
    assert!(rows.len() > 50, "{} takes", rows.len());
    assert!(
        rows.iter()
            .all(|row| row.kind == Kind::Read && row.text.is_some())
    );
    let opened = run
        .stderr
        .iter()
        .filter(|l| l.text.contains("audio device opened"))
        .count();
    assert_eq!(opened, 1, "the device stays open across takes");

    // The step lasts three minutes to the frame, from its start mark to its last take's end mark.
    let (first, last) = (&rows[0], rows.last().unwrap());
    let end_mark = last.start_frame + last.frames - last.tail_frames;
    assert_eq!(end_mark - first.start_frame - first.lead_frames, 180 * RATE);
    // Consecutive takes share frames: no syllable between two takes is lost.
    for pair in rows.windows(2) {
        let end = pair[0].start_frame + pair[0].frames;
        assert!(pair[1].start_frame < end || pair[0].verdict == Verdict::Skipped);
    }
    let verdicts = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    assert!(verdicts(Verdict::Redone) > 5 && verdicts(Verdict::Skipped) > 5);
    for pair in rows.windows(2).filter(|p| p[0].verdict == Verdict::Redone) {
        assert_eq!(
            (pair[0].line, pair[0].version + 1),
            (pair[1].line, pair[1].version)
        );
    }

    let ms = next_line_ms(&run);
    let (median, worst) = (ms[ms.len() / 2], ms[ms.len() - 1]);
    println!(
        "{} takes; next line after {median:.1} ms, worst {worst:.1} ms; the machine {late_ms:.1} ms late",
        rows.len()
    );
    assert!(
        ms.len() > 30 && median < 100.0 + late_ms,
        "median {median} ms, worst {worst} ms, the machine {late_ms} ms late"
    );
    assert!(fs::read_dir(visit.file("screens")).unwrap().count() > 50);
}

#[test]
fn a_vibravox_session_is_four_steps_of_every_sample() {
    let visit = Visit::new(VISITOR, SHORT_VIBRAVOX);
    let sets = [
        "audio.device=bdrift",
        "audio.format=S24_LE",
        "sphere.host=sim",
    ];
    let Done { session, rows, .. } = recorded(&visit, &mut visit.run_own(&sets), 200);
    let of = |step: &str| {
        rows.iter()
            .filter(|row| row.step == step)
            .collect::<Vec<_>>()
    };
    let verdicts: Vec<Verdict> = of("speak-in-silence")
        .iter()
        .map(|row| row.verdict)
        .collect();
    use Verdict::{Aborted, Kept, Paused, Redone};
    // The end of the step's time cuts the last.
    assert_eq!(verdicts, [Kept, Paused, Kept, Redone, Kept, Aborted]);
    for (step, seconds) in [("quiet-in-noise", 4), ("quiet-in-silence", 2)] {
        let [take] = of(step)[..] else {
            panic!("one take of {step}")
        };
        assert_eq!(take.kind, Kind::Quiet);
        assert_eq!(
            take.frames - take.lead_frames - take.tail_frames,
            seconds * RATE
        );
    }
    for row in &rows {
        let noise = row.step.ends_with("in-noise");
        assert_eq!(row.sphere.is_some(), noise, "{} of {}", row.take, row.step);
    }
    assert_eq!(of("speak-in-noise").len(), 3);
    let events = run::events(&session);
    let states = |name: &str| {
        let of_step =
            |event: &&serde_json::Value| event["event"] == "step" && event["name"] == name;
        let state = |event: &serde_json::Value| event["state"].as_str().unwrap().to_owned();
        events.iter().filter(of_step).map(state).collect::<Vec<_>>()
    };
    assert_eq!(
        states("speak-in-silence"),
        ["intro", "run", "pause", "resume", "over"]
    );
    let record = fs::read_to_string(session.join("session.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["ended"], "completed");
    assert!(record["corpus"]["sha256"].is_string());
}
