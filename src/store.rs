//! The files of a session, each with its writer and its reader: session.json, takes.jsonl,
//! events.jsonl; and the lock of the data folder.

pub mod draft;
pub mod events;
pub mod lock;
pub mod row;
pub mod session;
pub mod takes;
