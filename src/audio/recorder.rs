//! The recorder: cuts takes out of the stream of blocks and alone writes them and their rows.
//!
//! Guarantees: what was lost becomes silence and a gap; levels are reported before the disk is
//! asked for anything; blocks beyond the history go back at once; a take that the disk refuses to
//! take on is a finished file of what is on it. Never panics on a disk error.

pub mod rows;
pub mod take;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::Duration;

use self::take::{History, OpenTake};
use super::block::{Block, RecorderEnd};
use super::format::Spec;
use super::meter::{self, Level};
use super::rf64::{self, Meta};
use crate::rt::{self, Nanos};
use crate::store::row::{Row, Verdict};

/// Takes that may be open at once.
pub const MOST_TAKES: usize = 4;
/// Between two looks for blocks: commands wake the thread, and a block waits for nobody.
const PARK: Duration = Duration::from_millis(40);
/// Wall time between checkpoints.
const CHECKPOINT: Duration = Duration::from_millis(500);

/// Begins a take.
#[derive(Clone, Debug)]
pub struct Begin {
    /// Its number.
    pub take: u32,
    /// Its file, which must not be there yet.
    pub path: PathBuf,
    /// First frame on the capture clock, past (within the history) or future.
    pub start_frame: u64,
    /// Levels are measured from here; capture clock.
    pub start_mark: u64,
    /// Frames reserved on the disk.
    pub expected_frames: u64,
    /// Nothing is written until it is so many frames old: an end that is told so late is still met
    /// to the frame.
    pub behind_frames: u64,
    /// What the file says of itself.
    pub meta: Meta,
}

/// Ends a take.
#[derive(Clone, Debug)]
pub struct End {
    /// Its number.
    pub take: u32,
    /// Where the marks lie; capture clock.
    pub start_mark: u64,
    /// Levels are measured up to here.
    pub end_mark: u64,
    /// The frame after the file's last; capture clock.
    pub end_frame: u64,
    /// Capture frame of the session's frame 0; negative in a session taken up again.
    pub frame0: i64,
    /// What the session knows; the recorder fills in what it knows better.
    pub row: Row,
}

/// What the recorder is told.
#[derive(Debug)]
pub enum Command {
    /// Begins a take.
    Begin(Box<Begin>),
    /// A button is held that may end the take here: nothing behind `end_frame` is written until
    /// `End` says how it was meant.
    MayEnd {
        /// Its number.
        take: u32,
        /// The frame after the file's last, if so; capture clock.
        end_frame: u64,
    },
    /// Ends a take.
    End(Box<End>),
    /// Appends a take's row again with another verdict.
    Amend {
        /// Its number.
        take: u32,
        /// The new verdict.
        verdict: Verdict,
    },
    /// Another session: its rows' folder; the rows of the one before leave memory.
    NewSession {
        /// Folder of takes.jsonl.
        folder: PathBuf,
    },
    /// Ends the thread; the files of open takes are made whole.
    Quit,
}

/// What the recorder tells.
#[derive(Debug)]
pub enum Report {
    /// Levels from start mark to end mark.
    Measured {
        /// Its number.
        take: u32,
        /// Of each channel.
        levels: Vec<Level>,
    },
    /// File and row are synced. Comes after `Failed` too where the frames that are on the disk
    /// could be kept, once the end is known; the verdict is then `aborted`.
    Stored {
        /// Its number.
        take: u32,
        /// As written.
        row: Box<Row>,
    },
    /// The take could not be written on.
    Failed {
        /// Its number.
        take: u32,
        /// Why.
        reason: String,
    },
}

/// What others may look at without asking.
#[derive(Debug, Default)]
pub struct Live {
    /// The frame up to which blocks were processed.
    pub frames: AtomicU64,
    /// Commands taken in.
    pub commands: AtomicU64,
    /// Each block and each command.
    pub beat: rt::Beat,
    /// Bits of an f32: peak since the reader swapped it to 0.
    pub peak: AtomicU32,
}

/// Everything but the thread.
pub struct Recorder {
    spec: Spec,
    history_frames: u64,
    history: History,
    takes: Vec<OpenTake>,
    /// Commands that wait for a take to end: after a stall of the disk, presses of half a minute
    /// come before the blocks that they are about.
    waiting: VecDeque<Command>,
    rows: rows::Rows,
    processed: u64,
    checked: Nanos,
    reports: Sender<Report>,
    live: Arc<Live>,
}

impl Recorder {
    /// A recorder of `spec` (as captured); the history is never shorter than a second.
    #[must_use]
    pub fn new(
        spec: Spec,
        history_frames: u64,
        reports: Sender<Report>,
        live: Arc<Live>,
    ) -> Recorder {
        Recorder {
            spec,
            history_frames: history_frames.max(u64::from(spec.rate)),
            history: VecDeque::new(),
            takes: Vec::with_capacity(MOST_TAKES),
            waiting: VecDeque::new(),
            rows: rows::Rows::default(),
            processed: 0,
            checked: Nanos::default(),
            reports,
            live,
        }
    }

    /// Does what a command says, once there is room for its take; false for `Quit`.
    pub fn handle(&mut self, command: Command) -> bool {
        if matches!(command, Command::Quit) {
            self.close();
            return false;
        }
        self.waiting.push_back(command);
        self.obey();
        self.live.commands.fetch_add(1, Ordering::Release);
        true
    }

    /// Obeys what waits, up to a take for which there is no room yet.
    fn obey(&mut self) {
        while let Some(command) = self.waiting.pop_front() {
            if matches!(command, Command::Begin(_)) && self.takes.len() >= MOST_TAKES {
                self.waiting.push_front(command);
                break;
            }
            self.perform(command);
            self.feed();
            self.settle();
        }
    }

    /// Makes the files of open takes whole; their rows are written at the next start.
    fn close(&mut self) {
        for mut take in std::mem::take(&mut self.takes) {
            if let Err(error) = take.finish() {
                self.fail(take.number, error.to_string());
            }
        }
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Begin(begin) => {
                let number = begin.take;
                match OpenTake::open(self.spec, &begin) {
                    Ok(take) => self.takes.push(take),
                    Err(error) => self.fail(number, error.to_string()),
                }
            }
            Command::MayEnd { take, end_frame } => {
                if let Some(take) = self.takes.iter_mut().find(|t| t.number == take) {
                    take.may_end = Some(end_frame);
                }
            }
            Command::End(end) => match self.takes.iter_mut().find(|t| t.number == end.take) {
                Some(take) => take.end = Some(end),
                None => self.fail(end.take, "no such take is open".into()),
            },
            Command::Amend { take, verdict } => self.amend(take, verdict),
            Command::NewSession { folder } => {
                // The clerk makes it too; a take that begins at once need not wait for that. What
                // is wrong with it shows when the take's file is created.
                let _ = std::fs::create_dir_all(&folder);
                self.rows = rows::Rows::new(folder);
            }
            Command::Quit => {}
        }
    }

    /// Changes the verdict of a take that has ended, whether its row is written already or not.
    fn amend(&mut self, take: u32, verdict: Verdict) {
        let open = self.takes.iter_mut().find(|it| it.number == take);
        if let Some(end) = open.and_then(|it| it.end.as_mut()) {
            end.row.verdict = verdict;
            return;
        }
        match self.rows.amend(take, verdict) {
            Ok(row) => self.report(Report::Stored {
                take,
                row: Box::new(row),
            }),
            Err(error) => self.fail(take, error.to_string()),
        }
    }

    /// Takes one block in; gives back each block that the history no longer needs to `free`.
    pub fn take_in(&mut self, block: Box<Block>, mut free: impl FnMut(Box<Block>)) {
        self.processed = block.end();
        let bytes = &block.bytes[..block.frames as usize * self.spec.frame_bytes()];
        // Magnitudes only: the bits of positive floats order like the floats.
        let peak = meter::peak(self.spec.format, bytes).to_bits();
        self.live.peak.fetch_max(peak, Ordering::Relaxed);
        self.history.push_back(block);
        self.feed();
        self.settle();
        self.obey();
        let oldest = self.processed.saturating_sub(self.history_frames);
        while self.history.front().is_some_and(|old| old.end() < oldest) {
            self.history.pop_front().into_iter().for_each(&mut free);
        }
        self.live.frames.store(self.processed, Ordering::Release);
    }

    /// Gives every open take what it lacks of the history.
    fn feed(&mut self) {
        let processed = self.processed;
        self.each(|take, history| take.feed(history, processed));
    }

    /// Does `work` on every open take; one that fails is cut there, and waits for its end.
    fn each(&mut self, work: impl Fn(&mut OpenTake, &History) -> Result<(), rf64::Error>) {
        let mut failed = Vec::new();
        self.takes.retain_mut(|take| {
            let Err(error) = work(take, &self.history) else {
                return true;
            };
            failed.push((take.number, error));
            let cut = take.cut();
            let kept = cut.is_ok();
            failed.extend(cut.err().map(|error| (take.number, error)));
            kept
        });
        for (take, error) in failed {
            self.fail(take, error.to_string());
        }
    }

    /// Measures what can be measured, then ends what has all its frames.
    fn settle(&mut self) {
        let processed = self.processed;
        // An end mark may lie as far back as a button is held; half a second short of the history,
        // so that no frame is dropped before it is measured.
        let lag = self.history_frames - u64::from(self.spec.rate / 2);
        for take in &mut self.takes {
            if let Some(levels) = take.measure(&self.history, processed, lag) {
                let _ = self.reports.send(Report::Measured {
                    take: take.number,
                    levels,
                });
            }
        }
        while let Some(at) = self.takes.iter().position(|take| take.complete(processed)) {
            let take = self.takes.remove(at);
            self.store(take);
        }
    }

    /// Finishes a take that has all its frames, and appends its row.
    fn store(&mut self, mut take: OpenTake) {
        let number = take.number;
        if let Err(error) = take.finish() {
            self.fail(number, error.to_string());
            if let Err(error) = take.cut() {
                return self.fail(number, error.to_string());
            }
        }
        let Some(row) = take.row() else { return };
        match self.rows.append(row) {
            Ok(row) => self.report(Report::Stored {
                take: number,
                row: Box::new(row),
            }),
            Err(error) => self.fail(number, error.to_string()),
        }
    }

    /// Checkpoints the open takes where half a second of wall time went by.
    pub fn checkpoint(&mut self, now: Nanos) {
        if now.since(self.checked) < CHECKPOINT {
            return;
        }
        self.each(|take, _| take.checkpoint());
        // From the end of the syncs on: where they are slow, blocks are still taken in between.
        self.checked = now.max(Nanos::now());
    }

    fn fail(&self, take: u32, reason: String) {
        self.report(Report::Failed { take, reason });
    }

    fn report(&self, report: Report) {
        // Without a listener the program is ending.
        let _ = self.reports.send(report);
    }

    /// The thread: commands before each block, until `Quit` or until nobody can command.
    pub fn run(mut self, mut end: RecorderEnd, commands: &Receiver<Command>) {
        let live = self.live.clone();
        'thread: loop {
            live.beat.beat();
            loop {
                match commands.try_recv() {
                    Ok(command) => {
                        if !live.beat.on_disk(|| self.handle(command)) {
                            break 'thread;
                        }
                    }
                    Err(TryRecvError::Disconnected) => break 'thread,
                    Err(TryRecvError::Empty) => break,
                }
            }
            match end.filled.dequeue() {
                Some(block) => {
                    let free = &mut end.free;
                    live.beat.on_disk(|| {
                        self.take_in(block, |old| {
                            let _ = free.enqueue(old);
                        });
                    });
                }
                None => std::thread::park_timeout(PARK),
            }
            live.beat.on_disk(|| self.checkpoint(Nanos::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::block::Cause;
    use crate::audio::format::Format;
    use crate::store::row::{Gap, Kind};
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
            start_frame: 1250,
            start_mark: 1500,
            expected_frames: 0,
            behind_frames: 0,
            meta: Meta::default(),
        };
        recorder.handle(Command::Begin(Box::new(begin)));
        recorder.take_in(block(2050, 100, Some(Cause::Overrun)), |_| freed += 1);
        let end = End {
            take: 1,
            start_mark: 1500,
            end_mark: 2100,
            end_frame: 2300,
            frame0: 1000,
            row: Row::of(1, "a.rf64".into(), Kind::Read, SPEC),
        };
        recorder.handle(Command::End(Box::new(end)));
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
            verdict: Verdict::Redone,
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
            start_frame,
            start_mark: start_frame,
            expected_frames: 0,
            behind_frames: 0,
            meta: Meta::default(),
        }))
    }

    fn end(take: u32, end_frame: u64) -> Command {
        Command::End(Box::new(End {
            take,
            start_mark: 0,
            end_mark: end_frame,
            end_frame,
            frame0: 0,
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
            Report::Measured { .. } => None,
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
        let (take, verdict) = (1, Verdict::Redone);
        recorder.handle(Command::Amend { take, verdict });
        recorder.take_in(block(0, 300, None), drop);
        let rows = crate::store::takes::read(dir.path()).expect("rows");
        assert_eq!(rows[0].verdict, Verdict::Redone);
        let failed = |report: &Report| matches!(report, Report::Failed { .. });
        assert!(!reports.try_iter().any(|report| failed(&report)));
    }

    #[test]
    fn the_end_of_the_program_leaves_whole_files() {
        let dir = tempfile::tempdir().expect("folder");
        let (mut recorder, _reports) = recorder(dir.path());
        recorder.handle(begin(dir.path(), 1, 50));
        recorder.take_in(block(0, 300, None), drop);
        assert!(!recorder.handle(Command::Quit));
        let repaired = crate::audio::repair::repair(&dir.path().join("1.rf64"));
        let whole = crate::audio::repair::Outcome::Healthy { frames: 250 };
        assert_eq!(repaired.expect("readable"), whole);
    }
}
