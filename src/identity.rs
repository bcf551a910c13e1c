//! People without their names: withdrawal codes and the public names they give sessions, keys
//! sealed to the operator, sealed takes.
//!
//! Nothing here knows of booth, session or screen. No name, code or key reaches a log.

pub mod code;
pub mod consents;
pub mod erase;
pub mod kept;
pub mod keyring;
pub mod links;
pub mod mention;
pub mod operator;
pub mod participant;
pub mod pending;
pub mod place;
pub mod receipt;
pub mod seal;
pub mod stream;
pub mod tombstone;
pub mod tombstone_room;
