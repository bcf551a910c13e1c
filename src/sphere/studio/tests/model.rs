//! A sphere with ladish in memory, which does what it is set to, on a clock that is set.

use super::super::*;
use super::LIMIT;
use crate::sphere::LOOK;
use crate::sphere::ladish::Track;

/// What happens at a time, in milliseconds from the beginning.
pub(super) type Happening = (u64, fn(&mut Model));

/// A sphere with ladish, in memory.
pub(super) struct Model {
    pub(super) studios: Vec<&'static str>,
    pub(super) name: Option<String>,
    pub(super) jack: bool,
    pub(super) connections: u32,
    pub(super) blocked: bool,
    pub(super) rooms: Option<Vec<Room>>,
    pub(super) mark: Option<(Nanos, String)>,
    pub(super) stray: bool,
    /// What another orders just before the next order.
    pub(super) quicker: Option<&'static str>,
    /// Whether an order to load is carried out at once.
    pub(super) obeys: bool,
    pub(super) now: Nanos,
    /// Each order, as its words.
    pub(super) orders: Vec<String>,
}

impl Model {
    /// The studio `noise` is loaded, and sounds.
    pub(super) fn new() -> Model {
        Model {
            studios: vec!["noise", "other", "house"],
            name: Some("noise".into()),
            jack: true,
            connections: 2,
            blocked: false,
            rooms: Some(vec![Room {
                name: "hall".into(),
                project: None,
            }]),
            mark: None,
            stray: false,
            quicker: None,
            obeys: true,
            now: Nanos(1_000_000_000),
            orders: Vec::new(),
        }
    }

    pub(super) fn ms(&self) -> u64 {
        (self.now.0 - 1_000_000_000) / 1_000_000
    }

    /// Loads `name` while the happenings happen; how it ended, and after how many milliseconds.
    pub(super) fn load(
        &mut self,
        name: &str,
        happenings: &[Happening],
    ) -> (Result<Step, SphereError>, u64) {
        let rules = Rules {
            limit: LIMIT,
            unheard: false,
        };
        let mut tracks = Tracks::default();
        let mut happenings = happenings.iter().peekable();
        loop {
            while let Some((_, happening)) = happenings.next_if(|(at, _)| *at <= self.ms()) {
                happening(self);
            }
            let now = self.now;
            match load(self, &mut tracks, rules, name, now) {
                Ok(Step::Underway) => self.now = self.now + LOOK,
                end => return (end, self.ms()),
            }
        }
    }

    #[track_caller]
    pub(super) fn ordered(&self, orders: &[&str]) {
        assert_eq!(self.orders, orders);
    }
}

impl Loader for Model {
    fn ladish(&mut self, order: Order<'_>) -> Result<Answer, SphereError> {
        if let Order::Load { name, .. } = order {
            if let Some(quicker) = self.quicker.take() {
                self.mark = Some((self.now, quicker.into()));
            }
            let is_outstanding = |(at, _): &(Nanos, String)| self.now.since(*at).as_secs() < 600;
            if self.mark.as_ref().is_some_and(is_outstanding) {
                return Err(SphereError::AnotherLoad);
            }
            self.mark = Some((self.now, name.into()));
        }
        let is_order = !matches!(order, Order::List | Order::Name);
        if is_order {
            self.orders.push(order.words().join(" "));
        }
        if self.blocked {
            return Ok(Answer::new("", 137));
        }
        let said = match order {
            Order::List => self
                .studios
                .iter()
                .fold(String::from("--- studio list\n"), |all, name| {
                    all + &format!("\"{name}\" last modified on a day\n")
                }),
            Order::Name => match &self.name {
                Some(name) => format!("--- studio get name\n\"{name}\"\n"),
                None => "--- studio get name\nDBus exception: UnknownMethod GetName\n\n".into(),
            },
            Order::Start => {
                self.jack |= self.obeys;
                "--- studio start\n".into()
            }
            Order::Unload { room } => {
                let rooms = self.rooms.iter_mut().flatten();
                for it in rooms.filter(|it| it.name == room) {
                    it.project = None;
                }
                "--- unload project\n".into()
            }
            Order::Load { track, .. } => match track {
                Track::Studio(studio) => {
                    if self.obeys {
                        self.name = Some(studio.into());
                        (self.jack, self.connections) = (true, 2);
                    }
                    "--- studio load\n".into()
                }
                Track::Project { room, folder } => {
                    let rooms = self.rooms.iter_mut().flatten();
                    for it in rooms.filter(|it| it.name == room) {
                        it.project = self.obeys.then(|| folder.into());
                    }
                    "--- load project\n".into()
                }
            },
        };
        Ok(Answer::new(said, 0))
    }

    fn jack(&mut self) -> Result<(), SphereError> {
        if self.jack {
            Ok(())
        } else {
            Err(SphereError::NoJack)
        }
    }

    fn sound(&mut self) -> Result<Sound, SphereError> {
        self.jack()?;
        Ok(Sound {
            connections: self.connections,
            ..Sound::default()
        })
    }

    fn rooms(&mut self) -> Result<Option<Vec<Room>>, SphereError> {
        Ok(self.rooms.clone())
    }

    fn outstanding(&mut self) -> Result<Option<(Duration, String)>, SphereError> {
        let mark = self.mark.as_ref();
        Ok(mark.map(|(at, name)| (self.now.since(*at), name.clone())))
    }

    fn ended(&mut self, track: &str) -> Result<(), SphereError> {
        self.mark.take_if(|(_, name)| name == track);
        Ok(())
    }

    fn has_stray(&mut self) -> Result<bool, SphereError> {
        Ok(self.stray)
    }
}
