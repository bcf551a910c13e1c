//! Capture, recorder and writer as one unit: started together, joined together, queried without waiting.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::memory::Memory;
use super::outbox::Outbox;
use super::writer::{Seals, Writer};
use super::{Command, Live, Recorder, Report};
use crate::audio::block::PoolSize;
use crate::audio::capture::Status;
use crate::audio::clock::FrameClock;
use crate::audio::judge::Judge;
use crate::audio::source::Opener;
use crate::audio::{capture, source};
use crate::rt::{self, Thread};
use crate::words::Spec;

/// How long the end waits for capture, which should stop within 300 ms.
const HUNG: Duration = Duration::from_secs(3);

/// Why they do not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The device cannot be had.
    #[error(transparent)]
    Source(#[from] source::Error),
    /// The pool would take more than half of the free memory.
    #[error(
        "pool of {wanted_mb} MB between capture and disk: more than half of the {free_mb} MB of \
         free memory; lower audio.buffer_s"
    )]
    Memory {
        /// What the pool takes.
        wanted_mb: u64,
        /// What is free.
        free_mb: u64,
    },
    /// There is no memory for the pool.
    #[error("pool between capture and disk: {0}; lower audio.buffer_s")]
    Pool(std::io::Error),
    /// The system has no thread left.
    #[error("thread `{0}`: {1}")]
    Thread(&'static str, std::io::Error),
}

/// What the chain needs.
pub struct Setup {
    /// What the device must deliver.
    pub spec: Spec,
    /// Opens the device, in capture's thread.
    pub open: Opener,
    /// The blocks between capture and disk.
    pub pool: PoolSize,
    /// Frames kept for takes that begin in the past.
    pub history_frames: u64,
    /// Wake the recorder after each block: for the simulated source.
    pub wake: bool,
    /// Start even without the device, and look for it: for an unattended box.
    pub patient: bool,
    /// Commands for the recorder before it gets the first frame, once there is a device. A take
    /// from frame 0 on needs this: a moment later the device may be far beyond the history.
    pub first: Vec<Command>,
    /// For takes that are sealed.
    pub seals: Option<Seals>,
    /// Where takes are judged.
    pub judge: Option<Judge>,
}

/// Capture, recorder and writer, running.
pub struct Chain {
    /// What capture does.
    pub status: Arc<Status>,
    /// Which frame was captured when.
    pub clock: Arc<FrameClock>,
    /// How far the recorder is.
    pub live: Arc<Live>,
    /// What the recorder reports.
    pub reports: Receiver<Report>,
    commands: Sender<Command>,
    sent: u64,
    capture: Option<JoinHandle<u64>>,
    recorder: Option<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
}

impl Chain {
    /// Starts the threads; returns once the device runs, or is being looked for.
    ///
    /// # Errors
    /// A device that cannot be had, or a pool that does not fit into memory.
    pub fn start(setup: Setup) -> Result<Chain, Error> {
        let Setup {
            spec,
            open,
            pool,
            history_frames,
            wake,
            patient,
            first,
            seals,
            judge,
        } = setup;
        if let Some(free) = rt::free_memory()
            && pool.bytes > free / 2
        {
            return Err(Error::Memory {
                wanted_mb: pool.bytes >> 20,
                free_mb: free >> 20,
            });
        }
        let (capture_end, recorder_end) = pool.allocate(spec).map_err(Error::Pool)?;
        let (commands, inbox) = channel();
        let (outbox, reports) = channel();
        let sent = first.len() as u64;
        let open = sending_first(first, commands.clone(), open);
        let live = Arc::new(Live::default());
        let memory = Memory::of(spec, seals.is_some());
        let (ops, ordered) = channel();
        let writer = Writer::new(spec, seals, outbox.clone(), live.clone());
        let writer = std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || writer.run(&ordered))
            .map_err(|e| Error::Thread("writer", e))?;
        let ops = Outbox::of(ops, memory, live.clone());
        let recorder = Recorder::new(spec, history_frames, ops, outbox, live.clone(), judge);
        let recorder = std::thread::Builder::new()
            .name("recorder".into())
            .spawn(move || recorder.run(recorder_end, &inbox))
            .map_err(|e| Error::Thread("recorder", e))?;
        let status = Arc::new(Status::default());
        let clock = Arc::new(FrameClock::new(spec.rate));
        let (capture, opened) = capture::spawn(capture::Setup {
            end: capture_end,
            clock: clock.clone(),
            status: status.clone(),
            open,
            spec,
            block_frames: pool.block_frames,
            recorder: Some(recorder.thread().clone()),
            always_wake: wake,
        })
        .map_err(|e| Error::Thread("capture", e))?;
        // The blocks and both stacks are there, the fonts are not yet.
        if let Err(error) = rt::lock_memory() {
            let megabytes = pool.bytes >> 20;
            log::warn!(
                "the pool of {megabytes} MB between capture and disk is not locked in memory \
                 ({error}); set LimitMEMLOCK=infinity in its unit, or memlock in \
                 /etc/security/limits.d"
            );
        }
        let mut chain = Chain {
            status,
            clock,
            live,
            reports,
            commands,
            sent,
            capture: Some(capture),
            recorder: Some(recorder),
            writer: Some(writer),
        };
        // A thread that ended without a message panicked: its join says so.
        match opened.recv() {
            Ok(Err(error)) if patient => log::error!("{error}; looking for it"),
            Ok(Err(error)) => {
                chain.stop();
                return Err(error.into());
            }
            _ => {}
        }
        Ok(chain)
    }

    /// Commands the recorder, and never waits.
    pub fn send(&mut self, command: Command) {
        if self.commands.send(command).is_ok() {
            self.sent += 1;
        }
        if let Some(recorder) = &self.recorder {
            recorder.thread().unpark();
        }
    }

    /// Whether every command was handled, and all that followed from it was written or waits for the
    /// disk.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let live = &self.live;
        live.commands.load(Ordering::Acquire) >= self.sent
            && live.written.load(Ordering::Acquire) >= live.ordered.load(Ordering::Acquire)
            && (live.held_frames.load(Ordering::Acquire) == 0
                || live.is_refused.load(Ordering::Acquire))
    }

    /// The threads. Capture ends when the recorder has, and that one when the writer has, so they are
    /// named in this order.
    #[must_use]
    pub fn threads(&self) -> [Thread<'_>; 3] {
        [
            Thread {
                name: "writer",
                is_ended: self.writer.as_ref().is_none_or(JoinHandle::is_finished),
                beat: Some(&self.live.writer),
            },
            Thread {
                name: "recorder",
                is_ended: self.recorder.as_ref().is_none_or(JoinHandle::is_finished),
                beat: Some(&self.live.beat),
            },
            Thread {
                name: "capture",
                is_ended: self.capture.as_ref().is_none_or(JoinHandle::is_finished),
                beat: Some(&self.status.beat),
            },
        ]
    }

    /// Whether a thread has ended although it should run.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.threads().iter().any(|thread| thread.is_ended)
    }

    /// Ends the threads; frames captured. A capture that hangs in its driver is left behind: what
    /// the recorder has is made whole all the same.
    pub fn stop(&mut self) -> u64 {
        self.status.stop();
        let limit = rt::Nanos::now() + HUNG;
        let hangs = |thread: &JoinHandle<u64>| !thread.is_finished();
        while self.capture.as_ref().is_some_and(hangs) && rt::Nanos::now() < limit {
            std::thread::sleep(Duration::from_millis(1));
        }
        let captured = match self.capture.take() {
            Some(thread) if hangs(&thread) => {
                log::error!("thread `capture` hangs in its device and is left behind");
                None
            }
            ended => ended.map(JoinHandle::join),
        };
        self.send(Command::Quit);
        let recorded = self.recorder.take().map(JoinHandle::join);
        let written = self.writer.take().map(JoinHandle::join);
        let panicked = |ended: &Option<std::thread::Result<()>>| matches!(ended, Some(Err(_)));
        if matches!(captured, Some(Err(_))) || panicked(&recorded) || panicked(&written) {
            log::error!("capture, recorder or writer panicked");
        }
        captured.and_then(Result::ok).unwrap_or(0)
    }
}

/// `open`, which sends `first` when there is a device, before it is read from.
fn sending_first(mut first: Vec<Command>, commands: Sender<Command>, mut open: Opener) -> Opener {
    Box::new(move || {
        let source = open()?;
        for command in first.drain(..) {
            // Fails only if the recorder is gone, and the chain's `ended` reports that.
            let _ = commands.send(command);
        }
        Ok(source)
    })
}

impl Drop for Chain {
    fn drop(&mut self) {
        if self.capture.is_some() {
            self.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::rf64::Meta;
    use crate::audio::source::{Read, Source};
    use crate::recorder::{Begin, End};
    use crate::rt::Nanos;
    use crate::store::row::Row;
    use crate::words::{CaptureFrame, Cause, Format, Frame0, Kind};

    const SPEC: Spec = Spec {
        rate: 8000,
        channels: 1,
        format: Format::S32Le,
    };

    /// Loses a second, then counts its frames as fast as they are read.
    struct Racing {
        lost: bool,
        done: u32,
    }

    impl Source for Racing {
        fn spec(&self) -> Spec {
            SPEC
        }

        fn period(&self) -> Duration {
            Duration::from_millis(1)
        }

        fn read(&mut self, buf: &mut [u8]) -> Read {
            if !std::mem::replace(&mut self.lost, true) {
                return Read::Overrun {
                    lost_frames: 8000,
                    cause: Cause::Overrun,
                };
            }
            let first = self.done;
            for sample in buf.chunks_exact_mut(4) {
                sample.copy_from_slice(&self.done.to_le_bytes());
                self.done += 1;
            }
            Read::Frames {
                frames: self.done - first,
                waiting: 0,
                at: Nanos::now(),
            }
        }
    }

    #[test]
    fn a_take_told_of_before_the_first_frame_has_it_however_fast_the_device_is() {
        const FRAMES: u64 = 100_000;
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("take.rf64");
        let begin = Command::Begin(Box::new(Begin {
            take: 1,
            path: path.clone(),
            start_frame: CaptureFrame(0),
            start_mark: CaptureFrame(0),
            expected_frames: FRAMES,
            behind_frames: 0,
            meta: Meta::default(),
            sealed: None,
        }));
        let end = Command::End(Box::new(End {
            take: 1,
            start_mark: CaptureFrame(0),
            end_mark: CaptureFrame(FRAMES),
            end_frame: CaptureFrame(FRAMES),
            frame0: Frame0::default(),
            row: Row::of(1, "take.rf64".into(), Kind::Free, SPEC),
        }));
        let mut chain = Chain::start(Setup {
            spec: SPEC,
            open: Box::new(|| {
                Ok(Box::new(Racing {
                    lost: false,
                    done: 0,
                }))
            }),
            pool: PoolSize::of(SPEC, 80, 1, 8000),
            history_frames: 8000,
            wake: false,
            patient: false,
            first: vec![begin, end],
            seals: None,
            judge: None,
        })
        .expect("chain");
        let row = loop {
            match chain.reports.recv().expect("a row") {
                Report::Stored { row, .. } => break row,
                Report::Measured { .. } => {}
                other => panic!("{other:?}"),
            }
        };
        while !chain.is_settled() {
            std::thread::yield_now();
        }
        chain.stop();
        assert_eq!((row.frames, &row.gaps[..]), (FRAMES, &[][..]));
        let samples: Vec<u8> = (0..FRAMES as u32).flat_map(u32::to_le_bytes).collect();
        let file = std::fs::read(&path).expect("take");
        assert!(file[4096..4096 + samples.len()] == samples);
    }
}
