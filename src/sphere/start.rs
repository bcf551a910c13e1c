//! From where a track is played, as the session asks for it and the sphere's thread does it.

/// From where a track is played. A moment is a capture frame for the session, and a time for the
/// sphere's thread, which knows no capture frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start<Moment> {
    /// Seconds from its beginning.
    Second(f64),
    /// Where it was stopped; where it should have stood at this moment, if it could not be.
    Stood(Moment),
}

impl<Moment> Start<Moment> {
    /// The same place, with its moment on another clock.
    pub fn map<Other>(self, other: impl FnOnce(Moment) -> Other) -> Start<Other> {
        match self {
            Start::Second(seconds) => Start::Second(seconds),
            Start::Stood(moment) => Start::Stood(other(moment)),
        }
    }
}
