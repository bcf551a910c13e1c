//! Recorder and writer driven by hand: blocks and commands in, files and reports out.

use super::memory::Memory;
use super::writer::Writer;
use super::*;
use crate::audio::rf64::Meta;
use crate::rt::Nanos;
use crate::store::row::Row;
use crate::words::{CaptureFrame, Cause, Format, Frame0, Gap, Judged, Kind, SessionFrame, Verdict};
use std::path::Path;

const SPEC: Spec = Spec {
    rate: 1000,
    channels: 1,
    format: Format::S24Le,
};

fn block(first: u64, frames: u32, lost_before: Option<Cause>) -> Box<Block> {
    let sample = |f: u64| [f as u8, (f >> 8) as u8, 0, 0xee];
    let bytes: Vec<u8> = (first..first + u64::from(frames))
        .flat_map(sample)
        .collect();
    Box::new(Block {
        first_frame: first,
        frames,
        lost_before,
        bytes: Vec::leak(bytes),
    })
}

/// Recorder and writer, each order carried out at once.
struct Rig {
    recorder: Recorder,
    writer: Writer,
    orders: Receiver<Op>,
    reports: Receiver<Report>,
    freed: usize,
    now: Nanos,
}

impl Rig {
    /// Of 1 kHz, with the session in `folder`.
    fn of(folder: &Path) -> Rig {
        Rig::with(folder, Memory::of(SPEC, false))
    }

    fn with(folder: &Path, memory: Arc<Memory>) -> Rig {
        let (sender, reports) = std::sync::mpsc::channel();
        let (ops, orders) = std::sync::mpsc::channel();
        let live: Arc<Live> = Arc::default();
        let outbox = Outbox::of(ops, memory, live.clone());
        let mut rig = Rig {
            recorder: Recorder::new(SPEC, 1500, outbox, sender.clone(), live.clone(), None),
            writer: Writer::new(SPEC, None, sender, live),
            orders,
            reports,
            freed: 0,
            now: Nanos::now(),
        };
        let folder = folder.to_owned();
        rig.handle(Command::NewSession { folder });
        rig
    }

    fn handle(&mut self, command: Command) -> bool {
        let goes_on = self.recorder.handle(command);
        self.write();
        goes_on
    }

    fn take_in(&mut self, block: Box<Block>) {
        self.record(block);
        self.write();
    }

    /// The writer does not come to it.
    fn record(&mut self, block: Box<Block>) {
        self.recorder.take_in(block, |_| self.freed += 1);
    }

    fn write(&mut self) {
        for op in self.orders.try_iter() {
            self.writer.handle(op);
        }
    }

    fn checkpoint(&mut self) {
        self.now = self.now + CHECKPOINT;
        self.writer.checkpoint(self.now);
        self.recorder.go_on(|_| self.freed += 1);
        self.write();
    }
}

#[test]
fn a_take_from_the_past_holds_its_frames_and_silence_for_losses() {
    let dir = tempfile::tempdir().expect("folder");
    let folder = dir.path().to_owned();
    std::fs::write(folder.join("takes.jsonl"), "torn").expect("write");
    let mut rig = Rig::of(&folder);
    for n in 0..20 {
        rig.take_in(block(n * 100, 100, None));
    }
    let begin = Begin {
        take: 1,
        path: folder.join("a.rf64"),
        start_frame: CaptureFrame(1250),
        start_mark: CaptureFrame(1500),
        expected_frames: 0,
        behind_frames: 0,
        meta: Meta::default(),
        sealed: None,
    };
    rig.handle(Command::Begin(Box::new(begin)));
    rig.take_in(block(2050, 100, Some(Cause::Overrun)));
    let end = End {
        take: 1,
        start_mark: CaptureFrame(1500),
        end_mark: CaptureFrame(2100),
        end_frame: CaptureFrame(2300),
        frame0: Frame0::of(CaptureFrame(1000), SessionFrame(0)),
        row: Row::of(1, "a.rf64".into(), Kind::Read, SPEC),
    };
    rig.handle(Command::End(Box::new(end)));
    let Ok(Report::Lost {
        at_frame, frames, ..
    }) = rig.reports.try_recv()
    else {
        panic!("not reported")
    };
    assert_eq!((at_frame, frames), (CaptureFrame(2000), 50));
    assert!(matches!(
        rig.reports.try_recv(),
        Ok(Report::Measured { take: 1, .. })
    ));
    rig.take_in(block(2150, 200, None));
    let Ok(Report::Stored { row, .. }) = rig.reports.try_recv() else {
        panic!("not stored")
    };
    assert_eq!(
        (row.start_frame, row.frames, row.kind),
        (250, 1050, Kind::Read)
    );
    assert_eq!(
        row.gaps,
        [Gap {
            frame: 750,
            frames: 50,
            cause: Cause::Overrun
        }]
    );
    assert_eq!((row.lead_frames, row.tail_frames), (250, 200));
    let sample = |f: u64| match f {
        2000..2050 => [0; 3],
        f => [f as u8, (f >> 8) as u8, 0],
    };
    let audio: Vec<u8> = (1250..2300).flat_map(sample).collect();
    let file = std::fs::read(folder.join("a.rf64")).expect("read");
    assert!(file[4096..4096 + audio.len()] == audio[..]);
    assert!(rig.freed > 0, "blocks beyond the history go back");
    rig.handle(Command::Amend {
        take: 1,
        amendment: Amendment::Judged(Verdict::Redone.into()),
    });
    let rows = std::fs::read_to_string(folder.join("takes.jsonl")).expect("read");
    assert_eq!(rows.lines().count(), 3);
    assert!(rows.starts_with("torn\n{"));
}

fn begin(folder: &Path, take: u32, start_frame: u64) -> Command {
    Command::Begin(Box::new(Begin {
        take,
        path: folder.join(format!("{take}.rf64")),
        start_frame: CaptureFrame(start_frame),
        start_mark: CaptureFrame(start_frame),
        expected_frames: 0,
        behind_frames: 0,
        meta: Meta::default(),
        sealed: None,
    }))
}

fn end(take: u32, end_frame: u64) -> Command {
    Command::End(Box::new(End {
        take,
        start_mark: CaptureFrame(0),
        end_mark: CaptureFrame(end_frame),
        end_frame: CaptureFrame(end_frame),
        frame0: Frame0::default(),
        row: Row::of(take, format!("{take}.rf64"), Kind::Read, SPEC),
    }))
}

#[test]
fn commands_of_a_long_stall_are_obeyed_as_their_blocks_come() {
    let dir = tempfile::tempdir().expect("folder");
    let mut rig = Rig::of(dir.path());
    for take in 1..=10 {
        let start = u64::from(take) * 1000;
        rig.handle(begin(dir.path(), take, start));
        rig.handle(end(take, start + 1200));
    }
    for n in 0..130 {
        rig.take_in(block(n * 100, 100, None));
    }
    let stored = |report| match report {
        Report::Stored { take, row } => Some((take, row.frames, row.gaps.len())),
        Report::Failed { take, reason } => panic!("take {take}: {reason}"),
        _ => None,
    };
    let stored: Vec<_> = rig.reports.try_iter().filter_map(stored).collect();
    let expected: Vec<_> = (1..=10).map(|take| (take, 1200, 0)).collect();
    assert_eq!(stored, expected);
}

#[test]
fn a_verdict_changed_before_the_row_is_written_is_in_the_row() {
    let dir = tempfile::tempdir().expect("folder");
    let mut rig = Rig::of(dir.path());
    rig.handle(begin(dir.path(), 1, 0));
    rig.handle(end(1, 200));
    let amendment = Amendment::Judged(Judged::SHORT);
    rig.handle(Command::Amend { take: 1, amendment });
    rig.take_in(block(0, 300, None));
    let rows = crate::store::takes::read(dir.path()).expect("rows");
    assert_eq!(rows[0].verdict, Verdict::Aborted);
    assert_eq!(rows[0].reasons, ["short"]);
    let failed = |report: &Report| matches!(report, Report::Failed { .. });
    assert!(!rig.reports.try_iter().any(|report| failed(&report)));
}

#[test]
fn a_session_to_be_forgotten_is_not_written_on_whatever_its_disk_does() {
    let dir = tempfile::tempdir().expect("folder");
    let (mounted, unmounted) = (dir.path().join("mounted"), dir.path().join("unmounted"));
    std::fs::create_dir(&mounted).expect("folder");
    let mut rig = Rig::of(&mounted);
    rig.handle(begin(&mounted, 1, 0));
    rig.take_in(block(0, 300, None));
    rig.handle(end(1, 400));
    std::fs::rename(&mounted, &unmounted).expect("away");
    rig.handle(begin(&mounted, 2, 300));
    assert!(rig.handle(Command::Forget));
    std::fs::remove_dir_all(&unmounted).expect("erased");
    for n in 3..30 {
        rig.take_in(block(n * 100, 100, None));
        rig.checkpoint();
    }
    assert!(!mounted.exists());
    let mut sent = rig.reports.try_iter();
    assert!(sent.any(|report| matches!(report, Report::Forgotten)));
    let stored = |report| matches!(report, Report::Stored { .. } | Report::Failed { .. });
    assert!(!sent.any(stored));
    let next = dir.path().join("next");
    rig.handle(Command::NewSession {
        folder: next.clone(),
    });
    rig.handle(begin(&next, 1, 2900));
    assert!(next.join("1.rf64").exists());
}

#[test]
fn the_end_of_the_program_leaves_whole_files() {
    let dir = tempfile::tempdir().expect("folder");
    let mut rig = Rig::of(dir.path());
    rig.handle(begin(dir.path(), 1, 50));
    rig.take_in(block(0, 300, None));
    assert!(!rig.handle(Command::Quit));
    let repaired = crate::recorder::repair::repair(&dir.path().join("1.rf64"));
    let whole = crate::recorder::repair::Outcome::Healthy { frames: 250 };
    assert_eq!(repaired.expect("readable"), whole);
}

#[test]
fn a_take_that_begins_while_its_disk_is_away_has_every_frame_once_it_is_back() {
    let dir = tempfile::tempdir().expect("folder");
    let (mounted, unmounted) = (dir.path().join("mounted"), dir.path().join("unmounted"));
    std::fs::create_dir(&mounted).expect("folder");
    let mut rig = Rig::of(&mounted);
    let pass = |rig: &mut Rig, blocks: std::ops::Range<u64>| {
        for n in blocks {
            rig.take_in(block(n * 100, 100, None));
            rig.checkpoint();
        }
    };
    pass(&mut rig, 0..10);
    std::fs::rename(&mounted, &unmounted).expect("away");
    rig.handle(begin(&mounted, 1, 800));
    pass(&mut rig, 10..20);
    rig.handle(end(1, 2000));
    pass(&mut rig, 20..60);
    std::fs::rename(&unmounted, &mounted).expect("back");
    pass(&mut rig, 60..61);
    let sent: Vec<_> = rig
        .reports
        .try_iter()
        .map(|report| match report {
            Report::Refused { .. } => "refused".into(),
            Report::Returned => "returned".into(),
            Report::Stored { row, .. } => format!("{} frames, gaps {:?}", row.frames, row.gaps),
            Report::Failed { reason, .. } => reason,
            Report::Measured { .. } => "measured".into(),
            Report::Lost { frames, .. } => format!("{frames} lost"),
            Report::Forgotten => "forgotten".into(),
        })
        .collect();
    let expected = ["refused", "measured", "1200 frames, gaps []", "returned"];
    assert_eq!(sent, expected);
    assert!(rig.freed > 40, "blocks go back: {}", rig.freed);
}

#[test]
fn a_disk_that_stalls_delays_no_level_and_costs_no_frame() {
    let dir = tempfile::tempdir().expect("folder");
    // Room for 0.6 s.
    let mut rig = Rig::with(dir.path(), Memory::with(600, 3));
    let levels = |rig: &Rig| {
        let measured = |report| match report {
            Report::Measured { take, .. } => Some(take),
            Report::Stored { .. } | Report::Failed { .. } => panic!("{report:?} in a stall"),
            _ => None,
        };
        rig.reports.try_iter().filter_map(measured).next()
    };
    for take in 1..=3 {
        let from = u64::from(take) * 1000;
        rig.recorder.handle(begin(dir.path(), take, from));
        for n in from / 100..from / 100 + 9 {
            rig.record(block(n * 100, 100, None));
        }
        rig.recorder.handle(end(take, from + 900));
        assert_eq!(levels(&rig), Some(take));
        rig.record(block(from + 900, 100, None));
    }
    let live = rig.recorder.live.clone();
    // The first take has what there was, the third waits for all of its frames.
    assert_eq!(live.waiting_bytes(), 1800);
    assert_eq!(live.held_frames.load(Ordering::Relaxed), 2400);
    for _ in 0..20 {
        rig.write();
        rig.checkpoint();
    }
    let stored = rig.reports.try_iter().filter_map(|report| match report {
        Report::Stored { row, .. } => Some((row.take, row.frames, row.gaps.len())),
        Report::Failed { reason, .. } => panic!("{reason}"),
        _ => None,
    });
    let stored: Vec<_> = stored.collect();
    assert_eq!(stored, [(1, 900, 0), (2, 900, 0), (3, 900, 0)]);
    assert_eq!(live.waiting_bytes(), 0);
    rig.record(block(4000, 100, None));
    assert!(rig.freed > 10, "{}", rig.freed);
}
