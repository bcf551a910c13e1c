//! The files of a session, each with its writer and its reader: session.json, takes.jsonl,
//! events.jsonl; the comparison of rows with recordings; and the lock of the data folder.

pub mod compare;
pub mod draft;
pub mod events;
pub mod lock;
pub mod row;
pub mod schema;
pub mod session;
pub mod takes;
