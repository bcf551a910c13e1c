//! An unattended multichannel voice-recording booth.
//!
//! Capture runs as long as the box is up; a take is a pair of frame numbers in that stream. The
//! threads and what each may wait on:
//!
//! | thread | module | policy | may wait on | never |
//! |---|---|---|---|---|
//! | `main` | `booth` | normal | buttons, 10 ms at most; one band of at most 16 KiB over SPI a turn | touches audio, disk, network |
//! | `capture` | `audio::capture` | real time | one ALSA period | while running: allocates, locks, logs, opens files |
//! | `recorder` | `recorder` | normal | blocks | drops a block without reporting it |
//! | `writer` | `recorder::writer` | normal | the disk | changes the recorder's order |
//! | `clerk` | `clerk` | normal | the disk, the mixer | is waited for by `main`; opens a take being recorded |
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
//! The rooms, from the top: each imports only rooms below it.
//!
//! | room | what it does |
//! |---|---|
//! | [`cli`] | the command grammar; one file per command |
//! | [`booth`] | assembly: the main loop, the list of threads, the health of the box |
//! | [`session`] | the pure core: what a press, a second or a fault means; one file per scene |
//! | [`clerk`] | the thread for all files but takes: lines ahead, journal, recovery, space |
//! | [`forget`] | erasing a person, here and in copies |
//! | [`dataset`] | the export, its table and sums, and its cleaner |
//! | [`sphere`] | the remote loudspeakers: commands in, verified replies out |
//! | [`recorder`] | cuts takes out of the stream, writes them, plain or sealed, and repairs them |
//! | [`identity`] | codes, keys, seals, tombstones, receipts |
//! | [`store`] | session.json, takes.jsonl, events.jsonl: writer and reader of each |
//! | [`board`] | buttons and panel, of a Pi or simulated |
//! | [`screen`] | what is shown, as a value, and its drawing |
//! | [`lang`] | the words of each language |
//! | [`config`] | booth.toml |
//! | [`audio`] | source, capture, levels, RF64, mixer |
//! | [`corpus`] | the text that is read aloud, any line of it by number |
//! | [`files`] | small files, JSON lines, texts, the layout of DATA |
//! | [`words`] | the small values that every room speaks of |
//! | [`embedded`] | every text inside the program |
//! | [`rt`] | what the operating system must be asked in C |
//!
//! Guarantees: no captured frame is lost without a report; nothing between takes is ever written; a
//! kill at any moment leaves files that open, and the next start makes them whole. Time is an argument
//! in `session`, in the sphere's course and in the timers: none of them reads a clock.
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
