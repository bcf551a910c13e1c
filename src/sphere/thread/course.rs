//! What the sphere is to do, and whether it does: one attempt or one question a turn.

use std::time::Duration;

use super::{Command, Mailbox, Peer, Play, Position, Reply, SphereError, Start};
use crate::rt::Nanos;
use crate::sphere::timeline::{Fit, Timeline};
use crate::sphere::{LOOK, frame_of};

/// Between two questions while it plays: with 2 s for the answer and 2 s for a new connection, a
/// silent sphere is found within 5 s; and a dead man of 5 s on the sphere is kept awake.
const ASK_PLAYING: Duration = Duration::from_millis(1000);
/// Between two questions while it is silent.
const ASK_SILENT: Duration = Duration::from_millis(2000);
/// So many questions follow a start at once, for the best of them.
const PROBES: u32 = 5;
const ASK_PROBE: Duration = Duration::from_millis(50);
/// Before the first repetition of what failed; doubled up to the last.
const BACK_OFF: Duration = Duration::from_millis(100);
const BACK_OFF_MOST: Duration = Duration::from_secs(5);
/// A connection that broke this soon after an answer is made anew before anybody is told,
const QUICK: Duration = Duration::from_millis(1500);
/// and asked again if that took no longer than this: two seconds more make less than 5 s.
const QUICK_MOST: Duration = Duration::from_millis(2500);

/// What main wants last.
enum Wanted {
    /// `asked` for by main; else because nobody said otherwise yet.
    Silence {
        asked: bool,
    },
    Play(Play),
}

/// Why an attempt came to nothing.
enum Broken {
    /// Something newer is wanted.
    Newer,
    Failed(SphereError),
}

impl From<SphereError> for Broken {
    fn from(error: SphereError) -> Broken {
        Broken::Failed(error)
    }
}

/// The thread's state.
pub(super) struct Course {
    peer: Box<dyn Peer>,
    mailbox: Mailbox,
    /// Whether it asks of its own accord.
    asks: bool,
    wanted: Wanted,
    /// What is wanted was seen to be so.
    done: bool,
    /// Main is owed a word on what is wanted: on each command once.
    owes: bool,
    /// When the peer answered last.
    heard: Nanos,
    /// It does not do as it is asked, which was said.
    away: bool,
    back_off: Duration,
    /// When it was seen to play.
    began: Nanos,
    /// Questions since then.
    questions: u32,
    line: Timeline,
    /// The frame at which it was stopped.
    stood: Option<u64>,
}

impl Course {
    /// What ran before may still play: silence is wanted first.
    pub(super) fn new(peer: Box<dyn Peer>, mailbox: Mailbox, asks: bool) -> Course {
        Course {
            peer,
            mailbox,
            asks,
            wanted: Wanted::Silence { asked: false },
            done: false,
            owes: false,
            heard: Nanos::now(),
            away: false,
            back_off: BACK_OFF,
            began: Nanos::now(),
            questions: 0,
            line: Timeline::default(),
            stood: None,
        }
    }

    /// Turns until main is gone, then a STOP.
    pub(super) fn run(mut self) {
        while !self.mailbox.closed {
            self.turn();
            let pause = self.pause();
            if let Some(command) = self.mailbox.wait(pause) {
                self.take_up(command);
            }
        }
        if let Err(error) = self.peer.stop() {
            log::error!("at the end: {error}");
        }
    }

    fn take_up(&mut self, command: Command) {
        self.wanted = match command {
            Command::Play(play) => Wanted::Play(play),
            Command::Stop => Wanted::Silence { asked: true },
        };
        self.done = false;
        self.owes = true;
        self.back_off = BACK_OFF;
    }

    fn turn(&mut self) {
        let outcome = match (&self.wanted, self.done) {
            (Wanted::Silence { asked }, false) => self.stop(*asked),
            (Wanted::Silence { .. }, true) => self.ask_silent(),
            (Wanted::Play(play), false) => {
                let play = play.clone();
                self.play(&play)
            }
            (Wanted::Play(play), true) => {
                let number = play.number;
                let rest = play.rest.saturating_sub(Nanos::now().since(self.began));
                self.ask_playing(number, rest)
            }
        };
        match outcome {
            Ok(()) => {
                if std::mem::take(&mut self.away) {
                    log::info!("sphere: does as it is asked again");
                }
                self.heard = Nanos::now();
                self.back_off = BACK_OFF;
            }
            Err(Broken::Newer) => {}
            Err(Broken::Failed(error)) => self.failed(error),
        }
        self.mailbox.settle();
    }

    /// How long to wait for a command; without end where nothing is asked.
    fn pause(&self) -> Option<Duration> {
        match self.wanted {
            _ if !self.done || self.away => Some(self.back_off),
            _ if !self.asks => None,
            Wanted::Play(_) if self.questions < PROBES => Some(ASK_PROBE),
            Wanted::Play(_) => Some(ASK_PLAYING),
            Wanted::Silence { .. } => Some(ASK_SILENT),
        }
    }

    fn stop(&mut self, asked: bool) -> Result<(), Broken> {
        self.peer.connect()?;
        self.peer.stop()?;
        let reading = self.peer.position()?;
        self.done = true;
        // A JACK that was started anew, or somebody, may have put it elsewhere.
        if asked && self.stood.is_none() && self.line.may_have_stopped(&reading) {
            self.stood = Some(reading.frame);
        }
        self.line.end();
        self.owes = false;
        if asked {
            self.mailbox.tell(Reply::Stopped(Ok(reading)));
        }
        Ok(())
    }

    fn ask_silent(&mut self) -> Result<(), Broken> {
        self.peer.connect()?;
        self.peer.position()?;
        Ok(())
    }

    /// Track, locate, play, and where it then rolls.
    fn play(&mut self, play: &Play) -> Result<(), Broken> {
        self.peer.connect()?;
        self.unless_newer()?;
        while !self.peer.track(&play.track)? {
            self.mailbox.tell(Reply::Loading);
            if self.mailbox.is_called(Some(LOOK)) {
                return Err(Broken::Newer);
            }
        }
        self.unless_newer()?;
        let found = self.peer.position()?;
        if found.rolling {
            // Located while stopped, it is exact.
            self.peer.stop()?;
        }
        let start = self.start(play.start, found.rate)?;
        self.peer.locate(start)?;
        self.unless_newer()?;
        self.peer.play(play.rest)?;
        self.unless_newer()?;
        let reading = self.peer.position()?;
        if !reading.rolling {
            return Err(SphereError::StoppedByItself.into());
        }
        self.done = true;
        self.owes = false;
        self.stood = None;
        self.began = Nanos::now();
        self.questions = 0;
        self.line.begin(play.track.clone(), reading);
        self.mailbox.tell(Reply::Rolling(play.number, reading));
        Ok(())
    }

    fn unless_newer(&mut self) -> Result<(), Broken> {
        if self.mailbox.has_newer() {
            return Err(Broken::Newer);
        }
        Ok(())
    }

    /// The frame at which to begin.
    fn start(&self, start: Start<Nanos>, rate: u32) -> Result<u32, SphereError> {
        let frame = match start {
            Start::Second(seconds) => return frame_of(seconds, rate),
            Start::Stood(at) => self.stood.or_else(|| self.line.extrapolate(at)),
        };
        let frame = frame.unwrap_or_default();
        u32::try_from(frame)
            .map_err(|_| SphereError::BadPosition(format!("{}", frame / u64::from(rate.max(1)))))
    }

    fn ask_playing(&mut self, number: u32, rest: Duration) -> Result<(), Broken> {
        let reading = match self.ask() {
            Ok(reading) => reading,
            Err(error) => self.ask_anew(error, rest)?,
        };
        if self.line.read(reading) == Fit::Stopped {
            self.heard = Nanos::now();
            let error = SphereError::StoppedByItself;
            log::warn!("{error}");
            self.lost(number, error);
            return Ok(());
        }
        self.questions += 1;
        self.mailbox.tell(Reply::Read(reading));
        Ok(())
    }

    fn ask(&mut self) -> Result<Position, SphereError> {
        self.peer.connect()?;
        self.peer.position()
    }

    /// Once more over a new connection, where there is time for it; what rolls there is armed again.
    fn ask_anew(&mut self, error: SphereError, rest: Duration) -> Result<Position, SphereError> {
        let silent = |since: Nanos| Nanos::now().since(since);
        if silent(self.heard) > QUICK || self.mailbox.has_newer() {
            return Err(error);
        }
        self.peer.connect()?;
        if silent(self.heard) > QUICK_MOST {
            return Err(error);
        }
        let reading = self.peer.position()?;
        if reading.rolling {
            self.peer.play(rest)?;
        }
        log::warn!("{error}; the connection was made anew");
        Ok(reading)
    }

    /// What played plays no more: whoever asked for it decides, and silence is wanted until then.
    fn lost(&mut self, number: u32, error: SphereError) {
        self.line.end();
        self.wanted = Wanted::Silence { asked: false };
        self.done = false;
        self.owes = false;
        self.mailbox.tell(Reply::Failed(number, error));
    }

    fn failed(&mut self, error: SphereError) {
        if !std::mem::replace(&mut self.away, true) {
            log::warn!("{error}; tried again until it does as it is asked");
        }
        let owes = std::mem::take(&mut self.owes);
        match &self.wanted {
            Wanted::Play(play) if self.done => {
                let number = play.number;
                self.back_off = BACK_OFF;
                return self.lost(number, error);
            }
            Wanted::Play(play) if owes => self.mailbox.tell(Reply::Failed(play.number, error)),
            Wanted::Silence { .. } if owes => self.mailbox.tell(Reply::Stopped(Err(error))),
            _ => {}
        }
        self.back_off = if owes {
            BACK_OFF
        } else {
            (self.back_off * 2).min(BACK_OFF_MOST)
        };
    }
}
