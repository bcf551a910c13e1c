//! The recorder driven by hand: blocks and commands in, files and reports out.

use super::*;
use crate::audio::rf64::Meta;
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
        bytes: bytes.into(),
    })
}

#[test]
fn a_take_from_the_past_holds_its_frames_and_silence_for_losses() {
    let dir = tempfile::tempdir().expect("folder");
    let (sender, reports) = std::sync::mpsc::channel();
    let mut recorder = Recorder::new(SPEC, 1500, sender, Arc::default());
    let folder = dir.path().to_owned();
    std::fs::write(folder.join("takes.jsonl"), "torn").expect("write");
    recorder.handle(Command::NewSession {
        folder: folder.clone(),
    });
    let mut freed = 0;
    for n in 0..20 {
        recorder.take_in(block(n * 100, 100, None), |_| freed += 1);
    }
    let begin = Begin {
        take: 1,
        path: folder.join("a.rf64"),
        start_frame: CaptureFrame(1250),
        start_mark: CaptureFrame(1500),
        expected_frames: 0,
        behind_frames: 0,
        meta: Meta::default(),
    };
    recorder.handle(Command::Begin(Box::new(begin)));
    recorder.take_in(block(2050, 100, Some(Cause::Overrun)), |_| freed += 1);
    let end = End {
        take: 1,
        start_mark: CaptureFrame(1500),
        end_mark: CaptureFrame(2100),
        end_frame: CaptureFrame(2300),
        frame0: Frame0::of(CaptureFrame(1000), SessionFrame(0)),
        row: Row::of(1, "a.rf64".into(), Kind::Read, SPEC),
    };
    recorder.handle(Command::End(Box::new(end)));
    let Ok(Report::Lost {
        at_frame, frames, ..
    }) = reports.try_recv()
    else {
        panic!("not reported")
    };
    assert_eq!((at_frame, frames), (CaptureFrame(2000), 50));
    assert!(matches!(
        reports.try_recv(),
        Ok(Report::Measured { take: 1, .. })
    ));
    recorder.take_in(block(2150, 200, None), |_| freed += 1);
    let Ok(Report::Stored { row, .. }) = reports.try_recv() else {
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
    assert!(freed > 0, "blocks beyond the history go back");
    recorder.handle(Command::Amend {
        take: 1,
        amendment: Amendment::Judged(Verdict::Redone.into()),
    });
    let rows = std::fs::read_to_string(folder.join("takes.jsonl")).expect("read");
    assert_eq!(rows.lines().count(), 3);
    assert!(rows.starts_with("torn\n{"));
}

/// A recorder of 1 kHz in a folder, with its reports.
fn recorder(folder: &Path) -> (Recorder, Receiver<Report>) {
    let (sender, reports) = std::sync::mpsc::channel();
    let mut recorder = Recorder::new(SPEC, 1500, sender, Arc::default());
    let folder = folder.to_owned();
    recorder.handle(Command::NewSession { folder });
    (recorder, reports)
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
    let (mut recorder, reports) = recorder(dir.path());
    for take in 1..=10 {
        let start = u64::from(take) * 1000;
        recorder.handle(begin(dir.path(), take, start));
        recorder.handle(end(take, start + 1200));
    }
    for n in 0..130 {
        recorder.take_in(block(n * 100, 100, None), drop);
    }
    let stored = |report| match report {
        Report::Stored { take, row } => Some((take, row.frames, row.gaps.len())),
        Report::Failed { take, reason } => panic!("take {take}: {reason}"),
        _ => None,
    };
    let stored: Vec<_> = reports.try_iter().filter_map(stored).collect();
    let expected: Vec<_> = (1..=10).map(|take| (take, 1200, 0)).collect();
    assert_eq!(stored, expected);
}

#[test]
fn a_verdict_changed_before_the_row_is_written_is_in_the_row() {
    let dir = tempfile::tempdir().expect("folder");
    let (mut recorder, reports) = recorder(dir.path());
    recorder.handle(begin(dir.path(), 1, 0));
    recorder.handle(end(1, 200));
    let amendment = Amendment::Judged(Judged::SHORT);
    recorder.handle(Command::Amend { take: 1, amendment });
    recorder.take_in(block(0, 300, None), drop);
    let rows = crate::store::takes::read(dir.path()).expect("rows");
    assert_eq!(rows[0].verdict, Verdict::Aborted);
    assert_eq!(rows[0].reasons, ["short"]);
    let failed = |report: &Report| matches!(report, Report::Failed { .. });
    assert!(!reports.try_iter().any(|report| failed(&report)));
}

#[test]
fn a_session_to_be_forgotten_is_not_written_on_whatever_its_disk_does() {
    let dir = tempfile::tempdir().expect("folder");
    let (mounted, unmounted) = (dir.path().join("mounted"), dir.path().join("unmounted"));
    std::fs::create_dir(&mounted).expect("folder");
    let (mut recorder, reports) = recorder(&mounted);
    recorder.handle(begin(&mounted, 1, 0));
    recorder.take_in(block(0, 300, None), drop);
    recorder.handle(end(1, 400));
    std::fs::rename(&mounted, &unmounted).expect("away");
    recorder.handle(begin(&mounted, 2, 300));
    assert!(recorder.handle(Command::Forget));
    std::fs::remove_dir_all(&unmounted).expect("erased");
    let mut now = Nanos::now();
    for n in 3..30 {
        recorder.take_in(block(n * 100, 100, None), drop);
        now = now + CHECKPOINT;
        recorder.checkpoint(now, drop);
    }
    assert!(!mounted.exists());
    let mut sent = reports.try_iter();
    assert!(sent.any(|report| matches!(report, Report::Forgotten)));
    let stored = |report| matches!(report, Report::Stored { .. } | Report::Failed { .. });
    assert!(!sent.any(stored));
    let next = dir.path().join("next");
    recorder.handle(Command::NewSession {
        folder: next.clone(),
    });
    recorder.handle(begin(&next, 1, 2900));
    assert!(next.join("1.rf64").exists());
}

#[test]
fn the_end_of_the_program_leaves_whole_files() {
    let dir = tempfile::tempdir().expect("folder");
    let (mut recorder, _reports) = recorder(dir.path());
    recorder.handle(begin(dir.path(), 1, 50));
    recorder.take_in(block(0, 300, None), drop);
    assert!(!recorder.handle(Command::Quit));
    let repaired = crate::recorder::repair::repair(&dir.path().join("1.rf64"));
    let whole = crate::recorder::repair::Outcome::Healthy { frames: 250 };
    assert_eq!(repaired.expect("readable"), whole);
}

#[test]
fn a_take_that_begins_while_its_disk_is_away_has_every_frame_once_it_is_back() {
    let dir = tempfile::tempdir().expect("folder");
    let (mounted, unmounted) = (dir.path().join("mounted"), dir.path().join("unmounted"));
    std::fs::create_dir(&mounted).expect("folder");
    let (mut recorder, reports) = recorder(&mounted);
    let (mut freed, mut now) = (0, Nanos::now());
    let mut pass = |recorder: &mut Recorder, blocks: std::ops::Range<u64>| {
        for n in blocks {
            recorder.take_in(block(n * 100, 100, None), |_| freed += 1);
            now = now + CHECKPOINT;
            recorder.checkpoint(now, |_| freed += 1);
        }
    };
    pass(&mut recorder, 0..10);
    std::fs::rename(&mounted, &unmounted).expect("away");
    recorder.handle(begin(&mounted, 1, 800));
    pass(&mut recorder, 10..40);
    recorder.handle(end(1, 2000));
    pass(&mut recorder, 40..60);
    std::fs::rename(&unmounted, &mounted).expect("back");
    pass(&mut recorder, 60..61);
    let sent: Vec<_> = reports
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
    assert!(freed > 40, "blocks that no take waits for go back: {freed}");
}
