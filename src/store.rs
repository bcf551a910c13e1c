//! The data folder: sessions, their takes and events; and the clerk, who keeps all but the takes.

pub mod clerk;
pub mod events;
pub mod export;
pub mod folder;
mod losses;
pub mod recover;
pub mod resume;
pub mod row;
pub mod takes;
