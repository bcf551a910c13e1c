//! One change of track, stage by stage.

mod order;

use std::time::Duration;

use self::order::{answers, connections, is_of, running};
use super::{Believed, Loader, Rules, Step, loaded};
use crate::rt::Nanos;
use crate::sphere::SphereError;
use crate::sphere::ladish::{Order, Track};

/// What calls for an order must have been seen for this long: no studio, a name without JACK,
/// nothing connected.
const SETTLED: Duration = Duration::from_millis(1500);
/// If ladish names neither the old nor the new studio for this long, the order was lost.
const LOST: Duration = Duration::from_secs(5);
/// If JACK is not back by then, the studio is started by an order of its own, which ladish passes
/// over where it has started it.
const START: Duration = Duration::from_secs(5);
/// If it is not back by then either, the load is ordered once more: a player that outlives its JACK
/// keeps ladish 2.1 from starting a new one, and ends with the first load.
const REPEAT: Duration = Duration::from_secs(10);

/// An order without an end is waited for, and none is given beside it: ladish 2.1 gets stuck or aborts
/// with two. What is older was forgotten by whoever gave it.
const OUTSTANDING: Duration = Duration::from_secs(600);

/// How far a change has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Another order may be outstanding.
    Mark,
    /// What is there now?
    Look,
    /// The projects of the studio that is left have to end.
    Leave,
    /// It is ordered; ladish has to name it.
    Name,
    /// It is named; JACK has to answer.
    Jack,
    /// JACK answers; it must still be named.
    Again,
    /// Something has to be connected.
    Sound,
}

/// What must be seen for a while before it is acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    NoStudio,
    NoJack,
    Unconnected,
    OtherName,
}

/// Where a stage leads.
enum Turn {
    /// To another one, at once.
    To(Stage),
    /// To the same one, in the next call.
    Wait,
    /// The track is there.
    Done,
}

/// One change of track.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) track: String,
    rules: Rules,
    began: Nanos,
    stage: Stage,
    /// The studio before the order, if one was loaded.
    before: Option<String>,
    /// The names of all studios; empty until they were asked for.
    known: Vec<String>,
    pub(super) is_ordered: bool,
    /// It was ordered by this change, not by another booth or by hand.
    is_own: bool,
    is_started: bool,
    is_repeated: bool,
    /// What is seen now, and since when.
    seen: Option<(Sight, Nanos)>,
    /// ladish gave no answer when it was asked last.
    is_blocked: bool,
    /// It still names the studio from before the order, or one that may be it.
    is_queued: bool,
    /// What was found last, for a message.
    found: String,
}

impl Change {
    pub(super) fn new(name: &str, rules: Rules, now: Nanos) -> Result<Change, SphereError> {
        Track::read(name)?;
        Ok(Change {
            track: name.into(),
            rules,
            began: now,
            stage: Stage::Mark,
            before: None,
            known: Vec::new(),
            is_ordered: false,
            is_own: false,
            is_started: false,
            is_repeated: false,
            seen: None,
            is_blocked: false,
            is_queued: false,
            found: String::new(),
        })
    }

    /// Goes as far as it gets without waiting.
    pub(super) fn look(
        &mut self,
        loader: &mut dyn Loader,
        believed: &mut Option<Believed>,
        now: Nanos,
    ) -> Result<Step, SphereError> {
        let name = self.track.clone();
        let track = Track::read(&name)?;
        loop {
            let turn = match self.stage {
                Stage::Mark => self.mark(loader, now)?,
                Stage::Look => match track {
                    Track::Studio(studio) => self.studio(studio, loader, now)?,
                    Track::Project { room, folder } => {
                        self.project(room, folder, loader, believed, now)?
                    }
                },
                Stage::Leave => self.leave(track, loader, believed)?,
                Stage::Name => self.name(track, loader, believed, now)?,
                Stage::Jack => self.jack(track, loader, believed, now)?,
                Stage::Again => self.again(track, loader)?,
                Stage::Sound => self.sound(loader)?,
            };
            match turn {
                Turn::To(stage) => {
                    self.stage = stage;
                    self.seen = None;
                }
                Turn::Wait if now.since(self.began) > self.rules.limit => {
                    return Err(self.over(loader));
                }
                Turn::Wait => return Ok(Step::Underway),
                Turn::Done if self.is_ordered => {
                    loader.ended(&self.track)?;
                    return Ok(Step::Loaded);
                }
                Turn::Done => return Ok(Step::Kept),
            }
        }
    }

    /// Whether `sight` was seen in each look for `long`.
    fn persists(&mut self, sight: Sight, long: Duration, now: Nanos) -> bool {
        match self.seen {
            Some((seen, since)) if seen == sight => now.since(since) >= long,
            _ => {
                self.seen = Some((sight, now));
                false
            }
        }
    }

    /// What ladish answered; `None` while it is busy starting or stopping something.
    fn answered<T>(&mut self, answer: Result<T, SphereError>) -> Result<Option<T>, SphereError> {
        self.is_blocked = matches!(answer, Err(SphereError::Hangs(_)));
        match answer {
            Err(error @ SphereError::Hangs(_)) => {
                self.found = error.to_string();
                // What was seen before it was busy is over.
                self.seen = None;
                Ok(None)
            }
            answer => answer.map(Some),
        }
    }

    /// The studio that is loaded, or ladish's words if there is none; `None` while it is busy.
    fn named(
        &mut self,
        loader: &mut dyn Loader,
    ) -> Result<Option<Result<String, String>>, SphereError> {
        let Some(named) = self.answered(loaded(loader))? else {
            return Ok(None);
        };
        self.found = match &named {
            Ok(name) => format!("`{}` is loaded", SphereError::quoted(name.as_bytes())),
            Err(said) => format!("no studio is loaded ({said})"),
        };
        Ok(Some(named))
    }

    /// What another booth or a command by hand has ordered is waited for; if it is this track, it
    /// is taken over. An order of which nothing came at all was lost.
    fn mark(&mut self, loader: &mut dyn Loader, now: Nanos) -> Result<Turn, SphereError> {
        let Some((age, track)) = loader.outstanding()? else {
            return Ok(Turn::To(Stage::Look));
        };
        if age >= OUTSTANDING {
            return Ok(Turn::To(Stage::Look));
        }
        if track == self.track {
            self.is_ordered = true;
            return Ok(Turn::To(Stage::Name));
        }
        let Some(named) = self.named(loader)? else {
            return Ok(Turn::Wait);
        };
        let is_lost = named.is_err() && self.persists(Sight::OtherName, LOST, now);
        let is_there = is_of(&track, &named) && answers(loader)? && connections(loader)? > 0;
        if is_lost || is_there {
            loader.ended(&track)?;
            return Ok(Turn::To(Stage::Look));
        }
        self.found = format!(
            "`{}` is still being loaded",
            SphereError::quoted(track.as_bytes())
        );
        Ok(Turn::Wait)
    }

    /// It is ordered: is it named?
    fn name(
        &mut self,
        track: Track<'_>,
        loader: &mut dyn Loader,
        believed: &mut Option<Believed>,
        now: Nanos,
    ) -> Result<Turn, SphereError> {
        let Track::Studio(studio) = track else {
            return Ok(Turn::To(Stage::Jack));
        };
        if !self.knows(studio, loader)? {
            return Ok(Turn::Wait);
        }
        let Some(named) = self.named(loader)? else {
            return Ok(Turn::Wait);
        };
        self.is_queued = false;
        // Why it is ordered again, if it is.
        let why = match named {
            Ok(name) if name == studio => return Ok(Turn::To(Stage::Jack)),
            Ok(name) if !self.known.contains(&name) && self.before.as_ref() != Some(&name) => {
                self.before = Some(name);
                Some("ladish was started anew".into())
            }
            // Of an order that is not ours it is unknown what was there before.
            Ok(name) if !self.is_own || self.before.as_ref() == Some(&name) => {
                self.is_queued = true;
                // While a player is waited for, JACK is there; without it the order was lost.
                if answers(loader)? || !self.is_own {
                    self.seen = None;
                    None
                } else {
                    let is_lost = self.persists(Sight::NoJack, REPEAT, now);
                    is_lost.then(|| format!("{} without JACK", self.found))
                }
            }
            Ok(_) | Err(_) => {
                let is_lost = self.persists(Sight::OtherName, LOST, now);
                is_lost.then(|| self.found.clone())
            }
        };
        let Some(why) = why else {
            return Ok(Turn::Wait);
        };
        log::warn!("sphere: {why}; the track is ordered again");
        self.order(track, loader, believed)
    }

    /// It is named: does JACK answer?
    fn jack(
        &mut self,
        track: Track<'_>,
        loader: &mut dyn Loader,
        believed: &mut Option<Believed>,
        now: Nanos,
    ) -> Result<Turn, SphereError> {
        if answers(loader)? {
            return Ok(Turn::To(Stage::Again));
        }
        let Some(named) = self.named(loader)? else {
            return Ok(Turn::Wait);
        };
        if let Track::Studio(studio) = track
            && named.as_deref() != Ok(studio)
        {
            self.stage = Stage::Name;
            return Ok(Turn::Wait);
        }
        if self.persists(Sight::NoJack, START, now) && self.is_own && !self.is_started {
            self.is_started = true;
            let answer = loader.ladish(Order::Start)?;
            // It may refuse, or be busy: JACK's own answer decides.
            if let Err(error) = Order::Start.done(&answer) {
                log::debug!("{error}");
            }
        }
        if self.persists(Sight::NoJack, REPEAT, now) && self.is_own && !self.is_repeated {
            self.is_repeated = true;
            log::warn!("sphere: no JACK under the track; it is ordered again");
            return self.order(track, loader, believed);
        }
        Ok(Turn::Wait)
    }

    /// JACK answers: is the track still the one that was ordered?
    fn again(&mut self, track: Track<'_>, loader: &mut dyn Loader) -> Result<Turn, SphereError> {
        let is_there = match track {
            Track::Studio(studio) => match self.named(loader)? {
                Some(named) => named.as_deref() == Ok(studio),
                None => return Ok(Turn::Wait),
            },
            Track::Project { room, folder } => {
                let rooms = loader.rooms();
                match self.answered(rooms)? {
                    Some(Some(rooms)) => {
                        let runs = running(&rooms, room)?;
                        self.found = format!("room `{room}` has {}", runs.unwrap_or("no project"));
                        runs == Some(folder)
                    }
                    // Nothing there can say so.
                    Some(None) => true,
                    None => return Ok(Turn::Wait),
                }
            }
        };
        Ok(match track {
            _ if is_there && self.rules.unheard => Turn::Done,
            _ if is_there => Turn::To(Stage::Sound),
            Track::Studio(_) => {
                self.stage = Stage::Name;
                Turn::Wait
            }
            Track::Project { .. } => Turn::Wait,
        })
    }

    /// All is there but sound: is something connected?
    fn sound(&mut self, loader: &mut dyn Loader) -> Result<Turn, SphereError> {
        match connections(loader) {
            // An older studio of the same name was still there.
            Err(SphereError::NoJack) => self.stage = Stage::Jack,
            Ok(0) => self.found = "nothing is connected".into(),
            Ok(_) => return Ok(Turn::Done),
            Err(error) => return Err(error),
        }
        Ok(Turn::Wait)
    }

    /// Why it is not there although its time is over.
    fn over(&mut self, loader: &mut dyn Loader) -> SphereError {
        let track = self.track.clone();
        let waited_s = self.rules.limit.as_secs();
        if self.is_blocked || self.is_queued || self.stage == Stage::Mark {
            // Its order may still be carried out: the mark stays.
            let found = self.found.clone();
            return SphereError::Stuck {
                track,
                waited_s,
                found,
            };
        }
        // Whoever comes next may order at once.
        if let Err(error) = loader.ended(&track) {
            return error;
        }
        match self.stage {
            Stage::Jack => SphereError::NoJackUnder { track, waited_s },
            Stage::Sound if loader.has_stray() == Ok(true) => SphereError::Stray,
            Stage::Sound => SphereError::Unconnected,
            _ => SphereError::TrackNotThere {
                track,
                waited_s,
                found: self.found.clone(),
            },
        }
    }
}
