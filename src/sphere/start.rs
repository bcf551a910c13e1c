//! The place from which a track is played: the session asks for it, and the sphere's thread goes
//! there.

/// The place from which a track is played. A moment is a capture frame for the session, and a time
/// for the sphere's thread, which knows no capture frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start<Moment> {
    /// Seconds from the track's beginning.
    Second(f64),
    /// Where it was stopped; if that is not possible, where it should have been at this moment.
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
