//! The data folder: rows of takes and events.

pub mod events;
pub mod folder;
pub mod row;
pub mod takes;
