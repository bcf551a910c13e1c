//! Capture through the real libasound, from the plug-in of the tests: no frame is lost unsaid.
//!
//! Each test runs itself again in a child process whose environment names the test devices.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use booth::audio::block::{Block, PoolSize, RecorderEnd};
use booth::audio::capture::{Setup, State, Status, spawn};
use booth::audio::clock::FrameClock;
use booth::audio::source::alsa::AlsaSource;
use booth::audio::source::{Error, Read, Source};
use booth::words::{Cause, Format, Spec};
use common::lateness::Lateness;
use common::{assert_counts, decode};

fn spec(format: Format, channels: u16) -> Spec {
    Spec {
        rate: 48_000,
        channels,
        format,
    }
}

/// A recorder that keeps everything: the frames of each block and where it begins.
struct Taken {
    end: RecorderEnd,
    blocks: Vec<(u64, u32, Option<Cause>, Vec<u8>)>,
}

impl Taken {
    fn drain(&mut self, spec: Spec) {
        while let Some(block) = self.end.filled.dequeue() {
            let Block {
                first_frame,
                frames,
                lost_before,
                ref bytes,
            } = *block;
            let bytes = bytes[..frames as usize * spec.frame_bytes()].to_vec();
            self.blocks.push((first_frame, frames, lost_before, bytes));
            assert!(self.end.free.enqueue(block).is_ok());
        }
    }
}

/// A source that stalls once, as a capture thread without processor time does.
struct Stalling {
    inner: AlsaSource,
    at: Instant,
    stall: Duration,
}

impl Source for Stalling {
    fn spec(&self) -> Spec {
        self.inner.spec()
    }

    fn period(&self) -> Duration {
        self.inner.period()
    }

    fn read(&mut self, buf: &mut [u8]) -> Read {
        if !self.stall.is_zero() && Instant::now() >= self.at {
            std::thread::sleep(std::mem::take(&mut self.stall));
        }
        self.inner.read(buf)
    }
}

type Started = (std::thread::JoinHandle<u64>, Arc<Status>, Taken);

fn start(device: &'static str, spec: Spec, stall: Duration) -> Started {
    let size = PoolSize::new(spec, 480, u64::from(spec.rate) * 3);
    let (end, recorder) = size.allocate(spec).unwrap();
    let status = Arc::new(Status::default());
    let setup = Setup {
        end,
        clock: Arc::new(FrameClock::new(spec.rate)),
        status: status.clone(),
        open: Box::new(move || {
            let inner = AlsaSource::open(device, spec, 480)?;
            let at = Instant::now() + Duration::from_millis(300);
            Ok(Box::new(Stalling { inner, at, stall }) as Box<dyn Source>)
        }),
        spec,
        block_frames: size.block_frames,
        recorder: None,
        always_wake: false,
    };
    let (thread, opened) = spawn(setup).unwrap();
    opened.recv().unwrap().unwrap();
    let taken = Taken {
        end: recorder,
        blocks: Vec::new(),
    };
    (thread, status, taken)
}

/// Drains until `until` holds, 5 s at most.
fn take(taken: &mut Taken, spec: Spec, mut until: impl FnMut(&Taken) -> bool) {
    let limit = Instant::now() + Duration::from_secs(5);
    while !until(taken) {
        assert!(
            Instant::now() < limit,
            "captured {} blocks in 5 s",
            taken.blocks.len()
        );
        std::thread::sleep(Duration::from_millis(5));
        taken.drain(spec);
    }
}

fn end((thread, status, mut taken): Started, spec: Spec) -> Taken {
    status.stop();
    let captured = thread.join().unwrap();
    taken.drain(spec);
    let frames: u64 = taken.blocks.iter().map(|b| u64::from(b.1)).sum();
    assert_eq!(frames, captured);
    taken
}

/// Device frame of the first sample, from its counter.
fn device_frame(bytes: &[u8], spec: Spec) -> u64 {
    u64::from(decode(&bytes[..spec.frame_bytes()], spec.format)[0]) / u64::from(spec.channels)
}

#[test]
fn every_format_and_channel_count_arrives_bit_exact() {
    if !common::in_child("every_format_and_channel_count_arrives_bit_exact") {
        return;
    }
    for format in Format::ALL {
        for channels in [1, 6, 32] {
            let spec = spec(format, channels);
            let mut started = start("bpaced", spec, Duration::ZERO);
            take(&mut started.2, spec, |t| t.blocks.len() >= 20);
            assert_eq!(started.1.lost_frames(), 0);
            let taken = end(started, spec);
            // 16 bits cannot tell which multiple of 65536 / channels it is; nor need they.
            let first = match format {
                Format::S16Le => continue_16(&taken.blocks[0].3, spec),
                _ => device_frame(&taken.blocks[0].3, spec),
            };
            for (first_frame, _, lost, bytes) in &taken.blocks {
                assert_eq!(*lost, None);
                assert_counts(bytes, spec, first + first_frame);
            }
        }
    }
}

/// A device frame whose counter has the low 16 bits of the first sample.
fn continue_16(bytes: &[u8], spec: Spec) -> u64 {
    let low = u64::from(decode(&bytes[..2], spec.format)[0]);
    let channels = u64::from(spec.channels);
    (0..channels)
        .map(|n| low + (n << 16))
        .find(|c| c % channels == 0)
        .unwrap()
        / channels
}

#[test]
fn a_stall_is_an_overrun_of_the_right_length() {
    if !common::in_child("a_stall_is_an_overrun_of_the_right_length") {
        return;
    }
    let spec = spec(Format::S32Le, 6);
    let late = Lateness::watch();
    let mut started = start("bpaced", spec, Duration::from_millis(700));
    take(&mut started.2, spec, |t| {
        t.blocks.last().is_some_and(|b| b.0 > 48_000 * 13 / 10)
    });
    assert_eq!(started.1.overruns(), 1);
    let lost_frames = started.1.lost_frames();
    let taken = end(started, spec);
    let first = device_frame(&taken.blocks[0].3, spec);
    let gap = taken
        .blocks
        .iter()
        .position(|b| b.2 == Some(Cause::Overrun))
        .unwrap();
    for (first_frame, _, _, bytes) in &taken.blocks[..gap] {
        assert_counts(bytes, spec, first + first_frame);
    }
    let (before, after) = (&taken.blocks[gap - 1], &taken.blocks[gap]);
    let said = after.0 - (before.0 + u64::from(before.1));
    assert_eq!(said, lost_frames);
    let real = device_frame(&after.3, spec) - (first + before.0 + u64::from(before.1));
    println!("overrun: said {said} frames, really {real}");
    // What the two readings of the clock are apart, each as late as the machine made it.
    let most = 96 + late.frames(spec.rate);
    assert!(
        said.abs_diff(real) <= most,
        "said {said} frames lost, really {real}, {late:?}"
    );
}

#[test]
fn an_unplugged_device_carries_on_when_it_returns() {
    if !common::in_child("an_unplugged_device_carries_on_when_it_returns") {
        return;
    }
    let file = std::path::PathBuf::from(std::env::var_os("BOOTH_UNPLUG").unwrap());
    let spec = spec(Format::S32Le, 6);
    let late = Lateness::watch();
    let mut started = start("bpull", spec, Duration::ZERO);
    take(&mut started.2, spec, |t| t.blocks.len() > 20);
    std::fs::write(&file, "").unwrap();
    let status = started.1.clone();
    take(&mut started.2, spec, |t| {
        t.blocks.iter().filter(|b| b.1 == 0).count() >= 7
    });
    assert_eq!(status.state(), State::Closed);
    assert!(status.reason().is_some());
    std::fs::remove_file(&file).unwrap();
    let back = |t: &Taken| t.blocks.iter().rev().take_while(|b| b.1 > 0).count() > 10;
    take(&mut started.2, spec, |t| {
        status.state() == State::Running && back(t)
    });
    let taken = end(started, spec);
    let first = device_frame(&taken.blocks[0].3, spec);
    let last_empty = taken.blocks.iter().rposition(|b| b.1 == 0).unwrap();
    let after = &taken.blocks[last_empty + 1];
    assert_eq!(after.2, Some(Cause::Device));
    let real = device_frame(&after.3, spec) - first;
    println!("unplug: numbered {} frames, really {real}", after.0);
    let most = 480 + late.frames(spec.rate);
    assert!(
        after.0.abs_diff(real) <= most,
        "numbered {}, really {real}, {late:?}",
        after.0
    );
}

#[test]
fn a_device_that_keeps_no_time_loses_nothing() {
    if !common::in_child("a_device_that_keeps_no_time_loses_nothing") {
        return;
    }
    let spec = spec(Format::S16Le, 2);
    let mut started = start("bfree", spec, Duration::ZERO);
    // Nobody drains: ten times the rate fills the pool of 3 s in 0.3 s.
    std::thread::sleep(Duration::from_millis(900));
    assert!(started.1.unclocked());
    take(&mut started.2, spec, |t| t.blocks.len() > 600);
    assert_eq!(started.1.lost_frames(), 0);
    let taken = end(started, spec);
    let mut next = 0;
    for (first_frame, frames, _, bytes) in &taken.blocks {
        assert_eq!(*first_frame, next);
        assert_counts(bytes, spec, *first_frame);
        next += u64::from(*frames);
    }
}

#[test]
fn a_refusal_lists_the_offer_and_the_remedy() {
    if !common::in_child("a_refusal_lists_the_offer_and_the_remedy") {
        return;
    }
    let right = spec(Format::S32Le, 6);
    let refusal = |spec| {
        AlsaSource::open("bpaced", spec, 480)
            .unwrap_err()
            .to_string()
    };
    for (wrong, what) in [
        (
            Spec {
                channels: 65,
                ..right
            },
            "refuses 65 channels",
        ),
        (
            Spec {
                rate: 384_000,
                ..right
            },
            "refuses 384000 Hz",
        ),
    ] {
        let text = refusal(wrong);
        assert!(text.contains(what), "{text}");
        assert!(
            text.contains("1 to 64 channels; 8000 to 192000 Hz"),
            "{text}"
        );
        assert!(text.contains("S24_3LE"), "{text}");
    }
    let missing = AlsaSource::open("nosuch", right, 480).unwrap_err();
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");
    assert!(missing.to_string().contains("booth devices"));
}
