//! The pure core of a session: what the experiment asks for and what follows each event.

pub mod protocol;
