//! An unattended multichannel voice-recording booth.
//!
//! Capture runs as long as the box is up; a take is a pair of frame numbers in that stream. The
//! parts and what each may wait on:
//!
//! | thread | module | policy | may wait on | never |
//! |---|---|---|---|---|
//! | `main` | `booth` | normal | buttons, 10 ms at most; one band of at most 16 KiB over SPI a turn | touches audio, disk, network |
//! | `capture` | `audio::capture` | real time | one ALSA period | while running: allocates, locks, logs, opens files |
//! | `recorder` | `recorder` | normal | the disk | drops a block unsaid |
//! | `clerk` | `clerk` | normal | the disk, the mixer | is waited for by `main`; opens a take being recorded |
//! | `sealer` | `recorder::sealer` | nice 10 | the disk | costs the recorder its disk |
//! | `sphere` | `sphere` | normal | the network, each call bounded | is waited for by `main` |
//!
//! ```text
//!  buttons ─┐                          Screen ──▶ panel (SPI, terminal, PNG)
//!  tick ────┤ Event  ┌──────────────┐
//!  takes ───┼──────▶ │ session      │ Action ──▶ recorder (begin, may end, end, amend)
//!  sphere ──┤        │ pure: no I/O │        ──▶ clerk, sphere (track, locate, play, stop)
//!  faults ──┘        └──────────────┘
//!  ALSA ─▶ capture ══ filled blocks ══▶ recorder ─▶ take-0001.rf64 + takes.jsonl
//!               ▲════ free blocks ═══════┘
//! ```
//!
//! Guarantees: no captured frame is lost unsaid; nothing between takes is ever written; a kill at any
//! moment leaves files that open, and the next start makes them whole; time is an argument everywhere
//! below `booth`.
//!
//! Reading on: [`booth`] is the loop that ties the threads together; [`session`] says what each press
//! means; a press becomes a take in [`recorder`] and a row in [`store`].

pub mod audio;
pub mod board;
pub mod booth;
pub mod clerk;
pub mod cli;
pub mod config;
pub mod corpus;
pub mod dataset;
pub mod embedded;
pub mod files;
pub mod forget;
pub mod identity;
pub mod lang;
pub mod recorder;
pub mod rt;
pub mod screen;
pub mod session;
pub mod sphere;
pub mod store;
pub mod words;
