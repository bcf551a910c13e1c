//! Commands to the recorder, and its reports.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::audio::judge::Found;
use crate::audio::rf64::Meta;
use crate::rt;
use crate::store::row::Row;
use crate::words::{CaptureFrame, Cause, Frame0, Judged, Level};

/// Begins a take.
#[derive(Clone, Debug)]
pub struct Begin {
    /// Its number.
    pub take: u32,
    /// Its file, which must not be there yet.
    pub path: PathBuf,
    /// First frame, past (within the history) or future.
    pub start_frame: CaptureFrame,
    /// Levels are measured from here.
    pub start_mark: CaptureFrame,
    /// Frames at most for which room is reserved on the disk.
    pub expected_frames: u64,
    /// Nothing is written until it is this many frames old: an end that arrives this late is still
    /// exact to the frame.
    pub behind_frames: u64,
    /// What the file says of itself.
    pub meta: Meta,
    /// For a take that is sealed, once its session's key is on the disk: its row as far as it is known.
    /// A plain one has that in its file.
    pub sealed: Option<Box<Row>>,
}

/// Ends a take.
#[derive(Clone, Debug)]
pub struct End {
    /// Its number.
    pub take: u32,
    /// Where the marks lie.
    pub start_mark: CaptureFrame,
    /// Levels are measured up to here.
    pub end_mark: CaptureFrame,
    /// The frame after the file's last.
    pub end_frame: CaptureFrame,
    /// Where the session's frame 0 lies.
    pub frame0: Frame0,
    /// The row as the session knows it; the recorder fills in the rest.
    pub row: Row,
}

/// What is known only after a take's end.
#[derive(Clone, Debug)]
pub enum Amendment {
    /// It is judged anew.
    Judged(Judged),
    /// It is not known that the sphere sounded until the take's end.
    Unheard,
}

impl Amendment {
    /// Changes a row.
    pub fn apply(&self, row: &mut Row) {
        match self {
            Amendment::Judged(judged) => {
                row.verdict = judged.verdict;
                let found = std::mem::replace(&mut row.reasons, judged.words());
                row.add_reasons(&found);
            }
            Amendment::Unheard => {
                if let Some(sphere) = &mut row.sphere {
                    sphere.heard = None;
                }
            }
        }
    }
}

/// A command to the recorder.
#[derive(Debug)]
pub enum Command {
    /// Begins a take.
    Begin(Box<Begin>),
    /// A button is held that may end the take here: nothing after `end_frame` is written until
    /// `End` decides.
    MayEnd {
        /// Its number.
        take: u32,
        /// The frame after the file's last, if so.
        end_frame: CaptureFrame,
    },
    /// Ends a take.
    End(Box<End>),
    /// Appends a take's row again, changed.
    Amend {
        /// Its number.
        take: u32,
        /// The change.
        amendment: Amendment,
    },
    /// Another session: its rows' folder; the rows of the one before leave memory.
    NewSession {
        /// Folder of takes.jsonl.
        folder: PathBuf,
    },
    /// The session is to be erased: its takes are dropped unfinished, with all that waits for them;
    /// answered by `Forgotten`.
    Forget,
    /// Ends the thread; the files of open takes are made whole.
    Quit,
}

/// A report of the recorder.
#[derive(Debug)]
pub enum Report {
    /// Levels from start mark to end mark, and what is wrong with the take, before the disk is asked for
    /// anything.
    Measured {
        /// Its number.
        take: u32,
        /// Of each channel.
        levels: Vec<Level>,
        /// What was found in it.
        found: Found,
    },
    /// File and row are synced. Comes after `Failed` too where the frames that are on the disk
    /// could be kept, once the end is known; the verdict is then `aborted`.
    Stored {
        /// Its number.
        take: u32,
        /// As written.
        row: Box<Row>,
    },
    /// Frames of an open take are lost; reported again while the number grows.
    Lost {
        /// Its number.
        take: u32,
        /// The first of them.
        at_frame: CaptureFrame,
        /// How many, so far.
        frames: u64,
        /// Why.
        cause: Cause,
    },
    /// The disk is read-only, away or fails: what is recorded waits in memory.
    Refused {
        /// Why.
        reason: String,
    },
    /// The disk accepts everything again, and has all that waited.
    Returned,
    /// Nothing of the session is written any more.
    Forgotten,
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
    /// Takes that are open.
    pub open_takes: AtomicU32,
    /// Commands taken in.
    pub commands: AtomicU64,
    /// What the recorder ordered of the writer, and what of that was done or waits for the disk.
    pub ordered: AtomicU64,
    /// See `ordered`.
    pub written: AtomicU64,
    /// Bytes of samples that were ordered to be written.
    pub ordered_bytes: AtomicU64,
    /// Bytes of them that no longer wait.
    pub written_bytes: AtomicU64,
    /// Frames that wait in their blocks, for the writer's memory is full.
    pub held_frames: AtomicU64,
    /// The writer waits for the disk, or for a key, and has said so.
    pub is_refused: AtomicBool,
    /// The recorder's: each block and each command.
    pub beat: rt::Beat,
    /// The writer's: each order, and each 2 s without one.
    pub writer: rt::Beat,
    /// Bits of an f32: peak since the reader swapped it to 0.
    pub peak: AtomicU32,
}

impl Live {
    /// Bytes of samples that wait for the disk, in the writer's memory.
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        let written = self.written_bytes.load(Ordering::Relaxed);
        let ordered = self.ordered_bytes.load(Ordering::Relaxed);
        ordered.saturating_sub(written)
    }
}
