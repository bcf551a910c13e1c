//! The data folder: rows of takes and events.

pub mod row;
