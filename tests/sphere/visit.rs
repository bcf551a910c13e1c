//! A session that records while the sphere plays, through one fault or several, and what it has to
//! show for it at its end.

use std::fs;
use std::time::Duration;

use booth::rt::Nanos;
use booth::store::row::Row;

use super::turns::Turns;
use crate::common::lateness::Lateness;
use crate::common::run::{self, Run};
use crate::common::sphere::ear::Ear;
use crate::common::sphere::witness::Sight;
use crate::common::sphere::{Kind, Sphere};
use crate::common::wait::wait_for;
use crate::common::{AlsaEnv, assert_counts, counter, decode, plugin};

const RATE: u32 = 48_000;
/// The step, seconds, where nothing else is said.
pub const STEP_S: u64 = 9;
/// Where the track begins, seconds.
const START_S: f64 = 5.0;
/// Frames of the card whose counters all differ, with six channels: 174 s.
const DISTINCT: u64 = 1 << 23;
/// What the capture clock's own stamps may be off, frames: 2 ms.
const CAPTURE: f64 = 96.0;

/// From the end of the sound to the end of the step in the events, at most.
const STOP_TO_ROW: Duration = Duration::from_secs(1);

const SCRIPT: &str = "until attract\n300 go\nuntil intro\n300 go\n";

/// A session that records while the sphere plays.
pub struct Visit {
    env: AlsaEnv,
    pub dir: tempfile::TempDir,
    pub running: run::Running,
    step_s: u64,
    /// What the independent client saw while it played.
    sights: Vec<Sight>,
    /// What another one hears all the time.
    ear: Ear,
    /// How late the machine was, all the time.
    late: Lateness,
    /// Memory of the program, kB, before the first fault.
    memory: u64,
    met: Vec<Met>,
}

/// A fault that was met and cured.
pub struct Met {
    name: &'static str,
    expect: Expect,
    pub since: Nanos,
    cured: Nanos,
    pub gone: Nanos,
}

/// What is expected of a fault.
#[derive(Clone, Copy, PartialEq)]
pub enum Expect {
    /// A screen, until it is cured.
    Fault,
    /// That it may pass without one.
    Little,
}

impl Visit {
    /// Up to two seconds of rolling.
    pub fn begin(sphere: &Sphere) -> Visit {
        Visit::begin_at(sphere, sphere.config().port, STEP_S)
    }

    /// The same, with the sphere at another port and a step of so many seconds.
    pub fn begin_at(sphere: &Sphere, port: u16, step_s: u64) -> Visit {
        let (env, dir) = (plugin(), crate::common::folder());
        fs::write(dir.path().join("script"), SCRIPT).unwrap();
        let protocol = format!(
            "name = \"lost\"\n[[step]]\nname = \"noise\"\nkind = \"quiet\"\nseconds = {step_s}\n\
             sphere = {{ track = \"noise\", locate_s = {START_S} }}\n"
        );
        fs::write(dir.path().join("protocol.toml"), protocol).unwrap();
        let mut command = run::booth();
        env.apply(&mut command);
        command.args(["run", "--board", "sim", "--set", "audio.device=bpaced"]);
        command.arg("--data").arg(dir.path());
        command
            .arg("--protocol")
            .arg(dir.path().join("protocol.toml"));
        command.arg("--script").arg(dir.path().join("script"));
        let running = run::start(
            command
                .args(sphere.options())
                .args(["--set", &format!("sphere.port={port}")])
                .env("RUST_LOG", "booth=debug"),
        );
        let mut visit = Visit {
            env,
            dir,
            running,
            step_s,
            sights: Vec::new(),
            ear: sphere.ear(),
            late: Lateness::watch(),
            memory: 0,
            met: Vec::new(),
        };
        wait_for("a take in the noise", || visit.has_event("take", "begin"));
        visit.look(sphere);
        std::thread::sleep(Duration::from_secs(2));
        visit.memory = visit.memory_kb();
        visit
    }

    /// Lets `fault` happen and cures it; after it the sphere plays again.
    pub fn meets(
        &mut self,
        sphere: &mut Sphere,
        name: &'static str,
        expect: Expect,
        fault: impl FnOnce(&mut Sphere),
        cure: impl FnOnce(&mut Sphere),
    ) {
        let (on, off) = (self.count("fault", "on"), self.count("fault", "off"));
        let since = Nanos::now();
        fault(sphere);
        if expect == Expect::Fault {
            wait_for(name, || self.count("fault", "on") > on);
            std::thread::sleep(Duration::from_millis(1500));
            assert_eq!(
                self.count("fault", "off"),
                off,
                "{name}: gone before its cure"
            );
        }
        let cured = Nanos::now();
        cure(sphere);
        let all_off = || self.count("fault", "on") == self.count("fault", "off");
        wait_for("the fault's end", all_off);
        let gone = Nanos::now();
        wait_for("a take", || {
            self.count("take", "begin") > self.count("take", "end") || self.is_over()
        });
        if !self.is_over() {
            self.look(sphere);
            // A take that ends before its first reading has no place in the track.
            std::thread::sleep(Duration::from_secs(1));
        }
        self.met.push(Met {
            name,
            expect,
            since,
            cured,
            gone,
        });
    }

    /// Waits for the end, checks all of it, and prints the figures.
    pub fn ends(self, sphere: &Sphere) -> (Run, Vec<Row>) {
        let (before, after) = (self.memory, self.memory_kb());
        let kind = sphere.kind;
        let run = self.running.wait();
        let taken = Taken {
            env: self.env,
            dir: self.dir,
            sights: self.sights,
            ear: self.ear,
            step_s: self.step_s,
            jack_lost_periods: sphere.jack_lost_periods(),
            late: self.late,
        };
        assert!(!sphere.witness().look().rolling, "it plays on");
        for met in &self.met {
            let shown = met.shown(&run);
            println!(
                "{}, {kind:?}: shown after {shown:.2?} s, gone {:.2} s after the cure",
                met.name,
                met.gone.since(met.cured).as_secs_f64()
            );
            if met.expect == Expect::Fault {
                let most = 5.0 + taken.late.worst().as_secs_f64();
                assert!(shown.expect("a screen") < most, "{}", run.said());
            }
        }
        if self.met.iter().any(|met| met.expect == Expect::Fault) {
            assert_eq!(run.code, Some(3), "{}", run.said());
        }
        let rows = taken.check(&run);
        let turns = Turns::of(&run, &self.met);
        println!(
            "{turns}; memory {before} kB, then {after} kB; takes {:?}",
            rows.iter().map(|row| row.verdict).collect::<Vec<_>>()
        );
        turns.check(taken.late.worst());
        assert!(after < before + 8192, "memory grew: {before} to {after} kB");
        (run, rows)
    }

    fn count(&self, event: &str, word: &str) -> usize {
        run::count(self.dir.path(), event, word)
    }

    fn has_event(&self, event: &str, state: &str) -> bool {
        self.count(event, state) > 0
    }

    fn is_over(&self) -> bool {
        self.has_event("step", "over")
    }

    /// What an independent client sees of the rolling transport, unless the step ends while it looks.
    fn look(&mut self, sphere: &Sphere) {
        let sight = sphere.witness().look();
        if sight.rolling {
            return self.sights.push(sight);
        }
        let late = Lateness::watch();
        while !self.is_over() {
            late.within(&format!("{sight:?}"), STOP_TO_ROW);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn memory_kb(&self) -> u64 {
        let path = format!("/proc/{}/status", self.running.child.id());
        let status = fs::read_to_string(path).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS"));
        let kb = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        kb.unwrap_or_default()
    }
}

impl Met {
    /// How long after it happened the screen said that the loudspeakers do not answer, seconds.
    fn shown(&self, run: &Run) -> Option<f64> {
        let says = |line: &&run::Line| {
            (self.since..self.gone).contains(&line.at) && line.text.contains("haut-parleurs ne")
        };
        let line = run.stdout.iter().find(says)?;
        Some(line.at.since(self.since).as_secs_f64())
    }
}

/// A session in which `fault` happens and is cured; checked, with its figures printed.
pub fn survives(
    name: &'static str,
    kind: Kind,
    expect: Expect,
    fault: impl FnOnce(&mut Sphere),
    cure: impl FnOnce(&mut Sphere),
) {
    let (_alone, mut sphere) = super::start(kind);
    let mut visit = Visit::begin(&sphere);
    visit.meets(&mut sphere, name, expect, fault, cure);
    visit.ends(&sphere);
}

/// Both kinds of sphere in the long runs (tests/faults/run), else the one: a session takes 25 s.
pub fn kinds(one: Kind) -> Vec<Kind> {
    if std::env::var_os("BOOTH_TEST_LONG").is_some() {
        vec![Kind::Plain, Kind::Helper]
    } else {
        vec![one]
    }
}

/// What a visit left, and what it is held against.
struct Taken {
    env: AlsaEnv,
    dir: tempfile::TempDir,
    sights: Vec<Sight>,
    ear: Ear,
    step_s: u64,
    /// A line of time has no place for them.
    jack_lost_periods: bool,
    late: Lateness,
}

impl Taken {
    /// Every sample of every take against the card's counter, the step's time, and where each take
    /// says that the track stood against what the independent client saw.
    fn check(&self, run: &Run) -> Vec<Row> {
        let session = run::session(self.dir.path());
        let rows = run::rows(&session);
        let mut frame0 = None;
        let mut marked = 0;
        for row in &rows {
            let (spec, bytes) = run::samples(&session.join(&row.file));
            let value = decode(&bytes[..spec.format.sample_bytes()], spec.format)[0];
            let is = |frame: &u64| counter(*frame, spec.channels, 0) == value;
            let first = (0..DISTINCT).find(is).expect("a counter of the card");
            assert_counts(&bytes, spec, first);
            assert_eq!(row.gaps, [], "take {}", row.take);
            let zero = first as i64 - row.start_frame as i64;
            assert_eq!(
                *frame0.get_or_insert(zero),
                zero,
                "one clock for all: {}",
                run.said()
            );
            marked += row.frames - row.lead_frames - row.tail_frames;
            self.check_place(row, first, run);
        }
        assert_eq!(
            marked,
            self.step_s * u64::from(RATE),
            "no frame of the step twice or left out"
        );
        rows
    }

    /// The row's place in the track against a sight taken on the same line.
    fn check_place(&self, row: &Row, first: u64, run: &Run) {
        let nanos = |frame: u64| {
            let since = u128::from(frame) * 1_000_000_000 / u128::from(RATE);
            self.env.epoch_ms as i128 * 1_000_000 + since as i128
        };
        let mark = nanos(first + row.lead_frames);
        let end = nanos(first + row.frames - row.tail_frames);
        let Some(at) = &row.sphere else {
            panic!("take {} without a place: {}", row.take, run.said())
        };
        let within = |sight: &&Sight| (mark..end).contains(&i128::from(sight.at_ns));
        self.check_heard(row, mark, end);
        for sight in self.sights.iter().filter(within) {
            let carried = |moment: i128| {
                let seconds = (moment - i128::from(sight.at_ns)) as f64 / 1e9;
                sight.frame + seconds * f64::from(at.rate.unwrap())
            };
            let off = at.frame.unwrap() as f64 - carried(mark);
            let off_end = at.end_frame.map(|frame| frame as f64 - carried(end));
            println!(
                "take {}: {off:.0} frames off at its start (± {:?}), {off_end:.0?} at its end (± {:?})",
                row.take, at.uncertainty_frames, at.end_uncertainty_frames
            );
            // JACK dates the sight, and capture its own frames, as late as the machine let them.
            let late = self.late.frames(at.rate.unwrap()) as f64;
            let own = CAPTURE + late + sight.error_ns as f64 / 1e9 * f64::from(at.rate.unwrap());
            let holds =
                |off: f64, bound: u64| off.abs() <= bound as f64 + own || self.jack_lost_periods;
            assert!(holds(off, at.uncertainty_frames.unwrap()));
            if let (Some(off), Some(bound)) = (off_end, at.end_uncertainty_frames) {
                assert!(holds(off, bound));
            }
        }
        if row.take == 1 {
            // It began where it was sent to; on a busy machine some calls pass until it is recorded.
            let start = START_S * f64::from(RATE);
            let most = start + 4.0 * f64::from(RATE);
            assert!(
                (start..most).contains(&(at.frame.unwrap() as f64)),
                "{at:?}"
            );
        }
    }

    /// A row that says its track was heard is right from mark to mark.
    fn check_heard(&self, row: &Row, mark: i128, end: i128) {
        let at = |nanos: i128| Nanos(u64::try_from(nanos).unwrap());
        let mut heard = self.ear.between(at(mark), at(end));
        // In some, on a busy machine, JACK had no period.
        heard.retain(|heard| heard.periods > 0);
        let silent = heard.iter().filter(|heard| !heard.sounds()).count();
        let says = row.sphere.as_ref().and_then(|sphere| sphere.heard);
        println!(
            "take {}, {}: heard {says:?}; silent in {silent} of {} looks",
            row.take,
            format_args!("{:?}", row.verdict),
            heard.len()
        );
        assert!(
            says.is_none() || silent == 0 || self.jack_lost_periods,
            "take {}",
            row.take
        );
    }
}
