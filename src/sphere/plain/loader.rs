//! Loading with ladish_control and JACK's tools alone.

use std::time::Duration;

use super::lines::{BUS, CALL, FOLDER, HAS_LADISH, LADISH, LOADED, LOADING, MARK, STRAY};
use super::rooms::{self, Said};
use super::{LINE, Plain, shown};
use crate::sphere::ladish::Order;
use crate::sphere::sound::Sound;
use crate::sphere::ssh::{Answer, Link};
use crate::sphere::studio::{Loader, Room};
use crate::sphere::{SphereError, said, shell};

/// A sphere and the connection to it.
pub(super) struct PlainLoader<'a> {
    pub(super) link: &'a mut Link,
    pub(super) plain: &'a mut Plain,
}

const ROOMS: &str = "the question for ladish's rooms";

impl PlainLoader<'_> {
    fn run(
        &mut self,
        doing: &'static str,
        parts: &[&str],
        words: &[&str],
    ) -> Result<Answer, SphereError> {
        let line = shell::script(&parts.concat(), words);
        self.link.run(doing, &line, LINE)
    }

    /// Calls a method of ladish's; `read` reads what gdbus or busctl print.
    fn call<T>(
        &mut self,
        words: [&str; 3],
        read: impl Fn(Said<'_>) -> Option<T>,
    ) -> Result<T, SphereError> {
        let answer = self.run(ROOMS, &[BUS, CALL], &words)?;
        let found = if answer.out.starts_with(b"--- busctl\n") {
            read(Said::Busctl(said::under(&answer, "busctl", ROOMS)?))
        } else {
            read(Said::Gdbus(said::under(&answer, "gdbus", ROOMS)?))
        };
        found.ok_or_else(|| answer.unclear(ROOMS))
    }
}

impl Loader for PlainLoader<'_> {
    fn ladish(&mut self, order: Order<'_>) -> Result<Answer, SphereError> {
        let words = order.words();
        let answer = match order {
            Order::Load { name, .. } => {
                let words = [&[name], &words[..]].concat();
                let parts = [FOLDER, BUS, HAS_LADISH, MARK, LADISH];
                self.run(order.doing(), &parts, &words)?
            }
            Order::List | Order::Name | Order::Start | Order::Unload { .. } => {
                self.run(order.doing(), &[BUS, HAS_LADISH, LADISH], &words)?
            }
        };
        said::accepted(&answer)?;
        Ok(answer)
    }

    fn jack(&mut self) -> Result<(), SphereError> {
        shown(self.link).map(|_| ())
    }

    fn sound(&mut self) -> Result<Sound, SphereError> {
        self.plain.sound(self.link)
    }

    fn rooms(&mut self) -> Result<Option<Vec<Room>>, SphereError> {
        let studio = ["/org/ladish/Studio", "org.ladish.Studio", "GetRoomList"];
        let listed = match self.call(studio, rooms::list) {
            Err(SphereError::NoTool(_)) => return Ok(None),
            listed => listed?,
        };
        let mut all = Vec::new();
        for (path, name) in listed {
            let room = [&*path, "org.ladish.Room", "GetProjectProperties"];
            let project = self.call(room, rooms::project)?;
            all.push(Room { name, project });
        }
        Ok(Some(all))
    }

    fn outstanding(&mut self) -> Result<Option<(Duration, String)>, SphereError> {
        let doing = "ask for a load under way";
        let answer = self.run(doing, &[FOLDER, LOADING], &[])?;
        said::outstanding(&answer, doing)
    }

    fn ended(&mut self, track: &str) -> Result<(), SphereError> {
        let doing = "take the mark of a load away";
        let answer = self.run(doing, &[FOLDER, LOADED], &[track])?;
        said::done(&answer, doing)
    }

    fn has_stray(&mut self) -> Result<bool, SphereError> {
        let doing = "look for a jackd";
        let answer = self.run(doing, &[STRAY], &[])?;
        said::stray(&answer, doing)
    }
}
