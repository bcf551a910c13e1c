//! What goes into the session and what comes out: the whole contract between it and the threads.

use std::path::PathBuf;
use std::sync::Arc;

pub use crate::clerk::messages::{Ask, News, NoLine};
use crate::corpus::prompter::Prompt;
use crate::rt::Nanos;
use crate::sphere::Start;
pub use crate::words::By;
use crate::words::{Button, CaptureFrame, FaultKind, Judged, Kind};

/// A moment on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// CLOCK_MONOTONIC.
    pub at: Nanos,
    /// The frame that was being captured.
    pub frame: CaptureFrame,
}

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Time went by.
    Tick,
    /// A button went down or up, at the stamp.
    Edge(Button, bool),
    /// What the clerk has to say.
    News(News),
    /// A take is on the disk and its row is synced.
    Stored(u32),
    /// A take could not be written.
    Failed(u32, Arc<str>),
    /// The sphere rolls, in answer to the [`Action::Play`] of this number.
    Rolling(u32),
    /// It cannot play what was asked, or does so no more, and why. Unless it had rolled it is tried
    /// again, until [`Event::Rolling`].
    SphereFailed(u32, Arc<str>),
    /// The sphere is silent, in answer to [`Action::Silence`]; or why that is not known yet.
    Silenced(Result<(), Arc<str>>),
    /// A fault began.
    Fault(FaultKind, Arc<str>),
    /// A fault ended.
    Cleared(FaultKind),
    /// The disk has room for so many seconds of recording before the reserve.
    Room(u64),
    /// Blocks wait for the disk for longer than they should, or do so no more.
    Slow(bool),
    /// The people who were enrolled and have not come, by number.
    Pending(Vec<Arc<str>>),
    /// No press will come any more: do not linger.
    NoMorePresses,
    /// The program ends.
    Shutdown,
}

/// What a take is of; known when it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// Number within the session, from 1.
    pub take: u32,
    /// What it is of.
    pub kind: Kind,
    /// The step's name.
    pub step: Arc<str>,
    /// The line read, if any.
    pub line: Option<Prompt>,
    /// How often the line was taken before, plus 1.
    pub version: u32,
    /// When its text was shown.
    pub shown_frame: CaptureFrame,
    /// The press that began it, if one did.
    pub pressed: Option<CaptureFrame>,
    /// The track that its step asks of the sphere.
    pub wanted: Option<Arc<str>>,
    /// The track that the sphere plays meanwhile.
    pub track: Option<Arc<str>>,
}

/// A take begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Begin {
    /// What it is of.
    pub of: Subject,
    /// First frame of the file; may lie in the past.
    pub start_frame: CaptureFrame,
    /// Start mark.
    pub start_mark: CaptureFrame,
    /// How long it may last, seconds.
    pub take_s: u32,
}

/// A take ends.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// What it is of.
    pub of: Subject,
    /// How it ended, and what was wrong with it.
    pub judged: Judged,
    /// The press that ended it, if one did.
    pub pressed: Option<CaptureFrame>,
    /// Start mark.
    pub start_mark: CaptureFrame,
    /// End mark.
    pub end_mark: CaptureFrame,
    /// The frame after the file's last; may lie in the future.
    pub end_frame: CaptureFrame,
}

/// Something is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// For the clerk, as it is.
    Ask(Ask),
    /// A session begins.
    Open,
    /// The session in this folder goes on.
    Resume(PathBuf),
    /// The next session is that of the enrolled person of this number; `None`: of someone who is not enrolled.
    Expect(Option<Arc<str>>),
    /// A take begins.
    Begin(Box<Begin>),
    /// A button is held that may end the take so that its file ends at this frame; [`Action::End`]
    /// follows.
    MayEnd(u32, CaptureFrame),
    /// A take ends.
    End(Box<End>),
    /// A take already ended is judged anew.
    Amend(u32, Judged),
    /// Track, locate, play; answered by [`Event::Rolling`] or [`Event::SphereFailed`].
    Play {
        /// Rising; marks the answers.
        play: u32,
        /// The track, exactly.
        track: Arc<str>,
        /// From where.
        start: Start<CaptureFrame>,
        /// Frames left of the step.
        rest: u64,
        /// Seconds for which the track may be silent from there on.
        silent_s: f64,
    },
    /// The sphere falls silent; answered by [`Event::Silenced`].
    Silence,
    /// Everything of this session is erased; answered by [`News::Forgotten`]. No session
    /// begins before that, and this one is not closed.
    Forget(By),
}
