//! What is asked of the gate there, outside of the helper's channel, because loading a track restarts
//! JACK and the helper ends with it.

use std::time::Duration;

use super::Helper;
use crate::sphere::SphereError;
use crate::sphere::ladish::Order;
use crate::sphere::said::{self, accepted};
use crate::sphere::sound::Sound;
use crate::sphere::ssh::{Answer, Link};
use crate::sphere::studio::{Loader, Room};

/// What the gate answers by itself.
const QUICK: Duration = Duration::from_secs(2);
/// ladish_control, which the gate kills after 2 s.
const LADISH: Duration = Duration::from_secs(3);

/// A sphere and the connection to it.
pub(super) struct HelperLoader<'a> {
    pub(super) link: &'a mut Link,
    pub(super) helper: &'a mut Helper,
}

impl Helper {
    /// The tracks that the gate allows us to load.
    ///
    /// # Errors
    /// The gate gives no list; the connection's.
    pub fn listed(link: &mut Link) -> Result<Vec<String>, SphereError> {
        let doing = "ask for the list of tracks";
        let answer = link.run(doing, "booth-sphere tracks", QUICK)?;
        match said::under(&answer, "tracks", doing) {
            Ok(text) => {
                let lines = text.split('\n').filter(|line| !line.is_empty());
                Ok(lines.map(str::to_owned).collect())
            }
            Err(SphereError::Refused(_)) => Err(SphereError::Refused(
                "it does not say which tracks it allows; run setup there again".into(),
            )),
            Err(error) => Err(error),
        }
    }

    /// Commands for tracks do not use the kept channel.
    pub(in crate::sphere) fn loader<'a>(&'a mut self, link: &'a mut Link) -> impl Loader + 'a {
        HelperLoader { link, helper: self }
    }
}

impl Loader for HelperLoader<'_> {
    fn ladish(&mut self, order: Order<'_>) -> Result<Answer, SphereError> {
        let line = match order {
            Order::List => "booth-sphere slist".into(),
            Order::Name => "booth-sphere sname".into(),
            Order::Start => "booth-sphere sstart".into(),
            Order::Unload { room } => format!("booth-sphere punload {room}"),
            Order::Load { name, .. } => format!("booth-sphere track {name}"),
        };
        let answer = self.link.run(order.doing(), &line, LADISH)?;
        accepted(&answer)?;
        Ok(answer)
    }

    fn jack(&mut self) -> Result<(), SphereError> {
        self.helper.seen(self.link).map(|_| ())
    }

    fn sound(&mut self) -> Result<Sound, SphereError> {
        self.helper.sound(self.link)
    }

    fn rooms(&mut self) -> Result<Option<Vec<Room>>, SphereError> {
        let doing = "the question for ladish's rooms";
        let answer = self.link.run(doing, "booth-sphere rooms", LADISH)?;
        said::rooms(&answer, doing).map(Some)
    }

    fn outstanding(&mut self) -> Result<Option<(Duration, String)>, SphereError> {
        let doing = "ask for a load under way";
        let answer = self.link.run(doing, "booth-sphere loading", QUICK)?;
        said::outstanding(&answer, doing)
    }

    fn ended(&mut self, track: &str) -> Result<(), SphereError> {
        let doing = "take the mark of a load away";
        let line = format!("booth-sphere loaded {track}");
        let answer = self.link.run(doing, &line, QUICK)?;
        said::done(&answer, doing)
    }

    fn has_stray(&mut self) -> Result<bool, SphereError> {
        let doing = "look for a jackd";
        let answer = self.link.run(doing, "booth-sphere stray", QUICK)?;
        said::stray(&answer, doing)
    }
}
