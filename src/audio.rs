//! From the sound card to the file: source, capture, blocks, recorder, RF64, repair;
//! and the card's mixer.

pub mod block;
pub mod capture;
pub mod chain;
pub mod clock;
pub mod meter;
pub mod mixer;
pub mod recorder;
pub mod repair;
pub mod rf64;
pub mod source;
