//! The capture loop is sacred: no allocation, no lock, no log, no system call but ALSA's and the
//! clock's; under SCHED_FIFO and in locked memory where the limits allow.
#![allow(unsafe_code, clippy::unwrap_used, missing_docs)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use booth::audio::block::{PoolSize, RecorderEnd};
use booth::audio::capture::{Setup, Status, spawn};
use booth::audio::clock::FrameClock;
use booth::audio::source::alsa::AlsaSource;
use booth::audio::source::{Read, Source};
use booth::words::{Format, Spec};
use common::wait::wait_for;
use common::{plugin, run};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has no counter any more.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A source that looks, at each read, at what the capture thread allocated since its first.
struct Watched {
    inner: AlsaSource,
    first: Option<u64>,
    allocated: Arc<AtomicU64>,
    reads: Arc<AtomicU64>,
    stall: Option<Instant>,
}

impl Source for Watched {
    fn spec(&self) -> Spec {
        self.inner.spec()
    }

    fn period(&self) -> Duration {
        self.inner.period()
    }

    fn read(&mut self, buf: &mut [u8]) -> Read {
        let count = ALLOCATIONS.with(Cell::get);
        let first = *self.first.get_or_insert(count);
        self.allocated.store(count - first, Ordering::Relaxed);
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.stall.take_if(|at| Instant::now() >= *at).is_some() {
            std::thread::sleep(Duration::from_millis(800));
        }
        self.inner.read(buf)
    }
}

const SPEC: Spec = Spec {
    rate: 48_000,
    channels: 6,
    format: Format::S32Le,
};

#[test]
fn the_capture_loop_allocates_nothing_through_an_overrun_and_a_full_pool() {
    if !common::in_child("the_capture_loop_allocates_nothing_through_an_overrun_and_a_full_pool") {
        return;
    }
    let size = PoolSize::new(SPEC, 480, u64::from(SPEC.rate));
    let (end, recorder) = size.allocate(SPEC).unwrap();
    let status = Arc::new(Status::default());
    let (allocated, reads) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (allocated_there, reads_there) = (allocated.clone(), reads.clone());
    let (thread, opened) = spawn(Setup {
        end,
        clock: Arc::new(FrameClock::new(SPEC.rate)),
        status: status.clone(),
        open: Box::new(move || {
            Ok(Box::new(Watched {
                inner: AlsaSource::open("bpaced", SPEC, 480)?,
                first: None,
                allocated: allocated_there.clone(),
                reads: reads_there.clone(),
                stall: Some(Instant::now() + Duration::from_millis(500)),
            }))
        }),
        spec: SPEC,
        block_frames: size.block_frames,
        recorder: None,
        always_wake: false,
    })
    .unwrap();
    opened.recv().unwrap().unwrap();
    let RecorderEnd { filled, .. } = recorder;
    // The pool of 1 s is full before the 800 ms of the overrun have passed and been read.
    wait_for("an overrun and a full pool", || {
        let is_full = filled.len() >= size.blocks - 1;
        is_full && status.overruns() > 0 && status.lost_frames() > 24_000
    });
    status.stop();
    thread.join().unwrap();
    let (allocated, reads) = (
        allocated.load(Ordering::Relaxed),
        reads.load(Ordering::Relaxed),
    );
    println!("{allocated} allocations in {reads} reads");
    assert!(reads > 100);
    assert_eq!(allocated, 0);
}

#[test]
fn the_capture_loop_calls_the_system_for_nothing_but_alsa_and_the_clock() {
    let (env, dir) = (plugin(), tempfile::tempdir().unwrap());
    let (trace, out) = (dir.path().join("trace"), dir.path().join("out.rf64"));
    let mut command = Command::new("strace");
    command
        .args(["-f", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_booth"));
    command.args([
        "record",
        "--device",
        "bpaced",
        "--channels",
        "6",
        "--seconds",
        "3",
    ]);
    command.arg(&out);
    env.apply(&mut command);
    let done = run::start(&mut command).wait();
    assert_eq!(done.code, Some(0), "{}", done.said());
    let trace = fs::read_to_string(&trace).unwrap();
    let call = |line: &str| {
        let (thread, rest) = line.split_once(' ')?;
        let name = rest.trim_start().split('(').next()?;
        Some((thread.to_owned(), name.to_owned(), rest.to_owned()))
    };
    let calls: Vec<_> = trace.lines().filter_map(call).collect();
    let named = calls
        .iter()
        .find(|(_, name, rest)| name == "prctl" && rest.contains("\"capture\""));
    let capture = named.expect("a thread called capture").0.clone();
    let own = calls.iter().filter(|(thread, ..)| *thread == capture);
    // From the priority it takes for the loop to the one it gives back after it.
    let from_loop = own
        .skip_while(|(_, name, _)| name != "sched_setscheduler")
        .skip(1);
    let in_loop = from_loop.take_while(|(_, name, _)| name != "sched_setscheduler");
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for (_, name, rest) in in_loop {
        // The second half of a call that strace showed in two lines.
        if !name.starts_with('<') && !rest.starts_with("<...") {
            *counts.entry(name).or_default() += 1;
        }
    }
    println!("system calls of the capture loop in 3 s: {counts:?}");
    assert!(
        counts.get("poll").is_some_and(|polls| *polls > 80),
        "{counts:?}"
    );
    for name in counts.keys() {
        let alsa = ["poll", "ppoll", "read", "ioctl"];
        assert!(
            alsa.contains(name) || name.starts_with("clock_"),
            "{counts:?}"
        );
    }
}

#[test]
fn capture_is_scheduled_first_and_its_pool_is_locked_where_the_limits_allow() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = run::booth();
    command.args([
        "record",
        "--device",
        "sim",
        "--channels",
        "6",
        "--seconds",
        "3",
    ]);
    let out = dir.path().join("out.rf64");
    let running = run::start(command.arg(&out));
    wait_for("the recording", || out.exists());
    let process = format!("/proc/{}", running.child.id());
    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    let policies: BTreeMap<String, String> = fs::read_dir(format!("{process}/task"))
        .unwrap()
        .map(|task| {
            let task = task.unwrap().path();
            let name = fs::read_to_string(task.join("comm")).unwrap();
            let stat = fs::read_to_string(task.join("stat")).unwrap();
            // proc(5): field 41 is the policy, 1 being SCHED_FIFO; 39 fields after the name's ")".
            let (_, fields) = stat.rsplit_once(") ").unwrap();
            (
                name.trim().to_owned(),
                fields.split(' ').nth(38).unwrap().to_owned(),
            )
        })
        .collect();
    let done = running.wait();
    let locked = status
        .lines()
        .find_map(|line| line.strip_prefix("VmLck:"))
        .unwrap();
    let locked_kb: u64 = locked
        .trim()
        .trim_end_matches(" kB")
        .trim()
        .parse()
        .unwrap();
    println!("{policies:?}, {locked_kb} kB locked");
    let refused = |what: &str| done.said().contains(what);
    assert_eq!(policies["recorder"], "0");
    assert!(
        policies["capture"] == "1" || refused("LimitRTPRIO=45"),
        "{}",
        done.said()
    );
    let pool_kb = 33 * 48_000 * 24 / 1024;
    assert!(
        locked_kb > pool_kb || refused("LimitMEMLOCK"),
        "{locked_kb} kB: {}",
        done.said()
    );
}
