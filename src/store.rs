//! The data folder: sessions, their takes and events; and the clerk, who keeps all but the takes.

pub mod events;
pub mod folder;
pub mod row;
pub mod takes;
