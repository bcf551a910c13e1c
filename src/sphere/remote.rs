//! The sphere over the network: one connection, kept and renewed, which uses the helper where it is
//! installed and JACK's own tools where it is not.
//!
//! Guarantees: each call ends within [`CALL`], including a new connection. Loading a track takes
//! many calls, each of which checks the progress. If the connection was lost since the last call,
//! it is renewed within the call, once. A connection that does not answer is dropped, and the next
//! call begins with a new one.

use std::time::{Duration, Instant};

use super::helper::Helper;
use super::plain::Plain;
use super::sound::Sound;
use super::ssh::{CALL, Link};
use super::studio::{self, Loader, Rules, Step, Tracks};
use super::{LOOK, Peer, Position, SphereError, frame_of, ladish};
use crate::config;
use crate::rt::Nanos;
use crate::words::Hearing;

/// How long a STOP waits while JACK is gone because a track is being loaded.
const WAIT: Duration = Duration::from_secs(3);

#[derive(Debug)]
enum Way {
    Helper(Helper),
    Plain(Plain),
}

/// The connection, dropped first so that nothing after it waits, and the way the sphere is asked.
#[derive(Debug)]
struct Open {
    link: Link,
    way: Way,
}

/// A sphere over the network.
#[derive(Debug)]
pub struct Remote {
    config: config::Sphere,
    open: Option<Open>,
    tracks: Tracks,
    /// It plays because we asked for it.
    plays: bool,
}

/// The sphere that `config` names.
#[must_use]
pub fn remote(config: &config::Sphere) -> Box<dyn Peer> {
    Box::new(Remote::new(config))
}

impl Remote {
    /// Connects with the first call.
    #[must_use]
    pub fn new(config: &config::Sphere) -> Remote {
        Remote {
            config: config.clone(),
            open: None,
            tracks: Tracks::default(),
            plays: false,
        }
    }

    /// The connection, for a call that must end by `until`.
    fn opened(&mut self, until: Instant) -> Result<&mut Open, SphereError> {
        if self.open.as_ref().is_none_or(|open| open.link.is_broken()) {
            self.open = None;
            let mut link = Link::open(&self.config, until)?;
            let way = match Helper::find(&mut link)? {
                Some(helper) => Way::Helper(helper),
                None => Way::Plain(Plain::default()),
            };
            self.open = Some(Open { link, way });
        }
        let open = self.open.as_mut().ok_or(SphereError::Lost {
            doing: "connect",
            reason: "no connection".into(),
        })?;
        open.link.end_by(until);
        Ok(open)
    }

    /// Does `work` on the connection, and once more on a new one if the old one was lost in the
    /// meantime. All verbs may be repeated.
    fn on<T>(
        &mut self,
        work: impl FnMut(&mut Link, &mut Way) -> Result<T, SphereError>,
    ) -> Result<T, SphereError> {
        self.on_until(Instant::now() + CALL, work)
    }

    fn on_until<T>(
        &mut self,
        until: Instant,
        mut work: impl FnMut(&mut Link, &mut Way) -> Result<T, SphereError>,
    ) -> Result<T, SphereError> {
        let was_open = self.open.is_some();
        let open = self.opened(until)?;
        match work(&mut open.link, &mut open.way) {
            Err(SphereError::Lost { .. }) if was_open => {
                let open = self.opened(until)?;
                work(&mut open.link, &mut open.way)
            }
            result => result,
        }
    }

    /// Whether the helper answers there.
    ///
    /// # Errors
    /// Why the sphere cannot be asked.
    pub fn has_helper(&mut self) -> Result<bool, SphereError> {
        self.on(|_, way| Ok(matches!(way, Way::Helper(_))))
    }

    /// Lets it play on when this connection ends, for `rest` and ten seconds at most.
    ///
    /// # Errors
    /// The peer's; no job could be left there that stops it.
    pub fn leave(&mut self, rest: Duration) -> Result<(), SphereError> {
        self.on(|link, way| match way {
            Way::Helper(helper) => helper.leave(link, rest),
            // Its play has already left the job.
            Way::Plain(_) => Ok(()),
        })
    }

    /// Loads `track`, and goes to so many seconds from its beginning.
    ///
    /// # Errors
    /// The peer's; a position that is not a frame.
    pub fn load_at(&mut self, track: &str, seconds: f64) -> Result<(), SphereError> {
        self.load(track)?;
        let rate = self.position()?.rate;
        self.locate(frame_of(seconds, rate)?)
    }

    /// The studio that is loaded, or ladish's words if there is none.
    ///
    /// # Errors
    /// The peer's.
    pub fn loaded(&mut self) -> Result<Result<String, String>, SphereError> {
        self.on(|link, way| studio::loaded(way.loader(link).as_mut()))
    }

    /// The tracks that the gate there allows us to load; `None` without a gate.
    ///
    /// # Errors
    /// The peer's.
    pub fn listed(&mut self) -> Result<Option<Vec<String>>, SphereError> {
        self.on(|link, way| match way {
            Way::Helper(_) => Helper::listed(link).map(Some),
            Way::Plain(_) => Ok(None),
        })
    }

    /// The names of all studios.
    ///
    /// # Errors
    /// The peer's.
    pub fn studios(&mut self) -> Result<Vec<String>, SphereError> {
        self.on(|link, way| ladish::names(&way.loader(link).ladish(ladish::Order::List)?))
    }
}

impl Way {
    fn loader<'a>(&'a mut self, link: &'a mut Link) -> Box<dyn Loader + 'a> {
        match self {
            Way::Helper(helper) => Box::new(helper.loader(link)),
            Way::Plain(plain) => Box::new(plain.loader(link)),
        }
    }
}

impl Peer for Remote {
    fn connect(&mut self) -> Result<(), SphereError> {
        self.opened(Instant::now() + CALL).map(|_| ())
    }

    fn load_further(&mut self, track: &str) -> Result<bool, SphereError> {
        let rules = Rules {
            limit: Duration::from_secs(u64::from(self.config.change_s)),
            unheard: self.config.heard == Some(Hearing::No),
        };
        let mut tracks = std::mem::take(&mut self.tracks);
        let step = self.on(|link, way| {
            let mut loader = way.loader(link);
            studio::load(&mut *loader, &mut tracks, rules, track, Nanos::now())
        });
        self.tracks = tracks;
        let step = step?;
        if step == Step::Loaded {
            if let Some(Way::Plain(plain)) = self.open.as_mut().map(|open| &mut open.way) {
                plain.forget_shape();
            }
            // Its JACK is another one, which may roll.
            self.stop()?;
        }
        Ok(step != Step::Underway)
    }

    fn locate(&mut self, frame: u32) -> Result<(), SphereError> {
        self.on(|link, way| match way {
            Way::Helper(helper) => helper.locate(link, frame),
            Way::Plain(plain) => plain.locate(link, frame),
        })
    }

    fn play(&mut self, rest: Duration) -> Result<(), SphereError> {
        self.on(|link, way| match way {
            Way::Helper(helper) => helper.play(link),
            Way::Plain(plain) => plain.play(link, rest),
        })?;
        self.plays = true;
        Ok(())
    }

    fn stop(&mut self) -> Result<(), SphereError> {
        self.plays = false;
        let start = Instant::now();
        let stop = |link: &mut Link, way: &mut Way| match way {
            Way::Helper(helper) => helper.stop(link),
            Way::Plain(plain) => plain.stop(link),
        };
        loop {
            let stopped = self.on_until(start + CALL, stop);
            let loads = self.tracks.is_loading();
            if stopped != Err(SphereError::NoJack) || !loads || start.elapsed() > WAIT {
                return stopped;
            }
            std::thread::sleep(LOOK);
        }
    }

    /// While it plays, a lost connection is reported and not silently renewed: with the helper, the
    /// dead man's switch is gone with the connection, and the caller plays again to arm it.
    fn position(&mut self) -> Result<Position, SphereError> {
        let ask = |link: &mut Link, way: &mut Way| match way {
            Way::Helper(helper) => helper.position(link),
            Way::Plain(plain) => plain.position(link),
        };
        if !self.plays {
            return self.on(ask);
        }
        let open = self.opened(Instant::now() + CALL)?;
        let position = ask(&mut open.link, &mut open.way);
        self.plays = position.is_ok();
        position
    }

    fn hear(&mut self) -> Result<Option<Sound>, SphereError> {
        let wanted = self.config.heard;
        if wanted == Some(Hearing::No) {
            return Ok(None);
        }
        let mut sound = self.on(|link, way| match way {
            Way::Helper(helper) => helper.sound(link),
            Way::Plain(plain) => plain.sound(link),
        })?;
        match wanted {
            Some(Hearing::Level) if sound.peak_dbfs.is_none() => Err(SphereError::NoLevel),
            Some(Hearing::Connections) => {
                sound.peak_dbfs = None;
                Ok(Some(sound))
            }
            _ => Ok(Some(sound)),
        }
    }
}
