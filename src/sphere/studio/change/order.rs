//! What is there before an order, and the order.

use super::{Change, SETTLED, Sight, Stage, Turn};
use crate::rt::Nanos;
use crate::sphere::SphereError;
use crate::sphere::ladish::{self, Order, Track};
use crate::sphere::studio::{Believed, Loader, Room};

impl Change {
    /// Whether the names of all studios are known; asked for once, false while ladish is busy.
    pub(super) fn knows(
        &mut self,
        studio: &str,
        loader: &mut dyn Loader,
    ) -> Result<bool, SphereError> {
        if !self.known.is_empty() {
            return Ok(true);
        }
        let list = loader.ladish(Order::List)?;
        let Some(known) = self.answered(ladish::names(&list))? else {
            return Ok(false);
        };
        if !known.iter().any(|name| name == studio) {
            let track = self.track.clone();
            return Err(SphereError::UnknownTrack { track, known });
        }
        self.known = known;
        Ok(true)
    }

    /// A studio: what is there now, and an order where it is not.
    pub(super) fn studio(
        &mut self,
        studio: &str,
        loader: &mut dyn Loader,
        now: Nanos,
    ) -> Result<Turn, SphereError> {
        if !self.knows(studio, loader)? {
            return Ok(Turn::Wait);
        }
        match self.named(loader)? {
            None => Ok(Turn::Wait),
            Some(Ok(name)) if name == studio => {
                self.before = Some(name);
                self.is_kept(loader, now)
            }
            Some(Ok(name)) => {
                self.before = Some(name);
                Ok(Turn::To(Stage::Leave))
            }
            Some(Err(_)) if self.persists(Sight::NoStudio, SETTLED, now) => {
                Ok(Turn::To(Stage::Leave))
            }
            Some(Err(_)) => Ok(Turn::Wait),
        }
    }

    /// A project: what runs in its room now, and an order where it does not.
    pub(super) fn project(
        &mut self,
        room: &str,
        folder: &str,
        loader: &mut dyn Loader,
        believed: &Option<Believed>,
        now: Nanos,
    ) -> Result<Turn, SphereError> {
        let Some(named) = self.named(loader)? else {
            return Ok(Turn::Wait);
        };
        let Ok(studio) = named else {
            return Err(SphereError::NoStudio(self.track.clone()));
        };
        let rooms = loader.rooms();
        let Some(rooms) = self.answered(rooms)? else {
            return Ok(Turn::Wait);
        };
        let runs = match &rooms {
            Some(rooms) => running(rooms, room)? == Some(folder),
            None => believed
                .as_ref()
                .is_some_and(|believed| believed.track == self.track && believed.studio == studio),
        };
        if !answers(loader)? {
            if !self.persists(Sight::NoJack, SETTLED, now) {
                return Ok(Turn::Wait);
            }
            let (track, waited_s) = (studio, SETTLED.as_secs());
            return Err(SphereError::NoJackUnder { track, waited_s });
        }
        self.before = Some(studio);
        if runs {
            self.is_kept(loader, now)
        } else {
            Ok(Turn::To(Stage::Leave))
        }
    }

    /// It is named: it is there if JACK is, and something is connected; else it is ordered anew.
    fn is_kept(&mut self, loader: &mut dyn Loader, now: Nanos) -> Result<Turn, SphereError> {
        let missing = if !answers(loader)? {
            Sight::NoJack
        } else if self.rules.unheard || connections(loader)? > 0 {
            return Ok(Turn::Done);
        } else {
            Sight::Unconnected
        };
        if !self.persists(missing, SETTLED, now) {
            return Ok(Turn::Wait);
        }
        if missing == Sight::Unconnected && loader.has_stray()? {
            return Err(SphereError::Stray);
        }
        Ok(Turn::To(Stage::Leave))
    }

    /// ladish 2.1 aborts if a studio is left while a project runs in it: each is ended first. Then
    /// the track is ordered.
    pub(super) fn leave(
        &mut self,
        track: Track<'_>,
        loader: &mut dyn Loader,
        believed: &mut Option<Believed>,
    ) -> Result<Turn, SphereError> {
        if let Track::Studio(_) = track
            && self.before.is_some()
        {
            let rooms = loader.rooms();
            let Some(rooms) = self.answered(rooms)? else {
                return Ok(Turn::Wait);
            };
            let rooms = rooms.unwrap_or_else(|| believed_rooms(believed));
            let busy = rooms.iter().filter(|room| room.project.is_some());
            let mut is_left = true;
            for room in busy {
                is_left = false;
                self.found = format!("the project in room `{}` still runs", room.name);
                let order = Order::Unload { room: &room.name };
                let answer = loader.ladish(order)?;
                self.answered(order.done(&answer))?;
            }
            *believed = None;
            if !is_left {
                return Ok(Turn::Wait);
            }
        }
        self.order(track, loader, believed)
    }

    pub(super) fn order(
        &mut self,
        track: Track<'_>,
        loader: &mut dyn Loader,
        believed: &mut Option<Believed>,
    ) -> Result<Turn, SphereError> {
        let name = self.track.clone();
        if self.is_ordered {
            // The order before this one was lost, and its mark is no more than in the way.
            loader.ended(&name)?;
            self.is_ordered = false;
        }
        let order = Order::Load { track, name: &name };
        let answer = match loader.ladish(order) {
            Err(SphereError::AnotherLoad) => {
                (self.stage, self.seen, self.is_own) = (Stage::Mark, None, false);
                return Ok(Turn::Wait);
            }
            answer => answer?,
        };
        // An order without an answer waits in the bus until ladish has time for it.
        if let Err(error) = self.answered(order.done(&answer)) {
            loader.ended(&name)?;
            return Err(error);
        }
        (self.is_ordered, self.is_own, self.is_started) = (true, true, false);
        *believed = match (track, &self.before) {
            (Track::Project { .. }, Some(studio)) => Some(Believed {
                track: name,
                studio: studio.clone(),
            }),
            _ => None,
        };
        Ok(Turn::To(Stage::Name))
    }
}

/// The room of the project that is believed to run.
fn believed_rooms(believed: &Option<Believed>) -> Vec<Room> {
    let track = believed
        .as_ref()
        .map(|believed| Track::read(&believed.track));
    match track {
        Some(Ok(Track::Project { room, folder })) => vec![Room {
            name: room.into(),
            project: Some(folder.into()),
        }],
        _ => Vec::new(),
    }
}

/// The folder of the project that runs in `room`.
pub(super) fn running<'a>(rooms: &'a [Room], room: &str) -> Result<Option<&'a str>, SphereError> {
    match rooms.iter().find(|it| it.name == room) {
        Some(room) => Ok(room.project.as_deref()),
        None => Err(SphereError::NoRoom {
            room: SphereError::quoted(room.as_bytes()),
            known: rooms.iter().map(|room| room.name.clone()).collect(),
        }),
    }
}

/// Whether what ladish names is what was ordered as `track`.
pub(super) fn is_of(track: &str, named: &Result<String, String>) -> bool {
    match Track::read(track) {
        Ok(Track::Studio(studio)) => named.as_deref() == Ok(studio),
        _ => named.is_ok(),
    }
}

/// Whether JACK answers.
pub(super) fn answers(loader: &mut dyn Loader) -> Result<bool, SphereError> {
    match loader.jack() {
        Err(SphereError::NoJack) => Ok(false),
        answer => answer.map(|()| true),
    }
}

pub(super) fn connections(loader: &mut dyn Loader) -> Result<u32, SphereError> {
    Ok(loader.sound()?.connections)
}
